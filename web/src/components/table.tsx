import type { ComponentChildren } from 'preact';
import { useRef } from 'preact/hooks';
import { useKeys } from '../lib/keys';
import { nextSort, type Sort } from '../lib/table';
import { go } from '../lib/url';

export interface Column<T> {
  id: string;
  head: string;
  /** What the head means, where it is short. */
  hint?: string;
  /** Figures. */
  isRight?: boolean;
  /** The way a first click sorts; absent for columns that cannot be sorted by. */
  sort?: 'asc' | 'desc';
  cell: (row: T) => ComponentChildren;
}

export interface DataTableProps<T> {
  /** Said to who does not see the table. */
  caption: string;
  columns: readonly Column<T>[];
  rows: readonly T[];
  rowKey: (row: T) => string;
  /** Where a row leads; the first cell is the link, the row takes clicks, too. */
  href?: (row: T) => string;
  /** What a row does instead of leading somewhere. */
  onOpen?: (row: T) => void;
  sort?: Sort;
  onSort?: (sort: Sort) => void;
  /** j and k move in this table; one table of a page. */
  hasKeys?: boolean;
}

/** Rows from which on a table is long. */
const longTable = 20;

/** A table: heads that sort, rows that open, j and k (or arrows) that move; it scrolls within itself where it is too wide. */
export function DataTable<T>(props: DataTableProps<T>) {
  const { caption, columns, rows, rowKey, href, onOpen, sort, onSort, hasKeys = false } = props;
  const body = useRef<HTMLTableSectionElement>(null);
  const move = (by: number) => {
    const links = [...(body.current?.querySelectorAll<HTMLElement>('.row-link') ?? [])];
    const at = links.findIndex((link) => link === document.activeElement);
    const next = at < 0 ? (by > 0 ? 0 : links.length - 1) : Math.min(links.length - 1, Math.max(0, at + by));
    links[next]?.focus();
    links[next]?.scrollIntoView({ block: 'nearest' });
  };
  const down = () => { move(1); };
  const up = () => { move(-1); };
  useKeys(hasKeys ? { j: down, k: up } : {});
  return (
    <div class={rows.length > longTable ? 'table-scroll long' : 'table-scroll'}>
      <table class="data">
        <caption class="visually-hidden">{caption}</caption>
        <thead>
          <tr>
            {columns.map((column) => (
              <Head key={column.id} column={column} sort={sort} onSort={onSort} />
            ))}
          </tr>
        </thead>
        <tbody
          ref={body}
          onKeyDown={(event: KeyboardEvent) => {
            // Elsewhere arrows scroll.
            if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
              event.preventDefault();
              move(event.key === 'ArrowDown' ? 1 : -1);
            }
          }}
        >
          {rows.map((row) => (
            <tr
              key={rowKey(row)}
              {...(href || onOpen ? { 'data-href': '' } : {})}
              onClick={(event: MouseEvent) => {
                const isOwn = event.target instanceof Element && event.target.closest('a, button');
                if (!isOwn && window.getSelection()?.isCollapsed !== false) {
                  if (href) {
                    go(href(row));
                  } else {
                    onOpen?.(row);
                  }
                }
              }}
            >
              {columns.map((column, i) => {
                const content = column.cell(row);
                if (i > 0) {
                  return <td key={column.id} class={column.isRight ? 'right' : undefined}>{content}</td>;
                }
                return (
                  <th key={column.id} scope="row" class={column.isRight ? 'right' : undefined}>
                    {href ? <a class="row-link" href={href(row)}>{content}</a>
                      : onOpen ? <button type="button" class="row-link" onClick={() => { onOpen(row); }}>{content}</button>
                      : content}
                  </th>
                );
              })}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Head<T>({ column, sort, onSort }: { column: Column<T>; sort: Sort | undefined; onSort: ((sort: Sort) => void) | undefined }) {
  const { id, head, hint, isRight, sort: first } = column;
  const isSorted = sort?.by === id;
  const mark = isSorted ? (sort.order === 'asc' ? '▲' : '▼') : '';
  return (
    <th scope="col" class={isRight ? 'right' : undefined} {...(hint === undefined ? {} : { title: hint })} {...(isSorted ? { 'aria-sort': sort.order === 'asc' ? 'ascending' : 'descending' } as const : {})}>
      {first && sort && onSort ? (
        <button type="button" onClick={() => { onSort(nextSort(sort, id, first)); }}>
          {head}
          <span class="sort-mark" aria-hidden="true">{mark}</span>
        </button>
      ) : head}
    </th>
  );
}

/** Under a table of which the agent hands out pages. */
export function Pager({ from, to, total, previous, next, onGo }: { from: number; to: number; total: string; previous: number | null; next: number | null; onGo: (offset: number) => void }) {
  return (
    <div class="pager">
      <span class="muted num" role="status">{from}–{to} of {total}</span>
      <button type="button" class="button" disabled={previous === null} onClick={() => { onGo(previous ?? 0); }}>Previous</button>
      <button type="button" class="button" disabled={next === null} onClick={() => { onGo(next ?? 0); }}>Next</button>
    </div>
  );
}
