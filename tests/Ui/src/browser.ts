import type { LaunchOptions } from '@playwright/test';

/** Debian's Chromium. Its sandbox refuses root, and these tests need root for eBPF; what it shows is our own page. */
export const browserOptions: LaunchOptions = {
  executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-component-update', '--disable-background-networking'],
  headless: true,
};
