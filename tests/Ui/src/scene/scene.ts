import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { Cgroups } from './cgroups.js';
import type { Sent } from './client.js';

/** Two real programs, web.service and caller.service, in cgroups of their own; nothing happens until they are told. */
export class Scene {
  private readonly waiting = new Map<number, (status: string) => void>();
  private lastId = 0;

  private constructor(
    readonly cgroups: Cgroups,
    private readonly server: ChildProcess,
    private readonly client: ChildProcess,
    readonly port: number,
  ) {
    client.on('message', (answer: { id: number; status: string }) => {
      this.waiting.get(answer.id)?.(answer.status);
      this.waiting.delete(answer.id);
    });
  }

  static async start(): Promise<Scene> {
    const cgroups = new Cgroups();
    const server = fork(join(import.meta.dirname, 'server.js'));
    const client = fork(join(import.meta.dirname, 'client.js'));
    cgroups.move(server.pid!, 'web.service');
    cgroups.move(client.pid!, 'caller.service');
    server.send('listen');
    const [port] = (await once(server, 'message')) as [number];
    return new Scene(cgroups, server, client, port);
  }

  /** Makes caller.service ask web.service, and gives the status line. */
  ask(target: string, sent: Partial<Omit<Sent, 'port' | 'target'>> = {}): Promise<string> {
    const id = ++this.lastId;
    return new Promise((resolve) => {
      this.waiting.set(id, resolve);
      this.client.send({ id, sent: { port: this.port, method: 'GET', headers: [], ...sent, target } });
    });
  }

  async dispose(): Promise<void> {
    for (const child of [this.client, this.server]) {
      const ended = once(child, 'exit');
      child.disconnect();
      await ended;
    }
    await this.cgroups.dispose();
  }
}
