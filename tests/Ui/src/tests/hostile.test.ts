import { expect, pages, test } from '../fixtures.js';

/** What a page must show as the text that it is. */
const markup = ['/<script>document.title="pwned"</script>', '/"><img src=x onerror=document.title="pwned">', "/'-alert(1)-'", '/<svg/onload=alert(1)>', '/{{constructor.constructor("alert(1)")()}}', '/<a href=javascript:alert(1)>x</a>'];
const invisible = ['/bidi-\u202egnp.exe', '/isolate-\u2066x\u2069', '/zero\u200bwidth', '/bell\x07-escape\x1b[31m', '/c1-\x9bm'];

test.describe('hostile input', () => {
  test('is shown as text, on each page, and does nothing', async ({ page, scene }) => {
    test.setTimeout(180_000);
    const targets = [...markup, ...invisible, `/long/${'a'.repeat(7000)}`, `/%3Cscript%3Ealert(1)%3C/script%3E`];
    const evil = '<img src=x onerror=alert(1)>';
    await page.goto('/requests');
    await expect(page.getByRole('grid')).toBeVisible();
    await expect(async () => {
      await scene.ask('/hello');
      await expect(page.getByRole('row').filter({ hasText: '/hello' }).first()).toBeVisible({ timeout: 300 });
    }).toPass({ timeout: 10_000 });
    for (const target of targets) {
      await scene.ask(target, { headers: [['User-Agent', evil], ['traceparent', evil], ['Referer', 'javascript:alert(1)']] });
    }
    await scene.ask('/evil-method', { method: '<b>GET</b>' });
    await scene.ask('/evil-host', { headers: [['Host', `${evil}\u202e.example`]] });
    for (const target of markup) {
      await expect(page.getByRole('row').filter({ hasText: target }).first(), target).toBeVisible();
      await page.getByRole('row').filter({ hasText: target }).first().click();
      await page.waitForTimeout(100);
    }
    await page.keyboard.press('Escape');
    for (const path of [...Object.values(pages), '/workload?workload=web.service', '/workload?workload=%3Cscript%3Ealert(1)%3C/script%3E&namespace=%22%3E%3Cimg%20src=x%3E', '/requests?text=%3Cscript%3Ealert(1)%3C/script%3E%E2%80%AE']) {
      await page.goto(path);
      await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
      await page.waitForTimeout(800);
      await expect(page).not.toHaveTitle(/pwned/);
      expect(await page.evaluate(() => document.querySelectorAll('main script, main img, main iframe, main svg[onload], main [onerror], a[href^="javascript:"]').length), `elements made by input on ${path}`).toBe(0);
      const raw = await page.evaluate(() => [...document.body.innerText].filter((character) => /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e\u2066-\u2069]/.test(character)).length);
      expect(raw, `characters on ${path} that are not seen, or turn text around`).toBe(0);
    }
  });
});
