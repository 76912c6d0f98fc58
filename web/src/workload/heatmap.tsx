import { useMemo, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import type { Schemas } from '../api/client';
import { rangeOf, stepped } from '../components/chart';
import { Empty } from '../components/parts';
import { choose, cursor, leftPx, rightPx, timeAxis, usePlot, valueAxis } from '../components/plot';
import { count, duration } from '../lib/format';
import { isDark } from '../lib/theme';
import { stepText } from '../lib/ticks';
import { type Heat, heatText, rampColor, rowAt, shade, trim } from './heat';

export interface HeatmapProps {
  heatmap: Schemas['Heatmap'];
  timeS: readonly number[];
  stepS: number;
  heightPx: number;
  /** Shows the requests of a cell: from when on, for how long, and longer than what, nanoseconds. */
  onOpen: (startS: number, fromNs: number) => void;
}

/** How many requests took how long, over time. Arrows move from cell to cell, Enter or a click opens the requests of one. */
export function Heatmap(props: HeatmapProps) {
  const heat = useMemo(() => trim(props.heatmap), [props.heatmap]);
  return heat ? <Cells {...props} heat={heat} /> : <Empty title="No durations in this range" />;
}

interface Cell {
  step: number;
  row: number;
}

function Cells({ heat, timeS, stepS, heightPx, onOpen }: HeatmapProps & { heat: Heat }) {
  const box = useRef<HTMLDivElement>(null);
  const tip = useRef<HTMLDivElement>(null);
  const mark = useRef<HTMLDivElement>(null);
  const said = useRef<HTMLDivElement>(null);
  const chosen = useRef<Cell | null>(null);
  const pressedAt = useRef(0);
  const held = useRef({ heat, timeS, stepS, onOpen });
  held.current = { heat, timeS, stepS, onOpen };
  const rows = heat.boundsNs.length - 1;
  const data = useMemo(() => [timeS, timeS.map(() => null)] as unknown as uPlot.AlignedData, [timeS, heat]);

  const show = (plot: uPlot, cell: Cell | null) => {
    chosen.current = cell;
    pointAt(plot, cell, held.current, tip.current, mark.current);
  };
  const open = (cell: Cell | null) => {
    const { heat: shown, timeS: starts } = held.current;
    if (cell) {
      held.current.onOpen(starts[cell.step] ?? 0, shown.boundsNs[cell.row] ?? 0);
    }
  };
  const make = (): Omit<uPlot.Options, 'width'> => ({
    height: heightPx,
    padding: [10, rightPx, 0, 0],
    legend: { show: false },
    cursor: { ...cursor(), points: { show: false } },
    scales: {
      x: { time: true, range: () => rangeOf(held.current.timeS, held.current.stepS) },
      y: { range: () => [0, held.current.heat.boundsNs.length - 1] },
    },
    axes: [
      { ...timeAxis(), grid: { show: false } },
      {
        ...valueAxis((row) => duration(Math.max(1, held.current.heat.boundsNs[row] ?? 0))),
        size: leftPx,
        grid: { show: false },
        splits: (plot) => bounds(held.current.heat.boundsNs.length - 1, plot.bbox.height / devicePixelRatio),
      },
    ],
    series: [{}, { paths: () => null, points: { show: false } }],
    hooks: {
      draw: [(plot) => { draw(plot, held.current); }],
      setSelect: [choose],
      setCursor: [(plot) => {
        if (plot.cursor.event) {
          show(plot, cellAt(plot, held.current));
        } else if (!box.current?.matches(':focus-visible')) {
          show(plot, null);
        }
      }],
      ready: [(plot) => {
        plot.over.addEventListener('mousedown', (event) => { pressedAt.current = event.clientX; });
        plot.over.addEventListener('click', (event) => {
          // The end of a drag is no click.
          if (Math.abs(event.clientX - pressedAt.current) < 4) {
            open(cellAt(plot, held.current));
          }
        });
      }],
    },
  });
  const plot = usePlot(box, make, data, String(heightPx));

  const onKeyDown = (event: KeyboardEvent) => {
    const at = chosen.current;
    if (event.key === 'Enter') {
      open(at);
      return;
    }
    const next = nextCell(at, event.key, timeS.length, rows);
    if (plot.current && next) {
      event.preventDefault();
      show(plot.current, next);
      if (said.current) {
        said.current.textContent = cellText(next, held.current);
      }
    }
  };
  const label = heatText(heat, (ns) => (ns <= 0 ? '0 ms' : duration(ns)));
  return (
    <figure class="chart">
      <Ramp most={heat.most} />
      <div ref={box} class="chart-box heat" tabIndex={0} role="group" aria-roledescription="heat map" aria-label={`${label}. Arrows read the cells, Enter shows a cell's requests.`} onKeyDown={onKeyDown}>
        <div ref={mark} class="heat-mark" hidden />
        <div ref={tip} class="tip" hidden />
      </div>
      <div ref={said} class="visually-hidden" aria-live="polite" />
    </figure>
  );
}

const rampSteps = 12;

function Ramp({ most }: { most: number }) {
  return (
    <div class="legend ramp">
      {most > 1 && <span>1</span>}
      <span class="ramp-bar" aria-hidden="true">
        {Array.from({ length: rampSteps }, (_, i) => <span key={i} style={{ background: rampColor(i / (rampSteps - 1), isDark.value) }} />)}
      </span>
      <span>{count(most)} requests in a cell</span>
    </div>
  );
}

type Shown = Pick<HeatmapProps, 'timeS' | 'stepS'> & { heat: Heat };

/** Bounds to name on the axis, as many as there is room for. */
function bounds(rows: number, heightPx: number): number[] {
  const apart = Math.max(1, Math.ceil(rows / Math.max(1, Math.floor(heightPx / 26))));
  return Array.from({ length: Math.floor(rows / apart) + 1 }, (_, i) => i * apart);
}

function draw(plot: uPlot, { heat, timeS, stepS }: Shown): void {
  const { ctx } = plot;
  const dark = isDark.peek();
  const gap = plot.bbox.width / Math.max(1, timeS.length) > 6 * devicePixelRatio ? devicePixelRatio : 0;
  ctx.save();
  ctx.beginPath();
  ctx.rect(plot.bbox.left, plot.bbox.top, plot.bbox.width, plot.bbox.height);
  ctx.clip();
  heat.counts.forEach((rows, i) => {
    const start = timeS[i] ?? 0;
    const left = Math.round(plot.valToPos(start, 'x', true));
    const width = Math.max(1, Math.round(plot.valToPos(start + stepS, 'x', true)) - left - gap);
    rows.forEach((number, row) => {
      if (number > 0) {
        const top = Math.round(plot.valToPos(row + 1, 'y', true));
        ctx.fillStyle = rampColor(shade(number, heat.most), dark);
        ctx.fillRect(left, top, width, Math.max(1, Math.round(plot.valToPos(row, 'y', true)) - top - gap));
      }
    });
  });
  ctx.restore();
}

function cellAt(plot: uPlot, { heat, timeS, stepS }: Shown): Cell | null {
  const { left, top } = plot.cursor;
  if (left === undefined || top === undefined || left < 0 || top < 0) {
    return null;
  }
  const step = Math.floor((plot.posToVal(left, 'x') - (timeS[0] ?? 0)) / stepS);
  const row = rowAt(plot.posToVal(top, 'y'), heat.boundsNs.length - 1);
  return row === null || step < 0 || step >= timeS.length ? null : { step, row };
}

function nextCell(at: Cell | null, key: string, steps: number, rows: number): Cell | null {
  const from = at ?? { step: steps - 1, row: 0 };
  if (key === 'ArrowUp' || key === 'ArrowDown') {
    return { step: from.step, row: Math.min(rows - 1, Math.max(0, from.row + (key === 'ArrowUp' ? 1 : -1))) };
  }
  const step = stepped(at?.step ?? null, key, steps);
  return step === null ? null : { step, row: from.row };
}

function cellText({ step, row }: Cell, { heat, timeS, stepS }: Shown): string {
  const number = heat.counts[step]?.[row] ?? 0;
  const from = heat.boundsNs[row] ?? 0;
  return `${stepText(timeS[step] ?? 0, stepS)}\n${from <= 0 ? 'up' : duration(from)} to ${duration(heat.boundsNs[row + 1])}: ${count(number)} ${number === 1 ? 'request' : 'requests'}`;
}

function pointAt(plot: uPlot, cell: Cell | null, shown: Shown, tip: HTMLElement | null, mark: HTMLElement | null): void {
  if (!tip || !mark) {
    return;
  }
  tip.hidden = mark.hidden = cell === null;
  if (!cell) {
    return;
  }
  const start = shown.timeS[cell.step] ?? 0;
  const left = plot.over.offsetLeft + plot.valToPos(start, 'x');
  const right = plot.over.offsetLeft + plot.valToPos(start + shown.stepS, 'x');
  const top = plot.over.offsetTop + plot.valToPos(cell.row + 1, 'y');
  const bottom = plot.over.offsetTop + plot.valToPos(cell.row, 'y');
  Object.assign(mark.style, { left: `${left}px`, top: `${top}px`, width: `${right - left}px`, height: `${bottom - top}px` });
  tip.textContent = cellText(cell, shown);
  const isRight = right + tip.offsetWidth + 10 > plot.width;
  tip.style.left = `${isRight ? left - tip.offsetWidth - 8 : right + 8}px`;
  tip.style.top = `${Math.max(0, Math.min(top, plot.height - tip.offsetHeight - 26))}px`;
}
