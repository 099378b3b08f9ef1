// The lines that `serve --demo` prints to be pasted: both are run by a shell as they stand, against the demo that printed them.
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after, before } from 'node:test';
import { promisify } from 'node:util';

const run = promisify(execFile);
const PROGRAM = join(import.meta.dirname, '..', '..', '..', 'src', 'cli', 'autodiscover.ts');
const folder = mkdtempSync(join(tmpdir(), 'banner-'));
// Every address for the one, one that is in no certificate yet for the other.
const flags = ['serve', '--demo', '--certs', 'certs', '--https', '0.0.0.0:0', '--http', '127.0.0.31:0'];
const demo = spawn(process.execPath, [PROGRAM, ...flags], { cwd: folder, stdio: ['ignore', 'pipe', 'ignore'] });
let banner = '';

before(async () => {
  demo.stdout.setEncoding('utf8');
  const timer = setTimeout(() => demo.kill('SIGKILL'), 60_000);
  for await (const text of demo.stdout.iterator({ destroyOnReturn: false })) {
    banner += text;
    if (banner.includes('Press Ctrl+C')) break;
  }
  clearTimeout(timer);
  assert.match(banner, /Press Ctrl\+C/);
});
after(async () => {
  const gone = once(demo, 'exit');
  if (demo.exitCode === null && demo.signalCode === null && demo.kill()) await gone;
  rmSync(folder, { recursive: true });
});

/** Pastes the paragraph that begins so, in the folder where the demo runs; npx is the program's source here. */
async function paste(beginning: string): Promise<string> {
  const paragraph = banner.split('\n\n').find((text) => text.startsWith(beginning));
  assert.ok(paragraph !== undefined, banner);
  const npx = `npx() { shift; "$NODE" "$PROGRAM" "$@"; }`;
  const env = { PATH: process.env.PATH ?? '', NODE: process.execPath, PROGRAM, NO_COLOR: '1' };
  return (await run('/bin/sh', ['-c', `${npx}\n${paragraph}`], { cwd: folder, env, timeout: 60_000 })).stdout;
}

const shell = { skip: process.platform === 'win32' ? 'needs a POSIX shell' : false };

test('the query line finds the settings, and shows each step with its outcome and time', shell, async () => {
  const shown = await paste('AUTODISCOVER_PASSWORD=');
  assert.match(shown, /^scp +[\d.]+ ms +skipped /m);
  assert.match(shown, /^root-domain +[\d.]+ ms +settings .*outlook-sea\.contoso\.test/m);
  assert.match(shown, /InternalRpcClientServer +.*outlook-sea\.contoso\.test/);
});

test('addresses can be asked as they are printed, and the certificate has them', () => {
  assert.match(banner, /service +https:\/\/127\.0\.0\.1:\d+\/autodiscover/);
  assert.match(banner, /redirector +http:\/\/127\.0\.0\.31:\d+\/autodiscover/);
  const certificate = new X509Certificate(readFileSync(join(folder, 'certs', 'server.pem')));
  for (const address of ['127.0.0.1', '127.0.0.31']) assert.ok(certificate.checkIP(address), address);
  assert.equal(certificate.checkIP('0.0.0.0'), undefined);
});

test('the curl line gets the array', shell, async (t) => {
  try {
    await run('curl', ['--version']);
  } catch {
    t.skip('needs curl');
    return;
  }
  assert.match(await paste('curl '), /<Server>outlook-sea\.contoso\.test<\/Server>/);
});
