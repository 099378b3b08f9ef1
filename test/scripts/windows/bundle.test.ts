import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { bundleProgram, licenceTexts } from '../../../scripts/windows/bundle.ts';
import { requireTools } from '../../../scripts/windows/tools.ts';

const scratch = mkdtempSync(join(tmpdir(), 'bundle-test-'));
after(() => rmSync(scratch, { recursive: true, force: true }));

function project(name: string, files: Record<string, string>): string {
  const folder = join(scratch, name);
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  return folder;
}

const files = {
  'main.ts': `import { twice } from 'tiny'; import { dirname } from 'node:path';
    const n: number = twice(21); console.log(n, dirname(import.meta.filename) === import.meta.dirname);`,
  'node_modules/tiny/package.json': '{ "name": "tiny", "version": "1.0.0", "license": "MIT", "main": "index.js" }',
  'node_modules/tiny/index.js': 'exports.twice = (n) => n * 2;',
  'node_modules/tiny/LICENSE': 'Do as you like.\n',
};

test('TypeScript modules become one CommonJS program that runs', async () => {
  const bundle = await bundleProgram(project('runs', files), 'main.ts');
  const main = join(scratch, 'main.cjs');
  writeFileSync(main, bundle.code);
  const { stdout, stderr } = spawnSync(process.execPath, [main], { encoding: 'utf8' });
  assert.equal(stdout, '42 true\n', stderr);
  assert.deepEqual(bundle.packages, ['node_modules/tiny']);
});

test('the bytes do not depend on where the project lies', async () => {
  const folder = project('here', files);
  const there = join(scratch, 'a longer path to there');
  cpSync(folder, there, { recursive: true });
  assert.ok((await bundleProgram(folder, 'main.ts')).code.equals((await bundleProgram(there, 'main.ts')).code));
});

test('what cannot be bundled is named', async () => {
  const folder = project('broken', { 'main.ts': `import 'no-such-package';` });
  await assert.rejects(bundleProgram(folder, 'main.ts'), {
    name: 'PackagingError',
    message: /main\.ts.*no-such-package/s,
  });
});

test('licences travel with the code, and a package without one stops the build', () => {
  const folder = project('licences', files);
  const about = join(folder, 'node_modules/tiny/package.json');
  assert.match(licenceTexts(folder, ['node_modules/tiny']), /^tiny 1\.0\.0 \(MIT\)\r\n=+\r\n\r\nDo as you like\.\r\n/m);
  rmSync(join(folder, 'node_modules/tiny/LICENSE'));
  writeFileSync(about, '{ "name": "tiny", "version": "1.0.0", "license": "MIT", "author": "Ada" }');
  assert.match(licenceTexts(folder, ['node_modules/tiny']), /Copyright \(c\) Ada\r\n\r\nPermission is hereby granted/);
  writeFileSync(about, '{ "name": "tiny", "version": "1.0.0", "license": "UNLICENSED" }');
  assert.throws(() => licenceTexts(folder, ['node_modules/tiny']), /tiny .*no licence file/);
});

test('every missing program is named at once', () => {
  assert.throws(
    () => requireTools(['wixl', 'msibuild'], scratch),
    /wixl, msibuild not found on PATH.*apt-get install --no-install-recommends wixl msitools/,
  );
  requireTools(['sh'], '/bin');
});
