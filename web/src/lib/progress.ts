import { computed, signal } from '@preact/signals';

const slowMs = 1000;
const slow = signal(0);

/** True while an answer takes more than a second. */
export const isSlow = computed(() => slow.value > 0);

/** Hands on what is waited for, and tells when it takes long. */
export async function watched<T>(work: Promise<T>): Promise<T> {
  const told = new AbortController();
  const timer = window.setTimeout(() => {
    slow.value++;
    told.signal.addEventListener('abort', () => slow.value--);
  }, slowMs);
  try {
    return await work;
  } finally {
    window.clearTimeout(timer);
    told.abort();
  }
}
