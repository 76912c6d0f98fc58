import type { Schemas } from '../api/client';

/** Which steps of a range there is something to say about. */
export interface Steps {
  /** Starts, seconds since the Unix epoch. */
  timeS: readonly number[];
  stepS: number;
  /** From when on there is anything; null when there is nothing. */
  knownSinceS: number | null;
  /** The agent's clock when it answered. */
  nowS: number;
}

/** The starts of all steps of a range. */
export function startsOf(sinceS: number, untilS: number, stepS: number): number[] {
  return Array.from({ length: Math.max(0, Math.round((untilS - sinceS) / stepS)) }, (_, i) => sinceS + i * stepS);
}

/** The steps of an answer. */
export function stepsOf(answer: Pick<Schemas['Workloads'], 'since' | 'until' | 'step_s' | 'known_since'>, nowS: number): Steps {
  return {
    timeS: startsOf(Date.parse(answer.since) / 1000, Date.parse(answer.until) / 1000, answer.step_s),
    stepS: answer.step_s,
    knownSinceS: answer.known_since === null ? null : Date.parse(answer.known_since) / 1000,
    nowS,
  };
}

// A step that has just begun says too little.
const leastPartOfStep = 0.3;

/** How long each step was looked at, seconds: the open one until now, that in which the agent started from then on; null where there is nothing to say. */
export function knownS(steps: Steps): (number | null)[] {
  const { timeS, stepS, knownSinceS, nowS } = steps;
  return timeS.map((start) => {
    const length = Math.min(start + stepS, nowS) - Math.max(start, knownSinceS ?? Infinity);
    return length >= stepS * leastPartOfStep ? length : null;
  });
}

/** The steps to draw counts of: from the first one of which something is known, to where the open one begins. */
export function fullSteps({ timeS, stepS, knownSinceS, nowS }: Steps): { from: number; to: number } {
  const known = timeS.findIndex((start) => start + stepS > (knownSinceS ?? Infinity));
  return { from: known < 0 ? timeS.length : known, to: timeS.filter((start) => start + stepS <= nowS).length };
}

/** Counts as rates per second. */
export function perSecond(counts: readonly number[], known: readonly (number | null)[]): (number | null)[] {
  return known.map((length, i) => (length === null ? null : (counts[i] ?? 0) / length));
}

/** The share of errors in each step; null where nothing was asked. */
export function ratios(errors: readonly number[], requests: readonly number[]): (number | null)[] {
  return requests.map((all, i) => (all === 0 ? null : (errors[i] ?? 0) / all));
}

/** Durations, of which 0 stands for none. */
export function present(valuesNs: readonly number[]): (number | null)[] {
  return valuesNs.map((value) => (value > 0 ? value : null));
}

/** True when values are so far apart that a linear scale would press the small ones to the ground. */
export function wantsLog(series: readonly (readonly (number | null)[])[]): boolean {
  let [least, most] = [Infinity, 0];
  for (const value of series.flat()) {
    if (value !== null && value > 0) {
      least = Math.min(least, value);
      most = Math.max(most, value);
    }
  }
  return most > 25 * least;
}
