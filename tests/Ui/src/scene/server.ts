import { createServer } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

/** A small web server that answers as its path says: /status/503, /slow/200 (ms); anything else is fine. Started as a process of its own. */
const server = createServer({ insecureHTTPParser: true }, (request, response) => {
  const [, kind, value] = /^\/(status|slow)\/(\d+)/.exec(request.url ?? '') ?? [];
  void (async () => {
    if (kind === 'slow') {
      await sleep(Number(value));
    }
    response.writeHead(kind === 'status' ? Number(value) : 200, { 'content-type': 'text/plain' });
    response.end('done\n');
  })();
});

process.once('message', () => {
  server.listen(0, '127.0.0.1', () => {
    const address = server.address();
    process.send?.(typeof address === 'object' && address ? address.port : 0);
  });
});
process.once('disconnect', () => process.exit());
