import { describe, expect, test } from 'vitest';
import { type Event, figures, headline, marksOf } from '../src/lib/events';

const kill: Event = {
  event: 'oomkill', time: '1970-01-01T00:00:50Z', workload: { workload: 'report', identity: 'cgroup' }, process_name: 'hog', process_id: 11071, scope: 'pod', limit_bytes: 67_108_864, usage_bytes: 67_108_864,
};
const refusal: Event = {
  event: 'tcpsynbl', time: '1970-01-01T00:00:52Z', workload: { workload: 'slow', identity: 'cgroup' }, listener: '0.0.0.0:8080', queue_length: 129, queue_limit: 128, client: '10.0.0.1:4000', count: 4500,
};

describe('in words', () => {
  test('who was killed, by which limit', () => {
    expect(headline(kill)).toBe('hog (pid 11071) was killed: the limit of the pod (64.0 MiB) was reached');
    expect(figures(kill)).toContainEqual(['Used', '64.0 MiB']);
    expect(figures(kill).map(([name]) => name)).not.toContain('Swap');
  });

  test('who was refused, by which queue', () => {
    expect(headline(refusal)).toBe('4\u2009500 connections were refused at 0.0.0.0:8080: its queue was full');
    expect(figures(refusal)).toContainEqual(['Queue', '129 waiting, limit 128']);
  });

  test('with hardly anything known', () => {
    const bare: Event = { event: 'oomkill', time: kill.time, workload: kill.workload };
    expect(headline(bare)).toBe('A process (pid ?) was killed: a memory limit was reached');
    expect(figures(bare)).toEqual([]);
  });
});

describe('marks', () => {
  test('near ones of a type are one, types stay apart', () => {
    const marks = marksOf([refusal, { ...refusal, time: '1970-01-01T00:00:51Z' }, kill], 0, 100, 10);
    expect(marks.map((mark) => [mark.type, mark.events.length])).toEqual([['oomkill', 1], ['tcpsynbl', 2]]);
    expect(marks[1]?.at).toBe(0.52);
  });

  test('marks of a type are a place apart', () => {
    const at = (second: number): Event => ({ ...refusal, time: new Date(second * 1000).toISOString() });
    const marks = marksOf([at(9), at(11), at(29), at(20)], 0, 100, 10);
    expect(marks.map((mark) => [mark.at, mark.events.length])).toEqual([[0.11, 2], [0.29, 2]]);
  });

  test('what is beside the range is left out', () => {
    expect(marksOf([kill], 60, 100, 10)).toEqual([]);
    expect(marksOf([kill], 0, 40, 10)).toEqual([]);
  });
});
