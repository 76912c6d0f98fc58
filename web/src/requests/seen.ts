import { type End, type Row, isRequest } from './row';

// More would be no help to choose from.
const maxValues = 200;

const names = ['namespace', 'workload', 'pod'] as const;

/** What was seen in rows, to choose from in the filter. */
export function seenIn(rows: Iterable<Row>): Record<(typeof names)[number], string[]> {
  const seen = { namespace: new Set<string>(), workload: new Set<string>(), pod: new Set<string>() };
  const add = (end: End | undefined) => {
    for (const name of names) {
      const value = end?.[name];
      if (value !== undefined && seen[name].size < maxValues) {
        seen[name].add(value);
      }
    }
  };
  for (const row of rows) {
    if (isRequest(row)) {
      add(row.request.source);
      add(row.request.destination);
    } else {
      add(row.event.workload);
    }
  }
  return { namespace: [...seen.namespace].sort(), workload: [...seen.workload].sort(), pod: [...seen.pod].sort() };
}
