// Hives between us and independent programs: they and we read the same in every hive, and after our change they read exactly the
// planned values and otherwise the same. The agreement table is printed at the end.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, type TestContext, test } from 'node:test';
import { HiveImage } from '../../src/profile-migrator/registry/hive/hive-image.ts';
import { createHiveStore } from '../../src/profile-migrator/registry/hive/hive-store.ts';
import { loadKeys } from '../../src/profile-migrator/registry/hive/load-keys.ts';
import { recoverHive } from '../../src/profile-migrator/registry/hive/recover.ts';
import { applyPatch } from '../../src/profile-migrator/registry/patch.ts';
import type { RegistryKey, RegistryPatch, ValueEdit } from '../../src/profile-migrator/registry/registry.ts';
import {
  binary,
  buildHive,
  type HiveSpec,
  type KeySpec,
  type ListKind,
  nest,
  string,
} from '../profile-migrator/registry/hive/hive-builder.ts';
import { changedPages, entryLog } from '../profile-migrator/registry/hive/log-builder.ts';
import { type Random, randomFrom } from '../profile-migrator/registry/hive/random.ts';
import { userHive } from '../profile-migrator/registry/hive/user-hive.ts';
import { differences, READERS } from './hives/readers.ts';
import { labSuite } from './requirements.ts';

const SAMPLES = join(import.meta.dirname, '..', '..', '..', 'shared', 'samples', 'hives');
const ROOT = 'HKEY_CURRENT_USER';

interface LabHive {
  readonly name: string;
  readonly bytes: Buffer;
  readonly log?: Buffer;
}

function tree(list: ListKind): KeySpec {
  const keys = Array.from({ length: 25 }, (_, i) => ({
    name: `Key ${i}`,
    list,
    values: [string('Text', `${i}`), binary('Bytes', i * 3)],
  }));
  return nest('Software\\Test', {
    list,
    keys,
    values: [{ name: 'Number', type: 4, data: Buffer.from([1, 2, 3, 4]) }, string('Last', 'z')],
  });
}

function ownHives(): LabHive[] {
  const kinds: [number, ListKind][] = [
    [3, 'lf'],
    [3, 'li'],
    [4, 'lf'],
    [5, 'lh'],
    [5, 'ri-lh'],
    [5, 'ri-lf'],
    [6, 'li'],
  ];
  const hives = kinds.map(([minor, list]) => {
    const spec: HiveSpec = { minor, gap: { size: 56, every: 3 }, root: { name: 'ROOT', list, keys: [tree(list)] } };
    return { name: `1.${minor} with ${list} lists`, bytes: buildHive(spec) };
  });
  const foreign: KeySpec = {
    name: 'R',
    keys: [
      { name: 'Grün', values: [string('Größe', 'ä')] },
      { name: '日本', values: [string('漢字', '字')] },
    ],
  };
  const large = (minor: number): Buffer =>
    buildHive({
      minor,
      root: { name: 'R', keys: [tree('lf'), { name: 'Large', values: [binary('large', 50_000), string('v', 'x')] }] },
    });
  const dirty = userHive({ user: 'anna', sequences: { primary: 11, secondary: 10 } });
  const newer = userHive({ user: 'bert', sequences: { primary: 11, secondary: 10 } });
  const log = entryLog(dirty, 10, [
    { sequence: 10, binsSize: newer.readUInt32LE(40), pages: changedPages(dirty, newer) },
  ]);
  return [
    ...hives,
    { name: 'names outside ASCII', bytes: buildHive({ root: foreign }) },
    { name: '50,000 bytes in 1.3', bytes: large(3) },
    { name: '50,000 bytes in 1.5', bytes: large(5) },
    { name: 'padded user hive 1.3', bytes: userHive({ minor: 3, padding: 0x5000, size: 60_000 }) },
    { name: 'user hive 1.5 of 1 MiB', bytes: userHive({ size: 1 << 20 }) },
    { name: 'dirty user hive with log', bytes: dirty, log },
  ];
}

/** Real and realistic hives that lie beside the project, where they do. */
function sampleHives(): LabHive[] {
  const unpack = (name: string): Buffer =>
    execFileSync('xz', ['-dc', join(SAMPLES, `${name}.xz`)], { maxBuffer: 1 << 28 });
  if (!existsSync(SAMPLES)) return [];
  const names = [
    'win7-real.dat',
    'outlook2010-single.dat',
    'outlook2010-two-profiles.regf13.dat',
    'outlook2016-rpc-over-http.dat',
  ];
  const hives: LabHive[] = names.map((name) => ({ name, bytes: unpack(name) }));
  hives.push({
    name: 'win10-dirty-real.dat with log',
    bytes: unpack('win10-dirty-real.dat'),
    log: unpack('win10-dirty-real.dat.LOG1'),
  });
  return hives;
}

/** Some values changed, shrunk, grown, deleted, and some created, all over the hive. */
function someEdits(root: RegistryKey, random: Random): ValueEdit[] {
  const keys: { path: string; key: RegistryKey }[] = [];
  const pending = [{ path: '', key: root }];
  for (let next = pending.pop(); next; next = pending.pop()) {
    keys.push(next);
    const { path } = next;
    for (const child of next.key.subkeys.values())
      pending.push({ path: path === '' ? child.name : `${path}\\${child.name}`, key: child });
  }
  const edits = new Map<string, ValueEdit>();
  for (let i = 0; i < 40; i++) {
    const { path, key } = random.of(keys);
    const values = [...key.values.values()];
    const size = random.of([0, 2, 4, 30, 200, 3000]);
    if (values.length === 0 || random.below(6) === 0) {
      const name = `Created ${i}`;
      edits.set(`${path} ${name}`, {
        keyPath: path,
        name,
        before: undefined,
        after: { name, type: 3, data: Buffer.alloc(size, 0x61) },
      });
      continue;
    }
    const before = random.of(values);
    const after = random.below(5) === 0 ? undefined : { name: before.name, type: 3, data: Buffer.alloc(size, 0x62) };
    edits.set(`${path} ${before.name}`, { keyPath: path, name: before.name, before, after });
  }
  return [...edits.values()];
}

labSuite('Hives and independent readers', ['hives'], () => {
  const folder = mkdtempSync(join(tmpdir(), 'hives-lab-'));
  const table: string[][] = [];
  after(() => rmSync(folder, { recursive: true, force: true }));

  /** Every reader finds what we say is there; the cells of the table. */
  function agree(path: string, root: RegistryKey, minor: number): string[] {
    return READERS.map((reader) => {
      const reason = reader.cannot(root, minor);
      if (reason !== undefined) return `- (${reason})`;
      assert.deepEqual(differences(reader, root, path), [], `${reader.name} reads something else`);
      return 'same';
    });
  }

  for (const [i, hive] of [...ownHives(), ...sampleHives()].entries()) {
    test(hive.name, async () => {
      const path = join(folder, `hive${i}.dat`);
      const recovery = recoverHive(hive.bytes, hive.log ? [{ name: 'LOG1', bytes: hive.log }] : []);
      assert.equal(recovery.state, hive.log ? 'recovered' : 'clean');
      // They ignore logs, so before our change they are shown what recovery made of the hive.
      writeFileSync(path, recovery.bytes);
      const image = new HiveImage(recovery.bytes);
      const root = loadKeys(image, ['']);
      const read = agree(path, root, image.base.minor);

      writeFileSync(path, hive.bytes);
      if (hive.log) writeFileSync(`${path}.LOG1`, hive.log);
      const patch: RegistryPatch = { rootPath: ROOT, edits: someEdits(root, randomFrom(i)) };
      const planned = applyPatch({ rootPath: ROOT, root }, patch).root;
      await createHiveStore({ path, durable: false }).commit(patch);
      const written = agree(path, planned, image.base.minor);
      table.push([
        hive.name,
        ...READERS.map((_, r) => (read[r] === written[r] ? (read[r] ?? '') : `${read[r]}, then ${written[r]}`)),
      ]);
    });
  }

  test('a hive that hivexregedit wrote is read, changed and still agreed upon', async () => {
    const path = join(folder, 'theirs.dat');
    writeFileSync(path, userHive({ minor: 5, size: 30_000 }));
    const change = join(folder, 'change.reg');
    writeFileSync(
      change,
      `Windows Registry Editor Version 5.00\n\n[HKEY_CURRENT_USER\\Software]\n"Large"=hex:${'41,'.repeat(19_999)}41\n"Small"="x"\n\n`,
    );
    execFileSync('hivexregedit', ['--merge', '--prefix', 'HKEY_CURRENT_USER', path, change]);
    const image = new HiveImage(readFileSync(path));
    const root = loadKeys(image, ['']);
    agree(path, root, 3);
    const patch: RegistryPatch = { rootPath: ROOT, edits: someEdits(root, randomFrom(99)) };
    await createHiveStore({ path, durable: false }).commit(patch);
    const planned = applyPatch({ rootPath: ROOT, root }, patch).root;
    agree(path, planned, 5);
  });

  test('the agreement table', (t: TestContext) => {
    const heads = ['hive (read before and after our change)', ...READERS.map(({ name }) => name)];
    for (const row of [heads, ...table]) t.diagnostic(row.map((cell, c) => cell.padEnd(c === 0 ? 42 : 30)).join(''));
    assert.ok(table.length > 0);
  });
});
