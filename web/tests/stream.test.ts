import { afterEach, expect, test, vi } from 'vitest';
import { follow } from '../src/api/stream';

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

/** A stream that the test writes. */
function serve(): (text: string) => void {
  let to: ReadableStreamDefaultController<Uint8Array> | undefined;
  const body = new ReadableStream<Uint8Array>({ start: (controller) => { to = controller; } });
  vi.stubGlobal('fetch', () => Promise.resolve(new Response(body)));
  return (text) => { to?.enqueue(new TextEncoder().encode(text)); };
}

test('requests that come together are handed on together, and what was left out is told', async () => {
  const write = serve();
  const got: unknown[] = [];
  const stop = new AbortController();
  void follow({}, { open: () => got.push('open'), items: (items) => got.push(items), more: (kind, count) => got.push([kind, count]) }, stop.signal);
  write(': watching\n\ndata: {"method":"GET"}\n\ndata: {"method":"PUT"}\n\nevent: skipped\ndata: 7\n\n');
  await vi.waitFor(() => { expect(got).toEqual(['open', ['skipped', 7], [{ method: 'GET' }, { method: 'PUT' }]]); });
});

test('an agent from which nothing comes any more is given up, so that the page asks again', async () => {
  vi.useFakeTimers();
  const write = serve();
  let ended = '';
  void follow({}, { open: () => undefined, items: () => undefined, more: () => undefined }, new AbortController().signal).catch((e: unknown) => { ended = String(e); });
  for (let i = 0; i < 4; i++) {
    await vi.advanceTimersByTimeAsync(15_000);
    write(':\n\n');
  }
  expect(ended).toBe('');
  await vi.advanceTimersByTimeAsync(39_000);
  expect(ended).toBe('');
  await vi.advanceTimersByTimeAsync(2_000);
  expect(ended).toContain('ended the stream');
});
