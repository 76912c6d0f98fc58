import { signal } from '@preact/signals';
import { ApiError, type Schemas } from '../api/client';
import { follow } from '../api/stream';
import type { FilterParameters } from './filter';
import { Meter } from './meter';
import { Ring } from './ring';
import { isEvent, type Row } from './row';

/** Rows kept; the oldest make room. */
export const maxRows = 5000;
/** Requests a second that are asked for: more cannot be read, and costs agent and browser. */
export const maxPerSecond = 500;

// Rows are drawn on an animation frame, but no more often than an eye can follow.
const paintGapMs = 100;
// A press and its release have to meet the same row.
const pressMs = 400;
const firstPauseMs = 500;
const longestPauseMs = 15_000;
// A stream that was open for so long was well: the next pause is short again.
const wellMs = 5000;

export type TailState =
  | { kind: 'connecting' }
  | { kind: 'live' }
  /** Lost; tries again by itself. */
  | { kind: 'away'; why: string; retryAtMs: number }
  /** The agent refuses what was asked; nothing to wait for. */
  | { kind: 'refused'; why: string };

function isHopeless(e: unknown): e is ApiError {
  return e instanceof ApiError && e.status >= 400 && e.status < 500;
}

/** Reads the live stream into a bounded buffer and tells, at most ten times a second, that there is more to draw. */
export class Tail {
  readonly state = signal<TailState>({ kind: 'connecting' });
  /** Counts up when there is more to draw. */
  readonly painted = signal(0);
  /** What is shown while it is paused, newest first; null while it runs. */
  readonly held = signal<readonly Row[] | null>(null);
  readonly meter = new Meter();
  private readonly rows = new Ring<Row>(maxRows);
  private seq = 0;
  private heldSeq = 0;
  private frame = 0;
  private paintedMs = 0;

  /** How many rows there are to draw. */
  get count(): number {
    return this.held.value?.length ?? this.rows.size;
  }

  /** The row at a place, newest first. */
  at(index: number): Row | undefined {
    const held = this.held.value;
    return held ? held[index] : this.rows.newest(index);
  }

  /** Rows that came while it was paused. */
  get waiting(): number {
    return this.held.value ? this.seq - this.heldSeq : 0;
  }

  /** Everything in the buffer, newest first, whatever is shown. */
  all(): Row[] {
    return this.rows.newestFirst();
  }

  pause(): void {
    if (this.held.peek() === null) {
      this.held.value = this.rows.newestFirst();
      this.heldSeq = this.seq;
    }
  }

  resume(): void {
    this.held.value = null;
  }

  /** Draws nothing new for a moment: somebody presses on a row. */
  stayForPress(): void {
    this.paintedMs = performance.now() + pressMs;
  }

  /** Begins anew, with nothing. */
  clear(): void {
    this.rows.clear();
    this.meter.clear();
    this.held.value = null;
    this.painted.value++;
  }

  /** Follows until it is stopped; a stream that ends is opened again, after pauses that grow. */
  async run(filter: FilterParameters, stop: AbortSignal): Promise<void> {
    let pauseMs = firstPauseMs;
    while (!stop.aborted) {
      let openedMs = Infinity;
      try {
        this.state.value = { kind: 'connecting' };
        await follow({ ...filter, 'max-per-second': maxPerSecond }, {
          open: () => {
            openedMs = performance.now();
            this.state.value = { kind: 'live' };
          },
          items: (items) => {
            this.take(items);
          },
          more: (kind, count) => {
            this.meter.add(Date.now(), { [kind]: count });
            this.paint();
          },
        }, stop);
      } catch (e) {
        // The signal is set from elsewhere while the stream is awaited.
        if ((stop.aborted as boolean)) {
          return;
        }
        const why = e instanceof ApiError ? e.message : 'The agent ended the stream.';
        if (isHopeless(e)) {
          this.state.value = { kind: 'refused', why };
          return;
        }
        pauseMs = performance.now() - openedMs > wellMs ? firstPauseMs : pauseMs;
        this.state.value = { kind: 'away', why, retryAtMs: Date.now() + pauseMs };
        await sleep(pauseMs, stop);
        pauseMs = Math.min(pauseMs * 2, longestPauseMs);
      }
    }
  }

  private take(items: (Schemas['Transaction'] | Schemas['Event'])[]): void {
    for (const item of items) {
      const seq = ++this.seq;
      this.rows.push(isEvent(item) ? { seq, event: item } : { seq, request: item });
    }
    this.meter.add(Date.now(), { shown: items.length });
    this.paint();
  }

  private paint(): void {
    if (this.frame === 0) {
      this.frame = requestAnimationFrame(this.onFrame);
    }
  }

  private readonly onFrame = (nowMs: number): void => {
    if (nowMs - this.paintedMs < paintGapMs) {
      this.frame = requestAnimationFrame(this.onFrame);
      return;
    }
    this.frame = 0;
    this.paintedMs = nowMs;
    this.painted.value++;
  };
}

function sleep(ms: number, stop: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = window.setTimeout(done, ms);
    stop.addEventListener('abort', done, { once: true });
    function done() {
      window.clearTimeout(timer);
      stop.removeEventListener('abort', done);
      resolve();
    }
  });
}
