// Other people's hive readers, each asked for everything it finds in a hive. What a reader is known not to read is written down here.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { snapshotsOf } from '../../../src/profile-migrator/registry/reg-file.ts';
import { readRegFile } from '../../../src/profile-migrator/registry/reg-file-reader.ts';
import { foldName, type RegistryKey } from '../../../src/profile-migrator/registry/registry.ts';

/** Folded key path, NUL, folded value name, or a key path alone, to what is there. */
export type Content = Map<string, string>;

export interface Reader {
  readonly name: string;
  /** Everything in the file, in the notation of `wanted`. */
  read(path: string): Content;
  /** The same of a hive of which everything is known; leaves out what this reader cannot tell. */
  wanted(root: RegistryKey): Content;
  /** Why this reader cannot read a hive of this kind, if so. */
  cannot(root: RegistryKey, minor: number): string | undefined;
  /** It stumbles over names outside ASCII: what has such a name, or lies below it, is not compared. */
  readonly asciiOnly?: true;
}

const MAX_OUTPUT = { maxBuffer: 1 << 29, stdio: ['ignore', 'pipe', 'ignore'] as ['ignore', 'pipe', 'ignore'] };
const UTF8 = { ...process.env, LC_ALL: 'C.UTF-8', PERL_UNICODE: 'SDA' };

export function contentOf(root: RegistryKey, show: (type: number, data: Buffer) => string = exact): Content {
  const content: Content = new Map();
  const pending: [string, RegistryKey][] = [['', root]];
  for (let next = pending.pop(); next; next = pending.pop()) {
    const [path, key] = next;
    content.set(path, 'key');
    for (const value of key.values.values()) {
      content.set(`${path}\0${foldName(value.name)}`, show(value.type, value.data));
    }
    for (const child of key.subkeys.values()) pending.push([`${path}\\${foldName(child.name)}`, child]);
  }
  return content;
}

function exact(type: number, data: Buffer): string {
  return `${type}:${data.toString('hex')}`;
}

function hasLarge(root: RegistryKey): boolean {
  const pending: RegistryKey[] = [root];
  for (let key = pending.pop(); key; key = pending.pop()) {
    for (const value of key.values.values()) if (value.data.length > 16_344) return true;
    pending.push(...key.subkeys.values());
  }
  return false;
}

/** What a reader shows in a form of its own that is not compared. */
const ANY = '*';

const isAscii = (text: string): boolean => /^[\x20-\x7e]*$/.test(text);

const PYTHON = `
import hivex, json, sys
h = hivex.Hivex(sys.argv[1])
def walk(node, path):
    print(json.dumps([path]))
    for v in h.node_values(node):
        t, data = h.value_value(v)
        print(json.dumps([path, h.value_key(v), t & 0xffffffff, data.hex()]))
    for c in h.node_children(node):
        walk(c, path + "\\\\" + h.node_name(c))
sys.setrecursionlimit(10000)
walk(h.root(), "")
`;

const hivex: Reader = {
  name: 'hivex (Python)',
  read(path) {
    const text = execFileSync('/usr/bin/python3', ['-c', PYTHON, path], { ...MAX_OUTPUT, env: UTF8 }).toString();
    const content: Content = new Map();
    for (const line of text.split('\n')) {
      if (line === '') continue;
      const [key, name, type, data] = JSON.parse(line) as [string, string?, number?, string?];
      if (name === undefined) content.set(foldName(key), 'key');
      else content.set(`${foldName(key)}\0${foldName(name)}`, `${type}:${data}`);
    }
    return content;
  },
  wanted: (root) => contentOf(root),
  cannot: () => undefined,
};

const hivexregedit: Reader = {
  name: 'hivexregedit',
  read(path) {
    const text = execFileSync('hivexregedit', ['--export', '--prefix', 'HKEY_CURRENT_USER', path, '\\'], {
      ...MAX_OUTPUT,
      env: UTF8,
    });
    // The root of the export is written with a backslash at its end.
    return contentOfReg(
      Buffer.from(text.toString('latin1').replace('[HKEY_CURRENT_USER\\]', '[HKEY_CURRENT_USER]'), 'latin1'),
      path,
    );
  },
  wanted: (root) => contentOf(root),
  cannot: () => undefined,
};

const reged: Reader = {
  name: 'reged (chntpw)',
  read(path) {
    const folder = mkdtempSync(join(tmpdir(), 'reged-'));
    try {
      const file = join(folder, 'out.reg');
      execFileSync('/usr/sbin/reged', ['-x', path, 'HKEY_CURRENT_USER', '\\', file], MAX_OUTPUT);
      // reged forgets the end of the line behind a value without bytes.
      const text = readFileSync(file, 'latin1').replace(/(=hex(?:\([0-9a-f]+\))?:)(?=["@])/g, '$1\r\n');
      return contentOfReg(Buffer.from(text, 'latin1'), path);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
  // It shows REG_SZ as text between quotes: bare quotes, and whether there is an end of text, are lost; so are bytes of a REG_DWORD of another length.
  wanted: (root) =>
    contentOf(root, (type, data) => {
      const text = data.toString('utf16le');
      const plain = data.length % 2 === 0 && /^[^\0"\r\n]*\0$/.test(text) && isAscii(text.slice(0, -1));
      const odd = (type === 1 && !plain) || (type === 4 && data.length !== 4);
      return odd ? `${type}:${ANY}` : exact(type, data);
    }),
  cannot(root, minor) {
    return minor > 3 && hasLarge(root) ? 'big data' : undefined;
  },
  asciiOnly: true,
};

/** reglookup shows text instead of bytes for text types, so what is compared of those is the text. */
const REGLOOKUP_TYPES: Record<number, string> = {
  0: 'NONE',
  1: 'SZ',
  2: 'EXPAND_SZ',
  3: 'BINARY',
  4: 'DWORD',
  7: 'MULTI_SZ',
  11: 'QWORD',
};

const reglookup: Reader = {
  name: 'reglookup',
  read(path) {
    const text = execFileSync('reglookup', [path], { ...MAX_OUTPUT, env: UTF8 }).toString('latin1');
    const content: Content = new Map();
    const keys = new Set<string>();
    for (const line of text.split('\n').slice(1)) {
      if (line === '') continue;
      const [where = '', type = '', value = ''] = line.split(',');
      const parts = where.replace(/^\/+/, '').split('/').map(unescapePercent);
      if (type === 'KEY') {
        const key = parts.join('') === '' ? '' : `\\${parts.join('\\')}`;
        keys.add(foldName(key));
        content.set(foldName(key), 'key');
      } else {
        const name = parts.pop() ?? '';
        const key = parts.length === 0 ? '' : `\\${parts.join('\\')}`;
        content.set(`${foldName(key)}\0${foldName(name)}`, `${type}:${unescapePercent(value)}`);
      }
    }
    return content;
  },
  wanted: (root) => {
    const content = contentOf(root, (type, data) => {
      const kind = REGLOOKUP_TYPES[type] ?? `0x${type.toString(16).toUpperCase().padStart(8, '0')}`;
      const text = data.toString('utf16le').replace(/\0+$/, '');
      if (data.length === 0) return `${kind}:(null)`;
      if (type === 1 || type === 2)
        return isAscii(text) && data.length % 2 === 0 ? `${kind}:${text}` : `${kind}:${ANY}`;
      if (type === 3) return `${kind}:${data.toString('latin1')}`;
      if (type === 4 && data.length === 4)
        return `${kind}:0x${data.readUInt32LE(0).toString(16).toUpperCase().padStart(8, '0')}`;
      return ANY;
    });
    return content;
  },
  cannot(root, minor) {
    return minor === 4 && hasLarge(root) ? 'big data in version 1.4' : undefined;
  },
  asciiOnly: true,
};

function unescapePercent(text: string): string {
  return text.replace(/%([0-9A-F]{2})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)));
}

function contentOfReg(text: Buffer, path: string): Content {
  const [snapshot] = snapshotsOf(readRegFile(text, path));
  if (!snapshot) throw new Error(`nothing was exported from ${path}`);
  return contentOf(snapshot.root);
}

export const READERS: readonly Reader[] = [hivex, hivexregedit, reged, reglookup];

/** What the two do not agree on, at most a few. */
export function differences(reader: Reader, root: RegistryKey, path: string): string[] {
  const [ours, theirs] = [reader.wanted(root), reader.read(path)];
  const found: string[] = [];
  for (const place of new Set([...ours.keys(), ...theirs.keys()])) {
    if (reader.asciiOnly && !isAscii(place.replace('\0', ''))) continue;
    const [a, b] = [ours.get(place), theirs.get(place)];
    if (a === b || (a?.endsWith(ANY) && b?.startsWith(a.slice(0, -1)))) continue;
    found.push(`${place.replace('\0', ' -> ')}: ${a?.slice(0, 200)} against ${b?.slice(0, 200)}`);
  }
  return found.slice(0, 5);
}
