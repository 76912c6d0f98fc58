import { defineConfig } from '@playwright/test';
import { browserOptions } from './browser.js';

/** One browser, one test at a time: tests stop and start agents, and measure. */
export default defineConfig({
  testDir: './tests',
  testMatch: '*.test.js',
  outputDir: '../results',
  workers: 1,
  fullyParallel: false,
  forbidOnly: true,
  timeout: 60_000,
  expect: { timeout: 15_000 },
  reporter: [['./summary.js']],
  use: {
    launchOptions: browserOptions,
    viewport: { width: 1440, height: 900 },
    screenshot: 'only-on-failure',
  },
});
