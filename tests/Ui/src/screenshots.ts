import { chromium, type Page } from '@playwright/test';
import { execFileSync } from 'node:child_process';
import { mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { browserOptions } from './browser.js';
import { agentPath, repository } from './scene/agent.js';
import { Demo } from './scene/demo.js';

/** screenshots.js [SECONDS]: runs the demonstration for that long, so that charts have a history, and takes docs/images from it. */

const folder = join(repository, 'docs/images');
const maxBytes = 250_000;

interface Picture {
  name: string;
  path: string;
  /** Before it is taken. */
  prepare?: (page: Page) => Promise<void>;
}

const pictures: Picture[] = [
  { name: 'overview', path: '/?last=5m' },
  { name: 'workload', path: '/workload?workload=payments&namespace=billing&kind=Deployment&last=5m' },
  {
    name: 'requests',
    path: '/requests?namespace=shop',
    prepare: async (page) => {
      // One request opened beside the tail, with both of its ends in the namespace that is shown.
      await page.getByRole('row').filter({ hasText: /frontend.*checkout.*POST/ }).first().click();
    },
  },
  { name: 'map', path: '/map?last=5m' },
  { name: 'node', path: '/node' },
];

async function take(page: Page, picture: Picture, suffix: string): Promise<void> {
  await page.goto(picture.path);
  await page.getByRole('heading', { level: 1 }).waitFor();
  await sleep(5000); // the live tail fills, charts are drawn
  await picture.prepare?.(page);
  await sleep(1500);
  const path = join(folder, `${picture.name}-${suffix}.png`);
  await page.screenshot({ path });
  execFileSync('pngquant', ['--force', '--skip-if-larger', '--quality', '60-95', '--output', path, path], { stdio: 'inherit' });
  const { size } = statSync(path);
  console.log(`${path}: ${Math.ceil(size / 1024)} KiB`);
  if (size > maxBytes) {
    throw new Error(`${path} has ${size} bytes, over ${maxBytes}`);
  }
}

const seconds = Number(process.argv[2] ?? '300');
mkdirSync(folder, { recursive: true });
const demo = await Demo.start();
try {
  console.log(`${demo.url}: collecting a history for ${seconds} s`);
  await sleep(seconds * 1000);
  const browser = await chromium.launch(browserOptions);
  try {
    for (const colorScheme of ['light', 'dark'] as const) {
      const wide = await browser.newContext({ baseURL: demo.url, colorScheme, viewport: { width: 1440, height: 900 }, deviceScaleFactor: 1.5 });
      const page = await wide.newPage();
      for (const picture of pictures) {
        await take(page, picture, colorScheme);
      }
      await wide.close();
    }
    const phone = await browser.newContext({ baseURL: demo.url, colorScheme: 'light', viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true });
    await take(await phone.newPage(), { name: 'overview', path: '/?last=5m' }, 'phone');
    await phone.close();
  } finally {
    await browser.close();
  }
  const top = execFileSync(agentPath, ['top', '--once', '--server', demo.url], { encoding: 'utf8', env: { ...process.env, COLUMNS: '140' } });
  writeFileSync(join(folder, 'top.txt'), top);
  console.log(top);
} finally {
  await demo.stop();
}
