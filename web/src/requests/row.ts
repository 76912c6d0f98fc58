import type { Schemas } from '../api/client';

export type Transaction = Schemas['Transaction'];
export type NodeEvent = Schemas['Event'];
export type End = Schemas['End'];

/** One line of the tail or of what was found in the log. */
export type Row = RequestRow | EventRow;

export interface RequestRow {
  /** Names it on this page; later ones are higher. */
  readonly seq: number;
  readonly request: Transaction;
  /** Why it is in the log, and how many it stands for; only of stored ones. */
  readonly stored?: { readonly kept: Schemas['LoggedTransaction']['kept']; readonly weight: number };
}

export interface EventRow {
  readonly seq: number;
  readonly event: NodeEvent;
}

export function isEvent(item: Transaction | NodeEvent): item is NodeEvent {
  return 'event' in item && 'workload' in item && !('protocol' in item);
}

export function isRequest(row: Row): row is RequestRow {
  return 'request' in row;
}

/** Names an observation in the address, so that it can be found again in the log: who saw it, both addresses, when. */
export function keyOf(request: Transaction): string {
  return [request.role ?? '', request.client, request.server, request.start].join('~');
}

export interface RequestKey {
  role: string;
  client: string;
  server: string;
  start: string;
}

/** Reads what keyOf wrote; null for anything else. */
export function parseKey(text: string): RequestKey | null {
  const [role, client, server, start, ...rest] = text.split('~');
  return role !== undefined && client && server && start && rest.length === 0 && !Number.isNaN(Date.parse(start)) ? { role, client, server, start } : null;
}

const epochParts = /^(.*?)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)$/;

function parse(rfc3339: string): { s: number; ns: number } {
  const match = epochParts.exec(rfc3339);
  return { s: Date.parse(`${match?.[1] ?? ''}${match?.[3] ?? ''}`) / 1000, ns: Number((match?.[2] ?? '').padEnd(9, '0')) };
}

/** Nanoseconds from one time to another; exact for times that are near to each other (a Date has no more than milliseconds). */
export function nsBetween(from: string, to: string): number {
  const a = parse(from);
  const b = parse(to);
  return (b.s - a.s) * 1e9 + (b.ns - a.ns);
}

/** A time so many milliseconds later, RFC 3339. */
export function later(rfc3339: string, ms: number): string {
  return new Date(Date.parse(rfc3339) + ms).toISOString();
}
