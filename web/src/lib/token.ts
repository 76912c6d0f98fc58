import { signal } from '@preact/signals';

const key = 'kubebpfbox.token';

/** The bearer token of an agent that is not on loopback; kept for this tab only. */
export const token = signal(window.sessionStorage.getItem(key) ?? '');

/** True while the agent asks for a token that we do not have. */
export const isTokenWanted = signal(false);

export function giveToken(value: string): void {
  window.sessionStorage.setItem(key, value);
  token.value = value;
  isTokenWanted.value = false;
}
