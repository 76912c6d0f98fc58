import { lowIsGood } from '../kit/colours';
import type { DashboardSpec } from '../kit/dashboards';
import type { Column, TableSpec } from '../kit/panels';
import { influxSeries, influxTable } from '../kit/queries';
import { choiceVariable, namesVariable, textVariable } from '../kit/variables';
import { eventAnnotations } from './annotations';
import { type Name, columnOf, flowVariable, influxFilter, methodName, methodVariable, namespaceName, namespaceVariable, nodeName, podName, podVariable, workloadName, workloadVariable } from './names';
import { durationThresholds } from './requestRates';

const serviceName: Name = { name: 'service', source: { influxdb: 'servicename', prometheus: 'k8s_service_name' } };
const typeName: Name = { name: 'type', source: { influxdb: 'type', prometheus: 'network_protocol_name' } };

/**
 * Conditions of choices stand in the choices: a comparison with a field leaves out what has no such field (an unanswered request has neither code
 * nor duration), so "any" must not be one.
 */
const any = 'time > 0';
/** As RED counts errors: what was not answered, 5xx, and for a client 4xx. The field `error` has only the first of them. */
const failed = `(("error" =~ /./ AND "error" != 'not_captured') OR "code" >= 500 OR ("flow" = 'egress' AND "code" >= 400))`;
const codes = [['any', any], ['2xx', '"code" >= 200 AND "code" < 300'], ['3xx', '"code" >= 300 AND "code" < 400'], ['4xx', '"code" >= 400 AND "code" < 500'], ['5xx', '"code" >= 500'], ['failed', failed]] as const;
const durations = [['any', any], ...[1, 10, 100, 250, 1000, 10000].map((ms) => [`${ms} ms`, `"duration" >= ${ms}`] as const)] as const;

const tags = [typeName, nodeName, namespaceName, workloadName, podName, serviceName];
const where = `"flow" = '$flow' AND ${influxFilter([...tags, methodName])} AND "url" =~ /(?:\${url:raw})/ AND \${code:raw} AND \${slower:raw} AND $timeFilter`;
/** The series know no URL; and no code or duration of a single request. */
const seriesWhere = `"flow" = '$flow' AND ${influxFilter([...tags, methodName])} AND $timeFilter`;

const rate = (condition: string): string => `SELECT count("url") * 1000.0 / $__interval_ms FROM "traffic" WHERE ${condition} GROUP BY time($__interval) fill(0)`;

const field = (name: string, more: Partial<Column> = {}): Column => ({ name, ...more });

const columns: readonly Column[] = [
  { name: 'time', source: { influxdb: 'Time' }, unit: 'time:YYYY-MM-DD HH:mm:ss.SSS', width: 190 },
  columnOf(namespaceName),
  columnOf(podName),
  columnOf(workloadName),
  field('method', { width: 80 }),
  field('host'),
  field('url', { width: 320 }),
  field('code', { unit: 'none', width: 70, thresholds: lowIsGood(400, 500) }),
  field('error', { width: 140 }),
  field('duration', { unit: 'ms', width: 100, thresholds: durationThresholds }),
  field('ttfb', { unit: 'ms', width: 90 }),
  field('request_bytes', { unit: 'bytes', width: 110 }),
  field('response_bytes', { unit: 'bytes', width: 110 }),
  field('peer_namespace'),
  field('peer_podname'),
  field('peer_workload'),
  field('srcip', { width: 120 }),
  field('dstip', { width: 120 }),
  field('trace_id'),
];

/** What has a duration was answered. */
const answered = columns.filter((column) => column.name !== 'error');
const selected = (of: readonly Column[]): string => of.map((column) => column.source?.influxdb ?? column.name).filter((name) => name !== 'Time').map((name) => `"${name}"`).join(', ');

function log(title: string, description: string, query: string, sortBy: string, shown = columns): TableSpec {
  return { kind: 'table', title, description, width: 24, height: 12, columns: shown, sortBy, queries: { influxdb: [influxTable('A', query)] } };
}

const logNote = 'ttfb is the time to the first byte of the response; the peer is the other end. Agents that send only failed requests, or none, show so here (sinks.influxdb.request_log).';

/** Single requests, from the log that InfluxDB keeps. */
export const requests: DashboardSpec = {
  name: 'requests',
  title: 'Requests',
  description: 'The log of single requests with filters. Rates and percentiles here are of the requests that match, counted one by one.',
  backends: ['influxdb'],
  variables: (backend) => [
    namesVariable(backend, 'type', 'Type', { influxdb: 'SHOW TAG VALUES FROM "red" WITH KEY = "type"', prometheus: '' }, 'Protocol of the requests.'),
    flowVariable(backend),
    namesVariable(backend, 'node', 'Node', { influxdb: 'SHOW TAG VALUES FROM "agent" WITH KEY = "nodename"', prometheus: '' }),
    namespaceVariable(backend),
    workloadVariable(backend),
    podVariable(backend),
    namesVariable(backend, 'service', 'Service', { influxdb: `SHOW TAG VALUES FROM "red_pod" WITH KEY = "servicename" WHERE "flow" = '$flow' AND ${influxFilter([namespaceName])}`, prometheus: '' }),
    methodVariable(backend),
    textVariable('url', 'URL', '', 'Regular expression that the URL matches anywhere; a slash is written \\/. What a URL holds is set by export.url: with the query, the path, or the route.'),
    choiceVariable('code', 'Code', codes, 'Status code of the response. A condition of your own is taken too, such as "code" = 404.', true),
    choiceVariable('slower', 'At least', durations, 'Shortest duration. A condition of your own is taken too, such as "duration" >= 42 (milliseconds; quoted, since InfluxQL has a word like it). But for "any", unanswered requests are left out: they have no duration.', true),
  ],
  annotations: eventAnnotations,
  sections: [
    {
      title: 'Requests that match',
      panels: [
        {
          kind: 'timeseries',
          title: 'Rate',
          description: 'Matching requests a second, and those of them that failed. Narrow the filters until only the requests in question are left.',
          width: 8,
          height: 8,
          interval: '10s',
          unit: 'reqps',
          queries: { influxdb: [influxSeries('requests', rate(where), 'requests'), influxSeries('failed', rate(`${failed} AND ${where}`), 'failed')] },
        },
        {
          kind: 'timeseries',
          title: 'Duration',
          description: 'Percentiles of the durations of matching requests, exact, since each request is counted. Choose a smaller time range if this takes long.',
          width: 8,
          height: 8,
          interval: '10s',
          unit: 'ms',
          thresholds: durationThresholds,
          queries: { influxdb: [influxSeries('A', `SELECT percentile("duration", 50) AS "p50", percentile("duration", 90) AS "p90", percentile("duration", 99) AS "p99" FROM "traffic" WHERE ${where} GROUP BY time($__interval) fill(none)`, '$col')] },
        },
        {
          kind: 'timeseries',
          title: 'Failed requests by kind',
          description: 'Requests that failed by kind of error, a second: a status such as 500, timeout, connection_reset, connection_closed. Resets and closed connections point to a server that crashed or was stopped. All filters apply but URL, code and duration.',
          width: 8,
          height: 8,
          interval: '10s',
          unit: 'reqps',
          bars: true,
          queries: { influxdb: [influxSeries('A', `SELECT sum("errors") * 1000.0 / $__interval_ms FROM "red" WHERE "error" =~ /./ AND ${seriesWhere} GROUP BY time($__interval), "error" fill(none)`, '$tag_error')] },
        },
        log('Request log', `The newest 500 requests that match. ${logNote}`, `SELECT ${selected(columns)} FROM "traffic" WHERE ${where} ORDER BY time DESC LIMIT 500`, 'time'),
        log('Slowest requests', `The 50 matching requests that took longest. ${logNote}`, `SELECT top("duration", 50) AS "duration", ${selected(answered.filter(({ name }) => name !== 'duration'))} FROM "traffic" WHERE ${where}`, 'duration', answered),
        log('Failed requests', `The newest 200 matching requests that failed: answered by 5xx (a client's by 4xx too) or not at all. ${logNote}`, `SELECT ${selected(columns)} FROM "traffic" WHERE ${failed} AND ${where} ORDER BY time DESC LIMIT 200`, 'time'),
      ],
    },
  ],
};
