import { useEffect, useRef } from 'preact/hooks';

/** The page's keys. A key is named as KeyboardEvent names it ("j", "?", "Escape"); "g o" is g and then o, within a second. */
export type Keys = Record<string, (event: KeyboardEvent) => void>;

const chordMs = 1000;
const registered: { current: Keys }[] = [];
let chordUntilMs = 0;

/** Where letters are text. */
function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || ['INPUT', 'TEXTAREA', 'SELECT'].includes(target.tagName));
}

document.addEventListener('keydown', (event) => {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || document.querySelector('dialog[open]')) {
    return;
  }
  if (isTyping(event.target)) {
    if (event.key === 'Escape') {
      (event.target as HTMLElement).blur();
    }
    return;
  }
  const isChord = performance.now() < chordUntilMs;
  chordUntilMs = 0;
  if (event.key === 'g' && !isChord) {
    chordUntilMs = performance.now() + chordMs;
    return;
  }
  const name = isChord ? `g ${event.key}` : event.key;
  // Who came last is nearest to what is looked at.
  for (let i = registered.length - 1; i >= 0; i--) {
    const act = registered[i]?.current[name];
    if (act) {
      event.preventDefault();
      act(event);
      return;
    }
  }
});

/** Listens to keys while the component is there; not while somebody types, nor behind a dialog. */
export function useKeys(keys: Keys): void {
  const held = useRef(keys);
  held.current = keys;
  useEffect(() => {
    registered.push(held);
    return () => {
      registered.splice(registered.indexOf(held), 1);
    };
  }, []);
}
