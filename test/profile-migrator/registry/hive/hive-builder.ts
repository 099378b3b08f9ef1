// Builds registry hives for tests and benchmarks, with every structural choice open: version, list kinds, name encodings, gaps,
// padding, big data. It shares no code with the reader and the writer under test.

export interface ValueSpec {
  readonly name: string;
  readonly type: number;
  readonly data: Buffer;
  /** Store the name as UTF-16 even where Latin-1 would do. */
  readonly utf16?: boolean;
  /** Bytes the data cell is larger than it needs to be. */
  readonly slack?: number;
}

export type ListKind = 'li' | 'lf' | 'lh' | 'ri-li' | 'ri-lf' | 'ri-lh';

export interface KeySpec {
  readonly name: string;
  readonly values?: readonly ValueSpec[];
  readonly keys?: readonly KeySpec[];
  readonly utf16?: boolean;
  readonly className?: string;
  readonly list?: ListKind;
}

export interface HiveSpec {
  readonly root: KeySpec;
  readonly minor?: number;
  /** Zero bytes behind the bins. */
  readonly padding?: number;
  /** What the padding is filled with. */
  readonly paddingByte?: number;
  /** A free cell of this size (a multiple of 8) behind every n-th cell. */
  readonly gap?: { readonly size: number; readonly every: number };
  readonly primarySequence?: number;
  readonly secondarySequence?: number;
  readonly lastWritten?: bigint;
  /** Bytes of a bin when nothing larger is needed. */
  readonly binSize?: number;
}

const NONE = 0xffffffff;
const SEGMENT = 16_344;

export function sz(text: string): Buffer {
  return Buffer.from(`${text}\0`, 'utf16le');
}

export function string(name: string, text: string): ValueSpec {
  return { name, type: 1, data: sz(text) };
}

export function binary(name: string, data: Buffer | number): ValueSpec {
  return { name, type: 3, data: typeof data === 'number' ? Buffer.alloc(data, name || 'x') : data };
}

/** A key path of keys with one child each: `nest('A\\B', leaf)` is A > B with the leaf's values and keys. */
export function nest(path: string, leaf: Omit<KeySpec, 'name'>): KeySpec {
  const parts = path.split('\\');
  const last = parts.pop() ?? '';
  return parts.reduceRight<KeySpec>((child, name) => ({ name, keys: [child] }), { ...leaf, name: last });
}

export function buildHive(spec: HiveSpec): Buffer {
  return new Builder(spec).build();
}

class Builder {
  readonly #spec: HiveSpec;
  readonly #minor: number;
  #bytes: Buffer = Buffer.alloc(64 * 1024);
  /** End of the current bin, and where its next cell goes; relative to the bins. */
  #end = 0;
  #next = 0;
  #cells = 0;
  #security = NONE;
  #keys = 0;

  constructor(spec: HiveSpec) {
    this.#spec = spec;
    this.#minor = spec.minor ?? 5;
  }

  build(): Buffer {
    this.#security = this.#cell(20 + SECURITY.length);
    const root = this.#key(this.#spec.root, NONE, 0x2c);
    const sk = this.#at(this.#security);
    this.#bytes.write('sk', sk, 'latin1');
    this.#bytes.writeUInt32LE(this.#security, sk + 4);
    this.#bytes.writeUInt32LE(this.#security, sk + 8);
    this.#bytes.writeUInt32LE(this.#keys, sk + 12);
    this.#bytes.writeUInt32LE(SECURITY.length, sk + 16);
    SECURITY.copy(this.#bytes, sk + 20);
    this.#closeBin();
    const padding = this.#spec.padding ?? 0;
    const file = Buffer.alloc(4096 + this.#end + padding, this.#spec.paddingByte ?? 0);
    this.#bytes.copy(file, 4096, 0, this.#end);
    this.#base(file, root);
    return file;
  }

  #base(file: Buffer, root: number): void {
    file.fill(0, 0, 4096);
    file.write('regf', 0, 'latin1');
    const primary = this.#spec.primarySequence ?? 7;
    file.writeUInt32LE(primary, 4);
    file.writeUInt32LE(this.#spec.secondarySequence ?? primary, 8);
    file.writeBigUInt64LE(this.#spec.lastWritten ?? 133_000_000_000_000_000n, 12);
    file.writeUInt32LE(1, 20);
    file.writeUInt32LE(this.#minor, 24);
    file.writeUInt32LE(1, 32);
    file.writeUInt32LE(root, 36);
    file.writeUInt32LE(this.#end, 40);
    file.writeUInt32LE(1, 44);
    file.write('\\??\\C:\\Users\\test\\ntuser.dat', 48, 'utf16le');
    sealBaseBlock(file);
  }

  #at(cell: number): number {
    return cell + 4;
  }

  #closeBin(): void {
    if (this.#next < this.#end) this.#bytes.writeInt32LE(this.#end - this.#next, this.#next);
    this.#next = this.#end;
  }

  #openBin(need: number): void {
    this.#closeBin();
    const size = Math.max(this.#spec.binSize ?? 4096, Math.ceil((need + 32) / 4096) * 4096);
    const start = this.#end;
    if (start + size > this.#bytes.length) {
      const larger = Buffer.alloc(Math.max(this.#bytes.length * 2, start + size));
      this.#bytes.copy(larger);
      this.#bytes = larger;
    }
    this.#bytes.write('hbin', start, 'latin1');
    this.#bytes.writeUInt32LE(start, start + 4);
    this.#bytes.writeUInt32LE(size, start + 8);
    this.#next = start + 32;
    this.#end = start + size;
  }

  /** A used cell with this much content, zeroed. */
  #cell(content: number): number {
    const size = Math.ceil((content + 4) / 8) * 8;
    if (this.#next + size > this.#end) this.#openBin(size);
    const cell = this.#next;
    this.#bytes.writeInt32LE(-size, cell);
    this.#next += size;
    this.#cells++;
    const gap = this.#spec.gap;
    if (gap && this.#cells % gap.every === 0 && this.#next + gap.size <= this.#end) {
      this.#bytes.writeInt32LE(gap.size, this.#next);
      this.#next += gap.size;
    }
    return cell;
  }

  #put(content: Buffer, slack = 0): number {
    const cell = this.#cell(content.length + slack);
    content.copy(this.#bytes, this.#at(cell));
    return cell;
  }

  #key(spec: KeySpec, parent: number, flags: number): number {
    this.#keys++;
    const latin1 = !spec.utf16 && isLatin1(spec.name);
    const name = Buffer.from(spec.name, latin1 ? 'latin1' : 'utf16le');
    const cell = this.#cell(76 + name.length);
    const values = (spec.values ?? []).map((value) => this.#value(value));
    const valueList = values.length === 0 ? NONE : this.#put(words(values));
    const children = [...(spec.keys ?? [])].sort((a, b) => (upper(a.name) < upper(b.name) ? -1 : 1));
    const childCells = children.map((child) => this.#key(child, cell, 0x20));
    const list = childCells.length === 0 ? NONE : this.#list(spec, children, childCells);
    const className = spec.className ? Buffer.from(spec.className, 'utf16le') : undefined;
    const classCell = className ? this.#put(className) : NONE;
    const at = this.#at(cell);
    const b = this.#bytes;
    b.write('nk', at, 'latin1');
    b.writeUInt16LE(latin1 ? flags | 0x20 : flags & ~0x20, at + 2);
    b.writeBigUInt64LE(133_000_000_000_000_000n, at + 4);
    b.writeUInt32LE(parent === NONE ? 0 : parent, at + 16);
    b.writeUInt32LE(childCells.length, at + 20);
    b.writeUInt32LE(list, at + 28);
    b.writeUInt32LE(NONE, at + 32);
    b.writeUInt32LE(values.length, at + 36);
    b.writeUInt32LE(valueList, at + 40);
    b.writeUInt32LE(this.#security, at + 44);
    b.writeUInt32LE(classCell, at + 48);
    b.writeUInt32LE(Math.max(0, ...children.map(({ name: n }) => n.length * 2)), at + 52);
    b.writeUInt32LE(Math.max(0, ...children.map((c) => (c.className ?? '').length * 2)), at + 56);
    b.writeUInt32LE(Math.max(0, ...(spec.values ?? []).map((v) => v.name.length * 2)), at + 60);
    b.writeUInt32LE(Math.max(0, ...(spec.values ?? []).map((v) => v.data.length)), at + 64);
    b.writeUInt16LE(name.length, at + 72);
    b.writeUInt16LE(className?.length ?? 0, at + 74);
    name.copy(b, at + 76);
    return cell;
  }

  #value(spec: ValueSpec): number {
    const latin1 = !spec.utf16 && isLatin1(spec.name);
    const name = Buffer.from(spec.name, latin1 ? 'latin1' : 'utf16le');
    const record = Buffer.alloc(20 + name.length);
    record.write('vk', 0, 'latin1');
    record.writeUInt16LE(name.length, 2);
    if (spec.data.length <= 4) {
      record.writeUInt32LE(0x80000000 + spec.data.length, 4);
      spec.data.copy(record, 8);
    } else {
      record.writeUInt32LE(spec.data.length, 4);
      record.writeUInt32LE(this.#data(spec), 8);
    }
    record.writeUInt32LE(spec.type, 12);
    record.writeUInt16LE(latin1 ? 1 : 0, 16);
    name.copy(record, 20);
    return this.#put(record);
  }

  #data(spec: ValueSpec): number {
    if (spec.data.length <= SEGMENT || this.#minor <= 3) return this.#put(spec.data, spec.slack);
    const segments: number[] = [];
    for (let at = 0; at < spec.data.length; at += SEGMENT)
      segments.push(this.#put(spec.data.subarray(at, at + SEGMENT)));
    const record = Buffer.alloc(8);
    record.write('db', 0, 'latin1');
    record.writeUInt16LE(segments.length, 2);
    record.writeUInt32LE(this.#put(words(segments)), 4);
    return this.#put(record);
  }

  #list(spec: KeySpec, keys: readonly KeySpec[], cells: readonly number[]): number {
    const kind = spec.list ?? (this.#minor >= 5 ? 'lh' : 'lf');
    if (!kind.startsWith('ri-')) return this.#leaf(kind, keys, cells);
    const leaves: number[] = [];
    const per = Math.max(1, Math.ceil(cells.length / 3));
    for (let i = 0; i < cells.length; i += per) {
      leaves.push(this.#leaf(kind.slice(3), keys.slice(i, i + per), cells.slice(i, i + per)));
    }
    return this.#put(Buffer.concat([listHead('ri', leaves.length), words(leaves)]));
  }

  #leaf(kind: string, keys: readonly KeySpec[], cells: readonly number[]): number {
    if (kind === 'li') return this.#put(Buffer.concat([listHead('li', cells.length), words(cells)]));
    const entries = cells.map((cell, i) => {
      const entry = Buffer.alloc(8);
      const name = keys[i]?.name ?? '';
      entry.writeUInt32LE(cell, 0);
      if (kind === 'lf') entry.write(name.slice(0, 4), 4, 'latin1');
      else entry.writeUInt32LE(lhHash(name), 4);
      return entry;
    });
    return this.#put(Buffer.concat([listHead(kind, cells.length), ...entries]));
  }
}

/** Writes the checksum of a base block. */
export function sealBaseBlock(file: Buffer): void {
  let sum = 0;
  for (let at = 0; at < 508; at += 4) sum = (sum ^ file.readUInt32LE(at)) >>> 0;
  if (sum === 0) sum = 1;
  if (sum === 0xffffffff) sum = 0xfffffffe;
  file.writeUInt32LE(sum, 508);
}

export function lhHash(name: string): number {
  let hash = 0;
  const folded = upper(name);
  for (let i = 0; i < folded.length; i++) hash = (Math.imul(hash, 37) + folded.charCodeAt(i)) >>> 0;
  return hash;
}

function upper(name: string): string {
  return [...name].map((c) => (c.toUpperCase().length === c.length ? c.toUpperCase() : c)).join('');
}

function isLatin1(name: string): boolean {
  return /^[\0-\xff]*$/.test(name);
}

function words(numbers: readonly number[]): Buffer {
  const buffer = Buffer.alloc(4 * numbers.length);
  for (const [i, n] of numbers.entries()) buffer.writeUInt32LE(n, 4 * i);
  return buffer;
}

function listHead(kind: string, count: number): Buffer {
  const head = Buffer.alloc(4);
  head.write(kind, 0, 'latin1');
  head.writeUInt16LE(count, 2);
  return head;
}

/** Self-relative descriptor: owner and group SYSTEM, full access for SYSTEM, Administrators and Everyone. */
const SECURITY = ((): Buffer => {
  const sid = (...parts: number[]): Buffer => {
    const out = Buffer.alloc(8 + 4 * (parts.length - 1));
    out.writeUInt8(1, 0);
    out.writeUInt8(parts.length - 1, 1);
    out.writeUInt8(parts[0] ?? 0, 7);
    for (const [i, part] of parts.slice(1).entries()) out.writeUInt32LE(part, 8 + 4 * i);
    return out;
  };
  const ace = (who: Buffer): Buffer => {
    const head = Buffer.alloc(8);
    head.writeUInt8(2, 1);
    head.writeUInt16LE(8 + who.length, 2);
    head.writeUInt32LE(0xf003f, 4);
    return Buffer.concat([head, who]);
  };
  const system = sid(5, 18);
  const aces = Buffer.concat([ace(system), ace(sid(5, 32, 544)), ace(sid(1, 0))]);
  const acl = Buffer.alloc(8);
  acl.writeUInt8(2, 0);
  acl.writeUInt16LE(8 + aces.length, 2);
  acl.writeUInt16LE(3, 4);
  const head = Buffer.alloc(20);
  head.writeUInt8(1, 0);
  head.writeUInt16LE(0x8004, 2);
  head.writeUInt32LE(20, 4);
  head.writeUInt32LE(20 + system.length, 8);
  head.writeUInt32LE(20 + 2 * system.length, 16);
  return Buffer.concat([head, system, system, acl, aces]);
})();
