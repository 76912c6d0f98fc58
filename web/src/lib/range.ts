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
