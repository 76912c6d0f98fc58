import { networkInterfaces } from 'node:os';
import { Agent, freePort } from '../scene/agent.js';
import { expect, test } from '../fixtures.js';

/** An address of this machine that is not loopback; an agent there asks for its token. */
const address = Object.values(networkInterfaces()).flat().find((one) => one !== undefined && one.family === 'IPv4' && !one.internal)?.address;

test.describe('token', () => {
  test.skip(address === undefined, 'this machine has no address but loopback');

  test('is asked for beyond loopback, kept for the tab, and sent to the live stream too', async ({ scene, browser }) => {
    const agent = await Agent.start({ cgroup: scene.cgroups.folder, listen: `${address}:${await freePort()}`, settings: ['api.token=open-sesame-of-the-tests'] });
    try {
      const context = await browser.newContext({ baseURL: agent.url });
      const page = await context.newPage();
      await page.goto('/requests');
      const dialog = page.getByRole('dialog');
      await dialog.getByLabel('Token').fill('wrong');
      await dialog.getByRole('button', { name: 'Open' }).click();
      await expect(dialog.getByRole('alert')).toBeVisible();
      await dialog.getByLabel('Token').fill('open-sesame-of-the-tests');
      await dialog.getByRole('button', { name: 'Open' }).click();
      await expect(dialog).toBeHidden();
      await expect.poll(async () => {
        await scene.ask('/with-token');
        return page.getByText('/with-token').count();
      }).toBeGreaterThan(0);
      await page.reload();
      await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
      await expect(dialog).toBeHidden();
      const other = await context.newPage();
      await other.goto('/');
      await expect(other.getByRole('dialog').getByLabel('Token'), 'another tab asks again').toBeVisible();
      await context.close();
    } finally {
      await agent.dispose();
    }
  });
});
