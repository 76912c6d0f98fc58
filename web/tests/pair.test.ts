import { describe, expect, it } from 'vitest';
import { differenceOf, mayBeOtherEnd, otherEnd, spansOf } from '../src/requests/pair';
import type { Transaction } from '../src/requests/row';

const base: Transaction = {
  protocol: 'http', role: 'client', start: '2026-11-23T06:17:30.000000000Z', duration_ns: 4_000_000, time_to_first_byte_ns: 3_000_000, client: '10.244.0.5:40522',
  server: '10.96.0.10:80', method: 'GET', target: '/orders/17', host: 'orders', version: '1.1', status: 200, request_bytes: 100, response_bytes: 200,
};
const server: Transaction = { ...base, role: 'server', start: '2026-11-23T06:17:30.000200000Z', duration_ns: 3_600_000, time_to_first_byte_ns: 2_800_000, server: '10.244.0.9:8080' };

describe('the other end', () => {
  it('is found though a Service\'s address was translated', () => {
    expect(otherEnd(base, [base, { ...server, client: '10.244.0.5:40523' }, server])).toBe(server);
    expect(otherEnd(server, [server, base])).toBe(base);
  });

  it.each([
    ['the same role', { role: 'client' as const }],
    ['another client port', { client: '10.244.0.5:1' }],
    ['another method', { method: 'POST' }],
    ['another target', { target: '/orders/18' }],
    ['another protocol', { protocol: 'http2' }],
    ['a start that is too far away', { start: '2026-11-23T06:17:31.000200001Z' }],
  ])('is none with %s', (_, change) => {
    expect(mayBeOtherEnd(base, { ...server, ...change })).toBe(false);
  });

  it('is the one that lies within, among equal requests on one connection', () => {
    const requests = Array.from({ length: 20 }, (_, i) => ({ ...base, start: `2026-11-23T06:17:30.${String(i * 5_000_000).padStart(9, '0')}Z` }));
    // Seen late at the server: the next request's client is nearer by its start.
    const answers = requests.map((_, i) => ({ ...server, start: `2026-11-23T06:17:30.${String(i * 5_000_000 + 3_000_000).padStart(9, '0')}Z`, duration_ns: 500_000 }));
    answers.forEach((answer, i) => {
      expect(otherEnd(answer, requests)).toBe(requests[i]);
    });
    requests.forEach((request, i) => {
      expect(otherEnd(request, answers)).toBe(answers[i]);
    });
  });

  it('is the nearest when there was no answer', () => {
    const unanswered = { ...server, duration_ns: null, error: 'timeout' };
    const later = { ...unanswered, start: '2026-11-23T06:17:30.900000000Z' };
    expect(otherEnd({ ...base, duration_ns: null }, [later, unanswered])).toBe(unanswered);
  });
});

describe('the difference', () => {
  it('is exact to the nanosecond', () => {
    expect(differenceOf(base, server)).toEqual({ leadNs: 200_000, betweenNs: 400_000, translated: { called: '10.96.0.10:80', served: '10.244.0.9:8080' }, others: [] });
  });

  it('tells what else is not equal', () => {
    const { betweenNs, others } = differenceOf({ ...base, status: 503, duration_ns: null, error: 'timeout' }, server);
    expect(betweenNs).toBeNull();
    expect(others).toHaveLength(2);
    expect(others[0]).toContain('503');
  });
});

describe('spans', () => {
  it('lie on one line', () => {
    const { spans, totalNs } = spansOf([base, server]);
    expect(totalNs).toBe(4_000_000);
    expect(spans[0]).toEqual({ from: 0, firstByte: 0.75, to: 1 });
    expect(spans[1]).toEqual({ from: 0.05, firstByte: 0.75, to: 0.95 });
  });

  it('have no end without an answer', () => {
    expect(spansOf([{ ...base, duration_ns: null, time_to_first_byte_ns: null }]).spans[0]).toEqual({ from: 0, firstByte: null, to: null });
    expect(spansOf([])).toEqual({ spans: [], totalNs: 0 });
  });
});
