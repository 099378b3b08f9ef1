// Statements to .reg text, byte for byte as `reg export` writes it: version 5.00, UTF-16LE with a byte-order mark, CRLF.
import type { RegEntry } from './reg-file.ts';
import { REGEDIT5_HEADER } from './reg-text.ts';
import { type RegistryValue, RegType } from './registry.ts';

/** The file for these statements. Deletions are written too, which an export never contains. */
export function renderRegFile(entries: readonly RegEntry[]): Buffer {
  return Buffer.from(`\uFEFF${renderRegText(entries)}`, 'utf16le');
}

export function renderRegText(entries: readonly RegEntry[]): string {
  const lines: string[] = [REGEDIT5_HEADER];
  for (const entry of entries) {
    if (entry.kind === 'key') lines.push('', `[${entry.path}]`);
    else if (entry.kind === 'delete-key') lines.push('', `[-${entry.path}]`);
    else if (entry.kind === 'delete-value') lines.push(`${renderName(entry.name)}=-`);
    else lines.push(renderValue(entry.value));
  }
  return `${lines.join('\r\n')}\r\n\r\n`;
}

function renderValue({ name, type, data }: RegistryValue): string {
  const start = `${renderName(name)}=`;
  if (type === RegType.SZ && isPlainText(data))
    return `${start}"${escapeText(data.toString('utf16le', 0, data.length - 2))}"`;
  if (type === RegType.DWORD && data.length === 4) {
    return `${start}dword:${data.readUInt32LE().toString(16).padStart(8, '0')}`;
  }
  return wrapHex(`${start}${type === RegType.BINARY ? 'hex' : `hex(${type.toString(16)})`}:`, data);
}

function renderName(name: string): string {
  return name === '' ? '@' : `"${escapeText(name)}"`;
}

function escapeText(text: string): string {
  return text.replace(/[\\"]/g, '\\$&');
}

/** One terminator and nothing that programs disagree on how to escape: no NUL, no line break inside. */
function isPlainText(data: Buffer): boolean {
  if (data.length < 2 || data.length % 2 !== 0) return false;
  for (let i = 0; i < data.length - 2; i += 2) {
    const unit = data.readUInt16LE(i);
    if (unit === 0 || unit === 0x0a || unit === 0x0d) return false;
  }
  return data.readUInt16LE(data.length - 2) === 0;
}

/** regedit breaks after the comma that takes a line past 76 characters; at least one byte stays beside a long name. */
function wrapHex(start: string, data: Buffer): string {
  const lines: string[] = [];
  let line = start;
  for (let i = 0; i < data.length; i++) {
    line += (data[i] ?? 0).toString(16).padStart(2, '0');
    if (i === data.length - 1) break;
    line += ',';
    if (line.length > 76) {
      lines.push(`${line}\\`);
      line = '  ';
    }
  }
  return [...lines, line].join('\r\n');
}
