/** A dashboard with one property whose name is wrong by a letter. */
export interface Misspelling {
  readonly where: string;
  /** The wrong name. */
  readonly name: string;
  readonly dashboard: unknown;
}

/** Names in these objects are data, not properties. */
const open = /\/(excludeByName|indexByName|renameByName|value\/#\/options)( |$)/;

/**
 * One misspelling for each kind of object in dashboards: objects at the same path, list indexes aside, and of the same type of panel or backend, are of
 * one kind.
 */
export function misspellings(dashboards: readonly unknown[]): Misspelling[] {
  const found = new Map<string, Misspelling>();
  for (const dashboard of dashboards) {
    visit(dashboard, [], (path, value) => {
      const where = kindOf(dashboard, path);
      const property = Object.keys(value).at(-1);
      if (!found.has(where) && property !== undefined && !open.test(where)) {
        found.set(where, misspell(where, dashboard, path, property));
      }
    });
  }
  return [...found.values()];
}

type Path = readonly (string | number)[];

function visit(value: unknown, path: Path, onObject: (path: Path, value: object) => void): void {
  if (Array.isArray(value)) {
    value.forEach((item, index) => visit(item, [...path, index], onObject));
  } else if (typeof value === 'object' && value !== null) {
    onObject(path, value);
    Object.entries(value).forEach(([name, each]) => visit(each, [...path, name], onObject));
  }
}

function kindOf(dashboard: unknown, path: Path): string {
  const panel = path[0] === 'panels' && path.length > 1 ? at(dashboard, path.slice(0, 2)) : {};
  const target = path.includes('targets') || path.includes('target') ? at(dashboard, path.slice(0, 4)) : {};
  const names = path.map((part, index) => (typeof part === 'number' || (path[index - 1] === 'options' && path[index - 3] === 'value') ? '#' : part));
  return `/${names.join('/')}${'type' in panel ? ` of a panel of type ${String(panel.type)}` : ''}${'expr' in target ? ' of Prometheus' : ''}`;
}

function misspell(where: string, dashboard: unknown, path: Path, property: string): Misspelling {
  const copy = structuredClone(dashboard);
  const target = at(copy, path) as Record<string, unknown>;
  const name = `${property}z`;
  target[name] = target[property];
  delete target[property];
  return { where, name, dashboard: copy };
}

function at(value: unknown, path: Path): object {
  return path.reduce((each, part) => (each as Record<string | number, unknown>)[part], value) as object;
}
