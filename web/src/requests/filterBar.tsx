import { useEffect, useId, useRef, useState } from 'preact/hooks';
import { Icon } from '../components/icons';
import { Select, TextFilter } from '../components/parts';
import { setQuery } from '../lib/url';
import { visible } from '../lib/visible';
import { type Filter, type FilterName, filterNames, labelOf, problemOf } from './filter';

/** Values to choose from, by field. */
export type Suggestions = Partial<Record<FilterName, readonly string[]>>;

function set(name: FilterName, value: string | null): void {
  setQuery({ [name]: value, open: null });
}

const methods = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS'] as const;
const statuses = ['2xx', '3xx', '4xx', '404', '429', '5xx', '500', '502', '503', '504'] as const;
const durations = ['10ms', '100ms', '500ms', '1s', '5s'] as const;

/** One row of fields for what is looked for, and what is set as chips under it. On a phone the fields are behind a button. */
export function FilterBar({ filter, suggestions }: { filter: Filter; suggestions: Suggestions }) {
  const [isUnfolded, unfold] = useState(false);
  const fields = useId();
  const given = filterNames.filter((name) => filter[name] !== undefined);
  return (
    <div class="req-filter" role="search" aria-label="Filter requests">
      <div class="req-fields">
        <TextFilter label="Text in target, host or names" placeholder="Target, host, workload, pod or process" value={filter.text ?? ''} isMain onChange={(text) => { set('text', text); }} />
        <button type="button" class="button req-unfold" aria-expanded={isUnfolded} aria-controls={fields} onClick={() => { unfold(!isUnfolded); }}>
          Filters{given.length > 0 ? ` (${given.length})` : ''}
        </button>
        <div id={fields} class={isUnfolded ? 'req-more is-unfolded' : 'req-more'}>
          <Field name="namespace" filter={filter} values={suggestions.namespace} />
          <Field name="workload" filter={filter} values={suggestions.workload} />
          <Field name="pod" filter={filter} values={suggestions.pod} />
          <Field name="method" filter={filter} values={methods} short />
          <Field name="status" filter={filter} values={statuses} placeholder="5xx" short />
          <Field name="route" filter={filter} values={suggestions.route} placeholder="/users/{id}" />
          <Field name="slower-than" filter={filter} values={durations} placeholder="100ms" short />
          <Select
            label="Seen by"
            hideLabel
            value={filter.role ?? ''}
            options={[['', 'both ends'], ['server', 'servers'], ['client', 'clients']]}
            onChange={(role) => { set('role', role); }}
          />
        </div>
      </div>
      {given.length > 0 && (
        <ul class="req-chips" aria-label="Set filters">
          {given.map((name) => {
            const problem = problemOf(name, filter[name] ?? '');
            return (
              <li key={name} class={problem === null ? 'chip' : 'chip is-wrong'}>
                <span class="muted">{labelOf(name)}</span> <bdi>{visible(filter[name] ?? '')}</bdi>
                {problem !== null && <span> – {problem}</span>}
                <button type="button" aria-label={`Remove the filter ${labelOf(name)}`} onClick={() => { set(name, null); }}>
                  <Icon name="close" />
                </button>
              </li>
            );
          })}
          {given.length > 1 && (
            <li>
              <button type="button" class="link" onClick={() => { setQuery({ ...Object.fromEntries(filterNames.map((name) => [name, null])), open: null }); }}>
                Clear all
              </button>
            </li>
          )}
        </ul>
      )}
    </div>
  );
}

/** A field that is taken when it is left, with Enter, or by choosing a suggestion. */
function Field({ name, filter, values = [], placeholder, short = false }: { name: FilterName; filter: Filter; values?: readonly string[] | undefined; placeholder?: string; short?: boolean }) {
  const list = useId();
  const element = useRef<HTMLInputElement>(null);
  const value = filter[name] ?? '';
  useEffect(() => {
    if (element.current) {
      element.current.value = value;
    }
  }, [value]);
  return (
    <label class={short ? 'req-field is-short' : 'req-field'}>
      <span class="visually-hidden">{labelOf(name)}</span>
      <input
        ref={element}
        class="input"
        list={list}
        defaultValue={value}
        placeholder={placeholder === undefined ? labelOf(name) : `${labelOf(name)}: ${placeholder}`}
        title={labelOf(name)}
        autocomplete="off"
        autocapitalize="off"
        spellcheck={false}
        aria-invalid={value !== '' && problemOf(name, value) !== null}
        onChange={(event: Event) => { set(name, (event.currentTarget as HTMLInputElement).value.trim()); }}
      />
      <datalist id={list}>{values.map((one) => <option key={one} value={one} />)}</datalist>
    </label>
  );
}
