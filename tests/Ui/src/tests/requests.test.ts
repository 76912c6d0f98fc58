import type { Page } from '@playwright/test';
import type { Scene } from '../scene/scene.js';
import { expect, test } from '../fixtures.js';

/** Rows of the live tail that tell of a target. */
const rows = (page: Page, target: string) => page.getByRole('grid').getByRole('row').filter({ hasText: target });

let last = 0;
/** A target that no other test asks for; letters only, so that it is a route of its own. */
const unique = () => `/t${[...String(++last)].map((digit) => 'abcdefghij'[Number(digit)]).join('')}z`;

/** Opens the live tail, and waits until requests come. */
async function openTail(page: Page, scene: Scene, query = ''): Promise<void> {
  await page.goto(`/requests${query}`);
  await expect(page.getByRole('search', { name: 'Filter requests' })).toBeVisible();
  if (query === '') {
    const first = unique();
    await expect(async () => {
      await scene.ask(first);
      await expect(rows(page, first).first()).toBeVisible({ timeout: 300 });
    }).toPass({ timeout: 10_000 });
  }
}

test.describe('live tail', () => {
  test('shows a request within a second', async ({ page, scene }) => {
    await openTail(page, scene);
    const took: number[] = [];
    for (let i = 0; i < 5; i++) {
      const target = unique();
      const start = Date.now();
      await scene.ask(target);
      await page.waitForFunction((text) => document.body.innerText.includes(text), target, { polling: 10, timeout: 5000 });
      took.push(Date.now() - start);
    }
    test.info().annotations.push({ type: 'from request to row', description: `${took.join(', ')} ms` });
    // The median: a busy machine delays one or the other.
    expect(took.sort((a, b) => a - b)[2]).toBeLessThan(1000);
  });

  test('shows both ends of a request, with status, duration and size', async ({ page, scene }) => {
    await openTail(page, scene);
    const target = unique();
    await scene.ask(`/status/503${target}`);
    await expect(rows(page, target)).toHaveCount(2);
    for (const role of ['server', 'client']) {
      const row = rows(page, target).filter({ has: page.getByRole('gridcell', { name: role, exact: true }) });
      await expect(row).toContainText('503');
      await expect(row).toContainText(/\d (µs|ms)/);
      await expect(row).toContainText(/\d B/);
    }
  });

  test('stands still when it is paused, and goes on', async ({ page, scene }) => {
    await openTail(page, scene);
    await page.keyboard.press('p');
    await expect(page.getByRole('button', { name: 'Resume' })).toBeVisible();
    const target = unique();
    await scene.ask(target);
    await page.waitForTimeout(1000);
    await expect(rows(page, target)).toHaveCount(0);
    await page.keyboard.press('p');
    const next = unique();
    await scene.ask(next);
    await expect(rows(page, next).first()).toBeVisible();
  });
});

interface FilterCase {
  field: string;
  value: string;
  /** What it lets through, and what not; tells the rows apart by the target. */
  passes: (target: string) => [target: string, method?: string];
  stops: (target: string) => [target: string, method?: string];
}

const plain = (target: string): [string] => [target];
const filters: FilterCase[] = [
  { field: 'method', value: 'POST', passes: (target) => [target, 'POST'], stops: plain },
  { field: 'status', value: '5xx', passes: (target) => [`/status/503${target}`], stops: plain },
  { field: 'status', value: '404', passes: (target) => [`/status/404${target}`], stops: (target) => [`/status/403${target}`] },
  { field: 'slower than', value: '100ms', passes: (target) => [`/slow/150${target}`], stops: plain },
  { field: 'route', value: '/parcels/{id}', passes: (target) => [`/parcels/4711?of=${target}`], stops: (target) => [`/letters/4711?of=${target}`] },
  { field: 'Text in target, host or names', value: 'needle', passes: (target) => [`${target}/NEEDLE`], stops: plain },
];

test.describe('filters', () => {
  for (const { field, value, passes, stops } of filters) {
    test(`by ${field} ${value}: what comes, the address, a reload`, async ({ page, scene }) => {
      await openTail(page, scene);
      const search = page.getByRole('search', { name: 'Filter requests' });
      await search.getByLabel(field, { exact: true }).fill(value);
      await search.getByLabel(field, { exact: true }).press('Enter');
      await expect(page).toHaveURL((url) => [...url.searchParams.values()].includes(value));
      const check = async () => {
        const [wanted, other] = [unique(), unique()];
        await expect(async () => {
          for (const [target, method] of [stops(other), passes(wanted)]) {
            await scene.ask(target, method === undefined ? {} : { method });
          }
          await expect(rows(page, wanted).first()).toBeVisible({ timeout: 1000 });
        }).toPass({ timeout: 10_000 });
        await expect(rows(page, other)).toHaveCount(0);
      };
      await check();
      await page.reload();
      await expect(search.getByLabel(field, { exact: true })).toHaveValue(value);
      await check();
      await page.getByRole('button', { name: /^Remove the filter/ }).click();
      await expect(page).toHaveURL((url) => ![...url.searchParams.values()].includes(value));
    });
  }

  test('by workload and by end', async ({ page, scene }) => {
    for (const [query, end] of [['?workload=caller.service', 'client'], ['?workload=web.service', 'server'], ['?role=client', 'client'], ['?role=server', 'server']] as const) {
      await openTail(page, scene, query);
      const target = unique();
      await expect(async () => {
        await scene.ask(target);
        await expect(rows(page, target).first()).toBeVisible({ timeout: 500 });
      }).toPass({ timeout: 10_000 });
      await expect(rows(page, target).filter({ has: page.getByRole('gridcell', { name: end === 'client' ? 'server' : 'client', exact: true }) })).toHaveCount(0);
    }
  });

  test('what the agent would refuse is said, and not asked', async ({ page, scene }) => {
    await openTail(page, scene, '?status=banana');
    await expect(page.getByLabel('status', { exact: true })).toHaveAttribute('aria-invalid', 'true');
    await expect(page.getByText('A code such as 404, or a class such as 5xx')).toBeVisible();
  });
});

test.describe('one request', () => {
  test('opens with both ends, its connection and its trace; the address keeps it', async ({ page, scene }) => {
    await openTail(page, scene);
    const target = unique();
    await scene.ask(`/slow/30${target}`, { method: 'POST', headers: [['traceparent', '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01']] });
    await rows(page, target).first().click();
    const panel = page.getByRole('complementary', { name: 'The opened request' });
    for (const text of [target, 'caller.service', 'web.service', `127.0.0.1:${scene.port}`, '4bf92f3577b34da6a3ce929d0e0e4736', 'web.test']) {
      await expect(panel).toContainText(text);
    }
    await expect(panel).toContainText(/client/i);
    await expect(panel).toContainText(/server/i);
    await expect(page).toHaveURL(/open=/);
    await page.keyboard.press('Escape');
    await expect(page).not.toHaveURL(/open=/);
  });

  test('is found again in the stored log', async ({ page, scene }) => {
    const target = unique();
    // Errors are always kept.
    await scene.ask(`/status/500${target}`);
    await page.goto(`/requests?text=${encodeURIComponent(target)}`);
    await page.getByRole('group', { name: 'Which requests' }).getByRole('button', { name: 'Stored' }).click();
    await expect(rows(page, target).first()).toBeVisible();
  });
});
