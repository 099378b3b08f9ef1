// Case folders: before.reg and options.json go in; patch.reg, undo.reg and report.txt must come out, byte for byte.
// GOLDEN=rewrite writes what came out over the expected files, and new folders from case-specs.ts; read the diff before committing.
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { runMigrator } from '../../src/profile-migrator/commands/run-migrator.ts';
import { applyPatch, diffSnapshots } from '../../src/profile-migrator/registry/patch.ts';
import { type RegEntry, snapshotsOf, splitRoot } from '../../src/profile-migrator/registry/reg-file.ts';
import { readRegFile } from '../../src/profile-migrator/registry/reg-file-reader.ts';
import {
  findKey,
  findValue,
  type RegistryPatch,
  type RegistrySnapshot,
} from '../../src/profile-migrator/registry/registry.ts';
import { parseResultLine, renderResultLine } from '../../src/profile-migrator/result-line.ts';
import { fakeDeps } from './apply/fake-registry.ts';
import { beforeFileOf, CASES } from './case-specs.ts';

const FOLDER = join(import.meta.dirname, 'cases');
const rewrite = process.env.GOLDEN === 'rewrite';

if (rewrite) for (const [name, spec] of Object.entries(CASES)) writeCase(name, spec);

for (const name of readdirSync(FOLDER)) {
  test(`case ${name}`, async () => {
    const folder = join(FOLDER, name);
    const args = JSON.parse(readFileSync(join(folder, 'options.json'), 'utf8')) as string[];
    const out = mkdtempSync(join(tmpdir(), 'migrator-case-'));
    try {
      const found = args.map((word) => (word === 'policy.json' ? join(folder, word) : word));
      const deps = fakeDeps({ registry: '' });
      const code = await runMigrator(['plan', '--reg', join(folder, 'before.reg'), ...found, '--out', out], deps);
      const report = `${[...deps.out, ...deps.err].join('').replaceAll(`${folder}/`, '').replaceAll(`${out}/`, '')}exit code ${code}\n`;
      expect(join(folder, 'report.txt'), Buffer.from(report));
      expect(join(folder, 'patch.reg'), contentOf(join(out, 'before.patch.reg')));
      expect(join(folder, 'undo.reg'), contentOf(join(out, 'before.undo.reg')));
      const lines = readFileSync(join(out, 'before.result.jsonl'), 'utf8').split('\n').filter(Boolean);
      for (const line of lines) assert.equal(renderResultLine(parseResultLine(line, name)), `${line}\n`);
      if (!args.includes('--as-hkcu')) provesItself(folder);
    } finally {
      rmSync(out, { recursive: true });
    }
  });
}

/** Importing the patch and then the undo gives back every byte, and in between only the patched values differ. */
function provesItself(folder: string): void {
  if (!existsSync(join(folder, 'patch.reg'))) return;
  const before = snapshot(readFileSync(join(folder, 'before.reg')));
  const after = imported(before, readFileSync(join(folder, 'patch.reg')));
  assert.ok(diffSnapshots(before, after).edits.length > 0);
  const back = imported(after, readFileSync(join(folder, 'undo.reg')));
  assert.deepEqual(diffSnapshots(before, back), { edits: [], addedKeys: [], removedKeys: [] });
}

function imported(into: RegistrySnapshot, file: Buffer): RegistrySnapshot {
  let key = '';
  const edit = (entry: RegEntry): RegistryPatch['edits'] => {
    if (entry.kind === 'key') key = splitRoot(entry.path).keyPath;
    if (entry.kind === 'key' || entry.kind === 'delete-key') return [];
    const name = entry.kind === 'value' ? entry.value.name : entry.name;
    const before = findValue(findKey(into.root, key), name);
    return [{ keyPath: key, name, before, after: entry.kind === 'value' ? entry.value : undefined }];
  };
  return applyPatch(into, { rootPath: into.rootPath, edits: readRegFile(file, 'x').entries.flatMap(edit) });
}

function snapshot(file: Buffer): RegistrySnapshot {
  const [found] = snapshotsOf(readRegFile(file, 'x'));
  assert.ok(found);
  return found;
}

function expect(path: string, content: Buffer | undefined): void {
  if (rewrite && content) writeFileSync(path, content);
  else if (rewrite) rmSync(path, { force: true });
  const wanted = contentOf(path);
  const readable = (bytes: Buffer | undefined) => bytes?.toString(path.endsWith('.txt') ? 'utf8' : 'utf16le');
  assert.equal(readable(content), readable(wanted), path);
  assert.deepEqual(content, wanted, path);
}

function contentOf(path: string): Buffer | undefined {
  return existsSync(path) ? readFileSync(path) : undefined;
}

function writeCase(name: string, spec: (typeof CASES)[string]): void {
  const folder = join(FOLDER, name);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'before.reg'), beforeFileOf(spec));
  writeFileSync(join(folder, 'options.json'), `${JSON.stringify(spec.args, undefined, 2)}\n`);
  if (spec.policy) writeFileSync(join(folder, 'policy.json'), `${JSON.stringify(spec.policy, undefined, 2)}\n`);
}
