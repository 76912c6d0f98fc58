import { signal } from '@preact/signals';

/** How far the agent's clock is ahead of this browser's, milliseconds. */
export const clockSkewMs = signal(0);

/** The agent's clock, seconds since the Unix epoch. */
export function agentNowS(): number {
  return (Date.now() + clockSkewMs.peek()) / 1000;
}
