// @vitest-environment happy-dom
import { describe, expect, it } from 'vitest';
import { Meter } from '../src/requests/meter';
import { routeFor } from '../src/requests/route';
import { keyOf, nsBetween, parseKey, type NodeEvent, type Transaction } from '../src/requests/row';
import { seenIn } from '../src/requests/seen';
import { rateText } from '../src/requests/tailBar';
import { attributesOf, errorWords, incompleteWords } from '../src/requests/words';

const request: Transaction = {
  protocol: 'http', role: 'server', start: '2026-11-23T06:17:30.974977295Z', duration_ns: 1, client: '[fe80::1]:40522', server: '127.0.0.1:80', method: 'GET', target: '/', host: null,
  version: '1.1', status: 200, request_bytes: 1, response_bytes: 1, trace_id: '4bf9', upgrade: 'h2c', trace_sampled: true,
};

describe('a request\'s name in the address', () => {
  it('comes back as it was', () => {
    expect(parseKey(keyOf(request))).toEqual({ role: 'server', client: '[fe80::1]:40522', server: '127.0.0.1:80', start: '2026-11-23T06:17:30.974977295Z' });
  });

  it.each(['', 'x', 'server~a~b', 'server~a~b~never', 'server~a~b~2026-11-23T06:17:30Z~more', '~~~'])('is not read from %j', (text) => {
    expect(parseKey(text)).toBeNull();
  });
});

it('nanoseconds between two times are exact over a second and a zone', () => {
  expect(nsBetween('2026-11-23T06:17:30.999999999Z', '2026-11-23T06:17:31.000000001Z')).toBe(2);
  expect(nsBetween('2026-11-23T06:17:31.5Z', '2026-11-23T07:17:31.25+01:00')).toBe(-250_000_000);
  expect(nsBetween('2026-11-23T06:17:31Z', '2026-11-23T06:17:31Z')).toBe(0);
});

it('attributes are what every request does not have', () => {
  expect(attributesOf(request)).toEqual([['trace_id', '4bf9'], ['upgrade', 'h2c'], ['trace_sampled', 'true']]);
});

it('short words are explained, unknown ones are shown', () => {
  expect(errorWords('timeout')).toContain('No answer');
  expect(errorWords('something_new')).toBe('something_new');
  expect(incompleteWords(['body_incomplete', 'new_flag'])).toEqual([expect.stringContaining('body') as string, 'new_flag']);
  expect(incompleteWords(undefined)).toEqual([]);
});

it('what was seen can be chosen from', () => {
  const end = { workload: 'cart', namespace: 'shop', pod: 'cart-1', identity: 'cgroup' };
  const event = { event: 'oomkill', time: request.start, workload: { workload: 'report', namespace: 'batch', identity: 'cgroup' } } as NodeEvent;
  expect(seenIn([{ seq: 1, request: { ...request, destination: end } }, { seq: 2, event }, { seq: 3, request }])).toEqual({ namespace: ['batch', 'shop'], workload: ['cart', 'report'], pod: ['cart-1'] });
});

it('the meter counts full seconds only', () => {
  const meter = new Meter(2);
  meter.add(1000, { shown: 10 });
  meter.add(1900, { shown: 10, skipped: 100 });
  expect(meter.perSecond(1950)).toEqual({ shown: 0, skipped: 0, missed: 0 });
  meter.add(2500, { shown: 40, missed: 2 });
  expect(meter.perSecond(3100)).toEqual({ shown: 30, skipped: 50, missed: 1 });
  expect(meter.perSecond(9000)).toEqual({ shown: 0, skipped: 0, missed: 0 });
});

it('says how much of what there is it shows', () => {
  expect(rateText(0, 0, 0, false)).toBe('0 a second');
  expect(rateText(0.4, 0, 0, false)).toBe('under 1 a second');
  expect(rateText(500, 9321, 0, false)).toBe('500 of about 9\u2009800 a second shown; filter to see all');
  expect(rateText(500, 0, 40, true)).toBe('500 of about 540 a second shown; filter more to see all');
});

it('a target\'s route is the most exact one of those known', () => {
  const routes = ['/users/{id}', '/users/me', '/{a}/{b}', '/users/{id}/cart'];
  expect(routeFor('/users/41?x=/y', routes)).toBe('/users/{id}');
  expect(routeFor('/users/me', routes)).toBe('/users/me');
  expect(routeFor('http://host/users/7/cart', routes)).toBe('/users/{id}/cart');
  expect(routeFor('/', routes)).toBeNull();
});
