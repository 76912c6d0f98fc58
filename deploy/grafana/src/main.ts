import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { agent } from './dashboards/agent';
import { events } from './dashboards/events';
import { red } from './dashboards/red';
import { requests } from './dashboards/requests';
import { routes } from './dashboards/routes';
import type { Backend } from './kit/backend';
import { buildDashboard } from './kit/dashboards';

/** Where the dashboards are: beside the generator. */
const folder = resolve(__dirname, '..', 'dashboards');
const specs = [red, requests, routes, events, agent];

/** Path below the folder, and text, of each file. */
function generate(): Map<string, string> {
  const backends: readonly Backend[] = ['influxdb', 'prometheus'];
  const files = new Map<string, string>();
  for (const backend of backends) {
    for (const spec of specs.filter((each) => each.backends.includes(backend))) {
      files.set(join(backend, `${spec.name}.json`), `${JSON.stringify(buildDashboard(spec, backend), null, 2)}\n`);
    }
  }
  return files;
}

/** The files that are there. */
function committed(): Map<string, string> {
  const paths = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('.json'));
  return new Map(paths.map((path) => [path, readFileSync(join(folder, path), 'utf8')]));
}

function write(files: Map<string, string>): void {
  rmSync(folder, { recursive: true, force: true });
  for (const [path, text] of files) {
    mkdirSync(resolve(folder, path, '..'), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
}

/** Paths of files that are not as they would be generated. */
function differences(expected: Map<string, string>, actual: Map<string, string>): string[] {
  return [...new Set([...expected.keys(), ...actual.keys()])].filter((path) => expected.get(path) !== actual.get(path)).sort();
}

const files = generate();
if (process.argv.includes('--check')) {
  const different = differences(files, committed());
  if (different.length > 0) {
    console.error(`not as generated: ${different.join(', ')}; run npm run generate`);
    process.exit(1);
  }
  console.log(`${files.size} dashboards are as generated`);
} else {
  write(files);
  console.log([...files.keys()].join('\n'));
}
