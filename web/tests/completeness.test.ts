import { describe, expect, test } from 'vitest';
import { badgeText, drops, notes, summary } from '../src/lib/completeness';

const stage = (name: string, dropped: Record<string, number>) => ({ name, unit: 'series_windows', in: 10, out: 5, dropped, held: 0, unaccounted: 0 });

describe('the badge', () => {
  test.each([[1, '100 % seen'], [0.9999999, '>99.99 % seen'], [0.992, '99.20 % seen'], [0.5, '50.0 % seen'], [0, '0 % seen']])('%s', (completeness, text) => {
    expect(badgeText(completeness)).toBe(text);
  });
});

describe('what was dropped', () => {
  const ledger = {
    completeness: 0.99,
    stages: [stage('traffic_kernel', { no_payload: 1_000_000, ring_full: 5, malformed: 0 }), stage('sqlite_log', { queue_full: 7, news: 2 })],
    notes: { stream_lost_bytes: 1234, stream_gaps: 0 },
  };

  test('losses come first, largest first; what is not nothing only', () => {
    expect(drops(ledger).map((drop) => [drop.reason, drop.isLoss])).toEqual([['queue_full', true], ['ring_full', true], ['news', true], ['no_payload', false]]);
  });

  test('a reason that is not known is a loss without words', () => {
    expect(drops(ledger).find((drop) => drop.reason === 'news')).toMatchObject({ words: null, isLoss: true, unit: 'series windows' });
  });

  test('notes are sentences', () => {
    expect(notes(ledger)).toEqual(['1.21 KiB of payload were sent and never reached the agent']);
  });

  test('all seen, but lost later, is not called fine', () => {
    expect(summary(1, 0)).toContain('nothing of it was lost');
    expect(summary(1, 2)).toContain('was lost later');
    expect(summary(0.992, 0)).toContain('99.20 %');
  });
});

describe('the agent and the page agree', () => {
  const sources = import.meta.glob<string>(['../../src/**/*.cs', '../../plugins/**/*.cs', '../../sinks/**/*.cs'], { query: '?raw', import: 'default', eager: true });
  const text = Object.values(sources).join('\n');
  const reasons = new Set([...text.matchAll(/DropReason\("([a-z_]+)"\)/g)].map((match) => match[1] ?? ''));

  test('there are reasons', () => {
    expect(reasons.size).toBeGreaterThan(20);
  });

  test.each([...reasons])('%s has words', (reason) => {
    expect(drops({ completeness: 1, stages: [stage('x', { [reason]: 1 })], notes: {} })[0]?.words).not.toBeNull();
  });
});
