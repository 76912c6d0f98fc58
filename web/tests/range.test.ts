import { beforeEach, describe, expect, test } from 'vitest';
import { lengthS, nextRange, range, rangeS, refreshS, setBetween, setLast } from '../src/lib/range';
import { hrefTo, page, query, setQuery, go } from '../src/lib/url';

beforeEach(() => {
  go('/');
});

describe('lengths', () => {
  test.each([['1m', 60], ['15m', 900], ['6h', 21_600], ['7d', 604_800], ['30s', 30], ['', null], ['m', null], ['1w', null]])('%s', (text, seconds) => {
    expect(lengthS(text)).toBe(seconds);
  });

  test('the next longer and shorter one', () => {
    expect(nextRange(900, 1)).toBe('1h');
    expect(nextRange(900, -1)).toBe('5m');
    expect(nextRange(1000, -1)).toBe('15m');
    expect(nextRange(60, -1)).toBe('1m');
    expect(nextRange(604_800, 1)).toBe('7d');
    expect(nextRange(9_000_000, -1)).toBe('7d');
  });
});

describe('the address is the state', () => {
  test('the usual range is not in it', () => {
    setLast('1h');
    expect(query.value.get('last')).toBe('1h');
    expect(range.value).toEqual({ last: '1h' });
    setLast('15m');
    expect(query.value.has('last')).toBe(false);
    expect(rangeS.value).toBe(900);
  });

  test('between two times stands still until a length is chosen', () => {
    setBetween(1_000_000, 1_000_060);
    expect(range.value).toEqual({ since: '1970-01-12T13:46:40.000Z', until: '1970-01-12T13:47:40.000Z' });
    expect(rangeS.value).toBe(60);
    setLast('5m');
    expect(range.value).toEqual({ last: '5m' });
  });

  test('the range and the pace go along to other pages, filters do not', () => {
    setQuery({ last: '6h', q: 'cart' });
    expect(hrefTo('/map', { namespace: 'shop' })).toBe('/map?last=6h&namespace=shop');
  });

  test('names that need it are escaped, and come back whole', () => {
    const name = 'a&b=c #?/%é<script>';
    go(hrefTo('/workload', { workload: name }));
    expect(page.value).toBe('/workload');
    expect(query.value.get('workload')).toBe(name);
  });

  test('a pace that is none is the usual one', () => {
    setQuery({ refresh: 'often' });
    expect(refreshS.value).toBe(5);
    setQuery({ refresh: '0' });
    expect(refreshS.value).toBe(0);
  });
});
