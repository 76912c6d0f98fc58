import { expect, pages, test } from '../fixtures.js';

test.describe('frame', () => {
  test('pages are reached by links, and the address names them', async ({ page }) => {
    await page.goto('/');
    const navigation = page.getByRole('navigation', { name: 'Pages' });
    for (const [name, path] of Object.entries(pages)) {
      await navigation.getByRole('link', { name }).click();
      await expect(page).toHaveURL((url) => url.pathname === path);
      await expect(page.getByRole('heading', { level: 1 })).toContainText(name);
      await expect(navigation.getByRole('link', { name })).toHaveAttribute('aria-current', 'page');
      await expect(page).toHaveTitle(new RegExp(`^${name}`));
    }
    await page.goBack();
    await expect(page.getByRole('heading', { level: 1 })).toContainText('Map');
  });

  test('keys: pages, help, theme, range, filter', async ({ page }) => {
    await page.goto('/');
    await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
    for (const [keys, path] of [['gr', '/requests'], ['gm', '/map'], ['gn', '/node'], ['go', '/']] as const) {
      for (const key of keys) {
        await page.keyboard.press(key);
      }
      await expect(page).toHaveURL((url) => url.pathname === path);
    }
    await page.keyboard.press('?');
    const help = page.getByRole('dialog', { name: 'Keys' });
    await expect(help).toBeVisible();
    await page.keyboard.press('Escape');
    await expect(help).toBeHidden();
    await page.keyboard.press(']');
    await expect(page).toHaveURL(/last=1h/);
    await page.keyboard.press('[');
    await page.keyboard.press('[');
    await expect(page).toHaveURL(/last=5m/);
    await page.keyboard.press('/');
    await expect(page.locator('input:focus')).toHaveAttribute('type', 'search');
    await page.keyboard.type('go');
    await expect(page, 'letters are text in a field').toHaveURL(/\/\?/);
  });

  test('dark and light: as the system says, by choice, and kept', async ({ page }) => {
    const background = () => page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
    await page.emulateMedia({ colorScheme: 'light' });
    await page.goto('/');
    await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
    const light = await background();
    await page.emulateMedia({ colorScheme: 'dark' });
    await expect.poll(background).not.toBe(light);
    const dark = await background();
    const button = page.getByRole('button', { name: /^Theme/ });
    await button.click();
    await expect(button).toHaveAccessibleName('Theme: light');
    await expect.poll(background).toBe(light);
    await page.reload();
    await expect.poll(background).toBe(light);
    await page.keyboard.press('t');
    await expect.poll(background).toBe(dark);
  });

  test('a range is chosen, shared with all pages, and survives a reload', async ({ page }) => {
    await page.goto('/');
    const ranges = page.getByRole('group', { name: 'Range of time' });
    await expect(ranges.getByRole('button', { name: '15m' })).toHaveAttribute('aria-pressed', 'true');
    const asked = page.waitForRequest((request) => request.url().includes('/api/workloads') && request.url().includes('last=1h'));
    await ranges.getByRole('button', { name: '1h' }).click();
    await asked;
    await expect(page).toHaveURL(/last=1h/);
    await page.getByRole('link', { name: 'Map' }).click();
    await expect(page).toHaveURL(/\/map\?last=1h/);
    await page.reload();
    await expect(ranges.getByRole('button', { name: '1h' })).toHaveAttribute('aria-pressed', 'true');
    await page.getByRole('button', { name: /^Choose from and to/ }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('From').fill('2026-01-01T10:00:00');
    await dialog.getByLabel('To').fill('2026-01-01T09:00:00');
    await dialog.getByRole('button', { name: 'Show' }).click();
    await expect(dialog.getByRole('alert')).toBeVisible();
    await dialog.getByLabel('To').fill('2026-01-01T11:00:00');
    await dialog.getByRole('button', { name: 'Show' }).click();
    await expect(page).toHaveURL(/since=2026-01-01/);
  });

  test('completeness is in view on each page, and says what was dropped', async ({ page, scene }) => {
    // Acknowledgements, at the least, are left out.
    for (let i = 0; i < 20; i++) {
      await scene.ask('/some');
    }
    for (const path of Object.values(pages)) {
      await page.goto(path);
      await expect(page.locator('header').getByRole('button', { name: / seen$/ })).toBeVisible();
    }
    await page.locator('header').getByRole('button', { name: / seen$/ }).click();
    await expect(page.getByRole('dialog')).toContainText('Left out on purpose');
  });

  test('nothing is wider than a small phone', async ({ page }) => {
    await page.setViewportSize({ width: 360, height: 740 });
    for (const path of [...Object.values(pages), '/workload?workload=web.service']) {
      await page.goto(path);
      await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
      await page.waitForTimeout(700);
      const [inner, outer] = await page.evaluate(() => [document.documentElement.scrollWidth, window.innerWidth]);
      expect.soft(inner, `width of ${path}`).toBeLessThanOrEqual(outer ?? 0);
    }
  });
});
