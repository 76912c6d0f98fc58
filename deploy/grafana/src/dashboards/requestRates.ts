import { lowIsGood } from '../kit/colours';
import { type Name, influxFilter, influxTags, promFilter, promLabels } from './names';

/**
 * Rate, errors and duration in both query languages. Durations are milliseconds in both, errors a share from 0 to 1.
 * Nothing here needs a subquery, so that InfluxQL runs on InfluxDB 1, 2 and 3.
 */

/** From a tenth of a percent on somebody may ask; from one percent on somebody does. */
export const errorThresholds = lowIsGood(0.001, 0.01);

/** Milliseconds that a person notices, and does not wait for. */
export const durationThresholds = lowIsGood(250, 1000);

/** What InfluxDB can say about percentiles: they are made in windows of 10 s by each agent, and percentiles cannot be added up. */
export const influxPercentiles =
  'Agents send percentiles of 10 s windows, each node its own; shown is the highest of them in each step, which is at or above the percentile of the whole step.';

/** What the bounds of Prometheus' buckets do to percentiles. */
export const promPercentiles = 'Interpolated by histogram_quantile between the bounds of the buckets.';

export const quantiles = [['p50', '0.5'], ['p90', '0.9'], ['p99', '0.99']] as const;

const influxWhere = (filters: readonly Name[]): string => ['"flow" = \'$flow\'', influxFilter(filters), '$timeFilter'].filter((part) => part !== '').join(' AND ');

const by = (names: readonly Name[]): string => (names.length === 0 ? '' : ` by (${promLabels(names)})`);

/** Requests a second in each step. */
export function influxRate(measurement: string, filters: readonly Name[], names: readonly Name[]): string {
  return influxSteps('sum("requests") * 1000.0 / $__interval_ms', measurement, filters, names, '0');
}

export function influxErrors(measurement: string, filters: readonly Name[], names: readonly Name[]): string {
  return influxSteps('sum("errors") * 1.0 / sum("requests")', measurement, filters, names, 'null');
}

/** @param field p50, p90, p99, or the variable that holds one of them. */
export function influxPercentile(field: string, measurement: string, filters: readonly Name[], names: readonly Name[]): string {
  return influxSteps(`max("${field}")`, measurement, filters, names, 'null');
}

function influxSteps(select: string, measurement: string, filters: readonly Name[], names: readonly Name[], fill: string): string {
  const tags = names.length === 0 ? '' : `, ${influxTags(names)}`;
  return `SELECT ${select} FROM "${measurement}" WHERE ${influxWhere(filters)} GROUP BY time($__interval)${tags} fill(${fill})`;
}

/** All columns of a table of names, over the whole time range. */
export function influxSummary(measurement: string, filters: readonly Name[], names: readonly Name[]): string {
  return `SELECT sum("requests") * 1000.0 / (\${__to} - \${__from}) AS "rate", sum("errors") * 1.0 / sum("requests") AS "errors",
    max("p50") AS "p50", max("p90") AS "p90", max("p99") AS "p99"
    FROM "${measurement}" WHERE ${influxWhere(filters)} GROUP BY ${influxTags(names)}`;
}

/** @param range such as $__rate_interval, or $__range for a table. */
export function promRate(filters: readonly Name[], names: readonly Name[], range: string): string {
  return `sum${by(names)} (rate(http_\${flow}_requests_total{${promFilter(filters)}}[${range}]))`;
}

/** What has no errors has no series with an error_type: it counts as 0, not as unknown. */
export function promErrors(filters: readonly Name[], names: readonly Name[], range: string): string {
  const all = promRate(filters, names, range);
  const matchers = [promFilter(filters), 'error_type!=""'].filter((part) => part !== '').join(', ');
  return `(sum${by(names)} (rate(http_\${flow}_requests_total{${matchers}}[${range}])) or 0 * ${all}) / (${all} > 0)`;
}

/** @param quantile from 0 to 1, or the variable that holds it. */
export function promPercentile(quantile: string, filters: readonly Name[], names: readonly Name[], range: string): string {
  const labels = promLabels(names);
  return `1000 * histogram_quantile(${quantile}, sum by (${labels === '' ? 'le' : `${labels}, le`}) (rate(http_\${flow}_request_duration_seconds_bucket{${promFilter(filters)}}[${range}])))`;
}
