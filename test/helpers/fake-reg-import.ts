// The importing half of the fake reg.exe, a program of its own: reads the .reg file with a parser that knows just what this project
// writes, and changes the registry file value by value, as slowly and as unreliably as it is told.
// Arguments: folder, program path, "import", file.
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FakeBehaviour, FakeKeys } from './fake-reg.ts';

const [, , folder = '', , , file = ''] = process.argv;
const behaviour = readJson<FakeBehaviour>('behaviour.json') ?? {};
const lines = readFileSync(file).toString('utf16le').replaceAll('\\\r\n  ', '').split('\r\n');
let key = '';
let done = 0;
for (const line of lines.slice(1)) {
  if (line.startsWith('[')) key = line.slice(1, -1);
  const [, quoted, raw] = /^"((?:[^"\\]|\\.)*)"=(.*)$/.exec(line) ?? [];
  if (quoted === undefined || raw === undefined) continue;
  if (behaviour.importLies === 'nothing' || done === behaviour.importLies) process.exit(0);
  if (done === behaviour.importFailsAfter) process.exit(1);
  if (behaviour.denyImport !== undefined && isUnder(key, behaviour.denyImport)) process.exit(1);
  if (behaviour.importDelayMs) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, behaviour.importDelayMs);
  setValue(key, unescapeText(quoted), raw);
  done++;
}

function setValue(path: string, name: string, raw: string): void {
  const keys = readJson<FakeKeys>('registry.json') ?? {};
  const spelled = Object.keys(keys).find((known) => known.toUpperCase() === path.toUpperCase()) ?? path;
  const values = { ...keys[spelled] };
  const old = Object.keys(values).find((known) => known.toUpperCase() === name.toUpperCase()) ?? name;
  const data = parseData(raw);
  if (data) values[old] = data;
  else delete values[old];
  const temporary = join(folder, `registry-${process.pid}.tmp`);
  writeFileSync(temporary, JSON.stringify({ ...keys, [spelled]: values }));
  renameSync(temporary, join(folder, 'registry.json'));
}

/** undefined: the value is deleted. */
function parseData(raw: string): readonly [number, string] | undefined {
  if (raw === '-') return undefined;
  if (raw.startsWith('"')) {
    return [1, Buffer.from(`${unescapeText(raw.slice(1, -1))}\0`, 'utf16le').toString('hex')];
  }
  const dword = /^dword:([0-9a-f]{8})$/.exec(raw)?.[1];
  if (dword) return [4, Buffer.from(dword, 'hex').reverse().toString('hex')];
  const [, type, hex] = /^hex(?:\(([0-9a-f]+)\))?:([0-9a-f,]*)$/.exec(raw) ?? [];
  if (hex === undefined) throw new Error(`not a value: ${raw}`);
  return [type === undefined ? 3 : Number.parseInt(type, 16), hex.replaceAll(',', '')];
}

function unescapeText(text: string): string {
  return text.replace(/\\(.)/g, '$1');
}

function isUnder(path: string, parent: string): boolean {
  return `${path.toUpperCase()}\\`.startsWith(`${parent.toUpperCase()}\\`);
}

function readJson<T>(name: string): T | undefined {
  try {
    return JSON.parse(readFileSync(join(folder, name), 'utf8')) as T;
  } catch {
    return undefined;
  }
}
