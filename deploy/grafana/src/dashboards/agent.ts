import { colours, highIsGood, lowIsGood } from '../kit/colours';
import type { DashboardSpec } from '../kit/dashboards';
import type { Column, TimeSeriesSpec } from '../kit/panels';
import { influxSeries, influxTable, promNumber, promSeries, promTable } from '../kit/queries';
import { namesVariable } from '../kit/variables';
import { type Name, columnOf, influxAlias, influxFilter, influxTags, nodeName, promFilter, promLabels, promLegend } from './names';

const stageName: Name = { name: 'stage', source: { influxdb: 'stage', prometheus: 'stage' } };
const unitName: Name = { name: 'unit', source: { influxdb: 'unit', prometheus: 'unit' } };
const reasonName: Name = { name: 'reason', source: { influxdb: 'reason', prometheus: 'reason' } };

const node = [nodeName];
const where = `${influxFilter(node)} AND $timeFilter`;
const only = promFilter(node);
/** Of the process metrics, which every exporter has, only the agents'. */
const process = (metric: string): string => `${metric}{${only}} and on (instance, job) kubebpfbox_build_info`;

const completenessThresholds = highIsGood(0.999, 0.99);

/** Reasons that mean data were lost; all others are of what nobody wants. Source: ARCHITECTURE.md, "The ledger", and the sinks' READMEs. */
const lossesInside = ['ring_full', 'no_storage', 'handshake_unclaimed', 'over_budget', 'no_room', 'malformed', 'slow_reader', 'pool_empty'];
const lossesOfSinks = ['queue_full', 'write_failed', 'too_large', 'spool_full', 'spool_failed', 'spool_expired', 'error_rate', 'stopped'];
const losses = [...lossesInside, ...lossesOfSinks];
const markedLosses = Object.fromEntries(losses.map((reason) => [reason, colours.bad]));

const perNode = (select: string, fill: string): string => `SELECT ${select} FROM "agent" WHERE ${where} GROUP BY time($__interval), "nodename" fill(${fill})`;

function overTime(title: string, description: string, unit: string, influxSelect: string, expr: string, more: Partial<TimeSeriesSpec> = {}): TimeSeriesSpec {
  return {
    kind: 'timeseries',
    title,
    description,
    width: 6,
    height: 8,
    interval: '10s',
    unit,
    queries: {
      influxdb: [influxSeries('A', perNode(influxSelect, 'none'), influxAlias(node))],
      prometheus: [promSeries('A', expr, promLegend(node))],
    },
    ...more,
  };
}

const count = (name: string, source: string): Column => ({ name, source: { influxdb: source, prometheus: `Value #${name}` }, unit: 'short', decimals: 0, width: 130 });

/** A number that only Prometheus has, and that is bad unless it is 1, or unless it is 0. */
const onlyProm = (name: string, good: { readonly min: number } | { readonly max: number }): Column => ({
  name,
  source: { prometheus: `Value #${name}` },
  unit: 'none',
  width: 110,
  thresholds: 'min' in good ? highIsGood(good.min, good.min) : lowIsGood(good.max + 1, good.max + 1),
});

const stages = [nodeName, stageName, unitName];
const drops = [nodeName, stageName, unitName, reasonName];

/** How the agents are, and what they missed. */
export const agent: DashboardSpec = {
  name: 'agent',
  title: 'Agent',
  description: 'Health of the agents: whether they saw everything, what they dropped and why, and what they cost.',
  backends: ['influxdb', 'prometheus'],
  variables: (backend) => [
    namesVariable(backend, 'node', 'Node', {
      influxdb: 'SHOW TAG VALUES FROM "agent" WITH KEY = "nodename"',
      prometheus: 'label_values(kubebpfbox_build_info, instance)',
    }),
  ],
  sections: [
    {
      title: 'Agents',
      panels: [
        {
          kind: 'stat',
          title: 'Completeness',
          description: 'Lowest share of the traffic that an agent followed without loss: requests seen whole, of those and the ones seen in part or refused. Below 1 look below for drops in red; ring_full is cured by a larger plugins.traffic.ring_bytes.',
          width: 4,
          height: 6,
          unit: 'percentunit',
          decimals: 3,
          interval: '10s',
          calculation: 'min',
          thresholds: completenessThresholds,
          queries: {
            influxdb: [influxSeries('A', perNode('min("completeness")', 'none'), influxAlias(node))],
            prometheus: [promNumber('A', `min(min_over_time(kubebpfbox_completeness_ratio{${only}}[$__range]))`)],
          },
        },
        {
          kind: 'table',
          title: 'Nodes',
          description: 'The agents that reported within the time range, with what they cost at the end of it. A node that is missing has no agent, or its agent cannot reach the database: see its log.',
          note: { prometheus: 'capturing is 0 while nothing is captured; degraded counts the reasons that /readyz names.' },
          width: 20,
          height: 6,
          columns: [
            columnOf(nodeName),
            { name: 'version', source: { influxdb: 'version', prometheus: 'version' }, width: 120 },
            { name: 'completeness', unit: 'percentunit', decimals: 3, width: 140, thresholds: completenessThresholds },
            { name: 'resident', source: { influxdb: 'resident_bytes', prometheus: 'Value #resident' }, unit: 'bytes', width: 140 },
            { name: 'series', source: { influxdb: 'red_series', prometheus: 'Value #series' }, unit: 'short', decimals: 0, width: 120 },
            onlyProm('capturing', { min: 1 }),
            onlyProm('degraded', { max: 0 }),
          ],
          sortBy: 'resident',
          queries: {
            influxdb: [
              influxTable(
                'A',
                `SELECT last("version") AS "version", last("completeness") AS "completeness", last("resident_bytes") AS "resident_bytes", last("red_series") AS "red_series"
                FROM "agent" WHERE ${where} GROUP BY "nodename"`,
              ),
            ],
            prometheus: [
              promTable('version', `sum by (instance, version) (kubebpfbox_build_info{${only}})`),
              promTable('completeness', `min by (instance) (kubebpfbox_completeness_ratio{${only}})`),
              promTable('resident', `sum by (instance) (${process('process_resident_memory_bytes')})`),
              promTable('series', `sum by (instance) (kubebpfbox_red_series{${only}})`),
              promTable('capturing', `min by (instance) (kubebpfbox_capturing{${only}})`),
              promTable('degraded', `max by (instance) (kubebpfbox_degraded{${only}})`),
            ],
          },
        },
        overTime('Completeness by node', 'Share of the traffic that was followed without loss. Dips go with bursts: see the drops of the same time.', 'percentunit', 'min("completeness")', `kubebpfbox_completeness_ratio{${only}}`, { max: 1, thresholds: completenessThresholds }),
        overTime(
          'CPU by node',
          'Processor time of the agent, as a share of one processor. It follows the number of requests; some microseconds for each. Without traffic it should be near 0.',
          'percentunit',
          'non_negative_derivative(max("cpu_seconds"), 1s)',
          `rate(process_cpu_seconds_total{${only}}[$__rate_interval]) and on (instance, job) kubebpfbox_build_info`,
        ),
        overTime('Memory by node', 'Resident memory of the agent. All its buffers are bounded: if it nears the limit of its container, raise that limit, or lower streams.max_bytes and plugins.traffic.ring_bytes.', 'bytes', 'max("resident_bytes")', process('process_resident_memory_bytes')),
        overTime('Series by node', 'Series of rate, errors and duration that the agent keeps. At red.max_series new ones are counted as overflow: raise it, or find the routes whose values are not recognised as such.', 'short', 'max("red_series")', `kubebpfbox_red_series{${only}}`),
      ],
    },
    {
      title: 'Outputs and bounds',
      panels: [
        {
          kind: 'timeseries',
          title: 'Outputs',
          description: '1 while an output works, 0 while something is wrong with it. At 0 the log of the agent and /readyz say what: an address, credentials, a full disk. Meanwhile data wait in the spool, and are lost when it is full.',
          width: 12,
          height: 7,
          unit: 'none',
          decimals: 0,
          max: 1,
          queries: { prometheus: [promSeries('A', `min by (instance, sink) (kubebpfbox_sink_up{${only}})`, '{{instance}} {{sink}}')] },
        },
        {
          kind: 'timeseries',
          title: 'Series at their bound',
          description: 'Requests a second that were counted in the overflow series, and series a second that made room for others. Above 0 for long: raise red.max_series, or find the routes whose values are not recognised as such.',
          width: 12,
          height: 7,
          unit: 'cps',
          queries: {
            prometheus: [
              promSeries('A', `rate(kubebpfbox_red_overflow_requests_total{${only}}[$__rate_interval])`, '{{instance}} overflow requests'),
              promSeries('B', `rate(kubebpfbox_red_evicted_series_total{${only}}[$__rate_interval])`, '{{instance}} series that made room'),
            ],
          },
        },
      ],
    },
    {
      title: 'What was dropped',
      panels: [
        {
          kind: 'timeseries',
          title: 'Drops by stage and reason',
          description: `What each stage dropped, a second. Lost data are only ${losses.join(', ')}; the other reasons are of what nobody wants, such as acknowledgements without payload.`,
          width: 12,
          height: 10,
          interval: '10s',
          unit: 'cps',
          queries: {
            influxdb: [influxSeries('A', `SELECT non_negative_derivative(max("dropped"), 1s) FROM "agent_dropped" WHERE ${where} GROUP BY time($__interval), ${influxTags([stageName, reasonName])} fill(none)`, influxAlias([stageName, reasonName]))],
            prometheus: [promSeries('A', `sum by (stage, reason) (rate(kubebpfbox_ledger_dropped_total{${only}}[$__rate_interval])) > 0`, promLegend([stageName, reasonName]))],
          },
          note: { influxdb: 'Of the node that dropped most, where several are chosen.' },
        },
        {
          kind: 'table',
          title: 'Drops since the agents\' start',
          description: 'Marked reasons mean lost data. ring_full: raise plugins.traffic.ring_bytes. queue_full, write_failed, spool_full, spool_expired: what a sink sends to is too slow or away, for longer than its spool lasts. no_room: too many listeners. slow_reader and pool_empty: a watcher of the live stream, nothing else, missed something.',
          width: 12,
          height: 10,
          columns: [...drops.map((name) => columnOf(name, name === reasonName ? { marked: markedLosses } : {})), { name: 'dropped', unit: 'short', decimals: 0, width: 130 }],
          sortBy: 'dropped',
          queries: {
            influxdb: [influxTable('A', `SELECT last("dropped") AS "dropped" FROM "agent_dropped" WHERE ${where} GROUP BY ${influxTags(drops)}`)],
            prometheus: [promTable('A', `sum by (${promLabels(drops)}) (kubebpfbox_ledger_dropped_total{${only}}) > 0`)],
          },
        },
      ],
    },
    {
      title: 'Ledger',
      panels: [
        {
          kind: 'table',
          title: 'Ledger since the agents\' start',
          description: 'At each stage in = out + dropped + held. Where the sum does not hold for long, that is a fault of the agent: please report it. Much that is held means that the next stage does not keep up.',
          width: 24,
          height: 12,
          columns: [...stages.map((name) => columnOf(name)), count('in', 'in'), count('out', 'out'), count('held', 'held'), count('dropped', 'dropped')],
          sortBy: 'in',
          queries: {
            influxdb: [influxTable('A', `SELECT last("in") AS "in", last("out") AS "out", last("held") AS "held", last("dropped") AS "dropped" FROM "agent_ledger" WHERE ${where} GROUP BY ${influxTags(stages)}`)],
            prometheus: [
              promTable('in', `sum by (${promLabels(stages)}) (kubebpfbox_ledger_in_total{${only}})`),
              promTable('out', `sum by (${promLabels(stages)}) (kubebpfbox_ledger_out_total{${only}})`),
              promTable('held', `sum by (${promLabels(stages)}) (kubebpfbox_ledger_held{${only}})`),
              promTable('dropped', `sum by (${promLabels(stages)}) (kubebpfbox_ledger_dropped_total{${only}})`),
            ],
          },
        },
      ],
    },
  ],
};
