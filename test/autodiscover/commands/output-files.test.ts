// Files that a command writes are new, and whole, and all of them there, or none is.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { lstatSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { replaceFile, writeNewFiles } from '../../../src/autodiscover/commands/output-files.ts';

test('of several files none is left when one cannot be written, and none that was there is touched', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'new-files-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const [one, two] = [join(folder, 'one'), join(folder, 'two')];
  await assert.rejects(
    writeNewFiles([
      { path: one, content: 'x' },
      { path: join(folder, 'nowhere', 'two'), content: 'y' },
    ]),
    { code: 'ENOENT' },
  );
  assert.deepEqual(readdirSync(folder), []);
  writeFileSync(two, 'mine');
  await assert.rejects(writeNewFiles([one, two].map((path) => ({ path, content: 'x' }))), /^Error: it exists/);
  assert.deepEqual([readdirSync(folder), readFileSync(two, 'utf8')], [['two'], 'mine']);
});

test('a file that does not fit on the disk is not left in part', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'new-files-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const program = join(import.meta.dirname, '../../../src/autodiscover/commands/output-files.ts');
  const script = `
    import { writeNewFiles } from ${JSON.stringify(program)};
    const files = [{ path: ${JSON.stringify(join(folder, 'big'))}, content: 'x'.repeat(100_000) }];
    const code = await writeNewFiles(files).then(() => '', (error) => error.code);
    if (code !== 'EFBIG') process.exitCode = 9;`;
  // Stands for a full disk: files end at 4 or 8 KiB, and the signal about it is switched off.
  const limited = ['-c', 'trap "" XFSZ; ulimit -f 8; exec "$0" --input-type=module-typescript -e "$1"'];
  const { status, stderr } = spawnSync('/bin/sh', [...limited, process.execPath, script], { encoding: 'utf8' });
  assert.equal(status, 0, stderr);
  assert.deepEqual(readdirSync(folder), []);
});

test('a file that is replaced is the old one or the new one, never a part', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'new-files-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const [file, link] = [join(folder, 'file'), join(folder, 'link')];
  await replaceFile(file, 'one');
  symlinkSync(file, link);
  await replaceFile(link, 'two');
  assert.equal(readFileSync(file, 'utf8'), 'two', 'through a link');
  await replaceFile('/dev/null', 'three');
  assert.ok(lstatSync('/dev/null').isCharacterDevice());
  await assert.rejects(replaceFile(folder, 'x'), { code: 'EISDIR' });
  const program = join(import.meta.dirname, '../../../src/autodiscover/commands/output-files.ts');
  const script = `
    import { replaceFile } from ${JSON.stringify(program)};
    const code = await replaceFile(${JSON.stringify(file)}, 'x'.repeat(100_000)).then(() => '', (error) => error.code);
    if (code !== 'EFBIG') process.exitCode = 9;`;
  const limited = ['-c', 'trap "" XFSZ; ulimit -f 8; exec "$0" --input-type=module-typescript -e "$1"'];
  const { status, stderr } = spawnSync('/bin/sh', [...limited, process.execPath, script], { encoding: 'utf8' });
  assert.equal(status, 0, stderr);
  assert.deepEqual([readdirSync(folder), readFileSync(file, 'utf8')], [['file', 'link'], 'two']);
});
