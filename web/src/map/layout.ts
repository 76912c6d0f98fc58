import { Graph as DagreGraph, layout } from '@dagrejs/dagre';
import { edgeId, type Graph } from './graph';

/** Sizes of the picture, in its own units. */
export const nodeWidth = 184;
export const nodeHeight = 66;
const labelWidth = 84;
const labelHeight = 28;

export interface Point {
  x: number;
  y: number;
}

export interface Placed {
  width: number;
  height: number;
  /** The middle of those who are called by nobody: where reading begins. */
  start: Point;
  /** Centres, by id of the node. */
  nodes: Map<string, Point>;
  /** Lines and places of labels, by id of the edge. */
  edges: Map<string, { path: string; label: Point }>;
}

/** Places nodes in layers: who calls is left of who is called, or above, where there is more height than width. */
export function placed(graph: Pick<Graph, 'nodes' | 'edges'>, isUpright: boolean): Placed {
  const dagre = new DagreGraph({ multigraph: true });
  dagre.setGraph({ acyclicer: 'greedy', rankdir: isUpright ? 'TB' : 'LR', nodesep: 20, ranksep: 22, edgesep: 12, marginx: 16, marginy: 16 });
  dagre.setDefaultEdgeLabel(() => ({}));
  for (const node of graph.nodes) {
    dagre.setNode(node.id, { width: nodeWidth, height: nodeHeight });
  }
  for (const edge of graph.edges) {
    dagre.setEdge(edge.source, edge.destination, { width: labelWidth, height: labelHeight, labelpos: 'c' }, edge.protocol);
  }
  layout(dagre);
  const nodes = new Map<string, Point>();
  for (const node of graph.nodes) {
    const at = dagre.node(node.id) as unknown as Point;
    nodes.set(node.id, { x: at.x, y: at.y });
  }
  const edges = new Map<string, { path: string; label: Point }>();
  for (const edge of graph.edges) {
    const at = dagre.edge(edge.source, edge.destination, edge.protocol) as unknown as Point & { points: Point[] };
    const own = edge.source === edge.destination ? nodes.get(edge.source) : undefined;
    edges.set(edgeId(edge), { path: own ? loop(own) : smooth(at.points), label: { x: at.x, y: at.y } });
  }
  const called = new Set(graph.edges.filter((edge) => edge.source !== edge.destination).map((edge) => edge.destination));
  const starts = [...nodes].filter(([id]) => !called.has(id)).map(([, at]) => at);
  const size = dagre.graph() as { width?: number; height?: number };
  return { width: Math.max(size.width ?? 0, nodeWidth), height: Math.max(size.height ?? 0, nodeHeight), start: middle(starts), nodes, edges };
}

function middle(points: readonly Point[]): Point {
  const n = Math.max(1, points.length);
  return { x: points.reduce((sum, point) => sum + point.x, 0) / n, y: points.reduce((sum, point) => sum + point.y, 0) / n };
}

/** From a node's lower edge back to it: who calls itself. It fits between two nodes. */
function loop(at: Point): string {
  const y = at.y + nodeHeight / 2;
  return `M${round({ x: at.x + 40, y })} C${round({ x: at.x + 40, y: y + 20 })} ${round({ x: at.x - 40, y: y + 20 })} ${round({ x: at.x - 40, y })}`;
}

/** A curve through the points' middles that leaves and arrives at the ends. */
export function smooth(points: readonly Point[]): string {
  const [first, ...rest] = points;
  const last = rest.at(-1);
  if (!first || !last) {
    return '';
  }
  let path = `M${round(first)}`;
  for (let i = 0; i < rest.length - 1; i++) {
    const at = rest[i] as Point;
    const next = rest[i + 1] as Point;
    path += ` Q${round(at)} ${round(i === rest.length - 2 ? next : { x: (at.x + next.x) / 2, y: (at.y + next.y) / 2 })}`;
  }
  return rest.length === 1 ? `${path} L${round(last)}` : path;
}

function round(point: Point): string {
  return `${Math.round(point.x * 10) / 10},${Math.round(point.y * 10) / 10}`;
}
