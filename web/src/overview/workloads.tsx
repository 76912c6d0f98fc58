import { useMemo } from 'preact/hooks';
import type { Schemas } from '../api/client';
import { workloadHref } from '../components/events';
import { Who } from '../components/parts';
import { Sparkline } from '../components/sparkline';
import { type Column, DataTable } from '../components/table';
import { agentNowS } from '../lib/agent';
import { count, duration, percent, rate } from '../lib/format';
import { fullSteps, stepsOf } from '../lib/points';
import type { Sort } from '../lib/table';

type Row = Schemas['WorkloadRow'];

const columns = ({ from, to }: { from: number; to: number }): readonly Column<Row>[] => [
  { id: 'name', head: 'Workload', sort: 'asc', cell: (row) => <Who one={row} /> },
  { id: 'rate', head: 'Rate', isRight: true, sort: 'desc', cell: (row) => rate(row.requests_per_second) },
  { id: 'error_ratio', head: 'Errors', hint: 'Share of requests that failed', isRight: true, sort: 'desc', cell: (row) => <span class={row.errors > 0 ? 'errors' : 'muted'}>{percent(row.error_ratio)}</span> },
  { id: 'p50', head: 'p50', hint: 'Half of the requests were faster', isRight: true, sort: 'desc', cell: (row) => duration(row.p50_ns) },
  { id: 'p90', head: 'p90', hint: '90 % of the requests were faster', isRight: true, sort: 'desc', cell: (row) => duration(row.p90_ns) },
  { id: 'p99', head: 'p99', hint: '99 % of the requests were faster', isRight: true, sort: 'desc', cell: (row) => duration(row.p99_ns) },
  { id: 'max', head: 'Max', hint: 'The slowest request', isRight: true, cell: (row) => duration(row.max_ns) },
  { id: 'spark', head: 'Requests and errors', cell: (row) => <Sparkline requests={row.spark.requests.slice(0, to)} from={from} errors={row.spark.errors.slice(0, to)} label={`${count(row.requests)} requests, ${count(row.errors)} errors`} /> },
];

/** All workloads of a page, in the agent's order. */
export function WorkloadTable({ answer, sort, onSort }: { answer: Schemas['Workloads']; sort: Sort; onSort: (sort: Sort) => void }) {
  // The open step has counts of a part of its time only, which would look like a fall.
  const shown = useMemo(() => columns(fullSteps(stepsOf(answer, agentNowS()))), [answer]);
  return (
    <DataTable
      caption="Workloads with rate, errors and durations"
      columns={shown}
      rows={answer.workloads}
      rowKey={(row) => `${row.namespace ?? ''}/${row.workload}/${row.kind ?? ''}`}
      href={(row) => workloadHref(row, answer.role)}
      sort={sort}
      onSort={onSort}
      hasKeys
    />
  );
}
