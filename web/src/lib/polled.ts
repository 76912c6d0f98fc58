import { type ReadonlySignal, useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { ApiError, type Answer, get, type JsonPath, type Parameters } from '../api/client';
import { refreshes, refreshS } from './range';
import { token } from './token';

/** What is known of an answer that is asked for again and again. */
export interface Polled<T> {
  /** The newest answer; it stays while the next one is on its way, and when that fails. */
  data: T | null;
  /** Why the newest question was not answered; null when it was. */
  error: ApiError | null;
  /** True until there is an answer to what is asked now. */
  isLoading: boolean;
}

const retryS = 2;

/** Asks now, when the parameters change, when somebody wants it (refreshes), and every so many seconds while the page is seen: as chosen, unless told. */
export function usePolled<P extends JsonPath>(path: P, parameters: Parameters<P>, everyS = refreshS.value): ReadonlySignal<Polled<Answer<P>>> {
  const polled = useSignal<Polled<Answer<P>>>({ data: null, error: null, isLoading: true });
  const asked = JSON.stringify(parameters);
  const wanted = refreshes.value;
  const bearer = token.value;
  useEffect(() => {
    const stop = new AbortController();
    let timer = 0;
    const look = async () => {
      let nextS = everyS;
      try {
        const data = await get(path, JSON.parse(asked) as Parameters<P>, stop.signal);
        polled.value = { data, error: null, isLoading: false };
      } catch (e) {
        if (stop.signal.aborted) {
          return;
        }
        const error = e instanceof ApiError ? e : new ApiError(`The agent's answer cannot be read: ${String(e)}`, 0);
        polled.value = { data: polled.peek().data, error, isLoading: false };
        // A wrong question stays wrong; an agent that is away comes back.
        nextS = error.status === 0 || error.status === 503 ? retryS : everyS;
      }
      if (nextS > 0) {
        timer = window.setTimeout(lookWhenSeen, nextS * 1000);
      }
    };
    const lookWhenSeen = () => {
      if (document.hidden) {
        document.addEventListener('visibilitychange', lookWhenSeen, { once: true, signal: stop.signal });
      } else {
        void look();
      }
    };
    polled.value = { ...polled.peek(), isLoading: true };
    void look();
    return () => {
      stop.abort();
      window.clearTimeout(timer);
    };
  }, [path, asked, everyS, wanted, bearer]);
  return polled;
}
