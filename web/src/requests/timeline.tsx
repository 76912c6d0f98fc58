import { duration } from '../lib/format';
import { differenceOf, spansOf } from './pair';
import type { Transaction } from './row';
import { Section } from './detail';

/** Both observations on one line of time: request to first byte, first byte to end; and what the difference says. */
export function Timeline({ client, server }: { client: Transaction | null; server: Transaction | null }) {
  const seen = [client, server].filter((one) => one !== null);
  const { spans, totalNs } = spansOf(seen);
  return (
    <Section title="Time">
      <div class="tl">
        {seen.map((one, i) => {
          const span = spans[i];
          const first = span?.firstByte ?? span?.to ?? 1;
          return span && (
            <div key={one.role} class="tl-row" role="img" aria-label={`${one.role ?? 'seen'}: ${describe(one)}`}>
              <span class="tl-name">{one.role ?? 'seen'}</span>
              <span class="tl-track">
                <span class="tl-bar is-wait" style={{ left: `${span.from * 100}%`, width: `${Math.max(0, first - span.from) * 100}%` }} />
                {span.to === null
                  ? <span class="tl-bar is-open" style={{ left: `${span.from * 100}%`, width: `${(1 - span.from) * 100}%` }} />
                  : <span class="tl-bar is-answer" style={{ left: `${first * 100}%`, width: `${Math.max(0, span.to - first) * 100}%` }} />}
              </span>
              <span class="tl-took num">{duration(one.duration_ns)}</span>
            </div>
          );
        })}
        <div class="tl-scale num muted" aria-hidden="true"><span>0</span><span>{totalNs > 1 ? duration(totalNs) : ''}</span></div>
      </div>
      <p class="tl-legend muted" aria-hidden="true"><span class="tl-key is-wait" /> until the first byte of the answer <span class="tl-key is-answer" /> answer</p>
      {client && server && <Difference client={client} server={server} />}
    </Section>
  );
}

function describe(one: Transaction): string {
  return one.duration_ns === null ? 'not answered' : `first byte after ${duration(one.time_to_first_byte_ns)}, all of it after ${duration(one.duration_ns)}`;
}

function Difference({ client, server }: { client: Transaction; server: Transaction }) {
  const { betweenNs, translated, others } = differenceOf(client, server);
  return (
    <ul class="req-said">
      {betweenNs !== null && (
        <li>
          {betweenNs > 0
            ? <><strong class="num">{duration(betweenNs)}</strong> between the two ends: network and queues{client.duration_ns !== null && betweenNs > client.duration_ns / 2 ? '; that is most of it' : ''}.</>
            : 'Both ends saw the same duration.'}
        </li>
      )}
      {translated && <li>The client called <code>{translated.called}</code>, <code>{translated.served}</code> served it: a Service or another translation of addresses lies between.</li>}
      {others.map((other) => <li key={other}>{other}</li>)}
    </ul>
  );
}
