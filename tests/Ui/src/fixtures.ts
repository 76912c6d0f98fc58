import { type Page, test as base, expect } from '@playwright/test';
import { Agent } from './scene/agent.js';
import { Demo } from './scene/demo.js';
import { Scene } from './scene/scene.js';

export { expect };

/** Pages by name, as the navigation has them. */
export const pages = { Overview: '/', Requests: '/requests', Map: '/map', Node: '/node' } as const;

/** Whatever went wrong in a browser while a test looked elsewhere. */
class Guard {
  private readonly wrongs: string[] = [];
  private readonly hosts = new Set<string>();
  private readonly allowed: RegExp[] = [];

  /** The host of the agent whose page is looked at; no other may be asked. */
  constructor(public site: string) {}

  /** Looks at a page from now on. */
  watch(page: Page): void {
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') {
        this.wrongs.push(`console: ${message.text()} ${message.location().url}`);
      }
    });
    page.on('pageerror', (error) => this.wrongs.push(`exception: ${error.stack ?? error.message}`));
    page.on('dialog', (dialog) => {
      this.wrongs.push(`dialog: ${dialog.message()}`);
      void dialog.dismiss();
    });
    page.on('request', (request) => this.hosts.add(new URL(request.url()).host));
    page.on('websocket', (socket) => this.hosts.add(new URL(socket.url()).host));
  }

  /** What a test brings about on purpose. */
  allow(...messages: RegExp[]): void {
    this.allowed.push(...messages);
  }

  check(): void {
    expect.soft(this.wrongs.filter((wrong) => !this.allowed.some((allowed) => allowed.test(wrong))), 'errors, dialogs and violations of the policy').toEqual([]);
    expect.soft([...this.hosts].filter((asked) => asked !== this.site), 'hosts other than the agent that the page asked').toEqual([]);
  }
}

interface WorkerFixtures {
  /** Two programs in cgroups of their own, which ask what they are told. */
  scene: Scene;
  /** An agent that watches them. */
  agent: Agent;
  /** The shop with its own agent. */
  demo: Demo;
}

interface TestFixtures {
  guard: Guard;
  /** Whose page a test looks at; relative addresses are its. */
  site: 'scene' | 'demo';
}

export const test = base.extend<TestFixtures, WorkerFixtures>({
  scene: [
    async ({}, use) => {
      const scene = await Scene.start();
      await use(scene);
      await scene.dispose();
    },
    { scope: 'worker' },
  ],
  agent: [
    async ({ scene }, use) => {
      const agent = await Agent.start({ cgroup: scene.cgroups.folder });
      await use(agent);
      await agent.dispose();
    },
    { scope: 'worker', timeout: 60_000 },
  ],
  demo: [
    async ({}, use) => {
      const demo = await Demo.start();
      await use(demo);
      await demo.stop();
    },
    { scope: 'worker', timeout: 90_000 },
  ],
  site: ['scene', { option: true }],
  baseURL: async ({ site, agent, demo }, use) => use(site === 'scene' ? agent.url : demo.url),
  guard: [
    async ({ context, baseURL }, use) => {
      const guard = new Guard(new URL(baseURL ?? '').host);
      context.on('page', (page) => guard.watch(page));
      await use(guard);
      guard.check();
    },
    { auto: true },
  ],
});
