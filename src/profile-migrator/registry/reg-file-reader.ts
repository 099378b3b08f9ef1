// .reg text to statements. Reads what regedit, reg.exe, Wine, hivex and chntpw write and what people edit by hand; refuses, with
// line and column, what an import would silently skip.
import type { TextDecoder } from 'node:util';
import { RegistryError } from '../errors.ts';
import type { RegEntry, RegFile } from './reg-file.ts';
import { codePageDecoder, DEFAULT_CODE_PAGE, decodeRegText, type RegText } from './reg-text.ts';
import { type RegistryValue, RegType } from './registry.ts';

/** Limits of one file; beyond the first three Windows itself would refuse the key or value. */
const REG_FILE_LIMITS = {
  fileBytes: 256 * 1024 * 1024,
  statements: 5_000_000,
  dataBytes: 64 * 1024 * 1024,
  keyNameUnits: 255,
  keyDepth: 512,
  valueNameUnits: 16_383,
} as const;

/** @throws RegistryError `reg-syntax`, `reg-encoding`, `reg-limit`, naming `source`, line and column. */
export function readRegFile(bytes: Buffer, source: string, codePage = DEFAULT_CODE_PAGE): RegFile {
  if (bytes.length > REG_FILE_LIMITS.fileBytes) {
    throw new RegistryError('reg-limit', `cannot read ${source}: larger than ${REG_FILE_LIMITS.fileBytes} bytes`);
  }
  const text = decodeRegText(bytes, source, codePage);
  return { entries: new RegReader(text, source, codePage).entries(), codePage: text.codePage };
}

class RegReader {
  readonly #text: string;
  readonly #source: string;
  /** How `hex(1)`, `hex(2)` and `hex(7)` bytes become UTF-16; undefined where they already are. */
  readonly #ansi: TextDecoder | undefined;
  #at = 0;

  constructor(text: RegText, source: string, codePage: number) {
    this.#text = text.text;
    this.#source = source;
    this.#ansi = text.format === 'regedit4' ? codePageDecoder(codePage) : undefined;
  }

  entries(): RegEntry[] {
    const entries: RegEntry[] = [];
    let insideKey = false;
    this.#skipLine();
    for (;;) {
      this.#skipBlank(true);
      if (this.#at >= this.#text.length) return entries;
      if (entries.length >= REG_FILE_LIMITS.statements)
        this.#fail('more statements than this program reads', 'reg-limit');
      const char = this.#text[this.#at];
      if (char === ';') {
        this.#skipLine();
      } else if (char === '[') {
        entries.push(this.#key());
        insideKey = true;
      } else if (char === '"' || char === '@') {
        if (!insideKey) this.#fail('a value before the first [key]');
        entries.push(this.#value());
      } else {
        this.#fail('expected [key], "name"=, @= or a comment');
      }
    }
  }

  /** The last `]` of the line ends the key: names may contain it. */
  #key(): RegEntry {
    const start = this.#at;
    const lineEnd = this.#lineEnd();
    const line = this.#text.slice(start, lineEnd);
    const close = line.lastIndexOf(']');
    if (close < 0) this.#fail('the key is not closed by ]');
    if (!/^\s*(?:;.*)?$/.test(line.slice(close + 1)))
      this.#fail('text after the closing ]', 'reg-syntax', start + close + 1);
    const deletes = line[1] === '-';
    const given = line.slice(deletes ? 2 : 1, close);
    // hivex ends the path of the root key, and of no other, with a backslash.
    const path = !deletes && /^[^\\]+\\$/.test(given) ? given.slice(0, -1) : given;
    if (path === '') this.#fail('a key without a name', 'reg-syntax', start + 1);
    const parts = path.split('\\');
    if (parts.length > REG_FILE_LIMITS.keyDepth)
      this.#fail(`keys nested deeper than ${REG_FILE_LIMITS.keyDepth}`, 'reg-limit');
    const tooLong = parts.find((part) => part.length > REG_FILE_LIMITS.keyNameUnits);
    if (tooLong) this.#fail(`a key name longer than ${REG_FILE_LIMITS.keyNameUnits} characters`, 'reg-limit');
    if (parts.slice(1).includes('')) this.#fail('an empty name in the key path', 'reg-syntax', start + 1);
    this.#at = lineEnd;
    return { kind: deletes ? 'delete-key' : 'key', path };
  }

  #value(): RegEntry {
    const start = this.#at;
    const name = this.#text[start] === '@' ? this.#defaultName() : this.#quoted();
    if (name.length > REG_FILE_LIMITS.valueNameUnits) {
      this.#fail(`a value name longer than ${REG_FILE_LIMITS.valueNameUnits} characters`, 'reg-limit', start);
    }
    this.#skipBlank(false);
    if (this.#text[this.#at] !== '=') this.#fail('expected = after the value name');
    this.#at++;
    this.#skipBlank(false);
    const data = this.#data(name);
    this.#skipBlank(false);
    const rest = this.#text[this.#at];
    if (rest === ';') this.#skipLine();
    else if (rest !== undefined && rest !== '\r' && rest !== '\n') this.#fail('text after the data');
    return data ? { kind: 'value', value: data } : { kind: 'delete-value', name };
  }

  #defaultName(): string {
    this.#at++;
    return '';
  }

  #data(name: string): RegistryValue | undefined {
    const start = this.#at;
    if (this.#text[start] === '"')
      return { name, type: RegType.SZ, data: Buffer.from(`${this.#quoted()}\0`, 'utf16le') };
    if (this.#text[start] === '-') {
      this.#at++;
      return undefined;
    }
    const kind = /(?:dword|hex(?:\(([0-9a-f]{1,8})\))?):/iy;
    kind.lastIndex = start;
    const match = kind.exec(this.#text);
    if (!match) return this.#fail('expected "text", dword:, hex:, hex(n): or -');
    this.#at = kind.lastIndex;
    if (match[0].toLowerCase() === 'dword:') return { name, type: RegType.DWORD, data: this.#dword() };
    const type = match[1] === undefined ? RegType.BINARY : Number.parseInt(match[1], 16);
    const data = this.#hexBytes();
    const isText = type === RegType.SZ || type === RegType.EXPAND_SZ || type === RegType.MULTI_SZ;
    return { name, type, data: isText && this.#ansi ? this.#widen(data, start) : data };
  }

  #dword(): Buffer {
    this.#skipBlank(false);
    const digits = /[0-9a-f]{1,8}(?![0-9a-z])/iy;
    digits.lastIndex = this.#at;
    const match = digits.exec(this.#text);
    if (!match) return this.#fail('expected up to eight hexadecimal digits after dword:');
    this.#at = digits.lastIndex;
    const data = Buffer.alloc(4);
    data.writeUInt32LE(Number.parseInt(match[0], 16));
    return data;
  }

  /** Pairs of digits between commas; a backslash at the end of a line continues on the next. */
  #hexBytes(): Buffer {
    const start = this.#at;
    let data = Buffer.alloc(64);
    let length = 0;
    for (;;) {
      this.#skipContinuation();
      const byte = hexPair(this.#text, this.#at);
      if (byte < 0) {
        if (length === 0 && this.#atDataEnd()) return Buffer.alloc(0);
        this.#fail('expected a byte of two hexadecimal digits');
      }
      if (length === data.length) {
        if (length >= REG_FILE_LIMITS.dataBytes)
          this.#fail('a value larger than this program reads', 'reg-limit', start);
        data = Buffer.concat([data], length * 2);
      }
      data[length++] = byte;
      this.#at += 2;
      this.#skipContinuation();
      if (this.#text[this.#at] !== ',') {
        if (!this.#atDataEnd()) this.#fail('expected , or the end of the line after a byte');
        return Buffer.from(data.subarray(0, length));
      }
      this.#at++;
    }
  }

  #widen(data: Buffer, start: number): Buffer {
    try {
      return Buffer.from(this.#ansi?.decode(data) ?? '', 'utf16le');
    } catch {
      return this.#fail(
        'text bytes that do not exist in the code page; give the right one with --code-page',
        'reg-encoding',
        start,
      );
    }
  }

  /**
   * A quoted text, raw line breaks included (Windows writes them so). Wine writes them as \r and \n; on Windows these two are no
   * escapes, but there a backslash is always doubled, so the reading is unambiguous.
   */
  #quoted(): string {
    const open = this.#at;
    const parts: string[] = [];
    let from = open + 1;
    for (let i = from; ; i++) {
      const char = this.#text[i];
      if (char === undefined) this.#fail('the quote is never closed', 'reg-syntax', open);
      if (char !== '"' && char !== '\\') continue;
      parts.push(this.#text.slice(from, i));
      if (char === '"') {
        this.#at = i + 1;
        return parts.join('');
      }
      const escaped = ESCAPES.get(this.#text[++i] ?? '');
      if (escaped === undefined) this.#fail('a backslash that escapes nothing: write \\\\ or \\"', 'reg-syntax', i - 1);
      parts.push(escaped as string);
      from = i + 1;
    }
  }

  #atDataEnd(): boolean {
    const char = this.#text[this.#at];
    return char === undefined || char === '\r' || char === '\n' || char === ';';
  }

  #skipContinuation(): void {
    this.#skipBlank(false);
    while (this.#text[this.#at] === '\\') {
      const slash = this.#at++;
      this.#skipBlank(false);
      if (this.#text[this.#at] === '\r') this.#at++;
      if (this.#text[this.#at] === '\n') this.#at++;
      else if (this.#text[this.#at - 1] !== '\r')
        this.#fail('a backslash inside hexadecimal data', 'reg-syntax', slash);
      this.#skipBlank(false);
    }
  }

  #skipBlank(acrossLines: boolean): void {
    for (;;) {
      const char = this.#text[this.#at];
      if (char !== ' ' && char !== '\t' && !(acrossLines && (char === '\r' || char === '\n'))) return;
      this.#at++;
    }
  }

  #skipLine(): void {
    this.#at = this.#lineEnd();
  }

  #lineEnd(): number {
    let end = this.#at;
    for (let char = this.#text[end]; char !== undefined && char !== '\r' && char !== '\n'; char = this.#text[++end]);
    return end;
  }

  #fail(problem: string, code: 'reg-syntax' | 'reg-encoding' | 'reg-limit' = 'reg-syntax', at = this.#at): never {
    const before = this.#text.slice(0, at);
    const line = before.split(/\r\n|\r|\n/);
    const column = (line.at(-1)?.length ?? 0) + 1;
    throw new RegistryError(code, `cannot read ${this.#source}: line ${line.length}, column ${column}: ${problem}`);
  }
}

const ESCAPES = new Map([
  ['\\', '\\'],
  ['"', '"'],
  ['r', '\r'],
  ['n', '\n'],
  ['0', '\0'],
]);

function hexPair(text: string, at: number): number {
  const high = hexDigit(text.charCodeAt(at));
  const low = hexDigit(text.charCodeAt(at + 1));
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

function hexDigit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const lower = code | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}
