import { cut, textParts, visible } from '../lib/visible';

/** Text of the wire: what would not be seen, or not as it is, is shown escaped; what is over max characters is cut. */
export function Wire({ text, max = Infinity }: { text: string; max?: number }) {
  const parts = textParts(cut(text, max));
  return (
    <bdi class="wire" {...(text.length > max ? { title: cut(visible(text), 1000) } : {})}>
      {parts.map((part, i) => (part.isEscape ? <span key={i} class="escape">{part.text}</span> : part.text))}
    </bdi>
  );
}
