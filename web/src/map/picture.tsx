import { useSignal } from '@preact/signals';
import { useEffect, useLayoutEffect, useMemo, useRef } from 'preact/hooks';
import { Icon } from '../components/icons';
import { duration, percent, rate, who } from '../lib/format';
import { go } from '../lib/url';
import { cut, visible } from '../lib/visible';
import { edgeId, type Graph, type GraphNode, layoutKey, type MapEdge } from './graph';
import { nodeHeight, nodeWidth, type Placed, placed, type Point } from './layout';
import { Legend } from './legend';
import { detailAt, edgeText, edgeWidth, healthOf, type LabelChoice, ringDash, textSize } from './marks';
import { useMovable } from './movable';

/** The map drawn: nodes in layers, edges between them; it can be moved and zoomed, and a node leads to its workload. */
export function Picture({ graph, choice, hrefOf }: { graph: Graph; choice: LabelChoice; hrefOf: (node: GraphNode) => string }) {
  const key = layoutKey(graph);
  // The same nodes and edges stay where they are, whatever their figures.
  const picture = useRef<Placed>({ width: 1, height: 1, start: { x: 0, y: 0 }, nodes: new Map(), edges: new Map() });
  const element = useRef<SVGSVGElement>(null);
  const { view, isUpright, fit, begin, zoom, hasDragged } = useMovable(element, picture);
  const places = useMemo(() => placed(graph, isUpright.value), [key, isUpright.value]);
  picture.current = places;
  const near = useSignal<string | null>(null);
  useEffect(() => { near.value = null; }, [key]);
  useLayoutEffect(begin, [key, isUpright.value]);
  const close = near.value === null ? null : neighbours(graph, near.value);
  const { x, y, k } = view.value;
  const detail = detailAt(k);
  return (
    <>
      <svg ref={element} class="map" role="group" aria-label={`Map: ${graph.nodes.length} nodes, ${graph.edges.length} connections. Arrow keys move it, plus and minus zoom, 0 shows all. The table below has the same figures.`} tabindex={0} style={{ aspectRatio: `${places.width} / ${places.height + 40}` }}>
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
                k={k}
              />
            );
          })}
          {graph.edges.map((edge) => {
            const id = edgeId(edge);
            const line = places.edges.get(id);
            const isNear = close?.edges.has(id) ?? false;
            const isShown = close ? isNear : detail === 'all' || healthOf(edge.error_ratio) !== 'ok' && detail === 'some';
            // In the distance only what is wrong is told.
            return line && isShown && <Label key={id} edge={edge} at={line.label} k={k} choice={detail === 'all' || isNear ? choice : 'errors'} />;
          })}
        </g>
      </svg>
      <div class="map-foot">
        <Legend />
        <div class="row nowrap">
          <button type="button" class="button icon" aria-label="Zoom in" title="Zoom in (+)" onClick={() => { zoom(1.3); }}><Icon name="plus" /></button>
          <button type="button" class="button icon" aria-label="Zoom out" title="Zoom out (-)" onClick={() => { zoom(1 / 1.3); }}><Icon name="minus" /></button>
          <button type="button" class="button icon" aria-label="Show all" title="Show all (0)" onClick={fit}><Icon name="fit" /></button>
        </div>
      </div>
    </>
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

function Label({ edge, at, k, choice }: { edge: MapEdge; at: Point; k: number; choice: LabelChoice }) {
  const size = textSize(11, k);
  const lines = edgeText(edge, choice);
  const width = Math.max(...lines.map((line) => line.length)) * size * letter + size * 0.5;
  const height = lines.length * size * 1.2 + size * 0.3;
  return (
    <g class={`map-label is-${healthOf(edge.error_ratio)}`} aria-hidden="true">
      <rect x={at.x - width / 2} y={at.y - height / 2} width={width} height={height} rx={size / 3} />
      <text style={{ fontSize: `${size}px` }}>
        {lines.map((line, i) => <tspan key={i} x={at.x} y={at.y + (i - (lines.length - 1) / 2) * size * 1.2 + size * 0.35}>{line}</tspan>)}
      </text>
    </g>
  );
}

const ringRadius = 9;
// A letter is about so wide as part of its height.
const letter = 0.68;

/** As much of a text as there is room for. */
function fitText(text: string, room: number, size: number): string {
  return cut(text, Math.max(3, Math.floor(room / (size * letter)) - 1));
}

interface NodeProps {
  node: GraphNode;
  at: Point;
  href: string;
  isFar: boolean;
  onNear: (isNear: boolean) => void;
  hasDragged: () => boolean;
  k: number;
}

function Node({ node, at, href, isFar, onNear, hasDragged, k }: NodeProps) {
  const serves = node.requests > 0;
  const where = node.members === undefined ? [node.namespace, node.kind].filter((one) => one !== undefined).join(' · ') : `${node.members} workloads`;
  return (
    <g transform={`translate(${at.x - nodeWidth / 2} ${at.y - nodeHeight / 2})`}>
      <a
        class={`map-node is-${healthOf(node.error_ratio)}${isFar ? ' is-far' : ''}`}
        href={href}
        aria-description={`${visible(who(node))}${node.kind === undefined ? '' : `, ${node.kind}`}: ${serves ? `serves ${rate(node.requests_per_second)}, ${percent(node.error_ratio)} errors, p90 ${duration(node.p90_ns)}` : `makes ${rate(node.makesPerSecond)}`}`}
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
        <circle class="ring" cx="18" cy="21" r={ringRadius} />
        {serves && <circle class="ring-errors" cx="18" cy="21" r={ringRadius} stroke-dasharray={ringDash(node.error_ratio, ringRadius)} transform="rotate(-90 18 21)" />}
        <NodeText node={node} where={where} serves={serves} k={k} />
      </a>
    </g>
  );
}

const textX = 34;

/** Who it is and how it does; from afar less of it, so that it can be read. */
function NodeText({ node, where, serves, k }: { node: GraphNode; where: string; serves: boolean; k: number }) {
  const detail = detailAt(k);
  const name = visible(node.workload);
  const small = textSize(11, k);
  if (detail === 'all') {
    return (
      <>
        <text class="name" x={textX} y="20">{fitText(name, nodeWidth - textX - 6, 13)}</text>
        <text class="where" x={textX} y="36">{fitText(visible(where), nodeWidth - textX - 6, 11)}</text>
        <text class="figures" x="11" y="56">{serves ? `${rate(node.requests_per_second)} · ${percent(node.error_ratio)} · ${duration(node.p90_ns)}` : `calls ${rate(node.makesPerSecond)}`}</text>
      </>
    );
  }
  const middle = nodeHeight / 2;
  const figures = serves ? `${rate(node.requests_per_second)} · ${percent(node.error_ratio)}` : `calls ${rate(node.makesPerSecond)}`;
  return (
    <>
      <text class="name" style={{ fontSize: `${small}px` }} x={textX} y={detail === 'names' ? middle + small * 0.35 : 27}>{fitText(name, nodeWidth - textX, small)}</text>
      {detail === 'some' && <text class="figures" style={{ fontSize: `${small}px` }} x="11" y="56">{figures.length * small * 0.55 < nodeWidth - 16 ? figures : figures.split(' · ')[0]}</text>}
    </>
  );
}
