import type { Dataquery as PrometheusDataquery } from '@grafana/grafana-foundation-sdk/prometheus';
import type { AnnotationQuery, Dashboard, DataQuery, DataSourceRef, FieldConfig, GraphFieldConfig, Panel, RowPanel, TableCellOptions, TableFieldOptions, ThresholdsConfig, ValueMapping } from '@grafana/schema';
import type { Options as StatOptions } from '@grafana/schema/dist/esm/raw/composable/stat/panelcfg/x/StatPanelCfg_types.gen';
import type { Options as TableOptions } from '@grafana/schema/dist/esm/raw/composable/table/panelcfg/x/TablePanelCfg_types.gen';
import type { Options as TimeSeriesOptions } from '@grafana/schema/dist/esm/raw/composable/timeseries/panelcfg/x/TimeSeriesPanelCfg_types.gen';
import type { InfluxAnnotationTarget } from '../dashboards/annotations';
import type { InfluxTarget } from '../kit/queries';

/**
 * Grafana's own Dashboard type, made strict: where it is open ("options: Record<string, unknown>"), its types of the panels that are used here stand
 * in, so that a misspelt property has nowhere to hide.
 */
export type CheckedDashboard = Json<StrictDashboard>;

/** A type as JSON writes it: enums are their values. */
type Json<T> = unknown extends T
  ? T
  : T extends string
    ? `${T}`
    : T extends number
      ? `${T}` extends `${infer Value extends number}`
        ? Value
        : never
      : T extends boolean | null | undefined
        ? T
        : T extends readonly (infer Item)[]
          ? Json<Item>[]
          : { [Key in keyof T]: Json<T[Key]> };

interface StrictDashboard extends Omit<Dashboard, 'panels' | 'annotations'> {
  // Grafana can do without them; these dashboards cannot.
  uid: string;
  title: string;
  description: string;
  panels: (StrictRow | StrictPanel<'table', TableOptions, TableFieldOptions> | StrictPanel<'timeseries', TimeSeriesOptions, GraphFieldConfig> | StrictPanel<'stat', StatOptions, never>)[];
  annotations: { list?: StrictAnnotation[] };
}

interface StrictRow extends Omit<RowPanel, 'panels'> {
  panels: [];
}

interface StrictPanel<Type extends string, Options, Custom> extends Omit<Panel, 'type' | 'title' | 'description' | 'options' | 'fieldConfig' | 'targets' | 'transformations'> {
  type: Type;
  title: string;
  description: string;
  datasource: DataSourceRef;
  // The plugins fill in what is not set.
  options?: Partial<Options>;
  fieldConfig: { defaults: StrictFieldConfig<Custom>; overrides: { matcher: { id: 'byName'; options: string }; properties: Override[] }[] };
  targets: (Target<PrometheusDataquery> | Target<InfluxTarget>)[];
  transformations?: Transformation[];
}

interface StrictFieldConfig<Custom> extends Omit<FieldConfig, 'custom' | 'links'> {
  custom?: Partial<Custom>;
}

/** The SDK's queries have a marker, which is a function and so not in JSON. */
type Target<Query> = Omit<Query, '_implementsDataqueryVariant'>;

interface Link {
  title: string;
  url: string;
}

/** Settings of single columns. Source: the ids of Grafana's field options and of the table's, which the schema package leaves open. */
type Override =
  | { id: 'unit'; value: string }
  | { id: 'decimals' | 'custom.width'; value: number }
  | { id: 'thresholds'; value: ThresholdsConfig }
  | { id: 'mappings'; value: ValueMapping[] }
  | { id: 'custom.cellOptions'; value: TableCellOptions }
  | { id: 'links'; value: Link[] };

interface Empty {
  never?: never;
}

/** Source: Grafana's "merge" and "organize fields" transformations. */
type Transformation =
  | { id: 'merge'; options: Empty }
  | { id: 'organize'; options: { excludeByName: Record<string, boolean>; indexByName: Record<string, number>; renameByName: Record<string, string> } };

interface StrictAnnotation extends Omit<AnnotationQuery, 'target' | 'datasource'> {
  datasource: DataSourceRef;
  target: (Target<PrometheusDataquery> & Pick<DataQuery, 'refId'>) | Target<InfluxAnnotationTarget>;
  /** Of Grafana's Prometheus data source. */
  titleFormat?: string;
  textFormat?: string;
  tagKeys?: string;
}
