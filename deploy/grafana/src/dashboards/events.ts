import { lowIsGood } from '../kit/colours';
import type { DashboardSpec, Section } from '../kit/dashboards';
import type { Column, StatSpec, TimeSeriesSpec } from '../kit/panels';
import { influxSeries, influxTable, promNumber, promSeries, promTable } from '../kit/queries';
import { namesVariable } from '../kit/variables';
import { eventAnnotations } from './annotations';
import { promNew } from './eventCounts';
import { type Name, columnOf, containerName, influxAlias, influxFilter, influxTags, namespaceName, podName, promFilter, promLabels, promLegend, workloadName } from './names';

const filters = [namespaceName, podName];
const where = `${influxFilter(filters)} AND $timeFilter`;
const names = [namespaceName, podName];

/** A kind of event in both backends. */
interface Kind {
  readonly title: string;
  readonly measurement: string;
  /** InfluxQL that counts, of one or more points. */
  readonly count: string;
  readonly metric: string;
  readonly unit: string;
}

const kills: Kind = { title: 'OOM kills', measurement: 'oomkill', count: 'count("pid")', metric: 'kubebpfbox_oomkill_total', unit: 'short' };
const refusals: Kind = { title: 'Refused connections', measurement: 'tcpsynbl', count: 'sum("count")', metric: 'kubebpfbox_tcpsynbl_overflows_total', unit: 'short' };

function total({ title, measurement, count, metric, unit }: Kind, description: string): StatSpec {
  return {
    kind: 'stat',
    title,
    description,
    width: 4,
    height: 8,
    unit,
    decimals: 0,
    calculation: 'sum',
    noValue: '0',
    thresholds: lowIsGood(1, 10),
    queries: {
      influxdb: [influxSeries('A', `SELECT ${count} FROM "${measurement}" WHERE ${where}`, title)],
      prometheus: [promNumber('A', `sum(${promNew(metric, promFilter(filters), '$__range')})`)],
    },
  };
}

function overTime({ title, measurement, count, metric, unit }: Kind, description: string): TimeSeriesSpec {
  return {
    kind: 'timeseries',
    title: `${title} over time`,
    description,
    width: 8,
    height: 8,
    interval: '1m',
    unit,
    decimals: 0,
    bars: true,
    queries: {
      influxdb: [influxSeries('A', `SELECT ${count} FROM "${measurement}" WHERE ${where} GROUP BY time($__interval), ${influxTags(names)} fill(none)`, influxAlias(names))],
      prometheus: [promSeries('A', `sum by (${promLabels(names)}) (${promNew(metric, promFilter(filters), '$__interval')}) > 0`, promLegend(names))],
    },
  };
}

const time: Column = { name: 'time', source: { influxdb: 'Time' }, unit: 'time:YYYY-MM-DD HH:mm:ss.SSS', width: 190 };
/** A column that only single events have, not their counts. */
const detail = (name: string, more: Partial<Column> = {}): Column => ({ name, source: { influxdb: name }, ...more });
const counted = (name: string): Column => ({ name, source: { prometheus: 'Value' }, unit: 'short', decimals: 0 });

const influxColumns = (columns: readonly Column[]): string => columns.map((column) => column.source?.influxdb).filter((name) => name !== undefined && name !== 'Time').map((name) => `"${name}"`).join(', ');

const scopeName: Name = { name: 'scope', source: { influxdb: 'scope', prometheus: 'scope' } };
const where1 = [namespaceName, workloadName, podName, containerName];

const killColumns: readonly Column[] = [
  time,
  ...where1.map((name) => columnOf(name)),
  detail('nodename'),
  columnOf(scopeName),
  detail('comm'),
  detail('pid', { unit: 'none' }),
  detail('usage_bytes', { unit: 'bytes' }),
  detail('limit_bytes', { unit: 'bytes' }),
  detail('triggercomm'),
  detail('triggerpodname'),
  detail('message', { width: 400 }),
  counted('kills'),
];

const refusalColumns: readonly Column[] = [
  time,
  ...where1.map((name) => columnOf(name)),
  detail('nodename'),
  detail('dstip'),
  detail('dstport', { unit: 'none' }),
  { ...detail('count', { unit: 'short', decimals: 0 }) },
  detail('ackbacklog', { unit: 'none' }),
  detail('maxackbacklog', { unit: 'none' }),
  detail('srcip'),
  counted('refused'),
];

const killSection: Section = {
  title: 'Processes killed for their memory',
  panels: [
    total(kills, 'Processes that the kernel killed within the time range. Each was a container (or a part of it) that lost all it was doing: raise its limit or find what grows.'),
    {
      ...overTime(kills, 'Kills by pod. One pod again and again: its limit is too low, or it leaks. Many pods of a node at once: the node itself has no memory, see the column scope.'),
      width: 20,
    },
    {
      kind: 'table',
      title: 'Kills',
      description: 'Scope says whose memory was short: of the container or pod, raise its limit; of the node, the pods on it ask for less than they use (requests).',
      note: { prometheus: 'Counts within the time range; process, limit and usage of each kill are in InfluxDB, /api/events and kubebpfbox observe.' },
      width: 24,
      height: 9,
      columns: killColumns,
      sortBy: 'time',
      queries: {
        influxdb: [influxTable('A', `SELECT ${influxColumns(killColumns)} FROM "oomkill" WHERE ${where} ORDER BY time DESC LIMIT 500`)],
        prometheus: [promTable('A', `sum by (${promLabels([...where1, scopeName])}) (${promNew(kills.metric, promFilter(filters), '$__range')}) > 0`)],
      },
    },
  ],
};

const refusalSection: Section = {
  title: 'Connections refused because the accept queue was full',
  panels: [
    total(refusals, 'Connections that the kernel refused because the program did not accept fast enough. Clients see timeouts or resets: the program is blocked, or its listen(2) backlog or net.core.somaxconn is too small.'),
    {
      ...overTime(refusals, 'Refused connections by pod. Short bursts: a larger backlog helps. Steady: the program does not accept, look at what its threads do.'),
      width: 20,
    },
    {
      kind: 'table',
      title: 'Overflows',
      description: 'Listeners whose queue was full. Compare the limit with the backlog that the program asks for: the kernel takes the smaller one of it and net.core.somaxconn.',
      note: {
        influxdb: 'One row for each listener and second: count connections were refused while ackbacklog of maxackbacklog were waiting; srcip was the last of them.',
        prometheus: 'Counts within the time range.',
      },
      width: 24,
      height: 9,
      columns: refusalColumns,
      sortBy: 'time',
      queries: {
        influxdb: [influxTable('A', `SELECT ${influxColumns(refusalColumns)} FROM "tcpsynbl" WHERE ${where} ORDER BY time DESC LIMIT 500`)],
        prometheus: [promTable('A', `sum by (${promLabels(where1)}) (${promNew(refusals.metric, promFilter(filters), '$__range')}) > 0`)],
      },
    },
    {
      kind: 'timeseries',
      title: 'Accept queues: how full',
      description: 'Highest length of each accept queue of the last minutes as a share of its limit. From 70 % on the program accepts too slowly for its bursts: act before connections are refused.',
      width: 24,
      height: 8,
      unit: 'percentunit',
      thresholds: lowIsGood(0.7, 0.9),
      queries: {
        prometheus: [
          promSeries(
            'A',
            `kubebpfbox_tcpsynbl_queue_highest{${promFilter(filters)}} / kubebpfbox_tcpsynbl_queue_limit`,
            `${promLegend([namespaceName, podName])} {{listener}}`,
          ),
        ],
      },
    },
  ],
};

/** What the kernel did to pods. */
export const events: DashboardSpec = {
  name: 'events',
  title: 'Events',
  description: 'Processes killed for their memory, and connections refused because a program did not accept them fast enough.',
  backends: ['influxdb', 'prometheus'],
  variables: (backend) => [
    namesVariable(backend, 'namespace', 'Namespace', {
      influxdb: 'SHOW TAG VALUES WITH KEY = "namespace"',
      prometheus: 'label_values(k8s_namespace_name)',
    }),
    namesVariable(backend, 'pod', 'Pod', {
      influxdb: `SHOW TAG VALUES WITH KEY = "podname" WHERE ${influxFilter([namespaceName])}`,
      prometheus: `label_values({__name__=~"kubebpfbox_.+", ${promFilter([namespaceName])}}, k8s_pod_name)`,
    }),
  ],
  annotations: eventAnnotations,
  sections: [killSection, refusalSection],
};

