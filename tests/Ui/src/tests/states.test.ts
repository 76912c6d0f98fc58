import { Agent } from '../scene/agent.js';
import { Cgroups } from '../scene/cgroups.js';
import { expect, test } from '../fixtures.js';

test.describe('states', () => {
  test('an agent that stops is told; when it is back the page goes on by itself', async ({ page, scene, guard }) => {
    guard.allow(/ERR_CONNECTION_REFUSED|ERR_INCOMPLETE_CHUNKED_ENCODING|ERR_CONNECTION_RESET|ERR_EMPTY_RESPONSE/);
    const agent = await Agent.start({ cgroup: scene.cgroups.folder });
    try {
      guard.site = new URL(agent.url).host;
      await page.goto(`${agent.url}/requests`);
      const seen = (target: string) => page.getByRole('row').filter({ hasText: target }).first();
      await expect(async () => {
        await scene.ask('/before');
        await expect(seen('/before')).toBeVisible({ timeout: 300 });
      }).toPass({ timeout: 10_000 });
      await agent.stop();
      const away = page.getByText(/has not answered since/);
      await expect(away).toBeVisible({ timeout: 15_000 });
      await expect(seen('/before'), 'what was seen stays').toBeVisible();
      await agent.start();
      await expect(away).toBeHidden({ timeout: 15_000 });
      await expect(async () => {
        await scene.ask('/after');
        await expect(seen('/after')).toBeVisible({ timeout: 1000 });
      }).toPass({ timeout: 20_000 });
      await page.getByRole('link', { name: 'Overview' }).click();
      await expect(page.getByRole('row').filter({ hasText: 'web.service' })).toBeVisible();
    } finally {
      await agent.dispose();
    }
  });

  test('with nothing seen each page says what to do', async ({ page, guard }) => {
    const cgroups = new Cgroups();
    const agent = await Agent.start({ cgroup: cgroups.folder });
    try {
      guard.site = new URL(agent.url).host;
      for (const path of ['/', '/requests', '/map', '/workload?workload=nobody']) {
        await page.goto(`${agent.url}${path}`);
        await expect(page.getByRole('status').filter({ hasText: /no |nothing|not /i }).first(), path).toBeVisible();
      }
    } finally {
      await agent.dispose();
      await cgroups.dispose();
    }
  });

  test('what the agent refuses is told, with a way on', async ({ page, guard }) => {
    guard.allow(/status of 400/);
    await page.goto('/?last=yesterday');
    await expect(page.getByRole('alert')).toContainText('last');
    await page.getByRole('group', { name: 'Range of time' }).getByRole('button', { name: '15m' }).click();
    await expect(page.getByRole('alert')).toBeHidden();
  });

  test('a slow answer shows progress', async ({ page }) => {
    await page.route('**/api/workloads*', async (route) => {
      await new Promise((resolve) => setTimeout(resolve, 2500));
      await route.continue();
    });
    await page.goto('/');
    await expect(page.getByRole('progressbar')).toBeVisible({ timeout: 2000 });
    await expect(page.getByRole('progressbar')).toBeHidden({ timeout: 5000 });
  });
});
