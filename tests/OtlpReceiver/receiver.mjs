// Receives OTLP over gRPC and HTTP, and prints each request as a line of JSON: signal, transport, headers, message.
//
//     node receiver.mjs [GRPC_PORT [HTTP_PORT]]      0: any free one
//
// Nothing of the agent is in here: the messages are decoded by what OpenTelemetry generated from the official definitions, gRPC is its own library's server.
// "bytes" and "encodedAgain" are equal when the message holds nothing that the definitions do not know, in no longer form than needed.
import { createRequire } from 'node:module';
import http from 'node:http';
import zlib from 'node:zlib';
import grpc from '@grpc/grpc-js';

const require = createRequire(import.meta.url);
const collector = require('@opentelemetry/otlp-transformer/build/src/generated/root.js').opentelemetry.proto.collector;
const signals = [
  ['traces', 'trace', collector.trace.v1.ExportTraceServiceRequest, collector.trace.v1.ExportTraceServiceResponse],
  ['metrics', 'metrics', collector.metrics.v1.ExportMetricsServiceRequest, collector.metrics.v1.ExportMetricsServiceResponse],
  ['logs', 'logs', collector.logs.v1.ExportLogsServiceRequest, collector.logs.v1.ExportLogsServiceResponse],
].map(([name, service, request, response]) => ({ name, service, request, response }));

const hexKeys = new Set(['traceId', 'spanId', 'parentSpanId']);
const toHex = (key, value) => (hexKeys.has(key) && typeof value === 'string' ? Buffer.from(value, 'base64').toString('hex') : value);

function tell(signal, transport, headers, bytes) {
  const message = signal.request.decode(bytes);
  const encodedAgain = signal.request.encode(message).finish().length;
  const request = signal.request.toObject(message, { longs: Number, enums: String, bytes: String });
  process.stdout.write(`${JSON.stringify({ signal: signal.name, transport, headers, bytes: bytes.length, encodedAgain, request }, toHex)}\n`);
}

const server = new grpc.Server();
for (const signal of signals) {
  const name = signal.service[0].toUpperCase() + signal.service.slice(1);
  const definition = {
    Export: {
      path: `/opentelemetry.proto.collector.${signal.service}.v1.${name}Service/Export`,
      requestStream: false,
      responseStream: false,
      requestSerialize: Buffer.from,
      requestDeserialize: (bytes) => bytes,
      responseSerialize: (message) => Buffer.from(signal.response.encode(message).finish()),
      responseDeserialize: (bytes) => signal.response.decode(bytes),
    },
  };
  server.addService(definition, {
    Export: (call, done) => {
      try {
        tell(signal, 'grpc', call.metadata.getMap(), call.request);
        done(null, {});
      } catch (error) {
        done({ code: grpc.status.INVALID_ARGUMENT, message: error.message });
      }
    },
  });
}

const web = http.createServer((request, response) => {
  const signal = signals.find((one) => request.url === `/v1/${one.name}`);
  if (signal === undefined || request.method !== 'POST') {
    response.writeHead(404).end();
    return;
  }
  const chunks = [];
  request.on('data', (chunk) => chunks.push(chunk));
  request.on('end', () => {
    try {
      const body = Buffer.concat(chunks);
      tell(signal, 'http', request.headers, request.headers['content-encoding'] === 'gzip' ? zlib.gunzipSync(body) : body);
      response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end(signal.response.encode({}).finish());
    } catch (error) {
      response.writeHead(400, { 'content-type': 'text/plain' }).end(error.message);
    }
  });
});

const [grpcPort, httpPort] = [process.argv[2] ?? '0', process.argv[3] ?? '0'];
server.bindAsync(`127.0.0.1:${grpcPort}`, grpc.ServerCredentials.createInsecure(), (error, boundPort) => {
  if (error) {
    throw error;
  }
  web.listen(Number(httpPort), '127.0.0.1', () => {
    process.stdout.write(`${JSON.stringify({ grpc: boundPort, http: web.address().port })}\n`);
  });
});
