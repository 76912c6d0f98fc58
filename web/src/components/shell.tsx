import { useSignal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { clockSkewMs } from '../lib/agent';
import { clockTime } from '../lib/format';
import { useKeys } from '../lib/keys';
import { usePolled } from '../lib/polled';
import { isSlow } from '../lib/progress';
import { nextTheme, theme } from '../lib/theme';
import { isTokenWanted } from '../lib/token';
import { go, hrefTo, page, type Path } from '../lib/url';
import { CompletenessBadge } from './completeness';
import { HelpDialog } from './help';
import { Icon } from './icons';
import { RangePicker, Refresh } from './ranges';
import { TokenDialog } from './token';

const statusEveryS = 5;
const links: readonly (readonly [path: Path, name: string])[] = [['/', 'Overview'], ['/requests', 'Requests'], ['/map', 'Map'], ['/node', 'Node']];

/** What all pages share: the header, the range, completeness, dialogs, keys. */
export function Shell({ children }: { children: ComponentChildren }) {
  const isHelpOpen = useSignal(false);
  const polled = usePolled('/api/status', {}, statusEveryS).value;
  const now = polled.data?.now;
  useEffect(() => {
    if (now !== undefined) {
      clockSkewMs.value = Date.parse(now) - Date.now();
    }
  }, [now]);
  useKeys({
    '?': () => { isHelpOpen.value = true; },
    'g o': () => { go(hrefTo('/')); },
    'g r': () => { go(hrefTo('/requests')); },
    'g m': () => { go(hrefTo('/map')); },
    'g n': () => { go(hrefTo('/node')); },
    '/': () => { document.querySelector<HTMLInputElement>('[data-main-filter]')?.select(); },
    t: nextTheme,
  });
  return (
    <>
      <a class="button primary skip" href="#main" onClick={skip}>Skip to the content</a>
      {isSlow.value && <div class="progress" role="progressbar" aria-label="Waiting for the agent" />}
      <header class="header">
        <div class="header-in">
          <a class="brand" href={hrefTo('/')}>
            <img src="/favicon.svg" alt="" />
            <span>
              <span class="brand-name">kubebpfbox</span>
              <span class="brand-node" {...(polled.data ? { title: `${polled.data.node}, Linux ${polled.data.kernel}` } : {})}>{polled.data?.node ?? '…'}</span>
            </span>
          </a>
          <nav class="nav" aria-label="Pages">
            {links.map(([path, name]) => (
              <a key={path} href={hrefTo(path)} {...(isPart(path) ? { 'aria-current': 'page' } as const : {})}>{name}</a>
            ))}
          </nav>
          <div class="header-tools">
            <RangePicker />
            <Refresh />
            <CompletenessBadge status={polled.data} />
            <button type="button" class="button plain icon" aria-label={`Theme: ${theme.value}`} title={`Theme: ${theme.value} (t)`} onClick={nextTheme}>
              <Icon name={theme.value} />
            </button>
            <button type="button" class="button plain icon" data-keys="" aria-label="Keys" title="Keys (?)" aria-haspopup="dialog" onClick={() => { isHelpOpen.value = true; }}>
              <Icon name="help" />
            </button>
          </div>
        </div>
        <AwayBanner isAway={polled.error?.status === 0} />
      </header>
      <main id="main" class="main" tabIndex={-1}>{children}</main>
      {isHelpOpen.value && <HelpDialog onClose={() => { isHelpOpen.value = false; }} />}
      {isTokenWanted.value && <TokenDialog />}
    </>
  );
}

/** The address is the page's state, so that the focus is moved without it. */
function skip(event: Event): void {
  event.preventDefault();
  document.getElementById('main')?.focus();
}

/** A workload is looked at from the overview. */
function isPart(path: Path): boolean {
  return path === page.value || (path === '/' && page.value === '/workload');
}

/** Says that the agent does not answer, and since when; what is shown stays. */
function AwayBanner({ isAway }: { isAway: boolean }) {
  const since = useRef<Date | null>(null);
  since.current = isAway ? since.current ?? new Date() : null;
  return (
    <div role="status">
      {since.current && (
        <div class="banner">
          <div>The agent has not answered since {clockTime(since.current)}. What is shown is from before; the page goes on by itself when the agent is back.</div>
        </div>
      )}
    </div>
  );
}
