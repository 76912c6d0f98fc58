/** Line drawings of 16 by 16; the text beside them, or the button's label, says what they mean. */
const drawings = {
  auto: 'M8 2a6 6 0 1 0 0 12zM8 2a6 6 0 0 1 0 12',
  light: 'M8 5a3 3 0 1 0 0 6a3 3 0 0 0 0-6M8 1v1.5M8 13.500v1.500M1 8h1.500M13.500 8H15M3 3l1 1M12 12l1 1M13 3l-1 1M4 12l-1 1',
  dark: 'M13.500 9.500A6 6 0 0 1 6.500 2.500a6 6 0 1 0 7 7z',
  refresh: 'M13.500 8a5.500 5.500 0 1 1-1.700-4M13.500 1.500V4.500H10.500',
  help: 'M5.500 6a2.500 2.500 0 1 1 3.600 2.200c-.8.4-1.100.8-1.100 1.600M8 12.500v.1',
  close: 'M4 4l8 8M12 4l-8 8',
  search: 'M7 2.500a4.500 4.500 0 1 0 0 9a4.500 4.500 0 0 0 0-9M10.500 10.500L14 14',
  clock: 'M8 2a6 6 0 1 0 0 12a6 6 0 0 0 0-12M8 4.500V8l2.500 1.500',
  arrow: 'M3 8h10M9.500 4.500L13 8l-3.500 3.500',
  check: 'M3 8.500l3.500 3.500L13 4.500',
  plus: 'M8 3v10M3 8h10',
  minus: 'M3 8h10',
  fit: 'M2.500 6V2.500H6M10 2.500h3.500V6M13.500 10v3.500H10M6 13.500H2.500V10',
  pause: 'M5.500 3v10M10.500 3v10',
  play: 'M5 3l8 5-8 5z',
  warn: 'M8 2L14.500 13.500H1.500zM8 6.500v3M8 11.500v.1',
} as const;

export type IconName = keyof typeof drawings;

export function Icon({ name }: { name: IconName }) {
  return (
    <svg class="icon-svg" viewBox="0 0 16 16" aria-hidden="true">
      <path d={drawings[name]} />
    </svg>
  );
}
