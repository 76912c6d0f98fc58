/** Words for the agent's own state. */

// A word of the agent's line, and what to do. The line itself says what is wrong.
const advices: readonly (readonly [RegExp, string])[] = [
  [/CAP_|not permitted|capabilit/i, 'Give the agent these capabilities (docs/install.md), then restart it.'],
  [/\bBTF\b/, 'A kernel with CONFIG_DEBUG_INFO_BTF has it; all that comes with distributions since 2021 do.'],
  [/kubernetes|api server|forbidden|kubelet/i, 'Look at the service account\'s rights and whether the API server can be reached from this node; names are taken from addresses and cgroups until then.'],
  [/cgroup/i, 'Mount the host\'s cgroup file system into the agent\'s pod, as deploy/ does.'],
];

/** What to do about a line of what is degraded; null where the line says all. */
export function adviceFor(line: string): string | null {
  return advices.find(([pattern]) => pattern.test(line))?.[1] ?? null;
}

const stageNames: Record<string, string> = {
  traffic_kernel: 'Kernel programs',
  traffic_ring: 'Ring from the kernel',
  interface_kernel: 'Filter on the interface',
  interface: 'Packets of the interface',
  flows: 'Segments',
  capture: 'Packets of the capture',
  stream: 'Streams of bytes',
  red: 'Counting requests',
  calls: 'Counting who calls whom',
  events: 'Events of the node',
  live: 'Live readers',
  oomkill: 'OOM kills',
  tcpsynbl: 'Accept queues',
  cgroups: 'New containers',
};

/** What a stage of the ledger is called for people; its own name otherwise. */
export function stageName(name: string): string {
  return stageNames[name] ?? name.replaceAll('_', ' ');
}

// The way of a request through the agent, in the order that it goes.
const path = ['traffic_kernel', 'interface_kernel', 'capture', 'traffic_ring', 'interface', 'flows', 'stream', 'red', 'calls', 'live'];

/** Stages by what they belong to: the way of requests, the node's events, the sinks. */
export function stageGroups<T extends { name: string }>(stages: readonly T[], sinkStages: ReadonlySet<string>): { title: string; stages: T[] }[] {
  const place = (stage: T) => path.indexOf(stage.name);
  const requests = stages.filter((stage) => place(stage) >= 0).sort((a, b) => place(a) - place(b));
  const sinks = stages.filter((stage) => place(stage) < 0 && sinkStages.has(stage.name));
  const others = stages.filter((stage) => place(stage) < 0 && !sinkStages.has(stage.name));
  return [{ title: 'Requests', stages: requests }, { title: 'Events', stages: others }, { title: 'Sinks', stages: sinks }].filter((group) => group.stages.length > 0);
}

/** Items by a key, in the order in which keys first came. */
export function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group) {
      group.push(item);
    } else {
      groups.set(key, [item]);
    }
  }
  return groups;
}
