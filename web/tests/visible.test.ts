import { describe, expect, it } from 'vitest';
import { cut, textParts, visible } from '../src/lib/visible';

describe('hostile text', () => {
  it.each([
    ['/x\u202egpj.exe', '/x\\u202egpj.exe'],
    ['\u2066a\u2069\u200e\u200f', '\\u2066a\\u2069\\u200e\\u200f'],
    ['a\u001b[31mb\u0007\u0000', 'a\\x1b[31mb\\x07\\x00'],
    ['a\r\nb\tc', 'a\\r\\nb\\tc'],
    ['\u007f\u0085\u00ad\u200b\ufeff\u2028', '\\x7f\\x85\\xad\\u200b\\ufeff\\u2028'],
    ['\ud800x', '\\ud800x'],
    ['\u{e0041}', '\\u{e0041}'],
  ])('%j is shown as %s', (text, shown) => {
    expect(visible(text)).toBe(shown);
    expect(textParts(text).map((part) => part.text).join('')).toBe(shown);
  });

  it.each(['/plain?x=1&y=%20', '<img src=x onerror=alert(1)>', 'שלום عربى', '日本語 😀', ''])('%j stays as it is', (text) => {
    expect(visible(text)).toBe(text);
    expect(textParts(text).every((part) => !part.isEscape)).toBe(true);
  });

  it('is told apart from a text that looks like an escape', () => {
    expect(textParts('\\x1b\u001b')).toEqual([{ text: '\\x1b', isEscape: false }, { text: '\\x1b', isEscape: true }]);
  });

  it('is cut without halving a character', () => {
    expect(cut('abc', 3)).toBe('abc');
    expect(cut('abcd', 3)).toBe('abc…');
    expect(cut('ab😀d', 3)).toBe('ab…');
  });
});
