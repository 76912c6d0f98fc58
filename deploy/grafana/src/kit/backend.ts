import type { DataSourceRef } from '@grafana/grafana-foundation-sdk/common';

/** What the dashboards read from. Each dashboard exists once for each of them. */
export type Backend = 'influxdb' | 'prometheus';

/** What differs by backend. */
export type PerBackend<T> = Readonly<Record<Backend, T>>;

/** Name of a backend as people write it. */
export const backendTitles: PerBackend<string> = { influxdb: 'InfluxDB', prometheus: 'Prometheus' };

/** The data source that the dashboard's variable `datasource` has chosen. */
export function datasource(backend: Backend): DataSourceRef {
  return { type: backend, uid: '${datasource}' };
}

/** The uid under which the provisioning files make the data source. */
export function datasourceUid(backend: Backend): string {
  return `kubebpfbox-${backend}`;
}

/** A dashboard's uid: never changed, since links of others point to it. */
export function dashboardUid(backend: Backend, name: string): string {
  return backend === 'influxdb' ? `kubebpfbox-${name}` : `kubebpfbox-${backend}-${name}`;
}
