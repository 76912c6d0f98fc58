import type { Parameters } from '../api/client';

/** What is looked for: the same names in the address, for the live stream and for the stored log. */

export const filterNames = ['text', 'namespace', 'workload', 'pod', 'method', 'status', 'route', 'role', 'slower-than'] as const;
export type FilterName = (typeof filterNames)[number];
export type Filter = Partial<Record<FilterName, string>>;

/** How the API takes it. */
export type FilterParameters = Pick<NonNullable<Parameters<'/api/transactions'>>, FilterName>;

/** Reads the filter from the address. */
export function readFilter(query: URLSearchParams): Filter {
  const filter: Filter = {};
  for (const name of filterNames) {
    const value = query.get(name)?.trim();
    if (value) {
      filter[name] = value;
    }
  }
  return filter;
}

/** Why the agent would refuse a value, for people; null when it takes it. */
export function problemOf(name: FilterName, value: string): string | null {
  switch (name) {
    case 'status':
      return /^[1-9](\d\d|xx)$/i.test(value) ? null : 'A code such as 404, or a class such as 5xx';
    case 'slower-than':
      return /^\d+(\.\d+)?(ns|us|ms|s|m|h)$/.test(value) ? null : 'A number with its unit: 100ms, 2s';
    case 'role':
      return value === 'client' || value === 'server' ? null : 'client or server';
    default:
      return null;
  }
}

/** The filter without values that the agent would refuse. */
export function parametersOf(filter: Filter): FilterParameters {
  const parameters: Filter = {};
  for (const name of filterNames) {
    const value = filter[name];
    if (value !== undefined && problemOf(name, value) === null) {
      parameters[name] = value;
    }
  }
  // Only "client" and "server" get through as a role.
  return parameters as FilterParameters;
}

const labels: Record<FilterName, string> = {
  text: 'text',
  namespace: 'namespace',
  workload: 'workload',
  pod: 'pod',
  method: 'method',
  status: 'status',
  route: 'route',
  role: 'seen by',
  'slower-than': 'slower than',
};

/** What a condition is called. */
export function labelOf(name: FilterName): string {
  return labels[name];
}
