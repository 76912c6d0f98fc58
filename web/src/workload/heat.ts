import type { Schemas } from '../api/client';

/** Counts of requests by time and duration, cut down to the rows that are in use. */
export interface Heat {
  /** Lower bound of each row, nanoseconds; the last bound is the top's. One more than rows. */
  boundsNs: number[];
  /** For each step the count of each row. */
  counts: number[][];
  /** The largest count. */
  most: number;
}

/** Rows below the fastest and above the slowest request are left out, but for one on each side; null when there is no request. */
export function trim(heatmap: Schemas['Heatmap']): Heat | null {
  const rows = heatmap.bounds_ns.length;
  let [first, last, most] = [rows, -1, 0];
  for (const step of heatmap.counts) {
    step.forEach((count, row) => {
      if (count > 0) {
        first = Math.min(first, row);
        last = Math.max(last, row);
        most = Math.max(most, count);
      }
    });
  }
  if (last < 0) {
    return null;
  }
  const from = Math.max(0, first - 1);
  const to = Math.min(rows - 1, last + 1);
  const lower = from === 0 ? 0 : heatmap.bounds_ns[from - 1] ?? 0;
  return {
    boundsNs: [lower, ...heatmap.bounds_ns.slice(from, to + 1)],
    counts: heatmap.counts.map((step) => step.slice(from, to + 1)),
    most,
  };
}

/** Cividis, which looks the same to all eyes, from few to many; in the dark theme it starts above the card's black. */
const cividis = [[0, 34, 78], [35, 62, 108], [87, 92, 109], [124, 123, 120], [165, 156, 116], [211, 193, 100], [254, 232, 56]] as const;

/** How far up the ramp a count is, from 0 to 1: by its logarithm, since the tail is what is looked for. */
export function shade(count: number, most: number): number {
  return most <= 1 ? 1 : Math.log(1 + count) / Math.log(1 + most);
}

/** The colour at a place of the ramp: many are dark on white, and bright on black. */
export function rampColor(at: number, isDark: boolean): string {
  const place = Math.min(1, Math.max(0, isDark ? 0.15 + 0.85 * at : 0.82 - 0.82 * at)) * (cividis.length - 1);
  const low = cividis[Math.floor(place)] ?? cividis[0];
  const high = cividis[Math.ceil(place)] ?? low;
  const part = place - Math.floor(place);
  const [r, g, b] = low.map((value, i) => Math.round(value + ((high[i] ?? value) - value) * part));
  return `rgb(${r} ${g} ${b})`;
}

/** The row of a place on the axis of rows, from below; null beside them. */
export function rowAt(place: number, rows: number): number | null {
  const row = Math.floor(place);
  return row >= 0 && row < rows ? row : null;
}

/** A duration as the API takes it, a little less rather than more; null for none. */
export function slowerThan(ns: number): string | null {
  return ns <= 0 ? null : ns < 1e6 ? `${Math.floor(ns / 1e3)}us` : `${Math.floor(ns / 1e4) / 100}ms`;
}

/** The heat map in words: where most requests are, and the slowest row in use. */
export function heatText(heat: Heat, duration: (ns: number) => string): string {
  const sums = heat.boundsNs.slice(1).map((_, row) => heat.counts.reduce((sum, step) => sum + (step[row] ?? 0), 0));
  const busiest = sums.indexOf(Math.max(...sums));
  const slowest = sums.findLastIndex((sum) => sum > 0);
  return `Durations over time: most requests took ${duration(heat.boundsNs[busiest] ?? 0)} to ${duration(heat.boundsNs[busiest + 1] ?? 0)}, the slowest up to ${duration(heat.boundsNs[slowest + 1] ?? 0)}`;
}
