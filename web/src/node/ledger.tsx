import type { Schemas } from '../api/client';
import { Card } from '../components/parts';
import { type Drop, drops, notes } from '../lib/completeness';
import { bytes, count, percent } from '../lib/format';
import { groupBy, stageGroups, stageName } from './words';

type Stage = Schemas['Stage'];

/** The ledger as a way: each stage with what came in, went on, waits, and was dropped for which reason. */
export function LedgerFlow({ ledger, sinkStages }: { ledger: Schemas['Ledger']; sinkStages: ReadonlySet<string> }) {
  const dropped = groupBy(drops(ledger), (drop) => drop.stage);
  const remarks = notes(ledger);
  return (
    <Card title="Ledger" tools={<LedgerKey />}>
      {stageGroups(ledger.stages, sinkStages).map((group) => (
        <section key={group.title} class="ledger-group">
          <h3>{group.title}</h3>
          <ol class="ledger">
            {group.stages.map((stage) => <StageRow key={stage.name} stage={stage} dropped={dropped.get(stage.name) ?? []} />)}
          </ol>
        </section>
      ))}
      {remarks.length > 0 && (
        <section class="ledger-group">
          <h3>Beside it</h3>
          <ul class="muted">{remarks.map((remark) => <li key={remark}>{remark}</li>)}</ul>
        </section>
      )}
    </Card>
  );
}

/** What the bars mean. */
function LedgerKey() {
  return (
    <span class="row muted ledger-keys">
      <span><span class="stage-bar ledger-key"><span class="is-out" /></span> went on</span>
      <span><span class="stage-bar ledger-key"><span class="is-left" /></span> left out on purpose</span>
      <span><span class="stage-bar ledger-key"><span class="is-lost" /></span> lost</span>
    </span>
  );
}

function amount(value: number, unit: string): string {
  return unit === 'bytes' ? bytes(value) : count(value);
}

// What is counted right now may be in one count and not yet in the other.
const restShare = 0.001;

/** True when more is missing than what is on its way between two counters. */
export function isUnbalanced(stage: Pick<Stage, 'in' | 'unaccounted' | 'unit'>): boolean {
  return Math.abs(stage.unaccounted) > Math.max(stage.unit === 'bytes' ? 65_536 : 64, stage.in * restShare);
}

function StageRow({ stage, dropped }: { stage: Stage; dropped: readonly Drop[] }) {
  const unit = stage.unit.replaceAll('_', ' ');
  const lost = dropped.filter((drop) => drop.isLoss).reduce((sum, drop) => sum + drop.count, 0);
  const left = dropped.filter((drop) => !drop.isLoss).reduce((sum, drop) => sum + drop.count, 0);
  const share = (value: number) => `${(stage.in === 0 ? 0 : value / stage.in) * 100}%`;
  const wrong = isUnbalanced(stage);
  return (
    <li class={wrong ? 'stage is-wrong' : 'stage'}>
      <div class="stage-name">
        <span>{stageName(stage.name)}</span> <span class="muted">{unit}</span>
      </div>
      <div class="stage-figures num">
        <span>{amount(stage.in, stage.unit)}</span>
        <span class="muted" aria-label="in, out">→</span>
        <span>{amount(stage.out, stage.unit)}</span>
        {stage.held > 0 && <span class="muted">{amount(stage.held, stage.unit)} held</span>}
      </div>
      <div class="stage-bar" role="img" aria-label={`${percent(stage.in === 0 ? 0 : stage.out / stage.in)} went on, ${percent(stage.in === 0 ? 0 : left / stage.in)} left out on purpose, ${percent(stage.in === 0 ? 0 : lost / stage.in)} lost`}>
        <span class="is-out" style={{ width: share(stage.out) }} />
        <span class="is-left" style={{ width: share(left) }} />
        <span class="is-lost" style={{ width: share(lost), minWidth: lost > 0 ? '3px' : '0' }} />
      </div>
      {wrong && <p class="errors">{count(Math.abs(stage.unaccounted))} {unit} are in no account: the agent has an error; please report it.</p>}
      {dropped.length > 0 && (
        <ul class="stage-drops">
          {dropped.map((drop) => (
            <li key={drop.reason} class={drop.isLoss ? 'is-loss' : undefined}>
              <span class="num">{amount(drop.count, stage.unit)}</span>
              <code>{drop.reason}</code>
              <span class="muted">{drop.words}</span>
            </li>
          ))}
        </ul>
      )}
    </li>
  );
}
