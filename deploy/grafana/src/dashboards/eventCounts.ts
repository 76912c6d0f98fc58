/**
 * What a counter of rare events has grown by since a while ago, for each of its series.
 *
 * increase() is of no use for them: a series begins with its first event, at 1, and never was 0 before. So the value of then is taken away from
 * the value of now; where there was none, or the counter has begun anew, all of it is new.
 */
export function promNew(metric: string, matchers: string, range: string): string {
  const now = `last_over_time(${metric}{${matchers}}[${range}])`;
  return `(${now} - (${metric}{${matchers}} offset ${range}) >= 0) or ${now}`;
}
