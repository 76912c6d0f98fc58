import type * as cog from '@grafana/grafana-foundation-sdk/cog';
import { DataqueryBuilder, PromQueryFormat, QueryEditorMode } from '@grafana/grafana-foundation-sdk/prometheus';
import { datasource } from './backend';

/** A panel's query: its builder, and the name by which table columns know its value. */
export interface Query {
  readonly refId: string;
  readonly builder: cog.Builder<cog.Dataquery>;
}

/** A query of Grafana's InfluxDB data source in InfluxQL, of which the SDK has no builder. */
export interface InfluxTarget extends cog.Dataquery {
  refId: string;
  datasource: { type: string; uid: string };
  rawQuery: true;
  query: string;
  resultFormat: 'time_series' | 'table';
  /** Names series; `$tag_NAME` and `$col` are replaced. */
  alias: string;
}

function influx(refId: string, query: string, resultFormat: InfluxTarget['resultFormat'], alias: string): Query {
  const target: InfluxTarget = {
    refId,
    datasource: { type: 'influxdb', uid: '${datasource}' },
    rawQuery: true,
    query: oneLine(query),
    resultFormat,
    alias,
    _implementsDataqueryVariant: () => {},
  };
  return { refId, builder: { build: () => target } };
}

/** Series over time from InfluxDB. */
export function influxSeries(refId: string, query: string, alias: string): Query {
  return influx(refId, query, 'time_series', alias);
}

/** A table from InfluxDB; its columns are Time, the tags of GROUP BY, then what is selected. */
export function influxTable(refId: string, query: string): Query {
  return influx(refId, query, 'table', '');
}

/** Series over time from Prometheus. */
export function promSeries(refId: string, expr: string, legend: string, withExemplars = false): Query {
  return { refId, builder: prom(refId, expr).range().format(PromQueryFormat.TimeSeries).legendFormat(legend).exemplar(withExemplars) };
}

/** The state at the end of the time range, as a table of labels and a value. */
export function promTable(refId: string, expr: string): Query {
  return { refId, builder: prom(refId, expr).instant().format(PromQueryFormat.Table) };
}

/** The state at the end of the time range, as one number. */
export function promNumber(refId: string, expr: string): Query {
  return { refId, builder: prom(refId, expr).instant().format(PromQueryFormat.TimeSeries) };
}

function prom(refId: string, expr: string): DataqueryBuilder {
  return new DataqueryBuilder().refId(refId).datasource(datasource('prometheus')).editorMode(QueryEditorMode.Code).expr(oneLine(expr));
}

/** Queries are written over several lines here, and are one in the JSON. */
export function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ').trim();
}
