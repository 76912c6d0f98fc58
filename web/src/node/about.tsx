import type { Schemas } from '../api/client';
import { Card } from '../components/parts';
import { count, time } from '../lib/format';

/** Versions, times, readers. */
export function About({ status }: { status: Schemas['Status'] }) {
  const facts: [string, string][] = [
    ['Version', status.version],
    ['Commit', status.commit],
    ['Runtime', status.runtime],
    ['Kernel', status.kernel],
    ['Node', status.node],
    ['Running for', uptime(status.uptime_s)],
    ['Started', time(status.started).slice(0, -4)],
    ['Live readers', count(status.watchers)],
    ['Store', status.store?.path ?? 'off'],
  ];
  return (
    <Card title="Agent">
      <dl class="node-about">
        {facts.map(([name, value]) => <div key={name}><dt>{name}</dt><dd class="break">{value}</dd></div>)}
      </dl>
    </Card>
  );
}

/** 93784 → "1 d 2 h"; the two largest units are enough. */
export function uptime(seconds: number): string {
  const units: [string, number][] = [['d', 86_400], ['h', 3600], ['min', 60], ['s', 1]];
  let rest = seconds;
  const parts = units.flatMap(([unit, size]) => {
    const value = Math.floor(rest / size);
    rest -= value * size;
    return value > 0 ? [`${value} ${unit}`] : [];
  });
  return parts.slice(0, 2).join(' ') || '0 s';
}
