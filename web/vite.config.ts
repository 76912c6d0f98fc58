import { defineConfig } from 'vitest/config';

// `npm run dev` shows the page with an agent's data: AGENT=http://127.0.0.1:9500.
const agent = process.env['AGENT'] ?? 'http://127.0.0.1:9500';

export default defineConfig({
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: {
    outDir: '../artifacts/web/files',
    emptyOutDir: true,
    target: 'es2022',
    // No data: URLs: what the page needs comes from the agent, and its Content-Security-Policy says so.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  test: {
    environment: 'happy-dom',
    include: ['tests/**/*.test.{ts,tsx}'],
    env: { TZ: 'UTC' },
    // Lines that tests/run can count; Vitest's usual report of a failure needs a newer Node than 20.
    reporters: 'tap-flat',
  },
  server: {
    host: '127.0.0.1',
    // A test compares the page's words with the agent's sources.
    fs: { allow: [process.env['VITEST'] === undefined ? '.' : '..'] },
    proxy: { '/api': { target: agent, changeOrigin: true } },
  },
});
