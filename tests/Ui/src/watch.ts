import { chromium } from '@playwright/test';
import { browserOptions } from './browser.js';
import { watchFrames } from './frames.js';

/** watch.js URL SECONDS: opens a page, says "watching" once it has settled, and then on a line what the browser went through, as JSON. */
const [url, seconds] = process.argv.slice(2);
if (url === undefined || seconds === undefined) {
  throw new Error('usage: watch.js URL SECONDS');
}
const browser = await chromium.launch(browserOptions);
try {
  const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
  const session = await page.context().newCDPSession(page);
  await session.send('Network.enable');
  let receivedBytes = 0;
  session.on('Network.dataReceived', (data) => (receivedBytes += data.dataLength));
  await page.goto(url);
  await page.getByRole('heading', { level: 1 }).waitFor();
  await page.waitForTimeout(5000);
  console.log('watching');
  receivedBytes = 0;
  const frames = await watchFrames(page, Number(seconds) * 1000);
  console.log(JSON.stringify({ ...frames, rows: await page.getByRole('row').count(), receivedBytes }));
} finally {
  await browser.close();
}
