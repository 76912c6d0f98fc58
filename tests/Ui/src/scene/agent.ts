import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Root of the repository. */
export const repository = join(import.meta.dirname, '../../../..');

/** The agent under test: KUBEBPFBOX, or the one that `dotnet build` leaves. */
export const agentPath = process.env['KUBEBPFBOX'] ?? join(repository, 'artifacts/bin/Agent/debug_linux-x64/kubebpfbox');

export interface AgentOptions {
  /** The cgroup whose sockets it watches. */
  cgroup: string;
  /** KEY=VALUE each. */
  settings?: string[];
  /** Where it listens; loopback and a free port when it is not told. */
  listen?: string;
}

/** An agent with a database of its own. Lifetime: until stop; the database survives restarts, and goes with dispose. */
export class Agent {
  private process: ChildProcess | null = null;
  private messages = '';

  private constructor(
    private readonly folder: string,
    private readonly options: AgentOptions,
    readonly listen: string,
  ) {}

  get url(): string {
    return `http://${this.listen}`;
  }

  /** What it said so far, on standard error. */
  get log(): string {
    return this.messages;
  }

  static async start(options: AgentOptions): Promise<Agent> {
    if (!existsSync(agentPath)) {
      throw new Error(`${agentPath} is not there: build it, or name one with KUBEBPFBOX`);
    }
    // Named as the leftovers are that the tests in C# remove.
    const folder = await mkdtemp(join(tmpdir(), `kbb-${process.pid}-`));
    const agent = new Agent(folder, options, options.listen ?? `127.0.0.1:${await freePort()}`);
    await agent.start();
    return agent;
  }

  /** Starts it (again), and waits until it captures. */
  async start(): Promise<void> {
    const settings = [`api.listen=${this.listen}`, `sinks.sqlite.path=${join(this.folder, 'agent.db')}`, `plugins.traffic.cgroup_path=${this.options.cgroup}`, ...(this.options.settings ?? [])];
    const child = spawn(agentPath, ['run', '--quiet', ...settings.flatMap((setting) => ['--set', setting])], { stdio: ['ignore', 'ignore', 'pipe'] });
    child.stderr.on('data', (data: Buffer) => (this.messages += data.toString()));
    this.process = child;
    await until(`readiness of ${this.url}`, 30_000, async () => {
      if (child.exitCode !== null) {
        throw new Error(`the agent ended with ${child.exitCode}: ${this.messages}`);
      }
      return (await fetch(`${this.url}/readyz`)).ok;
    });
  }

  /** Ends it as an operator would. */
  async stop(): Promise<void> {
    const child = this.process;
    this.process = null;
    if (child && child.exitCode === null && child.signalCode === null) {
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGTERM');
      await ended;
    }
  }

  async dispose(): Promise<void> {
    await this.stop();
    await rm(this.folder, { recursive: true });
  }
}

/** A port of the loopback that nobody listens on now. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });
}

/** Polls until something holds; a failure of the question counts as no. */
export async function until(what: string, limitMs: number, holds: () => Promise<boolean> | boolean): Promise<void> {
  const end = Date.now() + limitMs;
  let last: unknown;
  while (Date.now() < end) {
    try {
      if (await holds()) {
        return;
      }
    } catch (e) {
      if (!(e instanceof TypeError)) {
        throw e; // TypeError: fetch failed, nobody listens yet
      }
      last = e;
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`no ${what} within ${limitMs / 1000} s${last instanceof Error ? `: ${last.message}` : ''}`);
}
