// Bytes of a .reg file to text. Windows writes UTF-16LE with a byte-order mark, the Windows 9x format (REGEDIT4) the code page of
// the machine it was written on, and hivex UTF-8 without a mark; chntpw writes Latin-1 under the newer header.
import { isAscii, isUtf8 } from 'node:buffer';
import { TextDecoder } from 'node:util';
import { RegistryError } from '../errors.ts';

export const REGEDIT5_HEADER = 'Windows Registry Editor Version 5.00';
const REGEDIT4_HEADER = 'REGEDIT4';

/** Windows code-page numbers and what the WHATWG Encoding Standard calls them. */
const CODE_PAGES: Readonly<Record<number, string>> = {
  866: 'ibm866',
  874: 'windows-874',
  932: 'shift_jis',
  936: 'gbk',
  949: 'euc-kr',
  950: 'big5',
  1250: 'windows-1250',
  1251: 'windows-1251',
  1252: 'windows-1252',
  1253: 'windows-1253',
  1254: 'windows-1254',
  1255: 'windows-1255',
  1256: 'windows-1256',
  1257: 'windows-1257',
  1258: 'windows-1258',
  20866: 'koi8-r',
  54936: 'gb18030',
  65001: 'utf-8',
};

export const DEFAULT_CODE_PAGE = 1252;
export const KNOWN_CODE_PAGES: readonly number[] = Object.keys(CODE_PAGES).map(Number);

export interface RegText {
  readonly text: string;
  /** `regedit4` files hold the text types' hex data in the code page, the others in UTF-16LE. */
  readonly format: 'regedit5' | 'regedit4';
  readonly encoding: 'utf-16le' | 'utf-8' | 'code-page';
  /** The code page used, when bytes above 0x7f were read through one. */
  readonly codePage: number | undefined;
}

/** A strict decoder of a Windows code page; undefined for a number this program does not know. */
export function codePageDecoder(codePage: number): TextDecoder | undefined {
  const label = CODE_PAGES[codePage];
  return label === undefined ? undefined : new TextDecoder(label, { fatal: true, ignoreBOM: true });
}

/** @throws RegistryError `reg-encoding` or `reg-syntax` (no header). */
export function decodeRegText(bytes: Buffer, source: string, codePage = DEFAULT_CODE_PAGE): RegText {
  const byteOrderMark = bytes[0] === 0xff && bytes[1] === 0xfe;
  if (byteOrderMark || bytes[1] === 0) {
    if (bytes.length % 2 !== 0) {
      throw new RegistryError(
        'reg-encoding',
        `cannot read ${source}: UTF-16 text with an odd number of bytes (truncated?)`,
      );
    }
    const text = bytes.toString('utf16le', byteOrderMark ? 2 : 0);
    headerOf(text, source);
    return { text, format: 'regedit5', encoding: 'utf-16le', codePage: undefined };
  }
  if (bytes[0] === 0xfe && bytes[1] === 0xff) {
    throw new RegistryError('reg-encoding', `cannot read ${source}: UTF-16 in big-endian order is no .reg encoding`);
  }
  const marked = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
  const body = marked ? bytes.subarray(3) : bytes;
  const format = headerOf(body.toString('latin1', 0, 128), source);
  if (isAscii(body)) return { text: body.toString('latin1'), format, encoding: 'utf-8', codePage: undefined };
  if (marked || (format === 'regedit5' && isUtf8(body))) {
    return { text: decodeLines(body, 65001, source), format, encoding: 'utf-8', codePage: undefined };
  }
  return { text: decodeLines(body, codePage, source), format, encoding: 'code-page', codePage };
}

function headerOf(text: string, source: string): RegText['format'] {
  const end = text.search(/[\r\n]/);
  const first = (end < 0 ? text : text.slice(0, end)).trimEnd();
  if (first === REGEDIT5_HEADER) return 'regedit5';
  if (first === REGEDIT4_HEADER) return 'regedit4';
  throw new RegistryError(
    'reg-syntax',
    `cannot read ${source}: line 1, column 1: expected "${REGEDIT5_HEADER}" or "${REGEDIT4_HEADER}" (is this a .reg file?)`,
  );
}

/** Decodes in one go; only when that fails, line by line to find where (no trail byte of these code pages is a line feed). */
function decodeLines(bytes: Buffer, codePage: number, source: string): string {
  const decoder = codePageDecoder(codePage);
  if (!decoder)
    throw new RegistryError('reg-encoding', `cannot read ${source}: code page ${codePage} is not known here`);
  try {
    return decoder.decode(bytes);
  } catch (cause) {
    let start = 0;
    for (let line = 1; start < bytes.length; line++) {
      const feed = bytes.indexOf(0x0a, start);
      const end = feed < 0 ? bytes.length : feed + 1;
      try {
        codePageDecoder(codePage)?.decode(bytes.subarray(start, end));
      } catch {
        const message = `cannot read ${source}: line ${line}, column 1: bytes that do not exist in code page ${codePage}`;
        throw new RegistryError('reg-encoding', `${message}; give the right one with --code-page`, { cause });
      }
      start = end;
    }
    throw new RegistryError('reg-encoding', `cannot read ${source} in code page ${codePage}`, { cause });
  }
}
