import { readFileSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { typeCheck } from './compiler';
import { misspellings } from './misspellings';

const folder = resolve(__dirname, '..', '..', 'dashboards');
const paths = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('.json')).sort();
const dashboards = paths.map((path) => JSON.parse(readFileSync(join(folder, path), 'utf8')) as unknown);

/** A check that lets a fault through is none: each kind of object gets a misspelt property, which the compiler must refuse. */
const faults = misspellings(dashboards);
const complaints = typeCheck([...dashboards, ...faults.map((fault) => fault.dashboard)]);

const unfit = paths.flatMap((path, index) => complaints[index]!.map((complaint) => `${path}: ${complaint}`));
if (unfit.length > 0) {
  console.error(unfit.join('\n'));
  process.exit(1);
}
console.log(`${paths.length} dashboards fit Grafana's schema`);

// The same dashboard without the fault has no complaint, so any complaint is about it.
const missed = faults.filter((_, index) => complaints[paths.length + index]!.length === 0);
console.log(`${faults.length - missed.length} of ${faults.length} misspelt properties refused, such as ${complaints[paths.length]?.[0]}`);
if (missed.length > 0) {
  console.error(missed.map((fault) => `not refused: ${fault.name} in ${fault.where}`).join('\n'));
  process.exit(1);
}
