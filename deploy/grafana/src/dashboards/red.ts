import { highIsGood } from '../kit/colours';
import type { DashboardSpec, Section } from '../kit/dashboards';
import type { Column, PanelSpec, StatSpec } from '../kit/panels';
import { influxSeries, influxTable, promNumber, promSeries, promTable } from '../kit/queries';
import { choiceVariable } from '../kit/variables';
import { eventAnnotations } from './annotations';
import { type Name, columnOf, flowVariable, influxAlias, linkTo, methodName, namespaceName, namespaceVariable, podName, podVariable, promLegend, routeName, routeVariable, workloadName, workloadVariable } from './names';
import { durationThresholds, errorThresholds, influxErrors, influxPercentile, influxPercentiles, influxRate, influxSummary, promErrors, promPercentile, promPercentiles, promRate, quantiles } from './requestRates';

const percentileNote = { influxdb: influxPercentiles, prometheus: promPercentiles };

/** Something requests are added up by. */
interface Level {
  readonly title: string;
  /** As in "by pod". */
  readonly by: string;
  readonly measurement: string;
  readonly names: readonly Name[];
  /** Variables that apply: those whose tags the measurement has. */
  readonly filters: readonly Name[];
  readonly advice: string;
}

const levels: readonly Level[] = [
  {
    title: 'Namespaces',
    by: 'namespace',
    measurement: 'red_namespace',
    names: [namespaceName],
    filters: [namespaceName],
    advice: 'Start with the namespace whose errors or p99 stand out and choose it above.',
  },
  {
    title: 'Workloads',
    by: 'workload',
    measurement: 'red_workload',
    names: [namespaceName, workloadName],
    filters: [namespaceName, workloadName],
    advice: 'A click on a workload leads to its requests.',
  },
  {
    title: 'Pods',
    by: 'pod',
    measurement: 'red_pod',
    names: [namespaceName, podName],
    filters: [namespaceName, workloadName, podName],
    advice: 'One pod that differs from its siblings points to its node or to itself, not to the code.',
  },
  {
    title: 'Routes',
    by: 'route',
    measurement: 'red_route',
    names: [namespaceName, workloadName, methodName, routeName],
    filters: [namespaceName, workloadName, routeName],
    advice: 'Values in paths are replaced, so /users/{id} is one route. Errors of a single route point to the code behind it.',
  },
];

const all = [namespaceName, workloadName];

function stat(title: string, description: string, more: Pick<StatSpec, 'unit' | 'calculation' | 'queries'> & Partial<StatSpec>): StatSpec {
  return { kind: 'stat', title, description, width: 4, height: 4, interval: '10s', ...more };
}

const overview: Section = {
  title: 'All chosen workloads',
  panels: [
    stat('Requests', 'Requests a second of the chosen namespaces and workloads, the mean over the time range.', {
      unit: 'reqps',
      calculation: 'mean',
      queries: {
        influxdb: [influxSeries('A', influxRate('red_workload', all, []), 'requests')],
        prometheus: [promNumber('A', promRate(all, [], '$__range'))],
      },
    }),
    stat('Errors', 'Share of requests that failed: answered by 5xx, timed out, reset or cut off; at the client\'s side 4xx too. From 1 % on look at the tables below, sorted by errors.', {
      unit: 'percentunit',
      decimals: 2,
      calculation: 'mean',
      thresholds: errorThresholds,
      queries: {
        influxdb: [influxSeries('A', influxErrors('red_workload', all, []), 'errors')],
        prometheus: [promNumber('A', promErrors(all, [], '$__range'))],
      },
      note: { influxdb: 'The mean of the steps\' shares.' },
    }),
    ...quantiles.map(([name, quantile]) =>
      stat(`Duration ${name}`, `${Number(quantile) * 100} % of the requests were answered within this time, from the first byte of the request to the last of the response.`, {
        unit: 'ms',
        calculation: 'max',
        thresholds: durationThresholds,
        note: percentileNote,
        queries: {
          influxdb: [influxSeries('A', influxPercentile(name, 'red_workload', all, []), name)],
          prometheus: [promNumber('A', promPercentile(quantile, all, [], '$__range'))],
        },
      }),
    ),
    stat('Completeness', 'Lowest share of the traffic that any agent followed without loss. Below 1 the numbers here are too low: the agent dashboard says where and why it was lost.', {
      unit: 'percentunit',
      decimals: 2,
      calculation: 'min',
      thresholds: highIsGood(0.999, 0.99),
      queries: {
        influxdb: [influxSeries('A', 'SELECT min("completeness") FROM "agent" WHERE $timeFilter GROUP BY time($__interval) fill(none)', 'completeness')],
        prometheus: [promNumber('A', 'min(min_over_time(kubebpfbox_completeness_ratio[$__range]))')],
      },
    }),
  ],
};

const requestsLink = linkTo({ influxdb: ['requests', 'Requests of this workload'], prometheus: ['routes', 'Routes of this workload'] }, [namespaceName, workloadName]);

function measures(): Column[] {
  return [
    { name: 'rate', unit: 'reqps', width: 110 },
    { name: 'errors', unit: 'percentunit', decimals: 2, width: 110, thresholds: errorThresholds },
    ...quantiles.map(([name]): Column => ({ name, unit: 'ms', width: 110, thresholds: durationThresholds })),
  ];
}

function section({ title, by, measurement, names, filters, advice }: Level): Section {
  const table: PanelSpec = {
    kind: 'table',
    title: `${title}: rate, errors, duration`,
    description: `Requests a second, share of errors and percentiles of the duration over the time range by ${by}; a click on a column's head sorts by it. ${advice}`,
    note: percentileNote,
    width: 24,
    height: 8,
    columns: [...names.map((name) => columnOf(name, name === workloadName ? { link: requestsLink } : {})), ...measures()],
    sortBy: 'rate',
    queries: {
      influxdb: [influxTable('A', influxSummary(measurement, filters, names))],
      prometheus: [
        promTable('rate', promRate(filters, names, '$__range')),
        promTable('errors', promErrors(filters, names, '$__range')),
        ...quantiles.map(([name, quantile]) => promTable(name, promPercentile(quantile, filters, names, '$__range'))),
      ],
    },
  };
  const series = { kind: 'timeseries', width: 8, height: 8, interval: '10s' } as const;
  const alias = influxAlias(names);
  const legend = promLegend(names);
  return {
    title,
    panels: [
      table,
      {
        ...series,
        title: `Rate by ${by}`,
        description: `Requests a second by ${by}. A drop without a drop of its clients' rate means that requests no longer arrive.`,
        unit: 'reqps',
        queries: {
          influxdb: [influxSeries('A', influxRate(measurement, filters, names), alias)],
          prometheus: [promSeries('A', promRate(filters, names, '$__rate_interval'), legend)],
        },
      },
      {
        ...series,
        title: `Errors by ${by}`,
        description: `Share of requests that failed by ${by}. Marks show OOM kills and refused connections: errors that begin at one have their cause there.`,
        unit: 'percentunit',
        thresholds: errorThresholds,
        queries: {
          influxdb: [influxSeries('A', influxErrors(measurement, filters, names), alias)],
          prometheus: [promSeries('A', promErrors(filters, names, '$__rate_interval'), legend)],
        },
      },
      {
        ...series,
        title: `Duration by ${by}`,
        description: `The percentile that is chosen above by ${by}. When p99 rises and p50 does not, few requests wait for something: look for locks, queues, collections of memory.`,
        note: percentileNote,
        unit: 'ms',
        thresholds: durationThresholds,
        queries: {
          influxdb: [influxSeries('A', influxPercentile('$quantile', measurement, filters, names), alias)],
          prometheus: [promSeries('A', promPercentile('$quantile', filters, names, '$__rate_interval'), legend, true)],
        },
      },
    ],
  };
}

/** Rate, errors and duration from namespaces down to routes. */
export const red: DashboardSpec = {
  name: 'red',
  title: 'RED',
  description: 'Rate, errors and duration of all HTTP requests by namespace, workload, pod and route, as seen from the kernel.',
  backends: ['influxdb', 'prometheus'],
  variables: (backend) => [
    flowVariable(backend),
    choiceVariable('quantile', 'Duration', [...quantiles].reverse().map(([name, quantile]) => [name, backend === 'influxdb' ? name : quantile] as const), 'The percentile that the graphs of durations show.'),
    namespaceVariable(backend),
    workloadVariable(backend),
    podVariable(backend),
    routeVariable(backend),
  ],
  annotations: eventAnnotations,
  sections: [overview, ...levels.map(section)],
};
