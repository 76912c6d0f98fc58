import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { Icon } from '../components/icons';
import { count } from '../lib/format';
import { type Tail, maxRows, type TailState } from './tail';

/** What the tail does, how much of what there is it shows, and the button that pauses it. */
export function TailBar({ tail, isFiltered, onToggle }: { tail: Tail; isFiltered: boolean; onToggle: () => void }) {
  const nowMs = useSignal(Date.now());
  useEffect(() => {
    const timer = window.setInterval(() => { nowMs.value = Date.now(); }, 500);
    return () => { window.clearInterval(timer); };
  }, []);
  const isPaused = tail.held.value !== null;
  const state = tail.state.value;
  const { shown, skipped, missed } = tail.meter.perSecond(nowMs.value);
  // Read so that the number of those that wait is drawn anew.
  const waiting = tail.painted.value >= 0 ? tail.waiting : 0;
  return (
    <div class="req-bar">
      <button type="button" class="button" aria-pressed={isPaused} aria-keyshortcuts="p" onClick={onToggle}>
        <Icon name={isPaused ? 'play' : 'pause'} />
        {isPaused ? 'Resume' : 'Pause'}
      </button>
      <span class={`req-state is-${isPaused && state.kind === 'live' ? 'paused' : state.kind}`}>
        <span class="dot" aria-hidden="true" />
        <span aria-live="polite">{stateText(state, isPaused, nowMs.value)}</span>
      </span>
      {isPaused && waiting > 0 && (
        <button type="button" class="link num" onClick={onToggle}>
          {count(waiting)} newer {waiting === 1 ? 'waits' : 'wait'}
          {waiting > maxRows ? `, the last ${count(maxRows)} are kept` : ''}
        </button>
      )}
      {state.kind === 'live' && <span class="muted num">{rateText(shown, skipped, missed, isFiltered)}</span>}
      {state.kind === 'live' && missed >= 0.5 && <span class="warn-text">This page was too slow for {count(Math.round(missed))} a second</span>}
    </div>
  );
}

function stateText(state: TailState, isPaused: boolean, nowMs: number): string {
  switch (state.kind) {
    case 'connecting':
      return 'Connecting …';
    case 'live':
      return isPaused ? 'Paused' : 'Live';
    case 'refused':
      return state.why;
    case 'away': {
      const seconds = Math.ceil((state.retryAtMs - nowMs) / 1000);
      // Short pauses are not counted down: it would be read out each time.
      return `${state.why} ${seconds > 3 ? 'Trying again every few seconds.' : 'Trying again.'}`;
    }
  }
}

/** "500 of about 9 800 a second shown". */
export function rateText(shown: number, skipped: number, missed: number, isFiltered: boolean): string {
  const all = shown + skipped + missed;
  if (skipped + missed < 0.5) {
    return `${all > 0 && all < 1 ? 'under 1' : count(Math.round(all))} a second`;
  }
  // Two digits: it changes all the time.
  const step = 10 ** Math.max(0, Math.floor(Math.log10(all)) - 1);
  return `${count(Math.round(shown))} of about ${count(Math.round(all / step) * step)} a second shown; ${isFiltered ? 'filter more' : 'filter'} to see all`;
}
