import type { RefObject } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import { setBetween } from '../lib/range';
import { color, isDark } from '../lib/theme';
import { tick } from '../lib/ticks';

/** Where the plot begins and ends within its box, so that what stands above each other is aligned; pixels. */
export const leftPx = 76;
export const rightPx = 30;

const font = '12px system-ui, sans-serif';

/** The axis of time, in this browser's time, in 24 hours. */
export function timeAxis(): uPlot.Axis {
  return {
    stroke: color('chart-axis'),
    font,
    grid: { stroke: color('chart-grid'), width: 1 },
    ticks: { show: false },
    size: 26,
    // Marks of less than a minute are told with seconds, which need more room; phones have less.
    space: (_plot, _axis, from, to, sizePx) => (((to - from) / sizePx) * 56 <= 30 ? 76 : sizePx < 300 ? 40 : 56),
    values: (_plot, splits, _axis, _space, increment) => splits.map((at) => tick(at, increment)),
  };
}

/** The axis of values, with their unit. */
export function valueAxis(format: (value: number) => string): uPlot.Axis {
  return {
    stroke: color('chart-axis'),
    font,
    grid: { stroke: color('chart-grid'), width: 1 },
    ticks: { show: false },
    size: leftPx,
    space: 28,
    // Round numbers: "50 ms", not "50.0 ms".
    values: (_plot, splits: (number | null)[]) => splits.map((value) => (value === null ? '' : value === 0 ? '0' : format(value).replace(/\.0+(?!\d)/, ''))),
  };
}

/** Charts of a page point at the same time; dragging chooses a range. */
export function cursor(): uPlot.Cursor {
  return {
    y: false,
    points: { size: 7 },
    drag: { x: true, y: false, setScale: false },
    sync: { key: 'page', filters: { pub: (type) => type === 'mousemove' || type === 'mouseleave', sub: () => true } },
  };
}

/** What a drag over a chart does. */
export function choose(plot: uPlot): void {
  if (plot.select.width > 4) {
    const from = plot.posToVal(plot.select.left, 'x');
    const to = plot.posToVal(plot.select.left + plot.select.width, 'x');
    plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
    setBetween(Math.floor(from), Math.ceil(to));
  }
}

/** A uPlot in a box: made anew when its key or the theme changes, given data otherwise; as wide as the box. */
export function usePlot(box: RefObject<HTMLElement | null>, make: () => Omit<uPlot.Options, 'width'>, data: uPlot.AlignedData, key: string): RefObject<uPlot | null> {
  const plot = useRef<uPlot>(null);
  const held = useRef(data);
  held.current = data;
  const dark = isDark.value;
  useEffect(() => {
    const element = box.current;
    if (!element) {
      return undefined;
    }
    const made = new uPlot({ ...make(), width: Math.max(200, element.clientWidth) }, held.current, element);
    plot.current = made;
    const observer = new ResizeObserver(() => {
      if (element.clientWidth > 0 && element.clientWidth !== made.width) {
        made.setSize({ width: element.clientWidth, height: made.height });
      }
    });
    observer.observe(element);
    return () => {
      observer.disconnect();
      plot.current = null;
      made.destroy();
    };
  }, [key, dark]);
  useEffect(() => {
    plot.current?.setData(data);
  }, [data]);
  return plot;
}
