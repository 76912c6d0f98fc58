import { useSignal } from '@preact/signals';
import { useRef } from 'preact/hooks';
import { giveToken, isTokenWanted, token } from '../lib/token';
import { Dialog } from './dialog';

/** Asks for the bearer token of an agent that listens beyond its own machine. */
export function TokenDialog() {
  const field = useRef<HTMLInputElement>(null);
  const wasRefused = useSignal(token.peek() !== '');
  const give = (event: Event) => {
    event.preventDefault();
    const given = field.current?.value.trim() ?? '';
    if (given !== '') {
      giveToken(given);
    }
  };
  return (
    <Dialog title="This agent asks for its token" narrow onClose={() => { isTokenWanted.value = false; }}>
      <form class="dialog-body" onSubmit={give}>
        {wasRefused.value && <p class="errors" role="alert">The agent does not take the token that this page has.</p>}
        <label class="field">
          Token
          <input ref={field} class="input mono" type="password" autocomplete="off" required autofocus />
        </label>
        <p class="muted">It is the value of <code>api.token</code>, or what the agent printed when it started. This tab keeps it until it is closed.</p>
        <div class="row"><button type="submit" class="button primary">Open</button></div>
      </form>
    </Dialog>
  );
}
