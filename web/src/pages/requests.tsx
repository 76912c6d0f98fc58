import '../styles/requests.css';
import { PageHead, Segments } from '../components/parts';
import { query, setQuery } from '../lib/url';
import { readFilter } from '../requests/filter';
import { LiveRequests } from '../requests/live';
import { StoredRequests } from '../requests/search';

const modes = [['live', 'Live'], ['stored', 'Stored']] as const;

/** Requests one by one: as they happen, or from the stored log; one opened beside them. */
export function Requests() {
  const mode = query.value.get('mode') === 'stored' ? 'stored' : 'live';
  const filter = readFilter(query.value);
  return (
    <div class="requests">
      <PageHead title="Requests">
        <Segments label="Which requests" value={mode} options={modes} onChange={(next) => { setQuery({ mode: next === 'live' ? null : next, open: null }, true); }} />
      </PageHead>
      {mode === 'live' ? <LiveRequests filter={filter} /> : <StoredRequests filter={filter} />}
    </div>
  );
}
