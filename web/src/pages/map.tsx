import '../styles/map.css';
import { workloadHref } from '../components/events';
import { Card, Empty, ErrorBox, Loading, PageHead, Segments, Select } from '../components/parts';
import { count } from '../lib/format';
import { usePolled } from '../lib/polled';
import { range } from '../lib/range';
import { hrefTo, query, setQuery } from '../lib/url';
import { type ApiMap, type Graph, graphOf, type GraphNode, maxNodes, outside, type Shrink } from '../map/graph';
import { labelChoices, type LabelChoice } from '../map/marks';
import { Picture } from '../map/picture';
import { EdgeTable } from '../map/edgeTable';

const maxEdges = 1000;

/** Who calls whom, with rate, errors and durations. */
export function MapPage() {
  const namespace = query.value.get('namespace') ?? '';
  const choice = labelChoices.find(([value]) => value === query.value.get('edges'))?.[0] ?? 'all';
  const shrink: Shrink = query.value.get('show') === 'busiest' || namespace !== '' ? 'busiest' : 'namespaces';
  const polled = usePolled('/api/map', { ...range.value, limit: maxEdges, ...(namespace === '' ? {} : { namespace }) }).value;
  const { data, error } = polled;
  const graph = data && graphOf(data, shrink);
  return (
    <div class="map-page">
      <PageHead title="Map">
        <Select
          label="Namespace"
          value={namespace}
          options={[['', 'all'], ...[...new Set([...(data?.namespaces ?? []), ...(namespace === '' ? [] : [namespace])])].sort().map((one) => [one, one] as const)]}
          onChange={(next) => { setQuery({ namespace: next }, true); }}
        />
        <Select label="On connections" value={choice} options={labelChoices} onChange={(next: LabelChoice) => { setQuery({ edges: next === 'all' ? null : next }); }} />
        {graph?.shrunk && namespace === '' && (
          <Segments label="Show" value={shrink} options={[['namespaces', 'Namespaces'], ['busiest', `Busiest ${maxNodes}`]]} onChange={(next) => { setQuery({ show: next === 'namespaces' ? null : next }); }} />
        )}
      </PageHead>
      {error && <ErrorBox error={error} />}
      {!data && !error && <Loading />}
      {data && graph && (graph.nodes.length === 0 ? <NoCalls namespace={namespace} /> : <Drawn map={data} graph={graph} choice={choice} />)}
    </div>
  );
}

function Drawn({ map, graph, choice }: { map: ApiMap; graph: Graph; choice: LabelChoice }) {
  const hrefOf = (node: GraphNode) => (node.members === undefined
    ? workloadHref(node)
    // There is no filter for what has no namespace.
    : hrefTo('/map', node.workload === outside ? { show: 'busiest' } : { namespace: node.workload }));
  return (
    <>
      {graph.shrunk && (
        <p class="note">
          {graph.shrunk.how === 'namespaces'
            ? `${count(graph.shrunk.from)} workloads are too many for one picture: each box is a namespace, its percentiles are the highest of its connections. Choose a namespace to see its workloads.`
            : `The ${maxNodes} busiest of ${count(graph.shrunk.from)} workloads are drawn; the table has all connections.`}
        </p>
      )}
      {map.edges_total > map.edges.length && <p class="note">The {count(map.edges.length)} busiest of {count(map.edges_total)} connections are here. Choose a namespace or a shorter range to see the others.</p>}
      <section class="card map-card" aria-label="Picture">
        <Picture graph={graph} choice={choice} hrefOf={hrefOf} />
      </section>
      <Card title="Connections" flush>
        <EdgeTable map={map} />
      </Card>
    </>
  );
}

function NoCalls({ namespace }: { namespace: string }) {
  return namespace === ''
    ? <Empty title="No calls in this range"><p>Services show here once HTTP requests go between them on this node. Take a longer range, or make a request.</p></Empty>
    : <Empty title="No calls in this namespace"><p>Nothing in {namespace} made or served a request in this range. <a href={hrefTo('/map')}>Show all namespaces</a></p></Empty>;
}
