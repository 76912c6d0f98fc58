/** Numbers for people: three significant digits, always with their unit. */

function digits(value: number): string {
  const magnitude = Math.abs(value);
  return value.toFixed(magnitude >= 100 || value === 0 ? 0 : magnitude >= 10 ? 1 : 2);
}

/** 4560000 → "4.56 ms"; 0 and null → "–": nothing took no time. */
export function duration(ns: number | null | undefined): string {
  if (ns === null || ns === undefined || ns <= 0) {
    return '–';
  }
  const [unit, size] = ns < 1e3 ? ['ns', 1] as const : ns < 1e6 ? ['µs', 1e3] as const : ns < 1e9 ? ['ms', 1e6] as const : ['s', 1e9] as const;
  return `${digits(ns / size)} ${unit}`;
}

/** 1234 → "1.21 KiB". */
export function bytes(count: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let unit = 0;
  let value = count;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${unit === 0 ? String(value) : digits(value)} ${units[unit] ?? ''}`;
}

/** 12.345 → "12.3 req/s". */
export function rate(perSecond: number): string {
  if (perSecond === 0) {
    return '0 req/s';
  }
  if (perSecond < 0.01) {
    return '<0.01 req/s';
  }
  return perSecond >= 10_000 ? `${digits(perSecond / 1000)}k req/s` : `${digits(perSecond)} req/s`;
}

/** 0.0123 → "1.23 %". What is not nothing is never shown as 0, and what is not all never as 100. */
export function percent(ratio: number): string {
  if (ratio > 0 && ratio < 0.0001) {
    return '<0.01 %';
  }
  if (ratio < 1 && ratio > 0.9999) {
    return '>99.99 %';
  }
  const value = ratio * 100;
  return `${value === 0 || value === 100 ? String(value) : value > 99 ? value.toFixed(2) : digits(value)} %`;
}

/** 1234567 → "1 234 567", with thin spaces. */
export function count(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+(?!\d))/g, '\u2009');
}

const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' });
const dayAndClock = new Intl.DateTimeFormat(undefined, { month: 'short', day: 'numeric', hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' });

/** An RFC 3339 time as the time of day here, with milliseconds; with the day when it is not today. */
export function time(rfc3339: string, now = new Date()): string {
  const at = new Date(rfc3339);
  const ms = String(at.getMilliseconds()).padStart(3, '0');
  return `${(at.toDateString() === now.toDateString() ? clock : dayAndClock).format(at)}.${ms}`;
}

/** Who it is: "namespace/workload", or just the name. */
export function who(one: { workload: string; namespace?: string }): string {
  return one.namespace === undefined ? one.workload : `${one.namespace}/${one.workload}`;
}

/** The time of day here, to the second. */
export function clockTime(at: Date): string {
  return clock.format(at);
}
