import type { Schemas } from '../api/client';
import { bytes, count } from './format';

export type Event = Schemas['Event'];

/** What a type of event is called. */
export const eventNames = { oomkill: 'OOM kill', tcpsynbl: 'Accept queue full' } as const;

/** Events that are near to each other on the strip, newest first. */
export interface EventMark {
  /** Where, from 0 at the range's start to 1. */
  at: number;
  type: Event['event'];
  events: Event[];
}

/** Puts events of one type that are nearer than one of so many places together; a mark is where its newest event is, so that marks do not cover each other. */
export function marksOf(events: readonly Event[], sinceS: number, untilS: number, places: number): EventMark[] {
  const placed = events
    .map((event) => ({ event, at: (Date.parse(event.time) / 1000 - sinceS) / (untilS - sinceS) }))
    .filter(({ at }) => at >= 0 && at <= 1)
    .sort((a, b) => b.at - a.at);
  const marks: EventMark[] = [];
  const last = new Map<Event['event'], EventMark>();
  for (const { event, at } of placed) {
    const near = last.get(event.event);
    if (near && near.at - at < 1 / places) {
      near.events.push(event);
    } else {
      const mark = { at, type: event.event, events: [event] };
      marks.push(mark);
      last.set(event.event, mark);
    }
  }
  return marks.reverse();
}

function text(event: Event, name: string): string | null {
  const value = event[name];
  return typeof value === 'string' && value !== '' ? value : typeof value === 'number' ? String(value) : null;
}

function size(event: Event, name: string): string | null {
  const value = event[name];
  return typeof value === 'number' ? bytes(value) : null;
}

/** Whose memory limit was reached, in words. */
const scopes: Record<string, string> = {
  container: 'the limit of the container',
  pod: 'the limit of the pod',
  cgroup: 'the limit of a cgroup',
  node: 'the memory of the node',
};

/** One sentence: what happened. */
export function headline(event: Event): string {
  if (event.event === 'oomkill') {
    const scope = scopes[text(event, 'scope') ?? ''] ?? 'a memory limit';
    const limit = size(event, 'limit_bytes');
    return `${text(event, 'process_name') ?? 'A process'} (pid ${text(event, 'process_id') ?? '?'}) was killed: ${scope}${limit === null ? '' : ` (${limit})`} was reached`;
  }
  const refused = event['count'];
  return `${typeof refused === 'number' ? count(refused) : 'Some'} connections were refused at ${text(event, 'listener') ?? 'a listener'}: its queue was full`;
}

/** The figures of an event, named; what it does not have is left out. */
export function figures(event: Event): [name: string, value: string][] {
  const limit = text(event, 'queue_limit');
  const all: [string, string | null][] = event.event === 'oomkill'
    ? [
        ['Used', size(event, 'usage_bytes')],
        ['Limit', size(event, 'limit_bytes')],
        ['Anonymous memory', size(event, 'anon_rss_bytes')],
        ['File memory', size(event, 'file_rss_bytes')],
        ['Swap', size(event, 'swap_bytes')],
        ['oom_score_adj', text(event, 'oom_score_adj')],
        ['Asked for memory', text(event, 'trigger_process_name')],
        ['Limit of', text(event, 'limit_cgroup')],
        ['Message', text(event, 'message')],
      ]
    : [
        ['Listener', text(event, 'listener')],
        ['Queue', limit === null ? null : `${text(event, 'queue_length') ?? '?'} waiting, limit ${limit}`],
        ['Refused', text(event, 'count')],
        ['Client', text(event, 'client')],
      ];
  return all.filter((one): one is [string, string] => one[1] !== null);
}
