import { duration, percent, rate } from '../lib/format';
import type { MapEdge } from './graph';

/** How figures are drawn. */

export const labelChoices = [['all', 'Rate, errors, p90'], ['rate', 'Rate'], ['errors', 'Errors'], ['p50', 'p50'], ['p90', 'p90'], ['p99', 'p99']] as const;
export type LabelChoice = (typeof labelChoices)[number][0];

/** Wider for more requests; ten times as many are one and a half more. */
export function edgeWidth(requestsPerSecond: number): number {
  return Math.min(8, 1.2 + 1.5 * Math.log10(1 + Math.max(0, requestsPerSecond)));
}

/** A share of errors that is worth a look, and one that is trouble. */
const someErrors = 0.01;
const manyErrors = 0.05;

export type Health = 'ok' | 'some' | 'many';

export function healthOf(errorRatio: number): Health {
  return errorRatio >= manyErrors ? 'many' : errorRatio >= someErrors ? 'some' : 'ok';
}

/** How much text there is room for at a scale: all of it, a little, or names only. */
export type Detail = 'all' | 'some' | 'names';

export function detailAt(k: number): Detail {
  return k >= 0.8 ? 'all' : k >= 0.42 ? 'some' : 'names';
}

/** Size of a text of the picture that is to be so many pixels at least, whatever the scale. */
export function textSize(px: number, k: number): number {
  return k >= 0.8 ? px : Math.round((px / k) * 10) / 10;
}

/** What stands on an edge, in lines. */
export function edgeText(edge: Pick<MapEdge, 'requests_per_second' | 'error_ratio' | 'p50_ns' | 'p90_ns' | 'p99_ns'>, choice: LabelChoice): string[] {
  switch (choice) {
    case 'all':
      return [rate(edge.requests_per_second), `${percent(edge.error_ratio)} · ${duration(edge.p90_ns)}`];
    case 'rate':
      return [rate(edge.requests_per_second)];
    case 'errors':
      return [percent(edge.error_ratio)];
    default:
      return [duration(edge[`${choice}_ns`])];
  }
}

/** The arc of a ring that stands for a share, as the dash array of a circle; a share that is not nothing can be seen. */
export function ringDash(ratio: number, radius: number): string {
  const around = 2 * Math.PI * radius;
  const length = ratio <= 0 ? 0 : Math.max(around * Math.min(1, ratio), 2);
  return `${length.toFixed(2)} ${around.toFixed(2)}`;
}
