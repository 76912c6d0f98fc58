import { page } from './lib/url';
import { MapPage } from './pages/map';
import { NodePage } from './pages/node';
import { Overview } from './pages/overview';
import { Requests } from './pages/requests';
import { WorkloadPage } from './pages/workload';
import { Shell } from './components/shell';

const pages = { '/': Overview, '/workload': WorkloadPage, '/requests': Requests, '/map': MapPage, '/node': NodePage };

/** The page that the address names, in the frame that all share. */
export function App() {
  const Page = pages[page.value];
  return (
    <Shell>
      <Page />
    </Shell>
  );
}
