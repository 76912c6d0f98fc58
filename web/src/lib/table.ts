import { query, setQuery } from './url';

export interface Sort {
  by: string;
  order: 'asc' | 'desc';
}

/** "p99.desc" → { by: "p99", order: "desc" }; what is none of columns is the default. */
export function parseSort(text: string | null, columns: readonly string[], fallback: Sort): Sort {
  const [by, order] = (text ?? '').split('.');
  return by !== undefined && columns.includes(by) && (order === 'asc' || order === 'desc') ? { by, order } : fallback;
}

/** What a click on a column's head makes of the order: the other way round, or this column's first way. */
export function nextSort(sort: Sort, by: string, first: 'asc' | 'desc'): Sort {
  return sort.by === by ? { by, order: sort.order === 'asc' ? 'desc' : 'asc' } : { by, order: first };
}

/** Rows in order; texts by language, numbers by size, equal ones as they came. */
export function sortRows<T>(rows: readonly T[], value: (row: T) => string | number, order: 'asc' | 'desc'): T[] {
  const sign = order === 'asc' ? 1 : -1;
  return [...rows].sort((a, b) => {
    const [x, y] = [value(a), value(b)];
    return sign * (typeof x === 'string' || typeof y === 'string' ? String(x).localeCompare(String(y)) : x - y);
  });
}

/** Where a page of rows stands: "1–100 of 1 234", and the offsets of its neighbours; null where there is none. */
export function paging(offset: number, shown: number, total: number, size: number): { from: number; to: number; previous: number | null; next: number | null } {
  return {
    from: shown === 0 ? 0 : offset + 1,
    to: offset + shown,
    previous: offset > 0 ? Math.max(0, offset - size) : null,
    next: offset + shown < total && shown > 0 ? offset + size : null,
  };
}

/** A table's order that the address keeps under a name of its own. */
export function sortInAddress(name: string, columns: readonly string[], fallback: Sort): { sort: Sort; onSort: (sort: Sort) => void } {
  return {
    sort: parseSort(query.value.get(name), columns, fallback),
    onSort: (sort) => { setQuery({ [name]: sort.by === fallback.by && sort.order === fallback.order ? null : `${sort.by}.${sort.order}` }); },
  };
}
