/**
 * Text of the wire as people may read it. A request's target is whatever its sender wrote: characters that move the cursor, turn the direction of writing
 * or take no room would make a line look like another one, so they are shown as what they are.
 */

/** A piece of a text; hidden ones stand for a character that would not be seen, or not be seen as it is. */
export interface TextPart {
  text: string;
  isEscape: boolean;
}

// Controls, formats (marks and overrides of direction, tags), halves of surrogate pairs, separators of lines, and what is drawn as nothing.
// Source: Unicode Standard, chapter 4.5; UAX #9; UTS #39.
const hidden = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu;

function escaped(character: string): string {
  const point = character.codePointAt(0) ?? 0;
  switch (point) {
    case 0x09:
      return '\\t';
    case 0x0a:
      return '\\n';
    case 0x0d:
      return '\\r';
    default:
      return point <= 0xff ? `\\x${point.toString(16).padStart(2, '0')}` : point <= 0xffff ? `\\u${point.toString(16).padStart(4, '0')}` : `\\u{${point.toString(16)}}`;
  }
}

/** Splits a text into what can be shown as it is and what is escaped. */
export function textParts(text: string): TextPart[] {
  const parts: TextPart[] = [];
  let done = 0;
  for (const match of text.matchAll(hidden)) {
    if (match.index > done) {
      parts.push({ text: text.slice(done, match.index), isEscape: false });
    }
    parts.push({ text: escaped(match[0]), isEscape: true });
    done = match.index + match[0].length;
  }
  if (done < text.length) {
    parts.push({ text: text.slice(done), isEscape: false });
  }
  return parts;
}

/** The same as one text, for places that take no elements: titles, labels, the clipboard. */
export function visible(text: string): string {
  return text.replace(hidden, escaped);
}

/** At most so many characters, with an ellipsis in place of the rest; no surrogate pair is cut. */
export function cut(text: string, max: number): string {
  if (text.length <= max) {
    return text;
  }
  const end = /[\ud800-\udbff]/.test(text.charAt(max - 1)) ? max - 1 : max;
  return `${text.slice(0, end)}…`;
}
