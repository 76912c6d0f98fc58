import type { ComponentChildren } from 'preact';

/** What all pages share: the header, the range, completeness, dialogs, keys. */
export function Shell({ children }: { children: ComponentChildren }) {
  return <main>{children}</main>;
}
