import { describe, expect, it } from 'vitest';
import { type ApiMap, edgeId, graphOf, layoutKey, type MapEdge, type MapNode, maxNodes } from '../src/map/graph';
import { placed, smooth } from '../src/map/layout';
import { detailAt, edgeText, edgeWidth, healthOf, ringDash, textSize } from '../src/map/marks';
import { first, fitted, zoomed } from '../src/map/view';

const figures = { requests: 100, requests_per_second: 10, errors: 1, error_ratio: 0.01, p50_ns: 1e6, p90_ns: 2e6, p99_ns: 3e6, max_ns: 4e6 };

function node(name: string, namespace?: string): MapNode {
  return { id: name, workload: name, ...(namespace === undefined ? {} : { namespace }), ...figures };
}

function edge(source: string, destination: string, change: Partial<MapEdge> = {}): MapEdge {
  return { source, destination, protocol: 'http', seen_by: 'both', ...figures, ...change };
}

function map(nodes: MapNode[], edges: MapEdge[]): ApiMap {
  return { since: '', until: '', step_s: 10, source: 'memory', known_since: null, nodes, edges, edges_total: edges.length, namespaces: [] };
}

const small = map([node('c'), node('a'), node('b')], [edge('b', 'c'), edge('a', 'b'), edge('a', 'a')]);

describe('the layout\'s key', () => {
  it('is the same for the same nodes and edges, in any order and with any figures', () => {
    const other = map([node('b'), { ...node('a'), requests: 7 }, node('c')], [edge('a', 'a'), edge('a', 'b', { requests_per_second: 99 }), edge('b', 'c')]);
    expect(layoutKey(graphOf(other, 'busiest'))).toBe(layoutKey(graphOf(small, 'busiest')));
  });

  it('is another one with another edge or node', () => {
    expect(layoutKey(graphOf(map(small.nodes, small.edges.slice(1)), 'busiest'))).not.toBe(layoutKey(graphOf(small, 'busiest')));
    expect(layoutKey(graphOf(map([...small.nodes, node('d')], small.edges), 'busiest'))).not.toBe(layoutKey(graphOf(small, 'busiest')));
  });
});

describe('the layout', () => {
  it('goes from left to right, or down where it is narrow, and places every edge', () => {
    const graph = graphOf(small, 'busiest');
    const wide = placed(graph, false);
    expect([wide.nodes.get('a')?.x ?? 0, wide.nodes.get('b')?.x ?? 0, wide.nodes.get('c')?.x ?? 0]).toEqual([...[...wide.nodes.values()].map((at) => at.x)].sort((x, y) => x - y));
    expect(placed(graph, true).nodes.get('c')?.y).toBeGreaterThan(placed(graph, true).nodes.get('a')?.y ?? Infinity);
    for (const one of graph.edges) {
      expect(wide.edges.get(edgeId(one))?.path).toMatch(/^M[\d.,-]+( [QLC][\d., -]+)+$/);
    }
  });

  it('begins and ends a line where it shall', () => {
    expect(smooth([{ x: 0, y: 0 }, { x: 5, y: 5 }, { x: 10, y: 0 }])).toBe('M0,0 Q5,5 10,0');
    expect(smooth([{ x: 0, y: 0 }, { x: 1, y: 1 }])).toBe('M0,0 L1,1');
    expect(smooth([])).toBe('');
  });
});

describe('a map with too many nodes', () => {
  const nodes = Array.from({ length: maxNodes + 10 }, (_, i) => node(`w${i}`, i % 3 === 0 ? undefined : `ns${i % 3}`));
  const edges = nodes.slice(1).map((one, i) => edge('w0', one.id, { requests: 1000 - i, errors: 0, error_ratio: 0 }));

  it('is drawn by namespace, with the sums of all', () => {
    const graph = graphOf(map(nodes, edges), 'namespaces');
    expect(graph.shrunk).toEqual({ how: 'namespaces', from: maxNodes + 10 });
    expect(graph.nodes).toHaveLength(3);
    expect(graph.nodes.reduce((sum, one) => sum + (one.members ?? 0), 0)).toBe(nodes.length);
    expect(graph.edges.reduce((sum, one) => sum + one.requests, 0)).toBe(edges.reduce((sum, one) => sum + one.requests, 0));
  });

  it('or by the busiest, and edges lead nowhere else', () => {
    const graph = graphOf(map(nodes, edges), 'busiest');
    expect(graph.nodes).toHaveLength(maxNodes);
    expect(graph.edges).toHaveLength(maxNodes - 1);
    expect(graph.nodes.some((one) => one.id === `w${maxNodes + 9}`)).toBe(false);
  });
});

describe('marks', () => {
  it('grow with what they stand for', () => {
    expect(edgeWidth(0)).toBeLessThan(edgeWidth(1));
    expect(edgeWidth(100)).toBeLessThan(edgeWidth(1000));
    expect(edgeWidth(1e9)).toBe(8);
    expect([healthOf(0), healthOf(0.0099), healthOf(0.01), healthOf(0.05)]).toEqual(['ok', 'ok', 'some', 'many']);
  });

  it('tell any error at all', () => {
    expect(ringDash(0, 10)).toMatch(/^0\.00 /);
    expect(ringDash(0.000001, 10)).toMatch(/^2\.00 /);
    expect(ringDash(1, 10)).toBe('62.83 62.83');
  });

  it('are labelled as chosen', () => {
    expect(edgeText(edge('a', 'b'), 'all')).toEqual(['10.0 req/s', '1.00 % · 2.00 ms']);
    expect(edgeText(edge('a', 'b'), 'p99')).toEqual(['3.00 ms']);
  });

  it('can be read from afar', () => {
    expect([detailAt(1), detailAt(0.6), detailAt(0.3)]).toEqual(['all', 'some', 'names']);
    expect(textSize(11, 0.5) * 0.5).toBeCloseTo(11);
    expect(textSize(11, 2)).toBe(11);
  });
});

describe('the view', () => {
  it('fits all, and blows nothing up', () => {
    expect(fitted(100, 100, 400, 200)).toEqual({ k: 1, x: 150, y: 50 });
    expect(fitted(1000, 100, 500, 200)).toEqual({ k: 0.5, x: 0, y: 75 });
  });

  it('begins where names can be read, with nothing beside it that need not be', () => {
    const view = first(4000, 200, 400, 300, { x: 0, y: 100 });
    expect(view.k).toBeGreaterThan(fitted(4000, 200, 400, 300).k);
    expect(view.x).toBe(0);
    expect(first(4000, 200, 400, 300, { x: 4000, y: 100 }).x).toBe(400 - 4000 * view.k);
  });

  it('zooms around a point, within bounds', () => {
    const view = zoomed({ k: 1, x: 10, y: 20 }, 2, 110, 120);
    expect(view).toEqual({ k: 2, x: -90, y: -80 });
    expect(zoomed(view, 1000, 0, 0).k).toBe(zoomed(view, 10, 0, 0).k);
  });
});
