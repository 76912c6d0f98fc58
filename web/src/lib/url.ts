import { computed, signal } from '@preact/signals';

/** The address is the state: whatever a person chose is in it, so that a reload or a shared link shows the same. */

export const paths = ['/', '/workload', '/requests', '/map', '/node'] as const;
export type Path = (typeof paths)[number];

const location = signal(new URL(window.location.href));

/** The page shown. */
export const page = computed<Path>(() => paths.find((path) => path === location.value.pathname) ?? '/');

/** The query. Read only; change it with setQuery. */
export const query = computed(() => location.value.searchParams);

/** Changes of the query by name; null or '' leaves a name out. */
export type QueryChange = Record<string, string | number | null | undefined>;

function changed(base: URLSearchParams, change: QueryChange): URLSearchParams {
  const next = new URLSearchParams(base);
  for (const [name, value] of Object.entries(change)) {
    if (value === null || value === undefined || value === '') {
      next.delete(name);
    } else {
      next.set(name, String(value));
    }
  }
  return next;
}

function show(path: Path, search: URLSearchParams, replace: boolean): void {
  const text = search.toString();
  const target = path + (text === '' ? '' : `?${text}`);
  if (replace) {
    window.history.replaceState(null, '', target);
  } else {
    window.history.pushState(null, '', target);
  }
  location.value = new URL(window.location.href);
}

/** Changes the query of the page shown; without a new entry in the history unless asked, as typing makes many. */
export function setQuery(change: QueryChange, push = false): void {
  show(page.value, changed(query.value, change), !push);
}

/** The address of a page: the range goes along, other parts of the query do not. */
export function hrefTo(path: Path, change: QueryChange = {}): string {
  const kept = new URLSearchParams();
  for (const name of ['last', 'since', 'until']) {
    const value = query.value.get(name);
    if (value !== null) {
      kept.set(name, value);
    }
  }
  const text = changed(kept, change).toString();
  return path + (text === '' ? '' : `?${text}`);
}

/** Goes to an address made by hrefTo. */
export function go(href: string): void {
  const url = new URL(href, window.location.href);
  show(paths.find((path) => path === url.pathname) ?? '/', url.searchParams, false);
  window.scrollTo(0, 0);
}

window.addEventListener('popstate', () => {
  location.value = new URL(window.location.href);
});

// Links of the page are followed without loading it anew; with a modifier or another button the browser does what it always does.
document.addEventListener('click', (event) => {
  const link = event.target instanceof Element ? event.target.closest('a') : null;
  if (link && link.origin === window.location.origin && link.target === '' && event.button === 0
    && !event.defaultPrevented && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey && paths.some((path) => path === link.pathname)) {
    event.preventDefault();
    go(link.href);
  }
});
