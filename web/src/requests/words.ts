/** What the short words of the API mean, for people. */

const errors: Record<string, string> = {
  timeout: 'No answer within the time that the agent waits for one (protocols.http1.request_timeout).',
  connection_reset: 'The connection was reset before the answer was whole: the other program died, closed with data unread, or a device in between cut it.',
  connection_closed: 'The connection was closed before the answer was whole.',
  malformed: 'What came back is not HTTP.',
  not_captured: 'Bytes that may have held the answer were not seen by the agent: it is not known whether there was one.',
};

const incompletes: Record<string, string> = {
  request_truncated: 'The request\'s head was longer than the agent reads; fields may be missing.',
  response_truncated: 'The response\'s head was longer than the agent reads; fields may be missing.',
  body_incomplete: 'Part of a body was not seen; its size is at least what is told.',
  paired_after_loss: 'Bytes were lost before; this answer was matched to its request by time.',
};

const identities: Record<string, string> = {
  cgroup: 'by its cgroup: certain',
  netns: 'by its network namespace: the pod is certain',
  ip: 'by its address, as Kubernetes tells it',
  socket: 'by the other end of the same connection on this node',
  process: 'by the process that owns the socket',
  unknown: 'not known',
};

const keptWords = {
  error: 'kept: it is an error',
  slow: 'kept: it is one of the slowest of its second',
  sample: 'kept as a sample',
};

export function errorWords(error: string): string {
  return errors[error] ?? error;
}

/** What was not captured, from a transaction's "incomplete". */
export function incompleteWords(incomplete: unknown): string[] {
  return Array.isArray(incomplete) ? incomplete.map((flag) => incompletes[String(flag)] ?? String(flag)) : [];
}

export function identityWords(identity: string): string {
  return identities[identity] ?? identity;
}

export function keptText(kept: keyof typeof keptWords): string {
  return keptWords[kept];
}

// What every transaction has, and what is shown elsewhere; the rest are attributes of its protocol.
const known = new Set(['protocol', 'role', 'start', 'duration_ns', 'time_to_first_byte_ns', 'client', 'server', 'method', 'target', 'host', 'version', 'status', 'request_bytes',
  'response_bytes', 'request_body_bytes', 'response_body_bytes', 'error', 'incomplete', 'source', 'destination']);

/** The attributes of a request's protocol, as text. */
export function attributesOf(request: Record<string, unknown>): [string, string][] {
  return Object.entries(request).filter(([name]) => !known.has(name)).map(([name, value]) => [name, typeof value === 'string' ? value : JSON.stringify(value)]);
}
