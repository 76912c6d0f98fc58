import type { Schemas } from '../api/client';
import { bytes, count, percent } from './format';

/** What the header's badge says: 1 is all, and what is not all is never said to be. */
export function badgeText(completeness: number): string {
  return `${completeness < 1 && completeness > 0.9999 ? '>99.99 %' : completeness === 1 ? '100 %' : percent(completeness)} seen`;
}

/** Something was dropped: where, how much, what it means, and whether anything was lost by it. */
export interface Drop {
  stage: string;
  reason: string;
  count: number;
  unit: string;
  /** What it means; null for a reason that this page does not know. */
  words: string | null;
  /** Something that was wanted is missing; false for what nobody asked for. */
  isLoss: boolean;
}

const full = 'Its queue was full: it came faster than it could be taken.';

// Reasons as ARCHITECTURE.md names them: those that lose what was wanted, and those that leave out what nobody asked for.
const losses: Record<string, string> = {
  ring_full: 'The ring buffer from the kernel was full: packets came faster than the agent read them. A larger plugins.traffic.ring_bytes rides out bursts.',
  no_storage: 'The kernel had no memory for the state of a socket.',
  over_budget: 'More bytes than are looked at of a connection before its protocol is known.',
  malformed: 'It could not be read.',
  handshake_unclaimed: 'Data came with a handshake whose connection was not found.',
  slow_reader: 'Somebody who watches live, such as this page, was too slow; the agent does not wait.',
  pool_empty: 'All buffers were in use.',
  error_rate: 'More errors a second than the request log keeps.',
  queue_full: full,
  write_failed: 'Writing failed, see Node for the reason.',
  spool_full: 'The disk budget for what waits for the server was used up.',
  spool_expired: 'It waited for the server for too long.',
  spool_failed: 'The disk that keeps it until the server is back failed.',
  too_large: 'The server says that it is too large.',
  stopped: 'The agent stopped before it was sent, and there was no disk to keep it.',
  no_room: 'More listeners at once than the watch has room for.',
};
const choices: Record<string, string> = {
  no_socket: 'Packets of no local socket: forwarded, or the end of a closed connection.',
  not_tcp: 'No TCP.',
  not_parsed: 'Headers that are longer than is followed.',
  no_payload: 'Acknowledgements and the like, without data.',
  ignored: 'Of connections that speak nothing that is watched.',
  ignored_late: 'Of connections that were given up meanwhile.',
  not_wanted: 'Inside of bodies, of which only the length counts.',
  connection_unknown: 'Ends of connections that were never of interest.',
  duplicate: 'Came twice, such as a retransmission.',
  not_recognised: 'Of connections whose protocol is not known.',
  not_captured: 'Beyond the bytes that are captured of a packet.',
  connection_over: 'Still waited for when its connection ended.',
  response_without_request: 'Answers to requests from before the agent joined the connection.',
  no_role: 'Requests of which it is not known which end was observed; the map has no place for them.',
  rate_limit: 'More a second than who watches live asked for.',
  reader_gone: 'Somebody who watched live went away.',
  thinned: 'Fast requests without error, of which the request log keeps a sample. The figures count all of them.',
  not_sampled: 'Not among those that are sent as traces.',
  already_exiting: 'The process was ending anyway.',
  closed: 'Came after the end.',
  looped: 'Seen a second time on the loopback interface.',
};

/** Every drop of the ledger, losses first, largest first. */
export function drops(ledger: Schemas['Ledger']): Drop[] {
  return ledger.stages
    .flatMap((stage) => Object.entries(stage.dropped).map(([reason, dropped]): Drop => ({
      stage: stage.name,
      reason,
      count: dropped,
      unit: stage.unit.replaceAll('_', ' '),
      words: losses[reason] ?? choices[reason] ?? null,
      // What is not known is taken for the worse.
      isLoss: !(reason in choices),
    })))
    .filter((drop) => drop.count > 0)
    .sort((a, b) => Number(b.isLoss) - Number(a.isLoss) || b.count - a.count);
}

const noteWords: Record<string, string> = {
  stream_lost_bytes: 'of payload were sent and never reached the agent',
  stream_gaps: 'gaps in connections, where bytes were lost',
  stream_evicted_connections: 'connections were forgotten, since streams.max_connections was reached',
  tcpsynbl_not_parsed: 'packets for a full accept queue had longer headers than the watch follows',
};

/** What the ledger counts beside its stages, in words; those that are not nothing. */
export function notes(ledger: Schemas['Ledger']): string[] {
  return Object.entries(ledger.notes)
    .filter(([, value]) => value > 0)
    .map(([name, value]) => `${name.endsWith('_bytes') ? bytes(value) : count(value)} ${noteWords[name] ?? name.replaceAll('_', ' ')}`);
}

/** What the badge's dialog begins with. */
export function summary(completeness: number, losses: number): string {
  if (completeness === 1) {
    return losses === 0
      ? 'Every request was seen whole, as far as is known since the agent started, and nothing of it was lost on the way out.'
      : 'Every request was seen whole. What is listed below was lost later, on its way to a store, a server or a reader.';
  }
  return `${percent(completeness)} of the requests since the agent started were seen whole. The others were missed, or seen in part.`;
}
