import { plain } from '../kit/colours';
import type { DashboardSpec, Section } from '../kit/dashboards';
import type { Column } from '../kit/panels';
import { promSeries, promTable } from '../kit/queries';
import { choiceVariable, namesVariable } from '../kit/variables';
import { eventAnnotations } from './annotations';
import { type Name, columnOf, flowVariable, methodName, methodVariable, namespaceName, namespaceVariable, podName, podVariable, promFilter, promLegend, routeName, routeVariable, workloadName, workloadVariable } from './names';
import { durationThresholds, errorThresholds, promErrors, promPercentile, promPercentiles, promRate, quantiles } from './requestRates';

const codeName: Name = { name: 'code', source: { influxdb: 'code', prometheus: 'http_response_status_code' } };
const filters = [namespaceName, workloadName, podName, methodName, routeName, codeName];
const names = [namespaceName, workloadName, methodName, routeName];

interface Ranking {
  readonly title: string;
  readonly by: string;
  readonly advice: string;
  readonly note?: string;
  readonly value: Column & { readonly unit: string };
  readonly expr: (range: string) => string;
  readonly withExemplars?: boolean;
}

const rankings: readonly Ranking[] = [
  {
    title: 'Busiest routes',
    by: 'requests a second',
    advice: 'What costs most here is worth being made cheaper.',
    value: { name: 'rate', unit: 'reqps', thresholds: plain },
    expr: (range) => promRate(filters, names, range),
  },
  {
    title: 'Routes that fail',
    by: 'share of failed requests',
    advice: 'Look at the busiest of them first: one failed request of one is 100 % too.',
    value: { name: 'errors', unit: 'percentunit', decimals: 2, thresholds: errorThresholds },
    expr: (range) => promErrors(filters, names, range),
  },
  {
    title: 'Slowest routes',
    by: 'the percentile of the duration that is chosen above',
    advice: 'Points on the graph are single traced requests, if the data source has exemplars: follow one to its trace.',
    note: promPercentiles,
    value: { name: 'duration', unit: 'ms', thresholds: durationThresholds },
    expr: (range) => promPercentile('$quantile', filters, names, range),
    withExemplars: true,
  },
];

function section({ title, by, advice, note, value, expr, withExemplars }: Ranking): Section {
  const prometheusNote = note === undefined ? {} : { note: { prometheus: note } };
  const thresholds = value.thresholds === undefined || value.thresholds === plain ? {} : { thresholds: value.thresholds };
  return {
    title,
    panels: [
      {
        kind: 'table',
        title,
        description: `The first 25 routes by ${by}, over the time range. ${advice}`,
        ...prometheusNote,
        width: 12,
        height: 10,
        columns: [...names.map((name) => columnOf(name)), { ...value, width: 110 }],
        sortBy: value.name,
        queries: { prometheus: [promTable(value.name, `topk(25, ${expr('$__range')})`)] },
      },
      {
        kind: 'timeseries',
        title: `${title} over time`,
        description: `The first 10 routes at each moment by ${by}. ${advice}`,
        ...prometheusNote,
        width: 12,
        height: 10,
        unit: value.unit,
        ...thresholds,
        queries: { prometheus: [promSeries('A', `topk(10, ${expr('$__rate_interval')})`, promLegend(names), withExemplars)] },
      },
    ],
  };
}

/** What Prometheus has in place of a request log. */
export const routes: DashboardSpec = {
  name: 'routes',
  title: 'Routes',
  description: 'The busiest, the most failing and the slowest routes. Prometheus keeps no single requests: they are in the agent\'s own log (kubebpfbox observe, /api/transactions) or in InfluxDB.',
  backends: ['prometheus'],
  variables: (backend) => [
    flowVariable(backend),
    choiceVariable('quantile', 'Duration', [...quantiles].reverse(), 'The percentile by which routes are slow.'),
    namespaceVariable(backend),
    workloadVariable(backend),
    podVariable(backend),
    methodVariable(backend),
    routeVariable(backend),
    namesVariable(backend, 'code', 'Code', { influxdb: '', prometheus: `label_values(http_\${flow}_requests_total{${promFilter([namespaceName, workloadName])}}, http_response_status_code)` }),
  ],
  annotations: eventAnnotations,
  sections: rankings.map(section),
};
