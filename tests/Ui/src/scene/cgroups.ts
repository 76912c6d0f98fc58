import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { until } from './agent.js';

let count = 0;

/** A cgroup of version 2 with others below it. A socket belongs to the cgroup in which its process was when it made it. */
export class Cgroups {
  /** Its folder; named as the leftovers are that the tests in C# remove. */
  readonly folder: string;

  constructor() {
    const mount = readFileSync('/proc/self/mounts', 'utf8').split('\n').map((line) => line.split(' ')).find((fields) => fields[2] === 'cgroup2')?.[1];
    if (!mount) {
      throw new Error('no cgroup v2 hierarchy is mounted');
    }
    this.folder = join(mount, `kbb-${process.pid}-${++count}`);
    mkdirSync(this.folder);
  }

  /** Moves a process into a cgroup below this one. */
  move(pid: number, name: string): void {
    const folder = join(this.folder, name);
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'cgroup.procs'), String(pid));
  }

  /** Removes all of it; whoever ran inside has ended by now. */
  async dispose(): Promise<void> {
    const remove = (folder: string): void => {
      for (const entry of readdirSync(folder, { withFileTypes: true })) {
        if (entry.isDirectory()) {
          remove(join(folder, entry.name));
        }
      }
      rmdirSync(folder);
    };
    await until(`end of ${this.folder}`, 5000, () => {
      try {
        remove(this.folder);
      } catch (e) {
        if ((e as NodeJS.ErrnoException).code !== 'EBUSY') {
          throw e;
        }
      }
      return !existsSync(this.folder);
    });
  }
}
