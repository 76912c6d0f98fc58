import { createParser } from 'eventsource-parser';
import { ApiError, ask, type Parameters, type Schemas } from './client';

export interface StreamHandlers {
  /** The stream is open. */
  open(): void;
  /** Requests and events that came together, oldest first. */
  items(items: (Schemas['Transaction'] | Schemas['Event'])[]): void;
  /** More there were: over the rate asked for, or because this page was too slow. */
  more(kind: 'skipped' | 'missed', count: number): void;
}

/** The agent writes at least a comment every 15 seconds: after this long nobody is there any more, whatever the connection says. */
const quietMs = 40_000;

/** Reads the live stream until it ends or is stopped. EventSource cannot send a token, so it is read by hand. */
export async function follow(parameters: Parameters<'/api/transactions/stream'>, handlers: StreamHandlers, stop: AbortSignal): Promise<void> {
  const response = await ask('/api/transactions/stream', parameters, 'text/event-stream', stop);
  if (!response.body) {
    throw new ApiError('The agent ended the stream.', response.status);
  }
  handlers.open();
  let items: (Schemas['Transaction'] | Schemas['Event'])[] = [];
  const parser = createParser({
    onEvent(event) {
      if (event.event === 'skipped' || event.event === 'missed') {
        handlers.more(event.event, Number(event.data));
      } else {
        items.push(JSON.parse(event.data) as Schemas['Transaction'] | Schemas['Event']);
      }
    },
  });
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let quiet = 0;
  try {
    for (;;) {
      quiet = window.setTimeout(() => void reader.cancel(), quietMs);
      const { done, value } = await reader.read();
      window.clearTimeout(quiet);
      if (done) {
        throw new ApiError('The agent ended the stream.', 0);
      }
      parser.feed(value);
      if (items.length > 0) {
        handlers.items(items);
        items = [];
      }
    }
  } finally {
    window.clearTimeout(quiet);
  }
}
