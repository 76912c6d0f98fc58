import { useMemo } from 'preact/hooks';
import type { Schemas } from '../api/client';
import { Chart } from '../components/chart';
import { EventStrip } from '../components/events';
import { Card } from '../components/parts';
import { agentNowS } from '../lib/agent';
import { duration, percent, rate } from '../lib/format';
import { knownS, perSecond, present, ratios, stepsOf, wantsLog } from '../lib/points';
import type { Polled } from '../lib/polled';
import { go, hrefTo } from '../lib/url';
import { slowerThan } from './heat';
import { Heatmap } from './heatmap';

const heightPx = 180;

/** Rate, errors, percentiles and the heat map of durations, all over the same time. */
export function WorkloadCharts({ answer, events }: { answer: Schemas['Workload']; events: Polled<Schemas['Events']> }) {
  const { points, summary, step_s: stepS } = answer;
  const shown = useMemo(() => {
    const { timeS } = stepsOf(answer, 0);
    const known = knownS(stepsOf(answer, agentNowS()));
    return {
      timeS,
      requests: perSecond(points.requests, known),
      errors: perSecond(points.errors, known),
      ratio: ratios(points.errors, points.requests),
      p50: present(points.p50_ns),
      p90: present(points.p90_ns),
      p99: present(points.p99_ns),
    };
  }, [answer]);
  const { timeS } = shown;
  const sinceS = timeS[0] ?? 0;
  const openCell = (startS: number, fromNs: number) => {
    go(hrefTo('/requests', {
      workload: answer.workload,
      namespace: answer.namespace,
      role: answer.role,
      mode: 'stored',
      last: null,
      since: new Date(startS * 1000).toISOString(),
      until: new Date((startS + stepS) * 1000).toISOString(),
      'slower-than': slowerThan(fromNs),
    }));
  };
  return (
    <div class="cards two">
      <Card title="Requests">
        <Chart
          label={`Requests per second: ${rate(summary.requests_per_second)} on average`}
          timeS={timeS} stepS={stepS} format={rate} heightPx={heightPx}
          series={[
            { label: 'all', color: 'chart-ok', isFilled: true, values: shown.requests },
            { label: 'errors', color: 'error-mark', dash: [4, 2], values: shown.errors },
          ]}
        />
        <EventStrip polled={events} sinceS={sinceS} untilS={(timeS[timeS.length - 1] ?? sinceS) + stepS} />
      </Card>
      <Card title="Errors">
        <Chart
          label={`Share of errors: ${percent(summary.error_ratio)} in all`}
          timeS={timeS} stepS={stepS} format={percent} heightPx={heightPx}
          series={[{ label: 'errors', color: 'error-mark', isFilled: true, values: shown.ratio }]}
        />
      </Card>
      <Card title="Durations">
        <Chart
          label={`Durations: half of the requests faster than ${duration(summary.p50_ns)}, 90 % than ${duration(summary.p90_ns)}, 99 % than ${duration(summary.p99_ns)}`}
          timeS={timeS} stepS={stepS} format={duration} heightPx={heightPx} isLog={wantsLog([shown.p50, shown.p90, shown.p99])}
          series={[
            { label: 'p50', color: 'chart-p50', values: shown.p50 },
            { label: 'p90', color: 'chart-p90', dash: [9, 3], values: shown.p90 },
            { label: 'p99', color: 'chart-p99', dash: [3, 3], values: shown.p99 },
          ]}
        />
      </Card>
      <Card title="How many took how long">
        <Heatmap heatmap={answer.heatmap} timeS={timeS} stepS={stepS} heightPx={heightPx} onOpen={openCell} />
      </Card>
    </div>
  );
}
