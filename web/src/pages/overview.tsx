import type { Schemas } from '../api/client';
import { Card, Empty, ErrorBox, Loading, PageHead, Segments, Select, TextFilter } from '../components/parts';
import { Pager } from '../components/table';
import { count, time } from '../lib/format';
import { usePolled } from '../lib/polled';
import { range } from '../lib/range';
import { paging } from '../lib/table';
import { setQuery } from '../lib/url';
import { asked, pageSize, sortText } from '../overview/state';
import { TotalChart, TotalStats } from '../overview/totals';
import { WorkloadTable } from '../overview/workloads';

const roles = [['server', 'Served'], ['client', 'Made']] as const;

/** All workloads of the node: totals, events, and a table that leads to each. */
export function Overview() {
  const { parameters, sort, role, namespace, q, offset } = asked();
  const polled = usePolled('/api/workloads', parameters).value;
  const events = usePolled('/api/events', { ...range.value, namespace, limit: 1000 }).value;
  const answer = polled.data;
  const isFiltered = q !== '' || namespace !== '';
  // Where nothing is at all, what to do comes first.
  const isEmpty = answer?.totals.requests === 0 && !isFiltered && (events.data?.events.length ?? 0) === 0;
  return (
    <>
      <PageHead title="Overview">
        <div class="filters">
          <Segments label="Requests that workloads" value={role} options={roles} onChange={(one) => { setQuery({ role: one === 'server' ? null : one, offset: null }, true); }} />
          <Select
            label="Namespace"
            hideLabel
            value={namespace}
            options={[['', 'All namespaces'], ...namespaces(answer, namespace).map((one) => [one, one] as const)]}
            onChange={(one) => { setQuery({ namespace: one, offset: null }, true); }}
          />
        </div>
        <TextFilter label="Filter workloads" placeholder="Filter by name  /" value={q} isMain onChange={(one) => { setQuery({ q: one, offset: null }); }} />
      </PageHead>
      <div class="cards">
        {polled.error && (!answer || polled.error.status !== 0) && <ErrorBox error={polled.error} />}
        {!answer && !polled.error && <Loading />}
        {answer && <Coverage answer={answer} />}
        {answer && !isEmpty && <TotalStats answer={answer} />}
        {answer && !isEmpty && <TotalChart answer={answer} events={events} />}
        {answer && (
          <Card title="Workloads" flush>
            {answer.workloads.length > 0
              ? <WorkloadTable answer={answer} sort={sort} onSort={(one) => { setQuery({ sort: sortText(one), offset: null }); }} />
              : <NoWorkloads answer={answer} isFiltered={isFiltered} />}
            {answer.total > pageSize && (
              <Pager {...paging(offset, answer.workloads.length, answer.total, pageSize)} total={count(answer.total)} onGo={(to) => {
                setQuery({ offset: to === 0 ? null : to }, true);
                window.scrollTo(0, 0);
              }} />
            )}
          </Card>
        )}
      </div>
    </>
  );
}

/** Namespaces to choose from; the chosen one even where nothing is known of it. */
function namespaces(answer: Schemas['Workloads'] | null, chosen: string): string[] {
  const known = answer?.namespaces ?? [];
  return chosen === '' || known.includes(chosen) ? known : [chosen, ...known];
}

/** Says when the agent knows a part of the range only. */
function Coverage({ answer }: { answer: Schemas['Workloads'] }) {
  return answer.known_since !== null && Date.parse(answer.known_since) > Date.parse(answer.since) + answer.step_s * 1000
    ? <p class="note">What is known begins at {time(answer.known_since).replace(/\.\d+$/, '')}; rates are of the time from then on.</p>
    : null;
}

function NoWorkloads({ answer, isFiltered }: { answer: Schemas['Workloads']; isFiltered: boolean }) {
  if (isFiltered) {
    return (
      <Empty title="No workload matches">
        <p>Nothing in this range has such a name or namespace.</p>
        <p><button type="button" class="button" onClick={() => { setQuery({ q: null, namespace: null, offset: null }); }}>Show all</button></p>
      </Empty>
    );
  }
  return (
    <Empty title={answer.known_since === null ? 'Nothing has been seen yet' : 'No request in this range'}>
      <p>{answer.role === 'server' ? 'Every HTTP request to a process of this node shows up here within seconds.' : 'Every HTTP request that a process of this node makes shows up here within seconds.'} To see one:</p>
      <pre>curl {window.location.origin}/healthz</pre>
      <p>or, for several services with traffic among them, in the folder of kubebpfbox:</p>
      <pre>make demo</pre>
    </Empty>
  );
}
