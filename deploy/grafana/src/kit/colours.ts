import type { Threshold } from '@grafana/grafana-foundation-sdk/dashboard';

/**
 * Colours that people who do not tell red from green can tell apart: they differ in lightness too.
 * Source: Okabe and Ito, "Color Universal Design".
 */
export const colours = {
  fine: '#56B4E9',
  warning: '#E69F00',
  bad: '#D55E00',
  neutral: '#999999',
} as const;

/** Thresholds of what should be low: fine, from `warning` on worth a look, from `bad` on to be acted on. */
export function lowIsGood(warning: number, bad: number): Threshold[] {
  return [
    { value: null, color: colours.fine },
    { value: warning, color: colours.warning },
    { value: bad, color: colours.bad },
  ];
}

/** Thresholds of what should be high: below `warning` worth a look, below `bad` to be acted on. */
export function highIsGood(warning: number, bad: number): Threshold[] {
  return [
    { value: null, color: colours.bad },
    { value: bad, color: colours.warning },
    { value: warning, color: colours.fine },
  ];
}

/** For numbers that are neither good nor bad. */
export const plain: Threshold[] = [{ value: null, color: colours.fine }];
