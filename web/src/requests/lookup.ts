import { signal } from '@preact/signals';
import { ApiError, get } from '../api/client';
import { otherEnd } from './pair';
import { keyOf, later, parseKey, type Transaction } from './row';

/** What is known of one opened request. */
export interface Opened {
  /** The observation that was opened; null while it is looked for, or when it is nowhere. */
  one: Transaction | null;
  /** What the other end saw; null when it is not known. */
  other: Transaction | null;
  /** Other requests of the same connection, oldest first, both of these left out. */
  neighbours: readonly Transaction[];
  isLoading: boolean;
  /** Why the log could not be asked; null when it was. */
  error: ApiError | null;
}

// How far around a request the log is asked for its other end and its neighbours.
const aroundMs = 1500;
const maxNeighbours = 20;

function without(all: readonly Transaction[], role: string | undefined, ...left: (Transaction | null)[]): Transaction[] {
  const seen = new Set(left.flatMap((one) => (one ? [keyOf(one)] : [])));
  return all.filter((one) => {
    const key = keyOf(one);
    // Of each request one end is enough.
    const isNew = one.role === role && !seen.has(key);
    seen.add(key);
    return isNew;
  });
}

/** Finds an observation, its other end and its neighbours: among those at hand, and in the log. */
export class Lookup {
  readonly opened = signal<Opened>({ one: null, other: null, neighbours: [], isLoading: true, error: null });
  private stop = new AbortController();

  cancel(): void {
    this.stop.abort();
  }

  async start(key: string, atHand: readonly Transaction[]): Promise<void> {
    this.stop.abort();
    const { signal: stop } = (this.stop = new AbortController());
    const wanted = parseKey(key);
    if (!wanted) {
      this.opened.value = { one: null, other: null, neighbours: [], isLoading: false, error: null };
      return;
    }
    const onConnection = atHand.filter((one) => one.client === wanted.client);
    this.show(key, onConnection, true, null);
    try {
      const answer = await get('/api/transactions', { client: wanted.client, since: later(wanted.start, -aroundMs), until: later(wanted.start, aroundMs), limit: 500 }, stop);
      this.show(key, onConnection.concat(answer.transactions.map((one) => one.transaction)), false, null);
    } catch (e) {
      if (!stop.aborted) {
        this.show(key, onConnection, false, e instanceof ApiError ? e : new ApiError(String(e), 0));
      }
    }
  }

  private show(key: string, all: readonly Transaction[], isLoading: boolean, error: ApiError | null): void {
    const one = all.find((observed) => keyOf(observed) === key) ?? null;
    const other = one && otherEnd(one, all);
    const neighbours = one ? without(all, one.role, one, other).sort((a, b) => (a.start < b.start ? -1 : 1)) : [];
    // The nearest ones around it.
    const at = one ? neighbours.findIndex((next) => next.start > one.start) : 0;
    const from = Math.max(0, (at < 0 ? neighbours.length : at) - maxNeighbours / 2);
    this.opened.value = { one, other, neighbours: neighbours.slice(from, from + maxNeighbours), isLoading, error };
  }
}
