import { type Signal, useSignal } from '@preact/signals';
import type { RefObject } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import type { Placed } from './layout';
import { first, fitted, moved, type View, zoomed } from './view';

const stepPx = 60;
const keyZoom = 1.25;
// A press that moves less is a click.
const dragPx = 4;
const uprightBelowPx = 560;

export interface Movable {
  view: Signal<View>;
  /** Shows all of it. */
  fit: () => void;
  /** Shows it as at first. */
  begin: () => void;
  /** True where there is little width. */
  isUpright: Signal<boolean>;
  /** Zooms around the middle. */
  zoom: (factor: number) => void;
  /** True when the press that has just ended moved the picture. */
  hasDragged: () => boolean;
}

/** Moves and zooms a picture by mouse, touch and keys. A wheel scrolls the page until the picture is used, so that nobody is held up in it. */
export function useMovable(element: RefObject<SVGSVGElement | null>, picture: RefObject<Pick<Placed, 'width' | 'height' | 'start'>>): Movable {
  const view = useSignal<View>({ x: 0, y: 0, k: 1 });
  // Until somebody has moved it, all of it stays in sight.
  const isTouched = useRef(false);
  const dragged = useRef(false);
  const isUpright = useSignal(false);
  const show = (how: typeof first) => {
    const [box, of] = [element.current, picture.current];
    if (box) {
      isUpright.value = box.clientWidth < uprightBelowPx;
      view.value = how(of.width, of.height, box.clientWidth, box.clientHeight, of.start);
    }
  };
  const begin = () => {
    isTouched.current = false;
    show(first);
  };
  const fit = () => {
    isTouched.current = true;
    show(fitted);
  };
  const change = (next: View) => {
    isTouched.current = true;
    view.value = next;
  };
  const zoom = (factor: number) => {
    const box = element.current;
    if (box) {
      change(zoomed(view.peek(), factor, box.clientWidth / 2, box.clientHeight / 2));
    }
  };
  useEffect(() => {
    const box = element.current;
    if (!box) {
      return;
    }
    const stop = new AbortController();
    const { signal } = stop;
    const pointers = new Map<number, { x: number; y: number }>();
    let fromX = 0;
    let fromY = 0;
    const inBox = (event: { clientX: number; clientY: number }) => {
      const { left, top } = box.getBoundingClientRect();
      return { x: event.clientX - left, y: event.clientY - top };
    };
    const spread = () => {
      const [a, b] = [...pointers.values()];
      return a && b ? { px: Math.hypot(a.x - b.x, a.y - b.y), x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 } : null;
    };
    box.addEventListener('pointerdown', (event) => {
      if (event.button !== 0) {
        return;
      }
      if (pointers.size === 0) {
        dragged.current = false;
        [fromX, fromY] = [event.clientX, event.clientY];
      }
      pointers.set(event.pointerId, inBox(event));
    }, { signal });
    box.addEventListener('pointermove', (event) => {
      const last = pointers.get(event.pointerId);
      if (!last) {
        return;
      }
      if (!dragged.current && Math.hypot(event.clientX - fromX, event.clientY - fromY) < dragPx) {
        return;
      }
      if (!dragged.current) {
        dragged.current = true;
        // Only now: a press that is captured at once never clicks what is under it.
        box.setPointerCapture(event.pointerId);
      }
      const before = spread();
      const at = inBox(event);
      pointers.set(event.pointerId, at);
      const after = spread();
      change(before && after
        ? zoomed(moved(view.peek(), after.x - before.x, after.y - before.y), after.px / Math.max(1, before.px), after.x, after.y)
        : moved(view.peek(), at.x - last.x, at.y - last.y));
    }, { signal });
    for (const end of ['pointerup', 'pointercancel'] as const) {
      box.addEventListener(end, (event) => {
        pointers.delete(event.pointerId);
        // The click of this press comes first; the next one may be of a key.
        window.setTimeout(() => { dragged.current = pointers.size > 0; });
      }, { signal });
    }
    box.addEventListener('wheel', (event) => {
      if (event.ctrlKey || event.metaKey || box.contains(document.activeElement)) {
        event.preventDefault();
        const { x, y } = inBox(event);
        change(zoomed(view.peek(), Math.exp(-event.deltaY / 400), x, y));
      }
    }, { signal, passive: false });
    box.addEventListener('keydown', (event) => {
      const by: Record<string, [number, number]> = { ArrowLeft: [stepPx, 0], ArrowRight: [-stepPx, 0], ArrowUp: [0, stepPx], ArrowDown: [0, -stepPx] };
      const arrow = by[event.key];
      if (event.ctrlKey || event.metaKey || event.altKey) {
        return;
      }
      if (arrow) {
        change(moved(view.peek(), ...arrow));
      } else if (event.key === '+' || event.key === '=') {
        zoom(keyZoom);
      } else if (event.key === '-') {
        zoom(1 / keyZoom);
      } else if (event.key === '0') {
        fit();
      } else {
        return;
      }
      event.preventDefault();
    }, { signal });
    const watch = new ResizeObserver(() => {
      if (!isTouched.current) {
        begin();
      }
    });
    watch.observe(box);
    return () => {
      stop.abort();
      watch.disconnect();
    };
  }, []);
  return { view, isUpright, fit, begin, zoom, hasDragged: () => dragged.current };
}
