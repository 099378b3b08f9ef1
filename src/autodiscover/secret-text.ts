// Secrets lie in files of their own, which editors and shells write in their own ways.

/**
 * The text of a file that holds one secret: without the line end behind it and without a byte order mark. A mark of UTF-16, as Windows
 * PowerShell writes it, is heeded.
 */
export function secretText(content: Uint8Array): string {
  const isUtf16 = content[0] === 0xff && content[1] === 0xfe;
  return new TextDecoder(isUtf16 ? 'utf-16le' : 'utf-8').decode(content).replace(/\r?\n$/, '');
}
