import { type AnnotationQuery, AnnotationQueryBuilder } from '@grafana/grafana-foundation-sdk/dashboard';
import type * as cog from '@grafana/grafana-foundation-sdk/cog';
import { DataqueryBuilder } from '@grafana/grafana-foundation-sdk/prometheus';
import { type Backend, datasource } from '../kit/backend';
import { colours } from '../kit/colours';
import { oneLine } from '../kit/queries';
import { namespaceName, promLabels, podName, workloadName, promFilter, influxFilter } from './names';
import { promNew } from './eventCounts';

/** Grafana's InfluxDB data source takes the annotation's query from its target. */
export interface InfluxAnnotationTarget extends cog.Dataquery {
  refId: string;
  query: string;
  queryType: 'tags';
  rawQuery: true;
  fromAnnotations: true;
  textEditor: true;
  titleColumn: string;
  textColumn: string;
  tagsColumn: string;
  timeEndColumn: string;
}

interface EventAnnotation {
  readonly name: string;
  readonly colour: string;
  readonly influxdb: { readonly query: string; readonly textColumn: string };
  readonly prometheus: { readonly expr: string; readonly title: string };
}

const names = [namespaceName, workloadName, podName];
const influxWhere = `${influxFilter([namespaceName])} AND $timeFilter`;

const annotations: readonly EventAnnotation[] = [
  {
    name: 'OOM kills',
    colour: colours.bad,
    influxdb: { query: `SELECT "comm", "podname" FROM "oomkill" WHERE ${influxWhere}`, textColumn: 'comm' },
    prometheus: {
      expr: `sum by (${promLabels(names)}) (${promNew('kubebpfbox_oomkill_total', promFilter([namespaceName]), '1m')}) > 0`,
      title: 'OOM kill',
    },
  },
  {
    name: 'Refused connections',
    colour: colours.warning,
    influxdb: { query: `SELECT "count", "podname" FROM "tcpsynbl" WHERE ${influxWhere}`, textColumn: 'count' },
    prometheus: {
      expr: `sum by (${promLabels(names)}) (${promNew('kubebpfbox_tcpsynbl_overflows_total', promFilter([namespaceName]), '1m')}) > 0`,
      title: 'Accept queue full',
    },
  },
];

/** Marks on time series at which something of the node happened, in the chosen namespaces. */
export function eventAnnotations(backend: Backend): cog.Builder<AnnotationQuery>[] {
  return annotations.map((annotation) => {
    const builder = new AnnotationQueryBuilder().name(annotation.name).datasource(datasource(backend)).enable(true).iconColor(annotation.colour);
    return backend === 'influxdb' ? builder.target({ build: () => influxTarget(annotation) }) : prometheusTarget(builder, annotation);
  });
}

function influxTarget({ influxdb }: EventAnnotation): InfluxAnnotationTarget {
  return {
    refId: 'Anno',
    query: oneLine(influxdb.query),
    queryType: 'tags',
    rawQuery: true,
    fromAnnotations: true,
    textEditor: true,
    titleColumn: '',
    textColumn: influxdb.textColumn,
    tagsColumn: 'podname',
    timeEndColumn: '',
    _implementsDataqueryVariant: () => {},
  };
}

function prometheusTarget(builder: AnnotationQueryBuilder, { prometheus }: EventAnnotation): AnnotationQueryBuilder {
  return builder
    .target(new DataqueryBuilder().refId('Anno').expr(oneLine(prometheus.expr)).interval('1m'))
    .titleFormat(prometheus.title)
    .textFormat(names.map(({ source }) => `{{${source.prometheus}}}`).join(' / '))
    .tagKeys(promLabels(names).replaceAll(' ', ''));
}
