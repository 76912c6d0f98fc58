import type * as cog from '@grafana/grafana-foundation-sdk/cog';
import type { VariableModel } from '@grafana/grafana-foundation-sdk/dashboard';
import { type Backend, type PerBackend, dashboardUid } from '../kit/backend';
import type { Column } from '../kit/panels';
import { choiceVariable, namesVariable } from '../kit/variables';

/** What a request or an event belongs to. The same name in every dashboard: of the column, the variable and the address's parameter. */
export interface Name {
  readonly name: string;
  /** Tag in InfluxDB, label in Prometheus. */
  readonly source: PerBackend<string>;
}

export const namespaceName: Name = { name: 'namespace', source: { influxdb: 'namespace', prometheus: 'k8s_namespace_name' } };
export const workloadName: Name = { name: 'workload', source: { influxdb: 'workload', prometheus: 'workload' } };
export const podName: Name = { name: 'pod', source: { influxdb: 'podname', prometheus: 'k8s_pod_name' } };
export const containerName: Name = { name: 'container', source: { influxdb: 'containername', prometheus: 'k8s_container_name' } };
export const methodName: Name = { name: 'method', source: { influxdb: 'method', prometheus: 'http_request_method' } };
export const routeName: Name = { name: 'route', source: { influxdb: 'route', prometheus: 'http_route' } };
/** Prometheus knows a node as the address that it scrapes. */
export const nodeName: Name = { name: 'node', source: { influxdb: 'nodename', prometheus: 'instance' } };

/** Only what the variables of these names have chosen. */
export function influxFilter(names: readonly Name[]): string {
  return names.map(({ name, source }) => `"${source.influxdb}" =~ /^$${name}$/`).join(' AND ');
}

/** The same as matchers of a selector. */
export function promFilter(names: readonly Name[]): string {
  return names.map(({ name, source }) => `${source.prometheus}=~"$${name}"`).join(', ');
}

export function influxTags(names: readonly Name[]): string {
  return names.map(({ source }) => `"${source.influxdb}"`).join(', ');
}

export function promLabels(names: readonly Name[]): string {
  return names.map(({ source }) => source.prometheus).join(', ');
}

/** How a series of these names is called in a legend. */
export function influxAlias(names: readonly Name[]): string {
  return names.map(({ source }) => `$tag_${source.influxdb}`).join(' / ');
}

export function promLegend(names: readonly Name[]): string {
  return names.map(({ source }) => `{{${source.prometheus}}}`).join(' / ');
}

export function columnOf({ name, source }: Name, more: Partial<Column> = {}): Column {
  return { name, source, ...more };
}

/** A link that takes along the row's names and the time range. */
export function linkTo(dashboards: PerBackend<readonly [name: string, title: string]>, names: readonly Name[]): NonNullable<Column['link']> {
  const link = (backend: Backend): { title: string; url: string } => {
    const [name, title] = dashboards[backend];
    const values = names.map((each) => `&var-${each.name}=\${__data.fields.${each.name}:percentencode}`).join('');
    return { title, url: `/d/${dashboardUid(backend, name)}?\${__url_time_range}&\${datasource:queryparam}&\${flow:queryparam}${values}` };
  };
  return { influxdb: link('influxdb'), prometheus: link('prometheus') };
}

/** Whose side of a request is looked at. */
export function flowVariable(backend: Backend): cog.Builder<VariableModel> {
  const description = 'A request between two pods of watched nodes is seen at both ends: as the server that answered it, and as the client that asked. The client\'s time has the network in it.';
  return choiceVariable('flow', 'Seen at', backend === 'influxdb' ? [['server', 'ingress'], ['client', 'egress']] : [['server', 'server'], ['client', 'client']], description);
}

/** Labels of requests that the variables before have left. */
function requestNames(backend: Backend, name: Name, label: string, measurement: string, before: readonly Name[]): cog.Builder<VariableModel> {
  const influxCondition = ['"flow" = \'$flow\'', ...before.map((each) => influxFilter([each]))].join(' AND ');
  return namesVariable(backend, name.name, label, {
    influxdb: `SHOW TAG VALUES FROM "${measurement}" WITH KEY = "${name.source.influxdb}" WHERE ${influxCondition}`,
    prometheus: `label_values(http_\${flow}_requests_total{${promFilter(before)}}, ${name.source.prometheus})`,
  });
}

export function namespaceVariable(backend: Backend): cog.Builder<VariableModel> {
  return requestNames(backend, namespaceName, 'Namespace', 'red_namespace', []);
}

export function workloadVariable(backend: Backend): cog.Builder<VariableModel> {
  return requestNames(backend, workloadName, 'Workload', 'red_workload', [namespaceName]);
}

export function podVariable(backend: Backend): cog.Builder<VariableModel> {
  return requestNames(backend, podName, 'Pod', 'red_pod', [namespaceName, workloadName]);
}

export function routeVariable(backend: Backend): cog.Builder<VariableModel> {
  return requestNames(backend, routeName, 'Route', 'red_route', [namespaceName, workloadName]);
}

export function methodVariable(backend: Backend): cog.Builder<VariableModel> {
  return requestNames(backend, methodName, 'Method', 'red_route', [namespaceName, workloadName]);
}
