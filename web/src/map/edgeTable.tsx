import { workloadHref } from '../components/events';
import { type Column, DataTable } from '../components/table';
import { Who } from '../components/parts';
import { duration, percent, rate, who } from '../lib/format';
import { sortInAddress, sortRows } from '../lib/table';
import { type ApiMap, edgeId, type MapEdge, type MapNode } from './graph';

interface Line extends MapEdge {
  from: MapNode;
  to: MapNode;
}

const seenBy = { both: 'both ends', client: 'client only', server: 'server only' };

const columns: Column<Line>[] = [
  { id: 'source', head: 'Source', sort: 'asc', cell: (line) => <Who one={line.from} /> },
  { id: 'destination', head: 'Destination', sort: 'asc', cell: (line) => <Who one={line.to} /> },
  { id: 'rate', head: 'Rate', isRight: true, sort: 'desc', cell: (line) => rate(line.requests_per_second) },
  { id: 'errors', head: 'Errors', isRight: true, sort: 'desc', cell: (line) => <span class={line.errors > 0 ? 'errors' : undefined}>{percent(line.error_ratio)}</span> },
  { id: 'p50', head: 'p50', isRight: true, sort: 'desc', cell: (line) => duration(line.p50_ns) },
  { id: 'p90', head: 'p90', isRight: true, sort: 'desc', cell: (line) => duration(line.p90_ns) },
  { id: 'p99', head: 'p99', isRight: true, sort: 'desc', cell: (line) => duration(line.p99_ns) },
  { id: 'seen', head: 'Seen at', cell: (line) => seenBy[line.seen_by] },
];

const valueOf: Record<string, (line: Line) => number | string> = {
  source: (line) => who(line.from),
  destination: (line) => who(line.to),
  rate: (line) => line.requests_per_second,
  errors: (line) => line.error_ratio,
  p50: (line) => line.p50_ns,
  p90: (line) => line.p90_ns,
  p99: (line) => line.p99_ns,
};

/** The same figures as the picture's, to read and to sort. */
export function EdgeTable({ map }: { map: ApiMap }) {
  const nodes = new Map(map.nodes.map((node) => [node.id, node]));
  const { sort, onSort } = sortInAddress('sort', Object.keys(valueOf), { by: 'rate', order: 'desc' });
  const lines = map.edges.flatMap((edge): Line[] => {
    const from = nodes.get(edge.source);
    const to = nodes.get(edge.destination);
    return from && to ? [{ ...edge, from, to }] : [];
  });
  return (
    <DataTable
      caption="Who calls whom"
      columns={columns}
      rows={sortRows(lines, valueOf[sort.by] ?? (() => 0), sort.order)}
      rowKey={edgeId}
      href={(line) => workloadHref(line.to)}
      sort={sort}
      onSort={onSort}
      hasKeys
    />
  );
}
