// Colours for a terminal, and plain text for everything else.
import { styleText } from 'node:util';
import type { OutputStream } from './deps.ts';

export interface Style {
  heading(text: string): string;
  removed(text: string): string;
  added(text: string): string;
  warning(text: string): string;
  faint(text: string): string;
}

export function styleFor(stream: OutputStream, colour: boolean): Style {
  const paint = (format: 'bold' | 'red' | 'green' | 'yellow' | 'gray') => (text: string) =>
    colour && stream.isTTY ? styleText(format, text, { validateStream: false }) : text;
  return {
    heading: paint('bold'),
    removed: paint('red'),
    added: paint('green'),
    warning: paint('yellow'),
    faint: paint('gray'),
  };
}

/** Text out of a registry must not steer the terminal: control characters become visible. */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\u202a-\u202e\u2066-\u2069]/gu, (char) => {
    return `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}

/** The same for text of several lines, such as an error that lists what is wrong. */
export function printableLines(text: string): string {
  return text.split('\n').map(printable).join('\n');
}
