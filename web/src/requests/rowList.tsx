import type { ReadonlySignal } from '@preact/signals';
import { useSignal } from '@preact/signals';
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks';
import { Status } from '../components/parts';
import { Wire } from '../components/wire';
import { eventNames, headline } from '../lib/events';
import { bytes, count, duration, time, who } from '../lib/format';
import { useKeys } from '../lib/keys';
import { visible } from '../lib/visible';
import { rowsInView, scrollToRow } from './ring';
import { type End, type EventRow, isRequest, keyOf, type RequestRow, type Row } from './row';
import { keptText } from './words';

// As the style sheet has them.
const widePx = 28;
const narrowPx = 54;
const narrow = window.matchMedia('(max-width: 760px)');
const around = 6;
const leastPx = 240;

export interface RowListProps {
  label: string;
  count: number;
  /** The row at a place, newest first. */
  at: (index: number) => Row | undefined;
  /** Which one is open. */
  openKey: string | null;
  selected: ReadonlySignal<number | null>;
  onSelect: (seq: number) => void;
  onOpen: (row: RequestRow) => void;
  /** Called when the newest row is no longer in sight, or is again. */
  onAway?: (isAway: boolean) => void;
  /** Called when somebody presses on the list: rows must not move until the release. */
  onPress?: () => void;
  /** Called when the oldest row is near. */
  onEnd?: () => void;
  /** Changes when the list shall go back to the newest row. */
  topped: number;
}

/** Rows of one height, of which only those in sight are in the document. Newest on top. */
export function RowList(props: RowListProps) {
  const { label, count: rows, at, openKey, selected, onSelect, onOpen, onAway, onPress, onEnd, topped } = props;
  const element = useRef<HTMLDivElement>(null);
  const scrollPx = useSignal(0);
  const viewPx = useSignal(600);
  const isNarrow = useSignal(narrow.matches);
  const rowPx = isNarrow.value ? narrowPx : widePx;
  useLayoutEffect(() => {
    const list = element.current;
    if (!list) {
      return;
    }
    // The list takes what the window has left below it, so that it scrolls and not the page.
    const fit = () => {
      isNarrow.value = narrow.matches;
      const leftPx = window.innerHeight - (list.getBoundingClientRect().top + window.scrollY) - 18;
      // On a phone what stands above it takes half of the window: there the page is scrolled first.
      const px = Math.max(leastPx, leftPx, narrow.matches ? window.innerHeight * 0.75 : 0);
      list.style.height = `${px}px`;
      viewPx.value = px;
    };
    fit();
    const watch = new ResizeObserver(fit);
    watch.observe(document.body);
    window.addEventListener('resize', fit);
    return () => {
      watch.disconnect();
      window.removeEventListener('resize', fit);
    };
  }, []);
  useEffect(() => {
    element.current?.scrollTo({ top: 0 });
  }, [topped]);

  const indexOf = (seq: number | null) => {
    for (let i = 0; i < rows; i++) {
      if (at(i)?.seq === seq) {
        return i;
      }
    }
    return -1;
  };
  const move = (by: number) => {
    const list = element.current;
    const from = indexOf(selected.peek());
    const index = Math.max(0, Math.min(rows - 1, from < 0 ? 0 : from + by));
    const row = at(index);
    if (!list || !row) {
      return;
    }
    onSelect(row.seq);
    list.scrollTop = scrollToRow(index, list.scrollTop, list.clientHeight - rowPx, rowPx);
    if (openKey !== null && isRequest(row)) {
      onOpen(row);
    }
  };
  const openSelected = () => {
    const row = at(indexOf(selected.peek()));
    if (row && isRequest(row)) {
      onOpen(row);
    }
  };
  useKeys({ j: () => { move(1); }, k: () => { move(-1); } });

  const { first, end } = rowsInView(scrollPx.value, viewPx.value, rowPx, rows, around);
  const shown: Row[] = [];
  for (let i = first; i < end; i++) {
    const row = at(i);
    if (row) {
      shown.push(row);
    }
  }
  return (
    <div
      ref={element}
      class="req-list"
      role="grid"
      tabIndex={0}
      aria-label={label}
      aria-rowcount={rows + 1}
      aria-readonly="true"
      {...(selected.value === null ? {} : { 'aria-activedescendant': `row-${selected.value}` })}
      onPointerDown={onPress}
      onScroll={(event: Event) => {
        const list = event.currentTarget as HTMLElement;
        scrollPx.value = list.scrollTop;
        onAway?.(list.scrollTop > rowPx / 2);
        if (list.scrollTop + list.clientHeight > rows * rowPx - 10 * rowPx) {
          onEnd?.();
        }
      }}
      onKeyDown={(event: KeyboardEvent) => {
        const act = { ArrowDown: () => { move(1); }, ArrowUp: () => { move(-1); }, PageDown: () => { move(20); }, PageUp: () => { move(-20); }, Home: () => { move(-rows); }, End: () => { move(rows); }, Enter: openSelected }[event.key];
        if (act && event.target === event.currentTarget) {
          event.preventDefault();
          act();
        }
      }}
    >
      <div class="req-head" role="row" aria-rowindex={1}>
        {columns.map(([area, head]) => <span key={area} role="columnheader" class={`c-${area}`}>{head}</span>)}
      </div>
      <div class="req-all" role="rowgroup" style={{ height: `${rows * rowPx}px` }}>
        <div role="presentation" style={{ transform: `translateY(${first * rowPx}px)` }}>
          {shown.map((row, i) => (isRequest(row)
            ? (
              <RequestLine
                key={row.seq}
                row={row}
                index={first + i}
                isOpen={openKey !== null && openKey === keyOf(row.request)}
                isSelected={selected.value === row.seq}
                onOpen={onOpen}
                onSelect={onSelect}
              />
            )
            : <EventLine key={row.seq} row={row} index={first + i} isSelected={selected.value === row.seq} onSelect={onSelect} />))}
        </div>
      </div>
    </div>
  );
}

const columns = [['time', 'Time'], ['role', 'Role'], ['who', 'Source → destination'], ['status', 'Status'], ['took', 'Duration'], ['size', 'Size'], ['method', 'Method'], ['target', 'Target']] as const;

interface LineProps {
  index: number;
  isSelected: boolean;
  onSelect: (seq: number) => void;
}

// What a line has room for at the most; all of it is in the panel.
const maxTarget = 240;

function RequestLine({ row, index, isOpen, isSelected, onOpen, onSelect }: LineProps & { row: RequestRow; isOpen: boolean; onOpen: (row: RequestRow) => void }) {
  const { request, stored } = row;
  const source = request.source ? who(request.source) : request.client;
  const destination = request.destination ? who(request.destination) : request.server;
  return (
    <div
      id={`row-${row.seq}`}
      class={`req-row${isSelected ? ' is-selected' : ''}${isOpen ? ' is-open' : ''}`}
      role="row"
      aria-rowindex={index + 2}
      aria-selected={isOpen}
      onClick={() => {
        onSelect(row.seq);
        onOpen(row);
      }}
    >
      <span role="gridcell" class="c-time num">{time(request.start)}</span>
      <span role="gridcell" class="c-role">{request.role ?? ''}</span>
      <span role="gridcell" class="c-who" title={visible(`${source} → ${destination}`)}>
        <Who end={request.source} address={request.client} /> <span class="muted" aria-hidden="true">→</span> <Who end={request.destination} address={request.server} />
      </span>
      <span role="gridcell" class="c-status">
        <Status code={request.status} />
      </span>
      <span role="gridcell" class="c-took num">{request.error ?? duration(request.duration_ns)}</span>
      <span role="gridcell" class="c-size num">{bytes(request.response_bytes)}</span>
      <span role="gridcell" class="c-method"><Wire text={request.method ?? '–'} max={16} /></span>
      <span role="gridcell" class="c-target">
        {stored && stored.weight > 1 && <span class="weight" title={`${keptText(stored.kept)}; it stands for ${count(stored.weight)} requests`}>×{count(stored.weight)}</span>}
        {request.host !== null && <span class="host"><Wire text={request.host} max={80} /></span>}
        <Wire text={request.target ?? (request.method === null ? 'answer to a request that was not seen' : '')} max={maxTarget} />
      </span>
    </div>
  );
}

/** Workload with a quiet namespace; the address of who is not known. */
function Who({ end, address }: { end: End | undefined; address: string }) {
  return end
    ? <>{end.namespace !== undefined && <span class="muted"><Wire text={`${end.namespace}/`} max={64} /></span>}<Wire text={end.workload} max={80} /></>
    : <span class="mono">{address}</span>;
}

function EventLine({ row, index, isSelected, onSelect }: LineProps & { row: EventRow }) {
  const { event } = row;
  const text = headline(event);
  return (
    <div id={`row-${row.seq}`} class={`req-row is-event is-${event.event}${isSelected ? ' is-selected' : ''}`} role="row" aria-rowindex={index + 2} onClick={() => { onSelect(row.seq); }}>
      <span role="gridcell" class="c-time num">{time(event.time)}</span>
      <span role="gridcell" class="c-event" title={visible(text)}>
        <strong>{eventNames[event.event]}</strong> <Wire text={who(event.workload)} max={80} />: <Wire text={text} />
      </span>
    </div>
  );
}
