import { useSignal } from '@preact/signals';
import { useEffect, useMemo, useRef } from 'preact/hooks';
import { Empty } from '../components/parts';
import { useKeys } from '../lib/keys';
import { token } from '../lib/token';
import { query, setQuery } from '../lib/url';
import { Detail } from './detail';
import { type Filter, parametersOf } from './filter';
import { FilterBar } from './filterBar';
import { RowList } from './rowList';
import { isRequest, keyOf, type RequestRow } from './row';
import { seenIn } from './seen';
import { Tail } from './tail';
import { TailBar } from './tailBar';

type PausedBy = 'person' | 'scroll' | 'panel';

/** The live tail: newest on top; it stands still while somebody reads. */
export function LiveRequests({ filter }: { filter: Filter }) {
  const tail = useMemo(() => new Tail(), []);
  const parameters = parametersOf(filter);
  const asked = JSON.stringify(parameters);
  const selected = useSignal<number | null>(null);
  const topped = useSignal(0);
  const pausedBy = useRef<PausedBy | null>(null);
  const openKey = query.value.get('open');
  const bearer = token.value;

  useEffect(() => {
    const stop = new AbortController();
    pausedBy.current = null;
    tail.clear();
    void tail.run(parameters, stop.signal);
    return () => { stop.abort(); };
  }, [asked, bearer]);

  const pause = (by: PausedBy) => {
    pausedBy.current ??= by;
    tail.pause();
  };
  const resume = () => {
    pausedBy.current = null;
    tail.resume();
    selected.value = null;
    topped.value++;
  };
  const toggle = () => {
    if (tail.held.peek()) {
      resume();
    } else {
      pause('person');
    }
  };
  const open = (row: RequestRow) => {
    pause('panel');
    setQuery({ open: keyOf(row.request) }, openKey === null);
  };
  const close = () => {
    setQuery({ open: null });
    if (pausedBy.current === 'panel') {
      resume();
    }
  };
  useKeys({
    p: toggle,
    // The opened request takes the first one.
    Escape: () => {
      if (pausedBy.current === 'scroll') {
        resume();
      }
    },
  });

  const painted = tail.painted.value;
  const { count } = tail;
  // Suggestions need not be newer than a few seconds.
  const seen = useMemo(() => seenIn(tail.all().slice(0, 1000)), [Math.floor(painted / 30)]);
  const pool = () => tail.all().concat(tail.held.peek() ?? []).filter(isRequest).map((row) => row.request);
  return (
    <>
      <FilterBar filter={filter} suggestions={seen} />
      <TailBar tail={tail} isFiltered={Object.keys(parameters).length > 0} onToggle={toggle} />
      <div class={openKey === null ? 'req-split' : 'req-split is-open'}>
        <div class="req-main card">
          {count === 0 && <Waiting tail={tail} isFiltered={Object.keys(parameters).length > 0} />}
          <RowList
            label="Requests as they happen, newest first"
            count={count}
            at={(index) => tail.at(index)}
            openKey={openKey}
            selected={selected}
            onSelect={(seq) => {
              pause('scroll');
              selected.value = seq;
            }}
            onOpen={open}
            onPress={() => { tail.stayForPress(); }}
            onAway={(isAway) => {
              if (isAway) {
                pause('scroll');
              } else if (pausedBy.current === 'scroll' && selected.peek() === null) {
                resume();
              }
            }}
            topped={topped.value}
          />
        </div>
        {openKey !== null && <Detail openKey={openKey} pool={pool} onClose={close} />}
      </div>
    </>
  );
}

function Waiting({ tail, isFiltered }: { tail: Tail; isFiltered: boolean }) {
  if (tail.state.value.kind !== 'live') {
    return null;
  }
  return isFiltered
    ? <Empty title="Nothing matches yet"><p>Requests show here as they happen. Those of before are in the stored log; fewer filters show more.</p></Empty>
    : <Empty title="No requests yet"><p>Any HTTP request to or from this node shows here within a second. Make one: <code>curl http://…/</code></p></Empty>;
}
