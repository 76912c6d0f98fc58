/**
 * Paths of a sparkline: the line and the area beneath, both within width and height, and ticks for errors as high as their share of the peak, at least 4.
 * Before the step `from` nothing is known, and nothing drawn.
 */
export function sparkPath(requests: readonly number[], errors: readonly number[], width: number, height: number, from = 0): { line: string; area: string; marks: string } {
  const peak = Math.max(1, ...requests);
  const step = requests.length > 1 ? width / (requests.length - 1) : width;
  const room = height - 2;
  const y = (value: number) => (height - 1 - (value / peak) * room).toFixed(1);
  const x = (i: number) => (i * step).toFixed(1);
  const points = requests.map((value, i) => `${x(i)} ${y(value)}`).slice(from);
  const line = points.length === 0 ? '' : requests.length === 1 ? `M${points[0] ?? ''}H${width}` : `M${points.join('L')}`;
  const marks = errors
    .map((value, i) => (value > 0 ? `M${x(i)} ${height}v${(-Math.max(4, (value / peak) * room)).toFixed(1)}` : ''))
    .join('');
  return { line, area: line === '' ? '' : `${line}V${height}H${x(from)}Z`, marks };
}
