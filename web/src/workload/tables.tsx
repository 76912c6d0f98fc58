import type { Schemas } from '../api/client';
import { workloadHref } from '../components/events';
import { Card, Empty, Status, Who } from '../components/parts';
import { type Column, DataTable } from '../components/table';
import { Wire } from '../components/wire';
import { count, duration, percent, rate, who } from '../lib/format';
import { range } from '../lib/range';
import { type Sort, sortInAddress, sortRows } from '../lib/table';
import { hrefTo } from '../lib/url';

/** What a row of any of the tables has. */
type Figures = Pick<Schemas['PodRow'], 'requests' | 'requests_per_second' | 'errors' | 'error_ratio' | 'p50_ns' | 'p90_ns' | 'p99_ns'>;

interface Figure<T> extends Column<T> {
  value: (row: T) => string | number;
}

function figures<T extends Figures>(): Figure<T>[] {
  return [
    { id: 'rate', head: 'Rate', isRight: true, sort: 'desc', value: (row) => row.requests_per_second, cell: (row) => rate(row.requests_per_second) },
    { id: 'errors', head: 'Errors', isRight: true, sort: 'desc', value: (row) => row.error_ratio, cell: (row) => <span class={row.errors > 0 ? 'errors' : 'muted'}>{percent(row.error_ratio)}</span> },
    { id: 'p50', head: 'p50', isRight: true, sort: 'desc', value: (row) => row.p50_ns, cell: (row) => duration(row.p50_ns) },
    { id: 'p90', head: 'p90', isRight: true, sort: 'desc', value: (row) => row.p90_ns, cell: (row) => duration(row.p90_ns) },
    { id: 'p99', head: 'p99', isRight: true, sort: 'desc', value: (row) => row.p99_ns, cell: (row) => duration(row.p99_ns) },
  ];
}

const usual: Sort = { by: 'rate', order: 'desc' };

interface SortedProps<T> {
  /** The table's name in the address. */
  name: string;
  caption: string;
  columns: readonly Figure<T>[];
  rows: readonly T[];
  rowKey: (row: T) => string;
  href?: (row: T) => string;
  hasKeys?: boolean;
}

/** A table that is sorted here, since all of it is here; the address keeps the order. */
function Sorted<T>({ name, columns, rows, ...rest }: SortedProps<T>) {
  const { sort, onSort } = sortInAddress(name, columns.map((column) => column.id), usual);
  const by = columns.find((column) => column.id === sort.by);
  return <DataTable columns={columns} rows={by ? sortRows(rows, by.value, sort.order) : rows} sort={sort} onSort={onSort} {...rest} />;
}

const routeColumns: readonly Figure<Schemas['Route']>[] = [
  { id: 'route', head: 'Route', sort: 'asc', value: (row) => `${row.route} ${row.method}`, cell: (row) => <span class="mono break"><span class="method">{row.method}</span> <Wire text={row.route} /></span> },
  ...figures<Schemas['Route']>(),
  {
    id: 'statuses', head: 'Statuses', value: () => 0,
    cell: (row) => (
      <span class="statuses">
        {Object.entries(row.statuses).map(([code, times]) => <Status key={code} code={Number(code)} times={count(times)} />)}
      </span>
    ),
  },
];

/** Routes of a workload; each leads to its requests. */
export function Routes({ answer }: { answer: Schemas['Workload'] }) {
  const shown = answer.routes.length;
  return (
    <Card title="Routes" flush tools={shown < answer.routes_total && <span class="muted">{count(shown)} of {count(answer.routes_total)}, those with most requests</span>}>
      <Sorted
        name="routes"
        caption="Routes with rate, errors, durations and statuses"
        columns={routeColumns}
        rows={answer.routes}
        rowKey={(row) => `${row.method} ${row.route}`}
        href={(row) => requestsHref(answer, { method: row.method === '_OTHER' ? null : row.method, route: row.route })}
        hasKeys
      />
    </Card>
  );
}

/** The requests of a workload, with more conditions: as they happen, or the stored ones of a range that stands still. */
export function requestsHref(answer: Pick<Schemas['Workload'], 'workload' | 'namespace' | 'role'>, more: Record<string, string | null> = {}): string {
  return hrefTo('/requests', { workload: answer.workload, namespace: answer.namespace, role: answer.role, mode: 'since' in range.value ? 'stored' : null, ...more });
}

const podColumns: readonly Figure<Schemas['PodRow']>[] = [
  { id: 'pod', head: 'Pod or process', sort: 'asc', value: (row) => row.pod, cell: (row) => <span class="mono break"><Wire text={row.pod} /></span> },
  ...figures<Schemas['PodRow']>(),
];

/** Pods of a workload; each leads to its requests. */
export function Pods({ answer }: { answer: Schemas['Workload'] }) {
  return (
    <Card title="Pods" flush>
      <Sorted name="pods" caption="Pods with rate, errors and durations" columns={podColumns} rows={answer.pods} rowKey={(row) => row.pod} href={(row) => requestsHref(answer, { pod: row.pod })} />
    </Card>
  );
}

type Call = Schemas['Call'];
const seenBy = { client: 'seen at the caller only', server: 'seen at the called only', both: 'seen at both ends' } as const;

function callColumns(end: 'source' | 'destination'): readonly Figure<Call>[] {
  return [
    { id: 'who', head: end === 'source' ? 'Caller' : 'Called', sort: 'asc', value: (row) => who(row[end]), cell: (row) => <span title={seenBy[row.seen_by]}><Who one={row[end]} /></span> },
    ...figures<Call>(),
  ];
}

/** Who calls a workload (source), or whom it calls (destination); each leads to that workload. */
export function Calls({ calls, end }: { calls: readonly Call[]; end: 'source' | 'destination' }) {
  const isSource = end === 'source';
  return (
    <Card title={isSource ? 'Called by' : 'Calls'} flush>
      {calls.length === 0
        ? <Empty title={isSource ? 'Nobody known calls it in this range' : 'It calls nobody in this range'} />
        : (
          <Sorted
            name={isSource ? 'callers' : 'callees'}
            caption={isSource ? 'Who calls it' : 'Whom it calls'}
            columns={callColumns(end)}
            rows={calls}
            rowKey={(row) => `${who(row[end])} ${row[end].kind ?? ''} ${row.protocol}`}
            href={(row) => workloadHref(row[end], isSource ? 'client' : 'server')}
          />
        )}
    </Card>
  );
}
