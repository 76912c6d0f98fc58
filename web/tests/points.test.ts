import { describe, expect, test } from 'vitest';
import { fullSteps, knownS, perSecond, present, ratios, startsOf, stepsOf, wantsLog } from '../src/lib/points';
import { sparkPath } from '../src/lib/spark';

const answer = { since: '1970-01-01T00:01:40Z', until: '1970-01-01T00:02:20Z', step_s: 10, known_since: '1970-01-01T00:01:40Z' };

describe('steps', () => {
  test('all of a range', () => {
    expect(startsOf(100, 140, 10)).toEqual([100, 110, 120, 130]);
    expect(startsOf(140, 100, 10)).toEqual([]);
    expect(stepsOf(answer, 135).timeS).toEqual([100, 110, 120, 130]);
  });

  test('the open one counts until now, one that has just begun does not count', () => {
    expect(knownS(stepsOf(answer, 135))).toEqual([10, 10, 10, 5]);
    expect(knownS(stepsOf(answer, 132))).toEqual([10, 10, 10, null]);
    expect(knownS(stepsOf(answer, 500))).toEqual([10, 10, 10, 10]);
    expect(fullSteps(stepsOf(answer, 135))).toEqual({ from: 0, to: 3 });
    expect(fullSteps(stepsOf(answer, 500))).toEqual({ from: 0, to: 4 });
  });

  test('before the agent started there is nothing, not zero', () => {
    expect(knownS(stepsOf({ ...answer, known_since: '1970-01-01T00:01:56Z' }, 500))).toEqual([null, 4, 10, 10]);
    expect(fullSteps(stepsOf({ ...answer, known_since: '1970-01-01T00:01:56Z' }, 500))).toEqual({ from: 1, to: 4 });
    expect(fullSteps(stepsOf({ ...answer, known_since: null }, 500)).from).toBe(4);
    expect(knownS(stepsOf({ ...answer, known_since: null }, 500))).toEqual([null, null, null, null]);
  });

  test('rates are of the time that is known', () => {
    expect(perSecond([20, 10, 0], [10, 5, null])).toEqual([2, 2, null]);
  });
});

test('shares of errors, and none where nothing was asked', () => {
  expect(ratios([1, 0, 0], [4, 2, 0])).toEqual([0.25, 0, null]);
});

test('0 is no duration', () => {
  expect(present([5, 0])).toEqual([5, null]);
});

test('a logarithmic scale for what is far apart', () => {
  expect(wantsLog([[1, 2], [20, null]])).toBe(false);
  expect(wantsLog([[1, 2], [26, null]])).toBe(true);
  expect(wantsLog([[null, 0]])).toBe(false);
});

describe('sparklines', () => {
  test('reach from ground to top', () => {
    const { line, marks } = sparkPath([0, 10, 5], [0, 0, 0], 100, 22);
    expect(line).toBe('M0.0 21.0L50.0 1.0L100.0 11.0');
    expect(marks).toBe('');
  });

  test('one error among many can be seen', () => {
    expect(sparkPath([1000, 1000], [1, 0], 100, 22).marks).toBe('M0.0 22v-4.0');
  });

  test('nothing is drawn of what is not known', () => {
    expect(sparkPath([0, 10, 5], [0, 0, 0], 100, 22, 1)).toEqual({ line: 'M50.0 1.0L100.0 11.0', area: 'M50.0 1.0L100.0 11.0V22H50.0Z', marks: '' });
    expect(sparkPath([0, 0], [0, 0], 100, 22, 2).line).toBe('');
  });

  test('nothing and one step do not break them', () => {
    expect(sparkPath([], [], 100, 22)).toEqual({ line: '', area: '', marks: '' });
    expect(sparkPath([0], [0], 100, 22).line).toBe('M0.0 21.0H100');
  });
});
