import type { Schemas } from '../api/client';
import { badgeText, type Drop, drops, notes, summary } from '../lib/completeness';
import { count } from '../lib/format';
import { usePolled } from '../lib/polled';
import { useSignal } from '@preact/signals';
import { Dialog } from './dialog';
import { Icon } from './icons';
import { ErrorBox, Loading } from './parts';

/** How much was seen, always in view; opens what was dropped and why. */
export function CompletenessBadge({ status }: { status: Schemas['Status'] | null }) {
  const isOpen = useSignal(false);
  if (!status) {
    return <span class="badge muted">… seen</span>;
  }
  const isWarning = status.completeness < 1 || status.not_ready !== null;
  return (
    <>
      <button
        type="button"
        class={isWarning ? 'badge warn' : 'badge'}
        aria-haspopup="dialog"
        data-completeness={status.completeness}
        onClick={() => { isOpen.value = true; }}
      >
        <Icon name={isWarning ? 'warn' : 'check'} />
        {status.not_ready === null ? badgeText(status.completeness) : 'not capturing'}
      </button>
      {isOpen.value && <CompletenessDialog status={status} onClose={() => { isOpen.value = false; }} />}
    </>
  );
}

const everyS = 5;

function CompletenessDialog({ status, onClose }: { status: Schemas['Status']; onClose: () => void }) {
  const ledger = usePolled('/api/ledger', {}, everyS).value;
  const dropped = ledger.data ? drops(ledger.data) : [];
  const losses = dropped.filter((drop) => drop.isLoss);
  const choices = dropped.filter((drop) => !drop.isLoss);
  const missing = status.hooks.filter((hook) => !hook.attached);
  const remarks = ledger.data ? notes(ledger.data) : [];
  return (
    <Dialog title={badgeText(ledger.data?.completeness ?? status.completeness)} onClose={onClose}>
      {status.not_ready !== null && <p class="problem">Not capturing: {status.not_ready}</p>}
      {ledger.error && <ErrorBox error={ledger.error} />}
      {!ledger.data && !ledger.error && <Loading />}
      {ledger.data && <p>{summary(ledger.data.completeness, losses.length)}</p>}
      {(losses.length > 0 || remarks.length > 0) && (
        <section>
          <h3>Lost</h3>
          <DropList drops={losses} />
          {remarks.map((remark) => <p key={remark} class="muted">{remark}.</p>)}
        </section>
      )}
      {(status.degraded.length > 0 || missing.length > 0) && (
        <section>
          <h3>Works with less than it could</h3>
          <ul class="lines">
            {status.degraded.map((line) => <li key={line}>{line}</li>)}
            {missing.map((hook) => <li key={hook.plugin + hook.hook}>{hook.plugin}: {hook.hook} is not attached: {hook.detail}</li>)}
          </ul>
        </section>
      )}
      {choices.length > 0 && (
        <details>
          <summary>Left out on purpose: {choices.length} kinds of packets and records that nobody asked for</summary>
          <DropList drops={choices} />
        </details>
      )}
    </Dialog>
  );
}

function DropList({ drops: list }: { drops: Drop[] }) {
  return (
    <ul>
      {list.map((drop) => (
        <li key={`${drop.stage} ${drop.reason}`} class="loss">
          <span class="num">{count(drop.count)}</span>
          <span>{drop.unit} at <code>{drop.stage}</code>: <code>{drop.reason}</code></span>
          {drop.words !== null && <p class="muted">{drop.words}</p>}
        </li>
      ))}
    </ul>
  );
}
