const day = new Intl.DateTimeFormat(undefined, { month: 'short', day: 'numeric' });
const minute = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
const second = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' });
const dayAndMinute = new Intl.DateTimeFormat(undefined, { month: 'short', day: 'numeric', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });

/** The text of a mark on the axis of time: as exact as the marks are apart, and the day at midnight. */
export function tick(atS: number, incrementS: number): string {
  const at = new Date(atS * 1000);
  const isMidnight = at.getHours() === 0 && at.getMinutes() === 0 && at.getSeconds() === 0;
  return (incrementS >= 86_400 || isMidnight ? day : incrementS >= 60 ? minute : second).format(at);
}

/** A step as text: "10:31:10 – 10:31:20", with the day when it is not today. */
export function stepText(startS: number, stepS: number, now = new Date()): string {
  const from = new Date(startS * 1000);
  const to = new Date((startS + stepS) * 1000);
  const clock = stepS >= 60 ? minute : second;
  const first = from.toDateString() === now.toDateString() ? clock : dayAndMinute;
  return `${first.format(from)} – ${clock.format(to)}`;
}
