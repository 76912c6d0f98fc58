import { useEffect, useRef } from 'preact/hooks';
import { useSignal } from '@preact/signals';
import type { Schemas } from '../api/client';
import { bytes, count, percent, time } from '../lib/format';

type Status = Schemas['Status'];

/** What the agent takes and keeps, each with its limit. */
export function Resources({ status }: { status: Status }) {
  const { memory, series, calls, history, store } = status;
  return (
    <ul class="node-gauges" aria-label="What the agent takes">
      <Gauge name="Memory" used={memory.resident_bytes} limit={memory.limit_bytes} format={bytes} note={`${bytes(memory.managed_bytes)} of it managed`} />
      <Cpu status={status} />
      <Gauge name="Series" used={series.used} limit={series.limit} format={count} note="combinations of workload, route, status" />
      <Gauge name="Calls" used={calls.used} limit={calls.limit} format={count} note="who calls whom" />
      <Gauge name="Recent history" used={history.bytes} limit={history.max_bytes} format={bytes} note={history.since === null ? 'nothing yet' : `${count(history.windows)} windows of 10 s, since ${time(history.since).slice(0, -4)}`} />
      {store
        ? <Gauge name="Store" used={store.bytes} limit={store.max_bytes} format={bytes} note={store.since === null ? 'nothing yet' : `since ${time(store.since).slice(0, -4)}`} />
        : <li class="gauge"><span class="gauge-name">Store</span><strong>off</strong><span class="gauge-note">Set sinks.sqlite.enabled to keep days of history and the request log</span></li>}
    </ul>
  );
}

// From here on somebody should know.
const nearly = 0.9;

function Gauge({ name, used, limit, format, note }: { name: string; used: number; limit: number | null; format: (value: number) => string; note: string }) {
  const share = limit === null || limit === 0 ? null : used / limit;
  return (
    <li class={share !== null && share >= nearly ? 'gauge is-full' : 'gauge'}>
      <span class="gauge-name">{name}</span>
      <strong class="num">{format(used)}</strong>
      {share !== null && limit !== null && (
        <>
          <span class="gauge-of num">of {format(limit)}, {percent(share)}</span>
          <span class="gauge-bar" aria-hidden="true"><span style={{ width: `${Math.min(100, share * 100)}%` }} /></span>
        </>
      )}
      <span class="gauge-note">{note}</span>
    </li>
  );
}

/** Processor time since the last look; over all the time until there are two. */
function Cpu({ status }: { status: Status }) {
  const last = useRef<{ now: string; cpuS: number } | null>(null);
  const recent = useSignal<number | null>(null);
  useEffect(() => {
    const before = last.current;
    const seconds = before ? (Date.parse(status.now) - Date.parse(before.now)) / 1000 : 0;
    if (before && seconds >= 1 && status.cpu_seconds >= before.cpuS) {
      recent.value = (status.cpu_seconds - before.cpuS) / seconds;
    }
    if (!before || seconds >= 1 || status.cpu_seconds < before.cpuS) {
      last.current = { now: status.now, cpuS: status.cpu_seconds };
    }
  }, [status.now]);
  const always = status.uptime_s > 0 ? status.cpu_seconds / status.uptime_s : 0;
  return (
    <li class="gauge">
      <span class="gauge-name">Processor</span>
      <strong class="num">{percent(recent.value ?? always)}</strong>
      <span class="gauge-of">of one core, {recent.value === null ? 'since the start' : 'now'}</span>
      <span class="gauge-note num">{percent(always)} since the start</span>
    </li>
  );
}
