import { render } from 'preact';
import { afterEach, describe, expect, test } from 'vitest';
import { Who } from '../src/components/parts';
import { DataTable } from '../src/components/table';
import { nextSort, paging, parseSort, type Sort, sortRows } from '../src/lib/table';
import { asked, sortText } from '../src/overview/state';
import { go, setQuery } from '../src/lib/url';

const usual: Sort = { by: 'rate', order: 'desc' };

describe('order', () => {
  test('is read from the address, or the usual one', () => {
    expect(parseSort('p99.asc', ['rate', 'p99'], usual)).toEqual({ by: 'p99', order: 'asc' });
    for (const wrong of [null, '', 'p99', 'p99.up', 'other.asc', '.']) {
      expect(parseSort(wrong, ['rate', 'p99'], usual)).toBe(usual);
    }
  });

  test('a click turns a column, or takes its first way', () => {
    expect(nextSort(usual, 'rate', 'desc')).toEqual({ by: 'rate', order: 'asc' });
    expect(nextSort(usual, 'name', 'asc')).toEqual({ by: 'name', order: 'asc' });
  });

  test('equal rows stay as they came', () => {
    const rows = [{ n: 'b', v: 1 }, { n: 'a', v: 2 }, { n: 'c', v: 1 }];
    expect(sortRows(rows, (row) => row.v, 'asc').map((row) => row.n)).toEqual(['b', 'c', 'a']);
    expect(sortRows(rows, (row) => row.n, 'desc').map((row) => row.n)).toEqual(['c', 'b', 'a']);
    expect(rows.map((row) => row.n)).toEqual(['b', 'a', 'c']);
  });

  test('what the overview asks for', () => {
    go('/?sort=p99.asc&offset=100&q=cart&role=client&last=1h');
    expect(asked().parameters).toMatchObject({ last: '1h', sort: 'p99', order: 'asc', offset: 100, q: 'cart', role: 'client', limit: 100 });
    setQuery({ offset: '-3', sort: 'nothing', role: 'both' });
    expect(asked()).toMatchObject({ offset: 0, sort: usual, role: 'server' });
    expect(sortText(usual)).toBeNull();
    expect(sortText({ by: 'name', order: 'asc' })).toBe('name.asc');
  });
});

test('pages', () => {
  expect(paging(0, 100, 1234, 100)).toEqual({ from: 1, to: 100, previous: null, next: 100 });
  expect(paging(1200, 34, 1234, 100)).toEqual({ from: 1201, to: 1234, previous: 1100, next: null });
  expect(paging(50, 100, 1234, 100)).toEqual({ from: 51, to: 150, previous: 0, next: 150 });
  expect(paging(5000, 0, 1234, 100)).toEqual({ from: 0, to: 5000, previous: 4900, next: null });
});

describe('a table', () => {
  const box = document.createElement('div');
  document.body.append(box);
  afterEach(() => { render(null, box); });

  const show = (onSort: (sort: Sort) => void) => {
    render(
      <DataTable
        caption="Workloads"
        columns={[
          { id: 'name', head: 'Workload', sort: 'asc', cell: (row: string) => <Who one={{ workload: row }} /> },
          { id: 'rate', head: 'Rate', sort: 'desc', isRight: true, cell: () => '1 req/s' },
        ]}
        rows={['cart', '<img src=x onerror=alert(1)>']}
        rowKey={(row) => row}
        href={(row) => `/workload?workload=${encodeURIComponent(row)}`}
        sort={usual}
        onSort={onSort}
        hasKeys
      />,
      box,
    );
  };

  test('says its order and asks for another', () => {
    const wanted: Sort[] = [];
    show((sort) => wanted.push(sort));
    const heads = [...box.querySelectorAll('thead th')];
    expect(heads.map((head) => head.getAttribute('aria-sort'))).toEqual([null, 'descending']);
    heads.forEach((head) => head.querySelector('button')?.click());
    expect(wanted).toEqual([{ by: 'name', order: 'asc' }, { by: 'rate', order: 'asc' }]);
  });

  test('a hostile name is text', () => {
    show(() => undefined);
    expect(box.querySelector('img')).toBeNull();
    expect(box.textContent).toContain('<img src=x onerror=alert(1)>');
  });

  test('j and k move, not while somebody types', async () => {
    show(() => undefined);
    await new Promise((done) => { setTimeout(done, 20); });
    const press = (key: string, target: EventTarget = document.body) => target.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true }));
    press('j');
    expect(document.activeElement?.textContent).toBe('cart');
    press('j');
    press('j');
    expect(document.activeElement?.textContent).toContain('<img');
    press('k');
    expect(document.activeElement?.textContent).toBe('cart');
    const field = document.createElement('input');
    document.body.append(field);
    field.focus();
    press('j', field);
    expect(document.activeElement).toBe(field);
    press('Escape', field);
    expect(document.activeElement).not.toBe(field);
    field.remove();
  });
});
