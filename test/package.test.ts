// The packed tarball on a clean machine: unpacked into an empty folder, with the production dependencies that stand in this checkout
// and nothing else, its program starts, serves the demo and answers. Needs no network.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { basic, elementText, POX_PATH, poxBody } from './autodiscover/bed.ts';
import { eventually } from './ldap/demo-organization.ts';

const ROOT = join(import.meta.dirname, '..');
const npm = (args: readonly string[], cwd: string) =>
  execFileSync('npm', args, { cwd, encoding: 'utf8', timeout: 120_000, stdio: ['ignore', 'pipe', 'ignore'] });

/** Folders of the production dependencies, relative to the project; optional ones that are not installed are left out. */
function productionFolders(): string[] {
  let listed: string;
  try {
    listed = npm(['ls', '--omit=dev', '--all', '--parseable'], ROOT);
  } catch (error) {
    // npm ls complains of what is extraneous, but lists all the same.
    listed = String((error as { stdout?: unknown }).stdout ?? '');
  }
  return listed
    .split('\n')
    .map((path) => relative(ROOT, path))
    .filter((path) => path.startsWith('node_modules') && existsSync(join(ROOT, path)));
}

describe('the package', () => {
  let folder: string;
  let unpacked: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'autodiscover-'));
    // A tree of its own for the build, so that dist/ of the checkout is left alone.
    const source = join(folder, 'source');
    const skipped = new Set(['node_modules', '.git', 'dist', 'certs', 'test', '.lab'].map((name) => join(ROOT, name)));
    cpSync(ROOT, source, { recursive: true, filter: (path) => !skipped.has(path) });
    execFileSync(
      process.execPath,
      [
        join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc'),
        '-p',
        join(ROOT, 'tsconfig.build.json'),
        '--outDir',
        join(source, 'dist'),
      ],
      { cwd: ROOT, timeout: 120_000 },
    );
    execFileSync(process.execPath, [join(source, 'scripts', 'make-executable.ts')]);
    const [{ filename }] = JSON.parse(
      npm(['pack', '--ignore-scripts', '--json', '--pack-destination', folder], source),
    ) as [{ filename: string }];
    execFileSync('tar', ['-xzf', join(folder, filename), '-C', folder]);
    unpacked = join(folder, 'package');
    rmSync(source, { recursive: true });
    for (const path of productionFolders()) {
      // Nested node_modules come by their own line, and only where they are needed in production.
      const nested = join(ROOT, path, 'node_modules');
      cpSync(join(ROOT, path), join(unpacked, path), { recursive: true, filter: (each) => each !== nested });
    }
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  const bins = () =>
    JSON.parse(readFileSync(join(unpacked, 'package.json'), 'utf8')) as {
      bin: Record<string, string>;
      version: string;
    };

  test('holds the programs, the demo and the documents, and no sources or tests', () => {
    for (const path of ['demo/contoso.ldif', 'README.md', 'LICENSE', 'docs', 'contrib/systemd'])
      assert.ok(existsSync(join(unpacked, path)), path);
    for (const path of ['src', 'test', 'certs', '.ci']) assert.ok(!existsSync(join(unpacked, path)), path);
    for (const path of Object.values(bins().bin)) {
      assert.ok(statSync(join(unpacked, path)).isFile(), path);
      assert.ok(statSync(join(unpacked, path)).mode & 0o100, `${path} can be run`);
    }
  });

  test('its dependencies are those of production', () => {
    assert.ok(existsSync(join(unpacked, 'node_modules', 'express')));
    for (const name of ['typescript', '@biomejs', 'supertest', 'fast-check', 'esbuild']) {
      assert.ok(!existsSync(join(unpacked, 'node_modules', name)), name);
    }
  });

  test('autodiscover --version', () => {
    const { bin, version } = bins();
    const out = execFileSync(process.execPath, [join(unpacked, bin.autodiscover ?? ''), '--version'], {
      cwd: folder,
      encoding: 'utf8',
    });
    assert.equal(out.trim(), version);
  });

  test('autodiscover serve --demo answers, with two workers', async () => {
    const certs = join(folder, 'certs');
    const program = join(unpacked, bins().bin.autodiscover ?? '');
    const listeners = ['--https', '127.0.0.1:0', '--http', '127.0.0.1:0'];
    const args = ['serve', '--demo', '--workers', '2', ...listeners, '--certs', certs];
    const child = spawn(process.execPath, [program, ...args], { cwd: folder, timeout: 60_000 });
    let out = '';
    let err = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      out += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      err += text;
    });
    const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
    try {
      await eventually(`it is ready: ${err}`, () => out.includes('Press Ctrl+C') || child.exitCode !== null);
      const url = /service +(https:\/\/127\.0\.0\.1:\d+)/.exec(out)?.[1];
      assert.ok(url, err);
      assert.equal(
        elementText(await ask(url, readFileSync(join(certs, 'ca.pem'))), 'Server'),
        'outlook-sea.contoso.test',
      );
    } finally {
      child.kill('SIGTERM');
    }
    assert.equal(await ended, 0, err);
  });
});

function ask(url: string, ca: Buffer): Promise<string> {
  return new Promise((resolve, reject) => {
    const headers = { authorization: basic('alice@contoso.test') };
    const sending = request(url + POX_PATH, { method: 'POST', ca, agent: false, headers }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (text: string) => {
        body += text;
      });
      response.on('end', () => resolve(body));
    });
    sending.on('error', reject);
    sending.end(poxBody({ address: 'alice@contoso.test' }));
  });
}
