import { Icon } from '../components/icons';
import { Card } from '../components/parts';
import type { Schemas } from '../api/client';
import { adviceFor, groupBy } from './words';

/** What works with less than it could, and what to do about it; nothing when all is well. */
export function Degraded({ status }: { status: Schemas['Status'] }) {
  if (status.not_ready === null && status.degraded.length === 0) {
    return null;
  }
  return (
    <section class="note node-degraded" aria-label="What is degraded">
      {status.not_ready !== null && <p class="errors"><strong>It does not capture:</strong> {status.not_ready}</p>}
      {status.degraded.length > 0 && (
        <>
          <h2>Works with less than it could</h2>
          <ul>
            {status.degraded.map((line) => {
              const advice = adviceFor(line);
              return <li key={line}>{line}{advice !== null && <span class="muted"> {advice}</span>}</li>;
            })}
          </ul>
        </>
      )}
    </section>
  );
}

/** The hooks of each plugin: where it is attached, or why it is not. */
export function Hooks({ hooks }: { hooks: Schemas['Status']['hooks'] }) {
  const plugins = groupBy(hooks, (hook) => hook.plugin);
  return (
    <Card title="Attached">
      <div class="node-plugins">
        {[...plugins].map(([plugin, own]) => (
          <section key={plugin}>
            <h3>{plugin}</h3>
            <ul>
              {own.map((hook) => (
                <li key={hook.hook} class={hook.attached ? 'hook' : 'hook is-off'}>
                  <Icon name={hook.attached ? 'check' : 'warn'} />
                  <code>{hook.hook}</code>
                  <span class="visually-hidden">{hook.attached ? 'attached' : 'not attached'}</span>
                  <span class="muted break">{hook.detail}</span>
                </li>
              ))}
            </ul>
          </section>
        ))}
      </div>
    </Card>
  );
}
