import { sparkPath } from '../lib/spark';

const width = 120;
const height = 24;

/** Requests over time as a line, and errors as ticks that stand on the ground; label says the figures. Nothing is known before the step from. */
export function Sparkline({ requests, errors, from = 0, label }: { requests: readonly number[]; errors: readonly number[]; from?: number; label: string }) {
  const { line, area, marks } = sparkPath(requests, errors, width, height, from);
  return (
    <svg class="spark" viewBox={`0 0 ${width} ${height}`} preserveAspectRatio="none" role="img" aria-label={label}>
      <path class="area" d={area} />
      <path class="line" d={line} />
      {marks !== '' && <path class="err" d={marks} />}
    </svg>
  );
}
