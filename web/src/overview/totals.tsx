import { useMemo } from 'preact/hooks';
import type { Schemas } from '../api/client';
import { Chart } from '../components/chart';
import { EventStrip } from '../components/events';
import { Card, Stat, Stats } from '../components/parts';
import { agentNowS } from '../lib/agent';
import { count, duration, percent, rate } from '../lib/format';
import { knownS, perSecond, stepsOf } from '../lib/points';
import type { Polled } from '../lib/polled';

/** Figures of all that match, together. */
export function TotalStats({ answer }: { answer: Schemas['Workloads'] }) {
  const { totals } = answer;
  return (
    <Stats>
      <Stat name="Requests">{rate(totals.requests_per_second)}</Stat>
      <Stat name="Errors" isError={totals.errors > 0}>{percent(totals.error_ratio)}</Stat>
      <Stat name="p50">{duration(totals.p50_ns)}</Stat>
      <Stat name="p90">{duration(totals.p90_ns)}</Stat>
      <Stat name="p99">{duration(totals.p99_ns)}</Stat>
      <Stat name="Workloads">{count(answer.total)}</Stat>
    </Stats>
  );
}

/** Requests and errors of all that match, with the node's events beneath. */
export function TotalChart({ answer, events }: { answer: Schemas['Workloads']; events: Polled<Schemas['Events']> }) {
  const { totals } = answer;
  const shown = useMemo(() => {
    const steps = stepsOf(answer, agentNowS());
    const known = knownS(steps);
    return { timeS: steps.timeS, requests: perSecond(totals.spark.requests, known), errors: perSecond(totals.spark.errors, known) };
  }, [answer]);
  const last = shown.timeS[shown.timeS.length - 1] ?? 0;
  return (
    <Card title="Requests">
      <Chart
        label={`Requests per second: ${rate(totals.requests_per_second)} on average, ${percent(totals.error_ratio)} errors`}
        timeS={shown.timeS}
        stepS={answer.step_s}
        series={[
          { label: 'all', color: 'chart-ok', isFilled: true, values: shown.requests },
          { label: 'errors', color: 'error-mark', dash: [4, 2], values: shown.errors },
        ]}
        format={rate}
        heightPx={170}
      />
      <EventStrip polled={events} sinceS={shown.timeS[0] ?? 0} untilS={last + answer.step_s} />
    </Card>
  );
}
