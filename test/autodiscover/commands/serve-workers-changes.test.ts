// `serve` with two workers whose configuration changes at bad moments: while they start, to one that no worker can start with, and what
// holds of it when they are told to stop.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { get } from 'node:http';
import { get as getSecure } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { labCertificate } from '../../../src/autodiscover/tls/lab-certificate.ts';
import type { EmbeddedDirectory } from '../../../src/ldap/embedded/server.ts';
import { type ServiceProcess, startServiceProcess } from '../../helpers/service-process.ts';
import { eventually, startController } from '../../ldap/demo-organization.ts';
import { POX_PATH } from '../bed.ts';

const WORKERS = 2;
const folder = mkdtempSync(join(tmpdir(), 'workers-changes-'));
let controller: EmbeddedDirectory;
let service: ServiceProcess;
before(async () => {
  controller = await startController();
  const { certificateFile, keyFile } = await labCertificate(folder, ['127.0.0.1']);
  await controller.setFaults({ delayMs: 100 });
  service = startServiceProcess(
    controller.url,
    { folder, certificates: [{ certificateFile, keyFile }] },
    { listen: { https: '127.0.0.1:0', http: '127.0.0.1:0', workers: WORKERS } },
  );
});
after(async () => {
  service.child.kill('SIGKILL');
  await controller.close();
  rmSync(folder, { recursive: true });
});

/** biome-ignore lint/suspicious/noExplicitAny: a configuration file as it stands. */
function change(edit: (config: any) => void): void {
  const config = JSON.parse(readFileSync(service.file, 'utf8'));
  edit(config);
  writeFileSync(service.file, JSON.stringify(config));
}

async function reload(): Promise<Readonly<Record<string, unknown>>> {
  const from = service.log.length;
  service.child.kill('SIGHUP');
  return service.line(({ msg }) => msg === 'exchange of workers ended', from);
}

function killOne(): void {
  const { pid } = service.child;
  const [one] = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').map(Number);
  process.kill(one ?? 0, 'SIGKILL');
}

/** What each worker redirects to: connections are given to them in turn. */
async function redirections(): Promise<(string | undefined)[]> {
  const { http } = await service.ready;
  const one = () =>
    new Promise<string | undefined>((resolve, reject) => {
      get(`${http}${POX_PATH}`, { agent: false }, ({ headers }) => resolve(headers.location)).on('error', reject);
    });
  return Promise.all(Array.from({ length: 2 * WORKERS }, one));
}

const all = (url: string) => Array(2 * WORKERS).fill(`${url}${POX_PATH}`);

async function readiness(): Promise<(number | undefined)[]> {
  const { https } = await service.ready;
  const one = () =>
    new Promise<number | undefined>((resolve, reject) => {
      const options = { agent: false, rejectUnauthorized: false };
      getSecure(`${https}/health/ready`, options, (answer) => resolve(answer.resume().statusCode)).on('error', reject);
    });
  return Promise.all(Array.from({ length: 2 * WORKERS }, one));
}

test('a configuration that changes at bad moments', async (t) => {
  await t.test('SIGHUP while the workers start is heeded when they have', async () => {
    await eventually('the first reads the organisation', () => controller.stats.searches > 0);
    change((config) => {
      config.publicUrl = 'https://second.contoso.test';
      config.listen.drainSeconds = 60;
    });
    service.child.kill('SIGHUP');
    await controller.setFaults({});
    await service.line(({ msg }) => msg === 'exchange of workers ended');
    assert.deepEqual(await redirections(), all('https://second.contoso.test'));
  });

  await t.test(
    'one that no worker can start with is told, and is not given to one in the place of a dead one',
    async () => {
      const good = readFileSync(service.file);
      change((config) => {
        config.publicUrl = 'https://third.contoso.test';
        config.listen.http = '203.0.113.1:80';
      });
      const { level, exchanged, workers } = await reload();
      assert.deepEqual([level, exchanged, workers], ['error', 0, WORKERS]);
      assert.deepEqual(await redirections(), all('https://second.contoso.test'));
      const from = service.log.length;
      killOne();
      await service.line(({ msg }) => msg === 'worker replaced', from);
      assert.deepEqual(await redirections(), all('https://second.contoso.test'));
      assert.ok(!service.log.slice(from).some(({ msg }) => msg === 'a worker could not be replaced'));
      writeFileSync(service.file, good);
    },
  );

  await t.test(
    'told to stop, it drains for as long as the changed configuration says, whoever dies meanwhile',
    async () => {
      const ended = service.stop();
      await service.line(({ msg }) => msg === 'stopping');
      await eventually('none is ready', async () => (await readiness()).every((status) => status === 503));
      const from = service.log.length;
      killOne();
      await service.line(({ msg }) => msg === 'worker replaced', from);
      assert.deepEqual(await readiness(), Array(2 * WORKERS).fill(503), 'nor is one in the place of another');
      service.child.kill('SIGHUP');
      await service.line(({ msg }) => msg === 'stopping: changes are taken at the next start', from);
      service.child.kill('SIGTERM');
      assert.equal(await ended, 0);
      assert.ok(!service.log.slice(from).some(({ msg }) => msg === 'exchanging the workers'));
    },
  );
});
