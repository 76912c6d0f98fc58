import type { ComponentChildren } from 'preact';
import { useEffect, useMemo, useRef } from 'preact/hooks';
import { get } from '../api/client';
import { workloadHref } from '../components/events';
import { Icon } from '../components/icons';
import { Status } from '../components/parts';
import { Wire } from '../components/wire';
import { duration, time } from '../lib/format';
import { useKeys } from '../lib/keys';
import { range } from '../lib/range';
import { go, hrefTo, setQuery } from '../lib/url';
import { Ends } from './ends';
import { Lookup, type Opened } from './lookup';
import { routeFor } from './route';
import { keyOf, type End, type Transaction } from './row';
import { Timeline } from './timeline';

/** One request beside the list: what both ends saw, its connection, who they are. On a phone it lies over the list, from below. */
export function Detail({ openKey, pool, onClose }: { openKey: string; pool: () => readonly Transaction[]; onClose: () => void }) {
  const lookup = useMemo(() => new Lookup(), []);
  const element = useRef<HTMLElement>(null);
  useEffect(() => {
    void lookup.start(openKey, pool());
    return () => { lookup.cancel(); };
  }, [openKey]);
  useKeys({ Escape: onClose });
  const opened = lookup.opened.value;
  const { one } = opened;
  return (
    <aside ref={element} class="req-detail card" aria-label="The opened request">
      <header class="req-detail-head">
        {one ? <h2 class="req-line"><span class="mono">{one.method ?? '–'}</span> <Status code={one.status} /> <span class="num">{duration(one.duration_ns)}</span></h2> : <h2>Request</h2>}
        <button type="button" class="button plain icon" aria-label="Close" onClick={onClose}>
          <Icon name="close" />
        </button>
      </header>
      <div class="req-detail-body">
        {one ? <Body opened={opened} one={one} /> : <NotFound opened={opened} />}
      </div>
    </aside>
  );
}

function Body({ opened, one }: { opened: Opened; one: Transaction }) {
  const { other } = opened;
  const [client, server] = one.role === 'client' ? [one, other] : [other, one];
  const destination = server?.destination ?? one.destination;
  return (
    <>
      <p class="req-target mono">
        {one.host !== null && <span class="muted"><Wire text={one.host} /></span>}
        <Wire text={one.target ?? ''} />
      </p>
      <div class="row">
        <CopyButton of={[client, server].filter((end) => end !== null)} />
        {destination && <button type="button" class="button" onClick={() => { void moreLike(one, destination); }}>More like this</button>}
        {destination && <a class="button" href={workloadHref(destination)}>Workload</a>}
      </div>
      <Timeline client={client} server={server} />
      <Ends client={client} server={server} isLoading={opened.isLoading} />
      <Neighbours opened={opened} one={one} />
    </>
  );
}

/** Both observations as JSON for another tool. */
function CopyButton({ of }: { of: Transaction[] }) {
  const button = useRef<HTMLButtonElement>(null);
  const copy = async () => {
    const said = await navigator.clipboard.writeText(JSON.stringify(of.length === 1 ? of[0] : of, null, 2)).then(() => 'Copied', () => 'The browser does not allow it');
    if (button.current) {
      button.current.textContent = said;
      window.setTimeout(() => {
        if (button.current) {
          button.current.textContent = 'Copy as JSON';
        }
      }, 1500);
    }
  };
  return <button ref={button} type="button" class="button" onClick={() => { void copy(); }}>Copy as JSON</button>;
}

/** Filters by the workload and, where the agent knows it, the route. */
async function moreLike(one: Transaction, destination: End): Promise<void> {
  const { workload, namespace, kind } = destination;
  const optional = { ...(namespace === undefined ? {} : { namespace }), ...(kind === undefined ? {} : { kind }) };
  const known = await get('/api/workload', { ...range.value, workload, ...optional }, AbortSignal.timeout(5000)).catch(() => null);
  const route = known ? routeFor(one.target ?? '', known.routes.map((each) => each.route)) : null;
  go(hrefTo('/requests', { mode: new URLSearchParams(window.location.search).get('mode'), workload, namespace: namespace ?? null, role: 'server', route, method: one.method }));
}

function Neighbours({ opened, one }: { opened: Opened; one: Transaction }) {
  const { neighbours } = opened;
  if (neighbours.length === 0) {
    return null;
  }
  return (
    <Section title="On the same connection">
      <ol class="req-neighbours">
        {neighbours.map((near) => (
          <li key={keyOf(near)} class={near.start < one.start ? 'is-before' : undefined}>
            <button type="button" onClick={() => { setQuery({ open: keyOf(near) }); }}>
              <span class="num muted">{time(near.start)}</span>
              <Status code={near.status} />
              <span class="num">{duration(near.duration_ns)}</span>
              <span class="cut"><Wire text={`${near.method ?? ''} ${near.target ?? ''}`} max={120} /></span>
            </button>
          </li>
        ))}
      </ol>
    </Section>
  );
}

function NotFound({ opened }: { opened: Opened }) {
  if (opened.isLoading) {
    return <p class="muted" role="status">Looking for it …</p>;
  }
  return (
    <div role="status">
      <p>This request is not at hand any more.</p>
      <p class="muted">{opened.error
        ? opened.error.message
        : 'The tail keeps the last few thousand, and the log errors, slow ones and a sample; this one is in neither, or it is older than what is kept.'}
      </p>
    </div>
  );
}

export function Section({ title, children }: { title: string; children: ComponentChildren }) {
  return (
    <section class="req-section">
      <h3>{title}</h3>
      {children}
    </section>
  );
}
