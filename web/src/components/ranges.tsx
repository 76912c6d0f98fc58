import { useSignal } from '@preact/signals';
import { useRef } from 'preact/hooks';
import { useKeys } from '../lib/keys';
import { nextRange, range, ranges, rangeS, refreshes, refreshS, setBetween, setLast } from '../lib/range';
import { setQuery } from '../lib/url';
import { Dialog } from './dialog';
import { Icon } from './icons';
import { Segments, Select } from './parts';

const options = ranges.map((one) => [one, one] as const);

/** The range of time that all pages share: the last so long, or between two times. */
export function RangePicker() {
  const isOpen = useSignal(false);
  const shown = range.value;
  const change = (direction: -1 | 1) => {
    const next = nextRange(rangeS.value, direction);
    if ('last' in shown) {
      setLast(next);
    }
  };
  useKeys({
    '[': () => { change(-1); },
    ']': () => { change(1); },
  });
  const last = 'last' in shown ? shown.last : null;
  const isOwn = last === null || !ranges.some((one) => one === last);
  return (
    <div class="range">
      <Segments label="Range of time" value={last} options={options} onChange={setLast} />
      <button
        type="button"
        class={isOwn ? 'button' : 'button icon'}
        aria-label={`Choose from and to${isOwn ? `; now ${rangeText(shown)}` : ''}`}
        title="Choose from and to"
        aria-haspopup="dialog"
        aria-pressed={isOwn}
        onClick={() => { isOpen.value = true; }}
      >
        <Icon name="clock" />
        {isOwn && rangeText(shown)}
      </button>
      {isOpen.value && <BetweenDialog onClose={() => { isOpen.value = false; }} />}
    </div>
  );
}

const dayAndMinute = new Intl.DateTimeFormat(undefined, { month: 'short', day: 'numeric', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });

function rangeText(shown: typeof range.value): string {
  return 'last' in shown ? `last ${shown.last}` : dayAndMinute.formatRange(new Date(shown.since), new Date(shown.until));
}

/** As an input of the type datetime-local wants it: local time without its zone. */
function local(at: Date): string {
  return new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 19);
}

function BetweenDialog({ onClose }: { onClose: () => void }) {
  const from = useRef<HTMLInputElement>(null);
  const to = useRef<HTMLInputElement>(null);
  const problem = useSignal('');
  const shown = range.value;
  const [since, until] = 'last' in shown ? [new Date(Date.now() - rangeS.value * 1000), new Date()] : [new Date(shown.since), new Date(shown.until)];
  const choose = (event: Event) => {
    event.preventDefault();
    const sinceS = Date.parse(from.current?.value ?? '') / 1000;
    const untilS = Date.parse(to.current?.value ?? '') / 1000;
    if (!(untilS > sinceS)) {
      problem.value = 'The end has to be later than the start.';
      return;
    }
    setBetween(sinceS, untilS);
    onClose();
  };
  return (
    <Dialog title="Between two times" narrow onClose={onClose}>
      <form class="dialog-body" onSubmit={choose}>
        <label class="field">From <input ref={from} class="input" type="datetime-local" step="1" required autofocus defaultValue={local(since)} /></label>
        <label class="field">To <input ref={to} class="input" type="datetime-local" step="1" required defaultValue={local(until)} /></label>
        {problem.value !== '' && <p class="errors" role="alert">{problem.value}</p>}
        <p class="muted">Times are those of this browser. Dragging over a chart chooses a range, too.</p>
        <div class="row"><button type="submit" class="button primary">Show</button></div>
      </form>
    </Dialog>
  );
}

const refreshOptions = [['2', '2 s'], ['5', '5 s'], ['10', '10 s'], ['30', '30 s'], ['60', '1 min'], ['0', 'off']] as const;

/** How often the page looks again, and at once. */
export function Refresh() {
  useKeys({ r: () => { refreshes.value++; } });
  const value = String(refreshS.value);
  const all = refreshOptions.some(([one]) => one === value) ? refreshOptions : [...refreshOptions, [value, `${value} s`] as const];
  return (
    <div class="row refresh">
      <Select label="Refresh every" hideLabel value={value} options={all} onChange={(chosen) => { setQuery({ refresh: chosen === '5' ? null : chosen }); }} />
      <button type="button" class="button icon" aria-label="Refresh now" title="Refresh now (r)" onClick={() => refreshes.value++}>
        <Icon name="refresh" />
      </button>
    </div>
  );
}
