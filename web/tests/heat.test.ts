import { describe, expect, test } from 'vitest';
import { duration } from '../src/lib/format';
import { heatText, rampColor, rowAt, shade, slowerThan, trim } from '../src/workload/heat';

const heatmap = { bounds_ns: [1e6, 2e6, 4e6, 8e6, 16e6], counts: [[0, 0, 5, 0, 0], [0, 0, 9, 1, 0]] };

describe('rows', () => {
  test('those in use, and one on each side', () => {
    expect(trim(heatmap)).toEqual({ boundsNs: [1e6, 2e6, 4e6, 8e6, 16e6], counts: [[0, 5, 0, 0], [0, 9, 1, 0]], most: 9 });
  });

  test('the lowest begins at nothing', () => {
    expect(trim({ bounds_ns: [1e6, 2e6], counts: [[3, 0]] })).toEqual({ boundsNs: [0, 1e6, 2e6], counts: [[3, 0]], most: 3 });
  });

  test('none without requests', () => {
    expect(trim({ bounds_ns: [1e6], counts: [[0], [0]] })).toBeNull();
    expect(trim({ bounds_ns: [1e6], counts: [] })).toBeNull();
  });

  test('a place is in the row beneath it', () => {
    expect(rowAt(0.2, 3)).toBe(0);
    expect(rowAt(2.99, 3)).toBe(2);
    expect(rowAt(3, 3)).toBeNull();
    expect(rowAt(-0.1, 3)).toBeNull();
  });
});

describe('colours', () => {
  const light = (color: string) => (/\d+/g[Symbol.match](color) ?? []).reduce((sum, one) => sum + Number(one), 0);

  test('more is always further from the background', () => {
    const at = [0, 0.2, 0.4, 0.6, 0.8, 1];
    const onBlack = at.map((one) => light(rampColor(one, true)));
    const onWhite = at.map((one) => light(rampColor(one, false)));
    expect(onBlack).toEqual([...onBlack].sort((a, b) => a - b));
    expect(onWhite).toEqual([...onWhite].sort((a, b) => b - a));
  });

  test('the largest count is at the end, one of many at the beginning', () => {
    expect(shade(1000, 1000)).toBe(1);
    expect(shade(1, 1)).toBe(1);
    expect(shade(1, 1000)).toBeLessThan(0.15);
    expect(shade(1, 1000)).toBeGreaterThan(0);
  });
});

test('the filter of a cell', () => {
  expect(slowerThan(0)).toBeNull();
  expect(slowerThan(14_142)).toBe('14us');
  expect(slowerThan(1_414_213)).toBe('1.41ms');
  expect(slowerThan(2_000_000_000)).toBe('2000ms');
});

test('in words', () => {
  const heat = trim(heatmap);
  expect(heat && heatText(heat, duration)).toBe('Durations over time: most requests took 2.00 ms to 4.00 ms, the slowest up to 8.00 ms');
});
