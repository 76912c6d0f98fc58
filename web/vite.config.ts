import { defineConfig } from 'vite';

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
  server: { host: '127.0.0.1', proxy: { '/api': { target: agent, changeOrigin: true } } },
});
