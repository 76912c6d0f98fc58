import type { ComponentChildren } from 'preact';
import { useEffect, useId, useRef } from 'preact/hooks';
import type { ApiError } from '../api/client';
import { refreshes } from '../lib/range';
import { isTokenWanted } from '../lib/token';
import { Icon } from './icons';
import { Wire } from './wire';

let isFirstPage = true;

/** The heading of a page with what stands beside it: names the tab, and has the focus when the page changes. */
export function PageHead({ title, children, heading }: { title: string; heading?: ComponentChildren; children?: ComponentChildren }) {
  const element = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = `${title} · kubebpfbox`;
  }, [title]);
  useEffect(() => {
    if (!isFirstPage) {
      element.current?.focus({ preventScroll: true });
    }
    isFirstPage = false;
  }, []);
  return (
    <div class="page-head">
      <h1 ref={element} tabIndex={-1}>
        {heading ?? title}
      </h1>
      {children}
    </div>
  );
}

/** A box with a heading; flush for tables that reach its edges. */
export function Card({ title, tools, flush = false, children }: { title?: ComponentChildren; tools?: ComponentChildren; flush?: boolean; children: ComponentChildren }) {
  const id = useId();
  return (
    <section class="card" {...(title === undefined ? {} : { 'aria-labelledby': id })}>
      {title !== undefined && (
        <div class="card-head">
          <h2 id={id}>{title}</h2>
          {tools}
        </div>
      )}
      <div class={flush ? 'card-body flush' : 'card-body'}>{children}</div>
    </section>
  );
}

/** Figures side by side; holds Stat. */
export function Stats({ children }: { children: ComponentChildren }) {
  return <dl class="stats">{children}</dl>;
}

/** One figure with its name; isError colours it. */
export function Stat({ name, note, isError = false, children }: { name: string; note?: ComponentChildren; isError?: boolean; children: ComponentChildren }) {
  return (
    <div class="stat">
      <dt>{name}</dt>
      <dd class={isError ? 'errors' : undefined}>{children}</dd>
      {note !== undefined && <dd class="stat-note">{note}</dd>}
    </div>
  );
}

/** Nothing to show, and what to do about it. */
export function Empty({ title, children }: { title: string; children?: ComponentChildren }) {
  return (
    <div class="empty" role="status">
      <h2>{title}</h2>
      {children}
    </div>
  );
}

function titleOf(status: number): string {
  switch (status) {
    case 0: return 'The agent is away';
    case 401: return 'The agent asks for its token';
    case 404: return 'Not kept here';
    case 503: return 'The agent is busy';
    default: return 'This cannot be shown';
  }
}

/** What failed, and what to do about it. */
export function ErrorBox({ error }: { error: ApiError }) {
  const isToken = error.status === 401;
  return (
    <div class="problem" role="alert">
      <h2>{titleOf(error.status)}</h2>
      <p>{error.message}</p>
      <button type="button" class="button" onClick={() => { if (isToken) { isTokenWanted.value = true; } else { refreshes.value++; } }}>
        {isToken ? 'Give the token' : <><Icon name="refresh" /> Try again</>}
      </button>
    </div>
  );
}

/** Until the first answer; the bar on top shows when it takes long. */
export function Loading() {
  return (
    <div class="loading" role="status">
      Loading …
    </div>
  );
}

/** Who it is: namespace/name with its kind. A process may give itself any name. */
export function Who({ one }: { one: { workload: string; namespace?: string; kind?: string } }) {
  return (
    <span class="who">
      {one.namespace !== undefined && <span class="ns">{one.namespace}/</span>}
      <Wire text={one.workload} />
      {one.kind !== undefined && <span class="kind">{one.kind}</span>}
    </span>
  );
}

/** A status code: its class is told by colour and by the number; null and 0 stand for no answer. */
export function Status({ code, times }: { code: number | null; times?: string }) {
  const none = code === null || code === 0;
  return (
    <span class={`status ${none ? 'none' : `c${Math.floor(code / 100)}`}`}>
      {none ? 'no answer' : code}
      {times !== undefined && <span class="times"> ×{times}</span>}
    </span>
  );
}

/** A choice with its name. */
export function Select<T extends string>({ label, value, options, onChange, hideLabel = false }: {
  label: string;
  value: T;
  options: readonly (readonly [value: T, text: string])[];
  onChange: (value: T) => void;
  hideLabel?: boolean;
}) {
  return (
    <label class="field-inline">
      <span class={hideLabel ? 'visually-hidden' : 'muted'}>{label}</span>
      <select class="input" value={value} onChange={(event: Event) => { onChange((event.currentTarget as HTMLSelectElement).value as T); }}>
        {options.map(([one, text]) => (
          <option key={one} value={one} selected={one === value}>
            {text}
          </option>
        ))}
      </select>
    </label>
  );
}

/** One of a few, as buttons side by side. */
export function Segments<T extends string>({ label, value, options, onChange }: {
  label: string;
  value: T | null;
  options: readonly (readonly [value: T, text: string])[];
  onChange: (value: T) => void;
}) {
  return (
    <div class="segments" role="group" aria-label={label}>
      {options.map(([one, text]) => (
        <button key={one} type="button" aria-pressed={one === value} onClick={() => { onChange(one); }}>
          {text}
        </button>
      ))}
    </div>
  );
}

const typingMs = 250;

/** A text to filter by, told when typing pauses. "/" goes to the field with isMain. */
export function TextFilter({ label, value, placeholder, onChange, isMain = false }: {
  label: string;
  value: string;
  placeholder?: string;
  onChange: (value: string) => void;
  isMain?: boolean;
}) {
  const element = useRef<HTMLInputElement>(null);
  const timer = useRef(0);
  useEffect(() => {
    // The address may change by itself (back, links); what is being typed stays.
    if (element.current && document.activeElement !== element.current) {
      element.current.value = value;
    }
  }, [value]);
  useEffect(() => () => { window.clearTimeout(timer.current); }, []);
  const tell = (event: Event) => {
    const text = (event.currentTarget as HTMLInputElement).value;
    window.clearTimeout(timer.current);
    timer.current = window.setTimeout(() => { onChange(text.trim()); }, typingMs);
  };
  return (
    <label class="search">
      <Icon name="search" />
      <span class="visually-hidden">{label}</span>
      <input
        ref={element}
        class="input"
        type="search"
        defaultValue={value}
        placeholder={placeholder ?? label}
        autocomplete="off"
        spellcheck={false}
        onInput={tell}
        {...(isMain ? { 'data-main-filter': '' } : {})}
      />
    </label>
  );
}
