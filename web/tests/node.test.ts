// @vitest-environment happy-dom
import { expect, it } from 'vitest';
import { uptime } from '../src/node/about';
import { isUnbalanced } from '../src/node/ledger';
import { adviceFor, groupBy, stageGroups, stageName } from '../src/node/words';

it('stages stand in the order in which a request goes, sinks apart', () => {
  const stages = ['sqlite_log', 'red', 'events', 'stream', 'traffic_ring', 'traffic_kernel', 'something_new'].map((name) => ({ name }));
  expect(stageGroups(stages, new Set(['sqlite_log'])).map((group) => [group.title, group.stages.map((stage) => stage.name)])).toEqual([
    ['Requests', ['traffic_kernel', 'traffic_ring', 'stream', 'red']],
    ['Events', ['events', 'something_new']],
    ['Sinks', ['sqlite_log']],
  ]);
});

it('a stage that is not known keeps its own name', () => {
  expect(stageName('traffic_kernel')).toBe('Kernel programs');
  expect(stageName('new_stage')).toBe('new stage');
});

it('a stage is unbalanced when more is missing than what is counted right now', () => {
  expect(isUnbalanced({ unit: 'packets', in: 1_000_000, unaccounted: 800 })).toBe(false);
  expect(isUnbalanced({ unit: 'packets', in: 1_000_000, unaccounted: -1001 })).toBe(true);
  expect(isUnbalanced({ unit: 'bytes', in: 100, unaccounted: 65_000 })).toBe(false);
  expect(isUnbalanced({ unit: 'kills', in: 100, unaccounted: 65 })).toBe(true);
});

it('says what to do where it knows', () => {
  expect(adviceFor('traffic: CAP_BPF is missing')).toContain('capabilities');
  expect(adviceFor('the moon is full')).toBeNull();
});

it('an uptime has its two largest units', () => {
  expect([uptime(0), uptime(59), uptime(3600), uptime(93_784), uptime(86_460)]).toEqual(['0 s', '59 s', '1 h', '1 d 2 h', '1 d 1 min']);
});

it('groups keep their order', () => {
  expect([...groupBy(['b1', 'a1', 'b2'], (text) => text.charAt(0))]).toEqual([['b', ['b1', 'b2']], ['a', ['a1']]]);
});
