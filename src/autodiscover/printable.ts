// Text of others on a terminal: what a server, a directory or a file says must not steer it.

/** Makes control, direction and invisible characters visible, so that nothing can write over what was printed before it. */
export function printable(text: string): string {
  return text.replaceAll(
    /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu,
    (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`,
  );
}

/** The same for text of several lines, such as an error that lists what is wrong. */
export function printableLines(text: string): string {
  return text.split('\n').map(printable).join('\n');
}
