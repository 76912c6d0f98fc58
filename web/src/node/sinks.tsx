import type { Schemas } from '../api/client';
import { Icon } from '../components/icons';
import { Card } from '../components/parts';
import { drops } from '../lib/completeness';
import { count } from '../lib/format';

const names: Record<string, string> = { sqlite: 'SQLite', influxdb: 'InfluxDB', otlp: 'OpenTelemetry', jsonlog: 'JSON log', prometheus: 'Prometheus' };

/** Where the agent writes to: how that is, what went out, what waits, what was lost. */
export function Sinks({ sinks, ledger }: { sinks: readonly Schemas['Sink'][]; ledger: Schemas['Ledger'] | null }) {
  const losses = ledger ? drops(ledger).filter((drop) => drop.isLoss) : [];
  return (
    <Card title="Sinks">
      {sinks.length === 0 && <p class="muted">None. What is seen is on this page, at /metrics and nowhere else; sinks.* of the configuration turns them on.</p>}
      <ul class="node-sinks">
        {sinks.map((sink) => {
          const stages = ledger?.stages.filter((stage) => sink.stages.includes(stage.name)) ?? [];
          return (
            <li key={sink.id} class={sink.trouble === null ? 'sink' : 'sink is-off'}>
              <div class="sink-head">
                <Icon name={sink.trouble === null ? 'check' : 'warn'} />
                <strong>{names[sink.id] ?? sink.id}</strong>
                <span class={sink.trouble === null ? 'muted' : 'errors'}>{sink.trouble ?? 'well'}</span>
              </div>
              {stages.length > 0 && (
                <ul class="sink-stages num">
                  {stages.map((stage) => {
                    const lost = losses.filter((drop) => drop.stage === stage.name).reduce((sum, drop) => sum + drop.count, 0);
                    return (
                      <li key={stage.name}>
                        <span>{stage.unit.replaceAll('_', ' ')}</span>
                        <span>{count(stage.out)} out</span>
                        <span class={stage.held > 0 ? undefined : 'muted'}>{count(stage.held)} waiting</span>
                        <span class={lost > 0 ? 'errors' : 'muted'}>{count(lost)} lost</span>
                      </li>
                    );
                  })}
                </ul>
              )}
            </li>
          );
        })}
      </ul>
    </Card>
  );
}
