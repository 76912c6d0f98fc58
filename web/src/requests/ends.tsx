import type { ComponentChildren } from 'preact';
import { workloadHref } from '../components/events';
import { Wire } from '../components/wire';
import { bytes, duration, time, who } from '../lib/format';
import { Section } from './detail';
import type { End, Transaction } from './row';
import { attributesOf, errorWords, identityWords, incompleteWords } from './words';

/** Both ends side by side: what each saw, and who it is. */
export function Ends({ client, server, isLoading }: { client: Transaction | null; server: Transaction | null; isLoading: boolean }) {
  const seen = client ?? server;
  const incomplete = [...new Set([client, server].flatMap((one) => incompleteWords(one?.['incomplete'])))];
  const errors = [...new Set([client?.error, server?.error].filter((one) => one !== undefined))];
  const attributes = seen ? attributesOf({ ...server, ...client }) : [];
  return (
    <>
      {(errors.length > 0 || incomplete.length > 0) && (
        <ul class="req-said is-wrong">
          {errors.map((error) => <li key={error}><code>{error}</code> {errorWords(error)}</li>)}
          {incomplete.map((words) => <li key={words}>{words}</li>)}
        </ul>
      )}
      <div class="req-ends">
        <OneEnd title="Client" one={client} self={client?.source ?? server?.source} address={seen?.client} isLoading={isLoading} />
        <OneEnd title="Server" one={server} self={server?.destination ?? client?.destination} address={server?.server ?? client?.server} isLoading={isLoading} />
      </div>
      {attributes.length > 0 && (
        <Section title="Attributes">
          <dl class="req-facts is-wide">
            {attributes.map(([name, value]) => <Fact key={name} name={name.replaceAll('_', ' ')}><span class="mono"><Wire text={value} /></span></Fact>)}
          </dl>
        </Section>
      )}
    </>
  );
}

function OneEnd({ title, one, self, address, isLoading }: { title: string; one: Transaction | null; self: End | undefined; address: string | undefined; isLoading: boolean }) {
  return (
    <Section title={title}>
      {self && (
        <p class="req-who">
          <a href={workloadHref(self)}><Wire text={who(self)} /></a>
          {self.kind !== undefined && <span class="muted"> {self.kind}</span>}
        </p>
      )}
      {one ? <Seen one={one} /> : <NotSeen title={title} self={self} isLoading={isLoading} />}
      <dl class="req-facts">
        {address !== undefined && <Fact name="address"><span class="mono">{address}</span></Fact>}
        {self && <Identity of={self} />}
      </dl>
    </Section>
  );
}

function Seen({ one }: { one: Transaction }) {
  return (
    <dl class="req-facts">
      <Fact name="began">{time(one.start)}</Fact>
      <Fact name="first byte">{duration(one.time_to_first_byte_ns)}</Fact>
      <Fact name="duration">{one.duration_ns === null ? 'not answered' : duration(one.duration_ns)}</Fact>
      <Fact name="request">{sizes(one.request_bytes, one.request_body_bytes)}</Fact>
      <Fact name="response">{sizes(one.response_bytes, one.response_body_bytes)}</Fact>
      <Fact name="version">{`${one.protocol} ${one.version ?? ''}`}</Fact>
    </dl>
  );
}

function sizes(message: number, body: number | null | undefined): string {
  return body === null || body === undefined ? bytes(message) : `${bytes(message)}, body ${bytes(body)}`;
}

/** Why the other end's observation may be missing. */
function NotSeen({ title, self, isLoading }: { title: string; self: End | undefined; isLoading: boolean }) {
  if (isLoading) {
    return <p class="muted" role="status">Looking for what this end saw …</p>;
  }
  const why = self?.kind === 'External' || (self?.identity === 'ip' && self.node === undefined)
    ? 'It is not on this node; the agent of its own node sees what it sees.'
    : self?.node !== undefined && self.identity === 'ip'
      ? `It may be on another node (${self.node}), whose own agent sees what it sees.`
      : 'It was not kept (the log keeps errors, slow ones and a sample), the filter leaves it out, or it is on another node.';
  return <p class="req-none">What the {title.toLowerCase()} saw is not at hand. <span class="muted">{why}</span></p>;
}

function Identity({ of }: { of: End }) {
  const facts: [string, string | number | undefined][] = [
    ['namespace', of.namespace], ['pod', of.pod], ['container', of.container ?? of.container_id?.slice(0, 12)], ['service', of.service], ['node', of.node],
    ['process', of.process === undefined ? undefined : of.pid === undefined ? of.process : `${of.process} (pid ${of.pid})`], ['known', identityWords(of.identity)],
  ];
  return <>{facts.map(([name, value]) => value !== undefined && <Fact key={name} name={name}><Wire text={String(value)} /></Fact>)}</>;
}

function Fact({ name, children }: { name: string; children: ComponentChildren }) {
  return <div><dt>{name}</dt><dd>{children}</dd></div>;
}
