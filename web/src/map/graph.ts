import type { Answer } from '../api/client';

export type ApiMap = Answer<'/api/map'>;
export type MapNode = ApiMap['nodes'][number];
export type MapEdge = ApiMap['edges'][number];

/** Nodes that can still be told apart on one picture. */
export const maxNodes = 60;

/** How a map with too many nodes is made smaller. */
export type Shrink = 'namespaces' | 'busiest';

export interface Graph {
  nodes: readonly GraphNode[];
  edges: readonly MapEdge[];
  /** How it was made smaller, and from how many nodes; null when all are there. */
  shrunk: { how: Shrink; from: number } | null;
}

export interface GraphNode extends MapNode {
  /** Requests a second that it makes. */
  makesPerSecond: number;
  /** How many workloads it stands for; only of a whole namespace. */
  members?: number;
}

/** What is drawn of an answer: in an order that does not change with the figures. */
export function graphOf(map: ApiMap, shrink: Shrink): Graph {
  const from = map.nodes.length;
  if (from <= maxNodes) {
    return { ...withMade(map.nodes, map.edges), shrunk: null };
  }
  const small = shrink === 'namespaces' ? byNamespace(map) : busiest(map);
  return { ...withMade(small.nodes, small.edges), shrunk: { how: shrink, from } };
}

function withMade(nodes: readonly (MapNode & { members?: number })[], edges: readonly MapEdge[]): Pick<Graph, 'nodes' | 'edges'> {
  const made = new Map<string, number>();
  for (const edge of edges) {
    made.set(edge.source, (made.get(edge.source) ?? 0) + edge.requests_per_second);
  }
  const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);
  return {
    nodes: nodes.map((node) => ({ ...node, makesPerSecond: made.get(node.id) ?? 0 })).sort((a, b) => compare(a.id, b.id)),
    edges: [...edges].sort((a, b) => compare(edgeId(a), edgeId(b))),
  };
}

/** Names an edge. */
export function edgeId(edge: MapEdge): string {
  return `${edge.source}\n${edge.destination}\n${edge.protocol}`;
}

/** What a layout depends on: who is there and who calls whom, not how often. */
export function layoutKey(graph: Pick<Graph, 'nodes' | 'edges'>): string {
  return `${graph.nodes.map((node) => node.id).join('\n')}\n\n${graph.edges.map(edgeId).join('\n\n')}`;
}

type Figures = Pick<MapEdge, 'requests' | 'requests_per_second' | 'errors' | 'error_ratio' | 'p50_ns' | 'p90_ns' | 'p99_ns' | 'max_ns'>;

/** Figures of two together. Percentiles of a sum cannot be had from percentiles: the higher ones are taken. */
function sum(a: Figures, b: Figures): Figures {
  const requests = a.requests + b.requests;
  const errors = a.errors + b.errors;
  return {
    requests,
    requests_per_second: a.requests_per_second + b.requests_per_second,
    errors,
    error_ratio: requests === 0 ? 0 : errors / requests,
    p50_ns: Math.max(a.p50_ns, b.p50_ns),
    p90_ns: Math.max(a.p90_ns, b.p90_ns),
    p99_ns: Math.max(a.p99_ns, b.p99_ns),
    max_ns: Math.max(a.max_ns, b.max_ns),
  };
}

/** What has no namespace, as one box. */
export const outside = 'outside of Kubernetes';

function byNamespace(map: ApiMap): { nodes: (MapNode & { members: number })[]; edges: MapEdge[] } {
  const groupOf = new Map<string, string>();
  const nodes = new Map<string, MapNode & { members: number }>();
  for (const node of map.nodes) {
    const name = node.namespace ?? outside;
    const id = `namespace ${node.namespace ?? ''}`;
    groupOf.set(node.id, id);
    const before = nodes.get(id);
    const own = { id, workload: name, kind: 'Namespace', members: (before?.members ?? 0) + 1 };
    nodes.set(id, { ...(before ? sum(before, node) : node), ...own });
  }
  for (const node of nodes.values()) {
    delete node.namespace;
  }
  const edges = new Map<string, MapEdge>();
  for (const edge of map.edges) {
    const moved = { ...edge, source: groupOf.get(edge.source) ?? edge.source, destination: groupOf.get(edge.destination) ?? edge.destination };
    const before = edges.get(edgeId(moved));
    edges.set(edgeId(moved), before ? { ...moved, ...sum(before, moved), seen_by: before.seen_by === moved.seen_by ? moved.seen_by : 'both' } : moved);
  }
  return { nodes: [...nodes.values()], edges: [...edges.values()] };
}

/** Those with most requests, made or served, and the edges between them. */
function busiest(map: ApiMap): Pick<ApiMap, 'nodes' | 'edges'> {
  const traffic = new Map<string, number>();
  for (const edge of map.edges) {
    for (const id of [edge.source, edge.destination]) {
      traffic.set(id, (traffic.get(id) ?? 0) + edge.requests);
    }
  }
  const kept = new Set([...traffic].sort((a, b) => b[1] - a[1]).slice(0, maxNodes).map(([id]) => id));
  return { nodes: map.nodes.filter((node) => kept.has(node.id)), edges: map.edges.filter((edge) => kept.has(edge.source) && kept.has(edge.destination)) };
}
