import { useSignal } from '@preact/signals';
import { useEffect, useMemo } from 'preact/hooks';
import { Empty, ErrorBox, Loading } from '../components/parts';
import { count, time } from '../lib/format';
import { range, refreshes } from '../lib/range';
import { token } from '../lib/token';
import { query, setQuery } from '../lib/url';
import { Detail } from './detail';
import { type Filter, parametersOf } from './filter';
import { FilterBar } from './filterBar';
import { RowList } from './rowList';
import { keyOf } from './row';
import { seenIn } from './seen';
import { type Found, StoredSearch } from './stored';

/** The stored log within the range, newest first; more is fetched as the list is scrolled. It does not refresh by itself: it is for reading. */
export function StoredRequests({ filter }: { filter: Filter }) {
  const search = useMemo(() => new StoredSearch(), []);
  const parameters = { ...range.value, ...parametersOf(filter) };
  const asked = JSON.stringify(parameters);
  const wanted = refreshes.value;
  const bearer = token.value;
  const selected = useSignal<number | null>(null);
  useEffect(() => {
    search.start(parameters);
    return () => { search.cancel(); };
  }, [asked, wanted, bearer]);
  const found = search.found.value;
  const { rows } = found;
  const openKey = query.value.get('open');
  return (
    <>
      <FilterBar filter={filter} suggestions={useMemo(() => seenIn(rows), [rows])} />
      <StoredBar found={found} onMore={() => { search.more(); }} />
      <div class={openKey === null ? 'req-split' : 'req-split is-open'}>
        <div class="req-main card">
          {rows.length === 0 && <Nothing found={found} />}
          {rows.length > 0 && (
            <RowList
              label="Stored requests, newest first"
              count={rows.length}
              at={(index) => rows[index]}
              openKey={openKey}
              selected={selected}
              onSelect={(seq) => { selected.value = seq; }}
              onOpen={(row) => { setQuery({ open: keyOf(row.request) }, openKey === null); }}
              onEnd={() => {
                // What the agent gave up on is gone on with only when somebody asks: it is slow.
                if (found.searchedUntil === null) {
                  search.more();
                }
              }}
              topped={0}
            />
          )}
        </div>
        {openKey !== null && <Detail openKey={openKey} pool={() => rows.map((row) => row.request)} onClose={() => { setQuery({ open: null }); }} />}
      </div>
    </>
  );
}

function StoredBar({ found, onMore }: { found: Found; onMore: () => void }) {
  const { rows, isLoading, error, next, searchedUntil } = found;
  return (
    <div class="req-bar">
      <span class="muted num" role="status">
        {isLoading ? 'Searching …' : `${count(rows.length)}${next === null ? '' : '+'} found`}
        {!isLoading && searchedUntil !== null && `, looked back to ${time(searchedUntil)}`}
      </span>
      {!isLoading && next !== null && (
        <button type="button" class="button" onClick={onMore}>{searchedUntil === null ? 'More' : 'Look further back'}</button>
      )}
      <span class="muted">The log keeps errors, slow ones and a sample.</span>
      {error !== null && rows.length > 0 && <span class="errors">{error.message}</span>}
    </div>
  );
}

function Nothing({ found }: { found: Found }) {
  if (found.error) {
    return <ErrorBox error={found.error} />;
  }
  if (found.isLoading) {
    return <Loading />;
  }
  return found.searchedUntil === null
    ? <Empty title="Nothing found"><p>No stored request matches in this range. Take a longer range or fewer filters. The log keeps errors, slow ones and a sample: what was neither may not be in it.</p></Empty>
    : <Empty title="Nothing found yet"><p>The search stopped at {time(searchedUntilOf(found))}, where it had looked at as much as one search may. It can go on from there.</p></Empty>;
}

function searchedUntilOf(found: Found): string {
  return found.searchedUntil ?? '';
}
