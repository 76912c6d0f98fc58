import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { agentPath, repository, until } from './agent.js';

/** The demonstration (demo/README.md), with its agent and the cluster's stand-in. */
export class Demo {
  private constructor(
    private readonly process: ChildProcess,
    /** Where the page is. */
    readonly url: string,
  ) {}

  static async start(): Promise<Demo> {
    const program = join(repository, 'artifacts/bin/Demo/debug_linux-x64/KubeBpfBox.Demo');
    const child = spawn(program, ['run', '--agent', agentPath, '--port', '9500', '--kubernetes'], { stdio: ['ignore', 'pipe', 'pipe'] });
    let said = '';
    child.stdout.on('data', (data: Buffer) => (said += data.toString()));
    child.stderr.on('data', (data: Buffer) => (said += data.toString()));
    await until('demonstration', 60_000, () => {
      if (child.exitCode !== null) {
        throw new Error(`the demonstration ended with ${child.exitCode}: ${said}`);
      }
      return said.includes('Ctrl-C ends');
    });
    const url = /http:\/\/127\.0\.0\.1:\d+/.exec(said)?.[0];
    if (url === undefined) {
      throw new Error(`the demonstration names no address: ${said}`);
    }
    return new Demo(child, url);
  }

  /** Ends all of it. */
  async stop(): Promise<void> {
    if (this.process.exitCode === null) {
      const ended = once(this.process, 'exit');
      this.process.kill('SIGTERM');
      await ended;
    }
  }
}
