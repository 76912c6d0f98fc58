import { signal } from '@preact/signals';
import { ApiError, get, type Parameters } from '../api/client';
import type { RequestRow } from './row';

const pageRows = 200;

export interface Found {
  rows: readonly RequestRow[];
  isLoading: boolean;
  error: ApiError | null;
  /** Cursor of the next page; null when there is none. */
  next: string | null;
  /** Set when the agent stopped at its bound: nothing older was looked at yet. */
  searchedUntil: string | null;
}

const nothing: Found = { rows: [], isLoading: true, error: null, next: null, searchedUntil: null };

/** Looks through the stored log, a page at a time. */
export class StoredSearch {
  readonly found = signal<Found>(nothing);
  private asked: Parameters<'/api/transactions'> = {};
  private stop = new AbortController();
  private seq = 0;

  /** Begins anew; what was under way is given up. */
  start(parameters: Parameters<'/api/transactions'>): void {
    this.asked = parameters;
    this.found.value = nothing;
    void this.load(null);
  }

  /** Fetches the next page, if there is one and it is not on its way already. */
  more(): void {
    const { next, isLoading } = this.found.peek();
    if (next !== null && !isLoading) {
      void this.load(next);
    }
  }

  cancel(): void {
    this.stop.abort();
  }

  private async load(cursor: string | null): Promise<void> {
    this.stop.abort();
    const stop = new AbortController();
    this.stop = stop;
    this.found.value = { ...this.found.peek(), isLoading: true, error: null };
    try {
      const answer = await get('/api/transactions', { ...this.asked, limit: pageRows, ...(cursor === null ? {} : { cursor }) }, stop.signal);
      const more = answer.transactions.map((one): RequestRow => ({ seq: ++this.seq, request: one.transaction, stored: { kept: one.kept, weight: one.weight } }));
      this.found.value = { rows: [...this.found.peek().rows, ...more], isLoading: false, error: null, next: answer.next, searchedUntil: answer.searched_until };
    } catch (e) {
      if (!stop.signal.aborted) {
        const error = e instanceof ApiError ? e : new ApiError(`The agent's answer cannot be read: ${String(e)}`, 0);
        this.found.value = { ...this.found.peek(), isLoading: false, error };
      }
    }
  }
}
