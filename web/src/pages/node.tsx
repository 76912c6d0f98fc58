import '../styles/node.css';
import { ErrorBox, Loading, PageHead } from '../components/parts';
import { usePolled } from '../lib/polled';
import { Degraded, Hooks } from '../node/hooks';
import { LedgerFlow } from '../node/ledger';
import { Resources } from '../node/resources';
import { Sinks } from '../node/sinks';
import { About } from '../node/about';

const everyS = 5;

/** The agent itself: what is attached, what is lost and why, what it takes, where it writes to. */
export function NodePage() {
  const status = usePolled('/api/status', {}, everyS).value;
  const ledger = usePolled('/api/ledger', {}, everyS).value;
  const { data } = status;
  return (
    <div class="node-page">
      <PageHead title={data ? `Node ${data.node}` : 'Node'}>
        <span class="row node-links">
          <a href="/metrics" target="_blank" rel="noreferrer">Metrics</a>
          <a href="/api/openapi.json" target="_blank" rel="noreferrer">API</a>
        </span>
      </PageHead>
      {status.error && <ErrorBox error={status.error} />}
      {!data && !status.error && <Loading />}
      {data && (
        <>
          <Degraded status={data} />
          <Resources status={data} />
          <div class="cards two">
            <Hooks hooks={data.hooks} />
            <Sinks sinks={data.sinks} ledger={ledger.data} />
          </div>
        </>
      )}
      {ledger.error && !status.error && <ErrorBox error={ledger.error} />}
      {ledger.data && <LedgerFlow ledger={ledger.data} sinkStages={new Set(data?.sinks.flatMap((sink) => sink.stages))} />}
      {data && <About status={data} />}
    </div>
  );
}
