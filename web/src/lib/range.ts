import { computed, signal } from '@preact/signals';
import { query, setQuery } from './url';

/** Ranges to choose from, as the API's `last` takes them. */
export const ranges = ['1m', '5m', '15m', '1h', '6h', '24h', '7d'] as const;
export const defaultRange = '15m';

/** The range as the API's parameters: the last so many minutes, or between two times. */
export const range = computed(() => {
  const since = query.value.get('since');
  const until = query.value.get('until');
  return since !== null && until !== null ? { since, until } : { last: query.value.get('last') ?? defaultRange };
});

/** Shows the last so many minutes and goes on with time. */
export function setLast(last: string): void {
  setQuery({ last: last === defaultRange ? null : last, since: null, until: null }, true);
}

/** Shows what was between two times, seconds since the Unix epoch; it stands still. */
export function setBetween(sinceS: number, untilS: number): void {
  setQuery({ last: null, since: new Date(sinceS * 1000).toISOString(), until: new Date(untilS * 1000).toISOString() }, true);
}

/** Seconds between two looks; 0 for none. In the address, too. */
export const refreshS = computed(() => {
  const text = Number(query.value.get('refresh') ?? '5');
  return Number.isFinite(text) && text >= 0 ? text : 5;
});

/** Counts up to have everything looked at again at once. */
export const refreshes = signal(0);

/** Length of a range such as "15m", seconds; null when it is none. */
export function lengthS(last: string): number | null {
  const match = /^(\d+)(s|m|h|d)$/.exec(last);
  return match ? Number(match[1]) * { s: 1, m: 60, h: 3600, d: 86400 }[match[2] as 's' | 'm' | 'h' | 'd'] : null;
}

/** The range to choose from that is the next shorter (-1) or longer (1) than so many seconds; the last one when there is no further. */
export function nextRange(seconds: number, direction: -1 | 1): (typeof ranges)[number] {
  const further = ranges.filter((one) => ((lengthS(one) ?? 0) - seconds) * direction > 0);
  return (direction > 0 ? further[0] ?? ranges[ranges.length - 1] : further[further.length - 1] ?? ranges[0]) ?? defaultRange;
}

/** Length of what is shown, seconds. */
export const rangeS = computed(() => {
  const shown = range.value;
  return 'last' in shown ? lengthS(shown.last) ?? 900 : Math.max(1, (Date.parse(shown.until) - Date.parse(shown.since)) / 1000);
});
