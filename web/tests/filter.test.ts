import { describe, expect, it } from 'vitest';
import { filterNames, parametersOf, problemOf, readFilter } from '../src/requests/filter';

describe('the filter of the address', () => {
  it('reads every name, trimmed, and leaves out what is empty or another\'s', () => {
    const query = new URLSearchParams({ namespace: ' shop ', status: '5xx', 'slower-than': '100ms', pod: '  ', last: '1h', mode: 'stored' });
    expect(readFilter(query)).toEqual({ namespace: 'shop', status: '5xx', 'slower-than': '100ms' });
  });

  it('comes back from the address as it was put in, whatever is in it', () => {
    const values = Object.fromEntries(filterNames.map((name, i) => [name, `a&b=c #${i}%20+\u202e/{id}?x`]));
    expect(readFilter(new URLSearchParams(new URLSearchParams(values).toString()))).toEqual(values);
  });

  it.each(['404', '5xx', '5XX', '100'])('takes the status %s', (status) => {
    expect(problemOf('status', status)).toBeNull();
  });

  it.each(['5', '5x', '0xx', '4040', 'xx5', 'ok'])('refuses the status %s', (status) => {
    expect(problemOf('status', status)).not.toBeNull();
  });

  it.each(['100ms', '2s', '1.5s', '10us', '1m', '3h', '5ns'])('takes the duration %s', (text) => {
    expect(problemOf('slower-than', text)).toBeNull();
  });

  it.each(['100', 'ms', '-1s', '1 s', '1d', '1e3ms'])('refuses the duration %s', (text) => {
    expect(problemOf('slower-than', text)).not.toBeNull();
  });

  it('does not ask the agent for what it would refuse', () => {
    expect(parametersOf({ status: 'five', role: 'both', 'slower-than': '1s', workload: 'cart' })).toEqual({ 'slower-than': '1s', workload: 'cart' });
  });
});
