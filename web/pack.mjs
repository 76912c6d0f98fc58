// Packs what Vite made into artifacts/web/packed/<path>.gz, which the agent embeds, and says how much a browser loads.
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

const folder = fileURLToPath(new URL('../artifacts/web/', import.meta.url));
const from = join(folder, 'files');
const to = join(folder, 'packed');
const maxBytes = 300 * 1024;

rmSync(to, { recursive: true, force: true });
let total = 0;
for (const entry of readdirSync(from, { recursive: true, withFileTypes: true })) {
  if (!entry.isFile()) {
    continue;
  }
  const file = join(entry.parentPath, entry.name);
  const packed = gzipSync(readFileSync(file), { level: 9 });
  const target = join(to, `${relative(from, file)}.gz`);
  mkdirSync(dirname(target), { recursive: true });
  writeFileSync(target, packed);
  total += packed.length;
}
console.log(`web: ${(total / 1024).toFixed(1)} KiB packed`);
if (total > maxBytes) {
  console.error(`web: the page is over its ${maxBytes / 1024} KiB`);
  process.exit(1);
}
