import type { Schemas } from '../api/client';
import { EventList } from '../components/events';
import { Icon } from '../components/icons';
import { Card, Empty, ErrorBox, Loading, PageHead, Segments, Stat, Stats, Who } from '../components/parts';
import { bytes, count, duration, percent, rate, who } from '../lib/format';
import { usePolled } from '../lib/polled';
import { nextRange, range, rangeS, setLast } from '../lib/range';
import { hrefTo, query, setQuery } from '../lib/url';
import { WorkloadCharts } from '../workload/charts';
import { Calls, Pods, requestsHref, Routes } from '../workload/tables';

const roles = [['server', 'Served'], ['client', 'Made']] as const;
const maxEvents = 20;
/** Steps wanted: as fine as the agent has them. */
const points = 400;

/** One workload: how much, how well, how fast; its routes, pods, callers, callees and events. */
export function WorkloadPage() {
  const address = query.value;
  const workload = address.get('workload') ?? '';
  const one = { workload, ...part('namespace', address.get('namespace')), ...part('kind', address.get('kind')) };
  const role = address.get('role') === 'client' ? 'client' : 'server';
  if (workload === '') {
    return (
      <>
        <PageHead title="Workload" />
        <Empty title="No workload is chosen">
          <p><a href={hrefTo('/')}>The overview</a> has all of them.</p>
        </Empty>
      </>
    );
  }
  // What is known of one is never shown under another's name.
  return <View key={`${who(one)} ${one.kind ?? ''} ${role}`} one={one} role={role} />;
}

function part<N extends string>(name: N, value: string | null): { [K in N]?: string } {
  return (value === null || value === '' ? {} : { [name]: value }) as { [K in N]?: string };
}

function View({ one, role }: { one: Schemas['WorkloadRef']; role: 'server' | 'client' }) {
  const polled = usePolled('/api/workload', { ...range.value, points, role, ...one }).value;
  const events = usePolled('/api/events', { ...range.value, limit: 1000, workload: one.workload, ...part('namespace', one.namespace ?? null) }).value;
  const answer = polled.data;
  const happened = events.data?.events ?? [];
  return (
    <>
      <PageHead title={who(one)} heading={<Who one={one} />}>
        <Segments label="Requests that it" value={role} options={roles} onChange={(chosen) => { setQuery({ role: chosen === 'server' ? null : chosen }, true); }} />
        <a class="button" href={requestsHref({ ...one, role })}>Its requests <Icon name="arrow" /></a>
      </PageHead>
      <div class="cards">
        {polled.error && (!answer || polled.error.status !== 0) && <ErrorBox error={polled.error} />}
        {!answer && !polled.error && <Loading />}
        {answer && <Summary answer={answer} />}
        {answer && (answer.summary.requests === 0 ? <Nothing role={role} /> : <WorkloadCharts answer={answer} events={events} />)}
        {answer && answer.routes.length > 0 && <Routes answer={answer} />}
        {answer && (
          <div class="cards two">
            <Calls calls={answer.callers} end="source" />
            <Calls calls={answer.callees} end="destination" />
          </div>
        )}
        {answer && answer.pods.length > 0 && <Pods answer={answer} />}
        {happened.length > 0 && (
          <Card title="Events" tools={happened.length > maxEvents && <span class="muted">the newest {maxEvents} of {count(happened.length)}</span>}>
            <EventList events={happened.slice(0, maxEvents)} />
          </Card>
        )}
      </div>
    </>
  );
}

function Summary({ answer }: { answer: Schemas['Workload'] }) {
  const { summary } = answer;
  return (
    <Stats>
      <Stat name="Requests" note={count(summary.requests)}>{rate(summary.requests_per_second)}</Stat>
      <Stat name="Errors" note={count(summary.errors)} isError={summary.errors > 0}>{percent(summary.error_ratio)}</Stat>
      <Stat name="p50">{duration(summary.p50_ns)}</Stat>
      <Stat name="p90">{duration(summary.p90_ns)}</Stat>
      <Stat name="p99" note={`slowest ${duration(summary.max_ns)}`}>{duration(summary.p99_ns)}</Stat>
      <Stat name="Responses" note={`requests ${bytes(answer.request_bytes)}`}>{bytes(answer.response_bytes)}</Stat>
    </Stats>
  );
}

function Nothing({ role }: { role: 'server' | 'client' }) {
  const longer = nextRange(rangeS.value, 1);
  const isServer = role === 'server';
  return (
    <Card>
      <Empty title={isServer ? 'It served no request in this range' : 'It made no request in this range'}>
        <p class="row center">
          <button type="button" class="button" onClick={() => { setLast(longer); }}>Look at {longer}</button>
          <button type="button" class="button" onClick={() => { setQuery({ role: isServer ? 'client' : null }, true); }}>{isServer ? 'Requests that it made' : 'Requests that it served'}</button>
        </p>
      </Empty>
    </Card>
  );
}
