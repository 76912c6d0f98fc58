import { expect, test } from 'vitest';
import { rangeOf, stepped } from '../src/components/chart';

test('keys go from step to step and stay within', () => {
  expect(stepped(null, 'ArrowLeft', 5)).toBe(4);
  expect(stepped(null, 'ArrowRight', 5)).toBe(0);
  expect(stepped(0, 'ArrowLeft', 5)).toBe(0);
  expect(stepped(4, 'ArrowRight', 5)).toBe(4);
  expect(stepped(2, 'Home', 5)).toBe(0);
  expect(stepped(2, 'End', 5)).toBe(4);
  expect(stepped(2, 'Tab', 5)).toBeNull();
  expect(stepped(null, 'ArrowLeft', 0)).toBeNull();
});

test('a chart reaches to the end of its last step', () => {
  expect(rangeOf([100, 110], 10)).toEqual([100, 120]);
  expect(rangeOf([], 10)).toEqual([0, 10]);
});
