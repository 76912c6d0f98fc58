import type * as cog from '@grafana/grafana-foundation-sdk/cog';
import { BigValueColorMode, BigValueGraphMode, GraphDrawStyle, LegendDisplayMode, LegendPlacement, SortOrder, StackingMode, TableCellDisplayMode, TooltipDisplayMode, VisibilityMode } from '@grafana/grafana-foundation-sdk/common';
import * as common from '@grafana/grafana-foundation-sdk/common';
import { type DynamicConfigValue, FieldColorBuilder, FieldColorModeId, type Panel, type Threshold, ThresholdsConfigBuilder, ThresholdsMode } from '@grafana/grafana-foundation-sdk/dashboard';
import * as stat from '@grafana/grafana-foundation-sdk/stat';
import * as table from '@grafana/grafana-foundation-sdk/table';
import * as timeseries from '@grafana/grafana-foundation-sdk/timeseries';
import { type Backend, type PerBackend, datasource } from './backend';
import { plain } from './colours';
import type { Query } from './queries';

/** What all kinds of panels have: one description for both backends, only the queries differ. */
interface Common {
  readonly title: string;
  /** What is shown, and what to do about it. */
  readonly description: string;
  /** Added to the description where a backend's numbers mean something else. */
  readonly note?: Partial<PerBackend<string>>;
  /** Columns of the 24 that a row has, and rows of 30 pixels. */
  readonly width: number;
  readonly height: number;
  /** A backend that has no queries has no such panel. */
  readonly queries: Partial<PerBackend<readonly Query[]>>;
  /** Steps are not shorter than this. */
  readonly interval?: string;
}

interface Measured {
  readonly unit: string;
  readonly decimals?: number;
  readonly thresholds?: readonly Threshold[];
}

export interface TimeSeriesSpec extends Common, Measured {
  readonly kind: 'timeseries';
  /** Bars, stacked, for what is counted; lines for what is measured. */
  readonly bars?: boolean;
  readonly min?: number;
  readonly max?: number;
}

export interface StatSpec extends Common, Measured {
  readonly kind: 'stat';
  /** How a series becomes one number: lastNotNull, sum, min, max … */
  readonly calculation: string;
  readonly noValue?: string;
}

export interface Column extends Partial<Measured> {
  readonly name: string;
  /** Name in the answer; without it `name`, and for Prometheus the value of the query of that name. */
  readonly source?: Partial<PerBackend<string>>;
  readonly width?: number;
  /** Where a click leads. */
  readonly link?: PerBackend<{ readonly title: string; readonly url: string }>;
  /** Values that are shown in a colour. */
  readonly marked?: Readonly<Record<string, string>>;
}

export interface TableSpec extends Common {
  readonly kind: 'table';
  readonly columns: readonly Column[];
  /** Column by which it is sorted at first, descending; the last one where a backend has no such column. */
  readonly sortBy: string;
}

export type PanelSpec = TimeSeriesSpec | StatSpec | TableSpec;

/** The panel for a backend; null where it does not exist. */
export function buildPanel(spec: PanelSpec, backend: Backend, id: number): cog.Builder<Panel> | null {
  const queries = spec.queries[backend];
  if (queries === undefined) {
    return null;
  }
  const builder = spec.kind === 'timeseries' ? buildTimeSeries(spec) : spec.kind === 'stat' ? buildStat(spec) : buildTable(spec, backend, queries);
  const note = spec.note?.[backend];
  builder.id(id).title(spec.title).description(note === undefined ? spec.description : `${spec.description} ${note}`).datasource(datasource(backend));
  builder.span(spec.width).height(spec.height).targets(queries.map((query) => query.builder));
  if (spec.interval !== undefined) {
    builder.interval(spec.interval);
  }
  return builder;
}

function buildTimeSeries(spec: TimeSeriesSpec): timeseries.PanelBuilder {
  const builder = new timeseries.PanelBuilder()
    .unit(spec.unit)
    .min(spec.min ?? 0)
    .colorScheme(new FieldColorBuilder().mode(FieldColorModeId.PaletteClassicByName))
    .drawStyle(spec.bars ? GraphDrawStyle.Bars : GraphDrawStyle.Line)
    .lineWidth(1)
    .fillOpacity(spec.bars ? 80 : 10)
    .showPoints(VisibilityMode.Auto)
    .stacking(new common.StackingConfigBuilder().mode(spec.bars ? StackingMode.Normal : StackingMode.None).group('A'))
    .legend(new common.VizLegendOptionsBuilder().displayMode(LegendDisplayMode.Table).placement(LegendPlacement.Bottom).showLegend(true).calcs(['mean', 'max']).sortBy('Max').sortDesc(true))
    .tooltip(new common.VizTooltipOptionsBuilder().mode(TooltipDisplayMode.Multi).sort(SortOrder.Descending));
  if (spec.max !== undefined) {
    builder.max(spec.max);
  }
  if (spec.decimals !== undefined) {
    builder.decimals(spec.decimals);
  }
  if (spec.thresholds !== undefined) {
    builder.thresholds(thresholds(spec.thresholds)).thresholdsStyle(new common.GraphThresholdsStyleConfigBuilder().mode(common.GraphThresholdsStyleMode.Dashed));
  }
  return builder;
}

function buildStat(spec: StatSpec): stat.PanelBuilder {
  const builder = new stat.PanelBuilder()
    .unit(spec.unit)
    .thresholds(thresholds(spec.thresholds ?? plain))
    .colorScheme(new FieldColorBuilder().mode(FieldColorModeId.Thresholds))
    .colorMode(BigValueColorMode.Value)
    .graphMode(BigValueGraphMode.Area)
    .reduceOptions(new common.ReduceDataOptionsBuilder().calcs([spec.calculation]).fields('').values(false));
  if (spec.decimals !== undefined) {
    builder.decimals(spec.decimals);
  }
  if (spec.noValue !== undefined) {
    builder.noValue(spec.noValue);
  }
  return builder;
}

function buildTable(spec: TableSpec, backend: Backend, queries: readonly Query[]): table.PanelBuilder {
  const columns = spec.columns.filter((column) => hasColumn(column, backend));
  const sources = columns.map((column) => sourceOf(column, backend, queries));
  const builder = new table.PanelBuilder()
    .showHeader(true)
    .filterable(true)
    .sortBy([new common.TableSortByFieldStateBuilder().displayName((columns.find(({ name }) => name === spec.sortBy) ?? columns.at(-1)!).name).desc(true)]);
  if (queries.length > 1) {
    builder.withTransformation({ id: 'merge', options: {} });
  }
  builder.withTransformation({
    id: 'organize',
    options: {
      excludeByName: Object.fromEntries(unwanted(sources, backend, queries).map((name) => [name, true])),
      indexByName: Object.fromEntries(sources.map((source, index) => [source, index])),
      renameByName: Object.fromEntries(sources.map((source, index) => [source, columns[index]!.name])),
    },
  });
  for (const column of columns) {
    const properties = columnProperties(column, backend);
    if (properties.length > 0) {
      builder.overrideByName(column.name, properties);
    }
  }
  return builder;
}

/** A column with a source for some backends exists only there. */
function hasColumn(column: Column, backend: Backend): boolean {
  return column.source === undefined || column.source[backend] !== undefined;
}

function sourceOf(column: Column, backend: Backend, queries: readonly Query[]): string {
  const source = column.source?.[backend];
  if (source !== undefined) {
    return source;
  }
  return backend === 'influxdb' ? column.name : promValue(column.name, queries);
}

/** Source: Grafana's Prometheus data source names a table's value after its query only when there are several. */
function promValue(refId: string, queries: readonly Query[]): string {
  return queries.length > 1 ? `Value #${refId}` : 'Value';
}

/** Columns that no one asked for: the time of what has none, and the values of queries whose labels only are of interest. */
function unwanted(sources: readonly string[], backend: Backend, queries: readonly Query[]): string[] {
  const values = backend === 'prometheus' ? queries.map(({ refId }) => promValue(refId, queries)) : [];
  return ['Time', ...values].filter((name) => !sources.includes(name));
}

function columnProperties(column: Column, backend: Backend): DynamicConfigValue[] {
  const properties: DynamicConfigValue[] = [];
  if (column.unit !== undefined) {
    properties.push({ id: 'unit', value: column.unit });
  }
  if (column.decimals !== undefined) {
    properties.push({ id: 'decimals', value: column.decimals });
  }
  if (column.width !== undefined) {
    properties.push({ id: 'custom.width', value: column.width });
  }
  if (column.thresholds !== undefined) {
    properties.push({ id: 'thresholds', value: { mode: ThresholdsMode.Absolute, steps: [...column.thresholds] } });
  }
  if (column.marked !== undefined) {
    const options = Object.fromEntries(Object.entries(column.marked).map(([value, color], index) => [value, { color, index }]));
    properties.push({ id: 'mappings', value: [{ type: 'value', options }] });
  }
  if (column.thresholds !== undefined || column.marked !== undefined) {
    properties.push({ id: 'custom.cellOptions', value: { type: TableCellDisplayMode.ColorText } });
  }
  if (column.link !== undefined) {
    properties.push({ id: 'links', value: [column.link[backend]] });
  }
  return properties;
}

function thresholds(steps: readonly Threshold[]): ThresholdsConfigBuilder {
  return new ThresholdsConfigBuilder().mode(ThresholdsMode.Absolute).steps([...steps]);
}
