import type { RefObject } from 'preact';
import { useMemo, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import { color } from '../lib/theme';
import { stepText } from '../lib/ticks';
import { choose, cursor, rightPx, timeAxis, usePlot, valueAxis } from './plot';

export interface ChartSeries {
  label: string;
  /** Name of a colour in styles/base.css, such as "chart-p50". */
  color: string;
  /** Lines differ by more than colour. */
  dash?: number[];
  isFilled?: boolean;
  values: readonly (number | null)[];
}

export interface ChartProps {
  /** What is shown, with the figures that matter, in words. */
  label: string;
  timeS: readonly number[];
  stepS: number;
  series: readonly ChartSeries[];
  format: (value: number) => string;
  heightPx?: number;
  isLog?: boolean;
}

/** Lines over time: drag chooses a range, arrows read values, all charts of a page point at the same time. */
export function Chart({ label, timeS, stepS, series, format, heightPx = 180, isLog = false }: ChartProps) {
  const box = useRef<HTMLDivElement>(null);
  const tip = useRef<HTMLDivElement>(null);
  const legend = useRef<HTMLUListElement>(null);
  const said = useRef<HTMLDivElement>(null);
  const held = useRef({ timeS, stepS, series, format });
  held.current = { timeS, stepS, series, format };
  const data = useMemo(() => [timeS, ...series.map((one) => one.values)] as uPlot.AlignedData, [timeS, ...series.map((one) => one.values)]);

  const make = (): Omit<uPlot.Options, 'width'> => ({
    height: heightPx,
    padding: [10, rightPx, 0, 0],
    legend: { show: false },
    cursor: cursor(),
    scales: {
      x: { time: true, range: () => rangeOf(held.current.timeS, held.current.stepS) },
      // uPlot declares its numbers as an enum of types only.
      // eslint-disable-next-line @typescript-eslint/no-unsafe-enum-assignment
      y: isLog ? { distr: 3 } : { range: (_plot, _least, most) => [0, most > 0 ? most * 1.1 : 1] },
    },
    axes: [timeAxis(), valueAxis(format)],
    series: [
      {},
      ...series.map((one): uPlot.Series => ({
        label: one.label,
        stroke: color(one.color),
        width: 1.75,
        points: { show: one.values.filter((value) => value !== null).length < 3, size: 5 },
        ...(one.dash ? { dash: one.dash } : {}),
        ...(one.isFilled ? { fill: `${color(one.color)}2e` } : {}),
      })),
    ],
    hooks: {
      setSelect: [choose],
      setCursor: [(plot) => { point(plot, held.current, tip.current, legend.current, box.current?.matches(':hover, :focus-visible') ?? false); }],
    },
  });
  const plot = usePlot(box, make, data, JSON.stringify([series.map((one) => [one.label, one.color]), isLog, heightPx]));

  const onKeyDown = (event: KeyboardEvent) => {
    const index = stepped(plot.current?.cursor.idx ?? null, event.key, knownSteps(series));
    if (plot.current && index !== null) {
      event.preventDefault();
      plot.current.setCursor({ left: plot.current.valToPos(timeS[index] ?? 0, 'x'), top: 10 });
      if (said.current) {
        said.current.textContent = valuesText(held.current, index);
      }
    }
  };
  return (
    <figure class="chart">
      <Legend legend={legend} series={series} />
      <div ref={box} class="chart-box" tabIndex={0} role="group" aria-roledescription="chart" aria-label={`${label}. Left and right read the values.`} onKeyDown={onKeyDown}>
        <div ref={tip} class="tip" hidden />
      </div>
      <div ref={said} class="visually-hidden" aria-live="polite" />
    </figure>
  );
}

function Legend({ legend, series }: { legend: RefObject<HTMLUListElement | null>; series: readonly ChartSeries[] }) {
  return (
    <ul ref={legend} class="legend">
      {series.map((one) => (
        <li key={one.label}>
          <svg class="legend-mark" viewBox="0 0 22 8" aria-hidden="true">
            <path d="M1 4H21" style={{ stroke: `var(--${one.color})` }} stroke-dasharray={one.dash?.join(' ')} />
          </svg>
          {one.label} <span class="num" data-value="" />
        </li>
      ))}
    </ul>
  );
}

type Shown = Pick<ChartProps, 'timeS' | 'stepS' | 'series' | 'format'>;

/** The step that a key leads to from a step; null for other keys. */
export function stepped(index: number | null, key: string, length: number): number | null {
  if (length === 0) {
    return null;
  }
  const last = length - 1;
  switch (key) {
    case 'ArrowLeft': return Math.max(0, (index ?? length) - 1);
    case 'ArrowRight': return Math.min(last, (index ?? -1) + 1);
    case 'Home': return 0;
    case 'End': return last;
    default: return null;
  }
}

/** Steps up to the last one that has a value. */
function knownSteps(series: readonly ChartSeries[]): number {
  return 1 + Math.max(-1, ...series.map((one) => one.values.findLastIndex((value) => value !== null)));
}

/** From the first step's start to the last one's end, so that charts with other data are aligned. */
export function rangeOf(timeS: readonly number[], stepS: number): [number, number] {
  const first = timeS[0] ?? 0;
  return [first, (timeS[timeS.length - 1] ?? first) + stepS];
}

function valuesText({ timeS, stepS, series, format }: Shown, index: number): string {
  const values = series.map((one) => {
    const value = one.values[index] ?? null;
    return `${one.label} ${value === null ? 'nothing' : format(value)}`;
  });
  return `${stepText(timeS[index] ?? 0, stepS)}: ${values.join(', ')}`;
}

/** Writes what the cursor points at: into the legend always, beside the cursor where the mouse or the focus is. */
function point(plot: uPlot, shown: Shown, tip: HTMLElement | null, legend: HTMLElement | null, isHere: boolean): void {
  const index = plot.cursor.idx ?? null;
  const left = plot.cursor.left ?? -1;
  const isOn = index !== null && left >= 0;
  legend?.querySelectorAll('[data-value]').forEach((element, i) => {
    const value = isOn ? shown.series[i]?.values[index] ?? null : null;
    element.textContent = value === null ? '' : shown.format(value);
  });
  if (tip) {
    tip.hidden = !isOn || !isHere;
    if (isOn && isHere) {
      tip.textContent = stepText(shown.timeS[index] ?? 0, shown.stepS);
      placeTip(tip, plot);
    }
  }
}

/** Beside the cursor, within the plot. */
export function placeTip(tip: HTMLElement, plot: uPlot): void {
  const left = (plot.cursor.left ?? 0) + plot.over.offsetLeft;
  const isRight = left + tip.offsetWidth + 14 > plot.width;
  tip.style.left = `${isRight ? left - tip.offsetWidth - 10 : left + 10}px`;
  tip.style.top = `${plot.over.offsetTop + 6}px`;
}
