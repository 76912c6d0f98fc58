import { type Transaction, nsBetween } from './row';

/** Finding what the other end saw of a request, and telling the difference between the two. */

// Both ends are on one machine and have one clock. What lies between them is the network, retransmissions, and queues of the kernel.
const toleranceNs = 1e9;
// Records of the two ends are stamped on different ways through the kernel.
const slackNs = 50e3;

function endNs(of: Transaction): number {
  return of.duration_ns ?? 0;
}

/** Whether two observations may be of one request, seen at both ends of one connection. */
export function mayBeOtherEnd(one: Transaction, other: Transaction): boolean {
  return one.role !== undefined && other.role !== undefined && one.role !== other.role
    // The client's address and port name the connection. The server's may be a Service's at the client and the pod's at the server.
    && one.client === other.client
    && one.protocol === other.protocol && one.method === other.method && one.target === other.target
    && Math.abs(nsBetween(one.start, other.start)) <= toleranceNs;
}

/** How far apart two observations are, nanoseconds: what the server saw lies within what the client saw, and what sticks out counts. */
function distanceNs(one: Transaction, other: Transaction): number {
  const [client, server] = one.role === 'client' ? [one, other] : [other, one];
  const lead = nsBetween(client.start, server.start);
  if (client.duration_ns === null || server.duration_ns === null) {
    return Math.abs(lead);
  }
  const trail = endNs(client) - lead - endNs(server);
  const outside = Math.max(0, -lead - slackNs) + Math.max(0, -trail - slackNs);
  // One that sticks out is worse than any that does not; among equals the nearer start is taken.
  return (outside > 0 ? toleranceNs + outside : 0) + Math.abs(lead);
}

/** The other end's observation among many, or null. */
export function otherEnd(one: Transaction, among: Iterable<Transaction>): Transaction | null {
  let best: Transaction | null = null;
  let bestNs = Infinity;
  for (const other of among) {
    if (mayBeOtherEnd(one, other)) {
      const apartNs = distanceNs(one, other);
      if (apartNs < bestNs) {
        [best, bestNs] = [other, apartNs];
      }
    }
  }
  return best;
}

/** What the two ends saw differently. */
export interface Difference {
  /** From the client's first byte to its arrival at the server, nanoseconds. */
  leadNs: number;
  /** How much longer it took for the client, nanoseconds; null when one end has no duration. */
  betweenNs: number | null;
  /** The address that the client called, when the server has another one: a Service's. */
  translated: { called: string; served: string } | null;
  /** Anything else that is not equal, in words. */
  others: string[];
}

export function differenceOf(client: Transaction, server: Transaction): Difference {
  const others: string[] = [];
  if (client.status !== server.status) {
    others.push(`The client saw status ${client.status ?? 'none'}, the server ${server.status ?? 'none'}.`);
  }
  if ((client.error ?? '') !== (server.error ?? '')) {
    others.push(`Error at the client: ${client.error ?? 'none'}; at the server: ${server.error ?? 'none'}.`);
  }
  if (client.request_bytes !== server.request_bytes || client.response_bytes !== server.response_bytes) {
    others.push('The sizes differ: one end did not see all bytes.');
  }
  return {
    leadNs: nsBetween(client.start, server.start),
    betweenNs: client.duration_ns === null || server.duration_ns === null ? null : client.duration_ns - server.duration_ns,
    translated: client.server === server.server ? null : { called: client.server, served: server.server },
    others,
  };
}

/** Where an observation lies on a line from 0 to 1 that covers both. */
export interface Span {
  from: number;
  /** First byte of the response; null when there was none. */
  firstByte: number | null;
  /** Null when it was not answered. */
  to: number | null;
}

/** Lays observations on one line, and says how long the line is. */
export function spansOf(observations: readonly Transaction[]): { spans: Span[]; totalNs: number } {
  const [first] = observations;
  if (!first) {
    return { spans: [], totalNs: 0 };
  }
  const starts = observations.map((one) => nsBetween(first.start, one.start));
  const ends = observations.map((one, i) => (starts[i] ?? 0) + Math.max(one.duration_ns ?? 0, one.time_to_first_byte_ns ?? 0));
  const from = Math.min(...starts);
  const totalNs = Math.max(1, Math.max(...ends) - from);
  const spans = observations.map((one, i) => {
    const start = starts[i] ?? 0;
    const at = (ns: number | null | undefined) => (ns === null || ns === undefined ? null : (start - from + ns) / totalNs);
    return { from: (start - from) / totalNs, firstByte: at(one.time_to_first_byte_ns), to: at(one.duration_ns) };
  });
  return { spans, totalNs };
}
