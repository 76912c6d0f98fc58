import { useSignal } from '@preact/signals';
import { useEffect, useLayoutEffect, useMemo, useRef } from 'preact/hooks';
import { Icon } from '../components/icons';
import { duration, percent, rate, who } from '../lib/format';
import { go } from '../lib/url';
import { cut, visible } from '../lib/visible';
import { edgeId, type Graph, type GraphNode, layoutKey, type MapEdge } from './graph';
import { nodeHeight, nodeWidth, placed, type Point } from './layout';
import { edgeText, edgeWidth, healthOf, type LabelChoice, ringDash } from './marks';
import { useMovable } from './movable';

// From this size on all labels can be read; before, those that matter.
const labelsFromK = 0.8;

/** The map drawn: nodes in layers, edges between them; it can be moved and zoomed, and a node leads to its workload. */
export function Picture({ graph, choice, hrefOf }: { graph: Graph; choice: LabelChoice; hrefOf: (node: GraphNode) => string }) {
  const key = layoutKey(graph);
  // The same nodes and edges stay where they are, whatever their figures.
  const places = useMemo(() => placed(graph), [key]);
  const element = useRef<SVGSVGElement>(null);
  const { view, fit, zoom, hasDragged } = useMovable(element, places.width, places.height);
  const near = useSignal<string | null>(null);
  useEffect(() => { near.value = null; }, [key]);
  useLayoutEffect(fit, [key]);
  const close = near.value === null ? null : neighbours(graph, near.value);
  const { x, y, k } = view.value;
  return (
    <div class="map-frame">
      <svg ref={element} class="map" role="group" aria-label={`Map: ${graph.nodes.length} nodes, ${graph.edges.length} connections. Arrow keys move it, plus and minus zoom, 0 shows all. The table below has the same figures.`} tabIndex={0}>
        <defs>
          {(['ok', 'some', 'many'] as const).map((health) => (
            <marker key={health} id={`arrow-${health}`} class={`arrow is-${health}`} viewBox="0 0 8 8" refX="7" refY="4" markerWidth="9" markerHeight="9" markerUnits="userSpaceOnUse" orient="auto">
              <path d="M0 0.500L8 4L0 7.500z" />
            </marker>
          ))}
        </defs>
        <g transform={`translate(${x} ${y}) scale(${k})`}>
          {graph.edges.map((edge) => {
            const id = edgeId(edge);
            const line = places.edges.get(id);
            return line && <Edge key={id} edge={edge} path={line.path} isFar={close !== null && !close.edges.has(id)} onNear={(isNear) => { near.value = isNear ? id : null; }} />;
          })}
          {graph.nodes.map((node) => {
            const at = places.nodes.get(node.id);
            return at && (
              <Node
                key={node.id}
                node={node}
                at={at}
                href={hrefOf(node)}
                isFar={close !== null && !close.nodes.has(node.id)}
                onNear={(isNear) => { near.value = isNear ? node.id : null; }}
                hasDragged={hasDragged}
              />
            );
          })}
          {graph.edges.map((edge) => {
            const id = edgeId(edge);
            const line = places.edges.get(id);
            const isShown = close ? close.edges.has(id) : k >= labelsFromK || healthOf(edge.error_ratio) !== 'ok';
            return line && isShown && (
              <text key={id} class={`map-label is-${healthOf(edge.error_ratio)}`} x={line.label.x} y={line.label.y + 4} aria-hidden="true">{edgeText(edge, choice)}</text>
            );
          })}
        </g>
      </svg>
      <div class="map-tools">
        <button type="button" class="button icon" aria-label="Zoom in" title="Zoom in (+)" onClick={() => { zoom(1.3); }}><Icon name="plus" /></button>
        <button type="button" class="button icon" aria-label="Zoom out" title="Zoom out (-)" onClick={() => { zoom(1 / 1.3); }}><Icon name="minus" /></button>
        <button type="button" class="button icon" aria-label="Show all" title="Show all (0)" onClick={fit}><Icon name="fit" /></button>
      </div>
    </div>
  );
}

/** A node or an edge, and what it touches. */
function neighbours(graph: Graph, id: string): { nodes: Set<string>; edges: Set<string> } {
  const edges = graph.edges.filter((edge) => edge.source === id || edge.destination === id || edgeId(edge) === id);
  const nodes = new Set(edges.flatMap((edge) => [edge.source, edge.destination]));
  if (graph.nodes.some((node) => node.id === id)) {
    nodes.add(id);
  }
  return { nodes, edges: new Set(edges.map(edgeId)) };
}

function Edge({ edge, path, isFar, onNear }: { edge: MapEdge; path: string; isFar: boolean; onNear: (isNear: boolean) => void }) {
  const health = healthOf(edge.error_ratio);
  return (
    <g class={`map-edge is-${health}${isFar ? ' is-far' : ''}`} aria-hidden="true" onPointerEnter={() => { onNear(true); }} onPointerLeave={() => { onNear(false); }}>
      <path class="hit" d={path} />
      <path class="line" d={path} stroke-width={edgeWidth(edge.requests_per_second)} marker-end={`url(#arrow-${health})`} {...(edge.seen_by === 'both' ? {} : { 'stroke-dasharray': '7 5' })} />
    </g>
  );
}

const ringRadius = 13;
const nameLetters = 19;
const whereLetters = 24;

interface NodeProps {
  node: GraphNode;
  at: Point;
  href: string;
  isFar: boolean;
  onNear: (isNear: boolean) => void;
  hasDragged: () => boolean;
}

function Node({ node, at, href, isFar, onNear, hasDragged }: NodeProps) {
  const serves = node.requests > 0;
  const figures = serves ? `${rate(node.requests_per_second)} · ${percent(node.error_ratio)} · p90 ${duration(node.p90_ns)}` : `calls ${rate(node.makesPerSecond)}`;
  const where = node.members === undefined ? [node.namespace, node.kind].filter((one) => one !== undefined).join(' · ') : `${node.members} workloads`;
  const name = visible(node.workload);
  return (
    <g transform={`translate(${at.x - nodeWidth / 2} ${at.y - nodeHeight / 2})`}>
      <a
        class={`map-node is-${healthOf(node.error_ratio)}${isFar ? ' is-far' : ''}`}
        href={href}
        aria-label={`${visible(who(node))}${node.kind === undefined ? '' : `, ${node.kind}`}: ${serves ? `serves ${rate(node.requests_per_second)}, ${percent(node.error_ratio)} errors, p90 ${duration(node.p90_ns)}` : `makes ${rate(node.makesPerSecond)}`}`}
        draggable={false}
        onPointerEnter={() => { onNear(true); }}
        onPointerLeave={() => { onNear(false); }}
        onFocus={() => { onNear(true); }}
        onBlur={() => { onNear(false); }}
        onClick={(event: MouseEvent) => {
          // An SVG link is none that the page's own router knows; with a modifier it is the browser's.
          if (hasDragged() || !(event.ctrlKey || event.metaKey || event.shiftKey || event.altKey)) {
            event.preventDefault();
          }
          if (event.defaultPrevented && !hasDragged()) {
            go(href);
          }
        }}
      >
        <title>{visible(who(node))}</title>
        <rect class="box" width={nodeWidth} height={nodeHeight} rx="8" />
        <circle class="ring" cx="24" cy={nodeHeight / 2} r={ringRadius} />
        {serves && <circle class="ring-errors" cx="24" cy={nodeHeight / 2} r={ringRadius} stroke-dasharray={ringDash(node.error_ratio, ringRadius)} transform={`rotate(-90 24 ${nodeHeight / 2})`} />}
        <text class="name" x="46" y="21">{cut(name, nameLetters)}</text>
        <text class="where" x="46" y="37">{cut(visible(where), whereLetters)}</text>
        <text class="figures" x="46" y="53">{figures}</text>
      </a>
    </g>
  );
}
