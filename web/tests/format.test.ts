import { describe, expect, test } from 'vitest';
import { bytes, count, duration, percent, rate, who } from '../src/lib/format';
import { stepText, tick } from '../src/lib/ticks';

describe('numbers have three digits and a unit', () => {
  test.each([
    [0, '–'], [null, '–'], [undefined, '–'], [7, '7.00 ns'], [999, '999 ns'], [1_000, '1.00 µs'], [45_600, '45.6 µs'], [4_560_000, '4.56 ms'], [1_500_000_000, '1.50 s'], [90_000_000_000, '90.0 s'],
  ])('duration %s', (ns, text) => {
    expect(duration(ns)).toBe(text);
  });

  test.each([[0, '0 B'], [1023, '1023 B'], [1024, '1.00 KiB'], [1_572_864, '1.50 MiB'], [5 * 1024 ** 4, '5.00 TiB'], [5000 * 1024 ** 4, '5000 TiB']])('bytes %s', (number, text) => {
    expect(bytes(number)).toBe(text);
  });

  test.each([[0, '0 req/s'], [0.001, '<0.01 req/s'], [12.345, '12.3 req/s'], [9999, '9999 req/s'], [12_345, '12.3k req/s']])('rate %s', (perSecond, text) => {
    expect(rate(perSecond)).toBe(text);
  });

  test.each([[0, '0 %'], [0.00001, '<0.01 %'], [0.0123, '1.23 %'], [0.25, '25.0 %'], [0.9923, '99.23 %'], [0.99999, '>99.99 %'], [1, '100 %']])('percent %s', (ratio, text) => {
    expect(percent(ratio)).toBe(text);
  });

  test('count has thin spaces', () => {
    expect(count(1_234_567)).toBe('1\u2009234\u2009567');
    expect(count(999)).toBe('999');
  });
});

test('who', () => {
  expect(who({ workload: 'cart', namespace: 'shop' })).toBe('shop/cart');
  expect(who({ workload: 'nginx' })).toBe('nginx');
});

describe('times', () => {
  const at = Date.UTC(2026, 10, 23, 10, 31, 10) / 1000;

  test('marks are as exact as they are apart', () => {
    expect(tick(at, 10)).toBe('10:31:10');
    expect(tick(at, 60)).toBe('10:31');
    expect(tick(at, 86_400)).toMatch(/23/);
    expect(tick(at, 86_400)).not.toMatch(/:/);
  });

  test('midnight is the day', () => {
    expect(tick(Date.UTC(2026, 10, 23) / 1000, 3600)).toMatch(/23/);
  });

  test('a step is from and to, with the day when it is not today', () => {
    expect(stepText(at, 10, new Date(at * 1000))).toBe('10:31:10 – 10:31:20');
    expect(stepText(at, 600, new Date((at + 86_400) * 1000))).toMatch(/23.*10:31 – 10:41/);
  });
});
