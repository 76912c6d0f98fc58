import { bytes, count, who } from '../lib/format';
import { visible } from '../lib/visible';
import type { End, NodeEvent } from './row';

// Fields besides event, time and workload are those of docs/oomkill.md and docs/tcpsynbl.md.
type Fields = Record<string, unknown>;

function number(fields: Fields, name: string): number | null {
  const value = fields[name];
  return typeof value === 'number' ? value : null;
}

function text(fields: Fields, name: string): string {
  const value = fields[name];
  return typeof value === 'string' ? visible(value) : '';
}

function oomKill(fields: Fields): string {
  const limit = number(fields, 'limit_bytes');
  const scope = text(fields, 'scope');
  const had = ['anon_rss_bytes', 'file_rss_bytes', 'shmem_rss_bytes'].reduce((sum, name) => sum + (number(fields, name) ?? 0), 0);
  const whose = scope === 'node' ? 'the node\'s memory ran out' : `memory limit${limit === null ? '' : ` of ${bytes(limit)}`} of its ${scope === 'unknown' || scope === '' ? 'cgroup' : scope}`;
  const by = number(fields, 'trigger_process_id') === number(fields, 'process_id') ? '' : `, asked for by ${text(fields, 'trigger_process_name')}`;
  return `killed ${text(fields, 'process_name')} (pid ${number(fields, 'process_id') ?? '?'}): ${whose}${had > 0 ? `, it had ${bytes(had)}` : ''}${by}`;
}

function acceptQueue(fields: Fields): string {
  const refused = number(fields, 'count') ?? 0;
  const client = fields['client_workload'] as End | undefined;
  const from = client ? visible(who(client)) : text(fields, 'client');
  return `accept queue of ${text(fields, 'listener')} full, ${number(fields, 'queue_length') ?? '?'}/${number(fields, 'queue_limit') ?? '?'}: `
    + (refused === 1 ? `1 connection refused, from ${from}` : `${count(refused)} connections refused, last from ${from}`);
}

/** What happened, in one line without its time and workload. */
export function eventText(event: NodeEvent): string {
  return event.event === 'oomkill' ? oomKill(event) : acceptQueue(event);
}

/** The name of an event's type for people. */
export function eventName(event: NodeEvent): string {
  return event.event === 'oomkill' ? 'OOM kill' : 'Accept queue full';
}
