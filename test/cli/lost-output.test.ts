// Output that cannot be written: the log's reader goes and comes back, and the disk is full.
import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { closeSync, constants, mkdtempSync, openSync, readSync, rmSync } from 'node:fs';
import { get } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { labCertificate } from '../../src/autodiscover/tls/lab-certificate.ts';
import type { EmbeddedDirectory } from '../../src/ldap/embedded/server.ts';
import { startServiceProcess } from '../helpers/service-process.ts';
import { eventually, startController } from '../ldap/demo-organization.ts';

const PROGRAM = join(import.meta.dirname, '..', '..', 'src', 'cli', 'autodiscover.ts');

let folder: string;
let controller: EmbeddedDirectory;
before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'lost-output-'));
  controller = await startController();
});
after(async () => {
  await controller.close();
  rmSync(folder, { recursive: true });
});

function status(url: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    get(url, { rejectUnauthorized: false, agent: false }, (response) => resolve(response.resume().statusCode)).on(
      'error',
      reject,
    );
  });
}

/** The log's other end: a named pipe. */
class Pipe {
  readonly path: string;
  text = '';
  #reader: number | undefined;

  constructor(path: string) {
    execFileSync('mkfifo', [path]);
    this.path = path;
  }

  open(): void {
    this.#reader = openSync(this.path, constants.O_RDONLY | constants.O_NONBLOCK);
  }

  /** Whoever writes now gets EPIPE. */
  close(): void {
    if (this.#reader !== undefined) closeSync(this.#reader);
    this.#reader = undefined;
  }

  /** Everything that was written while somebody read. */
  read(): string {
    const chunk = Buffer.alloc(65_536);
    try {
      const length = readSync(this.#reader ?? -1, chunk);
      this.text += chunk.toString('utf8', 0, length);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
    }
    return this.text;
  }
}

const skip = process.platform === 'win32' ? 'no named pipes' : false;
for (const workers of [1, 2])
  test(`the service outlives the reader of its log, and writes to the next one: ${workers} workers`, {
    skip,
  }, async (t) => {
    const { certificateFile, keyFile } = await labCertificate(folder, ['127.0.0.1']);
    const pipe = new Pipe(join(folder, `log-${workers}`));
    pipe.open();
    t.after(() => pipe.close());
    const service = startServiceProcess(
      controller.url,
      { folder, certificates: [{ certificateFile, keyFile }] },
      { listen: { https: '127.0.0.1:0', workers } },
      { prefix: ['/bin/sh', '-c', `exec "$@" 2>'${pipe.path}'`, 'sh'] },
    );
    t.after(() => service.child.kill('SIGKILL'));
    await eventually('it is ready', () => pipe.read().includes('"msg":"ready"'));
    const url = /"https":"([^"]+)"/.exec(pipe.text)?.[1] ?? '';
    pipe.close();
    for (let n = 0; n < 6; n++) assert.equal(await status(`${url}/health/ready`), 200);
    pipe.open();
    pipe.text = '';
    for (let n = 0; n < 2; n++) assert.equal(await status(`${url}/nothing/here`), 404);
    await eventually('the next reader sees the log', () => pipe.read().includes('"msg":"exchange"'));
    assert.equal(await service.stop(), 0);
  });

test('a full disk: the service goes on; what a command prints is missed', { skip }, async (t) => {
  const child = spawn('/bin/sh', ['-c', 'exec "$@" 2>/dev/full', 'sh', process.execPath, PROGRAM, ...DEMO(folder)]);
  t.after(() => child.kill('SIGKILL'));
  let printed = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    printed += text;
  });
  const ended = new Promise((resolve) => child.on('close', resolve));
  await eventually('it is ready', () => printed.includes('Press Ctrl+C'));
  const url = /service +(https:\/\/[^/]+)/.exec(printed)?.[1] ?? '';
  for (let n = 0; n < 2; n++) assert.equal(await status(`${url}/health/ready`), 200);
  child.kill('SIGTERM');
  assert.equal(await ended, 0);

  const example = spawnSync('/bin/sh', [
    '-c',
    '"$@" >/dev/full',
    'sh',
    process.execPath,
    PROGRAM,
    'config',
    'print-example',
  ]);
  assert.equal(example.status, 1);
  assert.match(example.stderr.toString(), /^autodiscover: cannot write the output: ENOSPC.*\n$/);
});

const DEMO = (certs: string) => [
  'serve',
  '--demo',
  '--https',
  '127.0.0.1:0',
  '--http',
  '127.0.0.1:0',
  '--certs',
  certs,
];
