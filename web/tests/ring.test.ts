import { describe, expect, it } from 'vitest';
import { Ring, rowsInView, scrollToRow } from '../src/requests/ring';

describe('the ring', () => {
  it('keeps the newest, newest first', () => {
    const ring = new Ring<number>(5);
    expect(ring.newest(0)).toBeUndefined();
    for (let i = 1; i <= 23; i++) {
      ring.push(i);
      const expected = Array.from({ length: Math.min(i, 5) }, (_, age) => i - age);
      expect(ring.newestFirst()).toEqual(expected);
      expect(ring.size).toBe(expected.length);
      expect(ring.newest(ring.size)).toBeUndefined();
      expect(ring.newest(-1)).toBeUndefined();
    }
    ring.clear();
    expect(ring.newestFirst()).toEqual([]);
    ring.push(7);
    expect(ring.newest(0)).toBe(7);
  });
});

describe('rows in view', () => {
  it('are those that are seen and a few around them', () => {
    expect(rowsInView(0, 280, 28, 5000, 6)).toEqual({ first: 0, end: 16 });
    expect(rowsInView(2800, 280, 28, 5000, 6)).toEqual({ first: 94, end: 116 });
    expect(rowsInView(28 * 4990, 280, 28, 5000, 6)).toEqual({ first: 4984, end: 5000 });
  });

  it('are none of none, and never beyond the end', () => {
    expect(rowsInView(0, 280, 28, 0, 6)).toEqual({ first: 0, end: 0 });
    // The list got shorter than where it is scrolled to.
    const { first, end } = rowsInView(28 * 400, 280, 28, 10, 6);
    expect(first).toBeLessThanOrEqual(end);
    expect(end).toBe(10);
  });

  it('are scrolled to only when they are not seen whole', () => {
    expect(scrollToRow(3, 0, 280, 28)).toBe(0);
    expect(scrollToRow(10, 0, 280, 28)).toBe(28);
    expect(scrollToRow(2, 100, 280, 28)).toBe(56);
  });
});
