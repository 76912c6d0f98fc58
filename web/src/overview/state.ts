import type { Parameters } from '../api/client';
import { range } from '../lib/range';
import { parseSort, type Sort } from '../lib/table';
import { query } from '../lib/url';

/** Rows of a page. */
export const pageSize = 100;

/** Columns that the agent sorts by, as the API names them. */
export const sortable = ['name', 'rate', 'errors', 'error_ratio', 'p50', 'p90', 'p99'] as const;
type Sortable = (typeof sortable)[number];

const usual: Sort = { by: 'rate', order: 'desc' };

/** Steps enough for a smooth line, few enough for a hundred of them. */
const points = 200;

/** What the address asks of /api/workloads. */
export function asked(): { parameters: Parameters<'/api/workloads'>; sort: Sort; role: 'server' | 'client'; namespace: string; q: string; offset: number } {
  const address = query.value;
  const sort = parseSort(address.get('sort'), sortable, usual);
  const role = address.get('role') === 'client' ? 'client' : 'server';
  const namespace = address.get('namespace') ?? '';
  const q = address.get('q') ?? '';
  const offset = Math.max(0, Math.floor(Number(address.get('offset') ?? '0')) || 0);
  return {
    sort, role, namespace, q, offset,
    parameters: { ...range.value, points, role, namespace, q, sort: sort.by as Sortable, order: sort.order, limit: pageSize, offset },
  };
}

/** The address's text for an order; none for the usual one. */
export function sortText(sort: Sort): string | null {
  return sort.by === usual.by && sort.order === usual.order ? null : `${sort.by}.${sort.order}`;
}
