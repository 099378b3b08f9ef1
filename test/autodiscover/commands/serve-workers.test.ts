// `serve` with several workers, as processes: one port, one budget of failed passwords, one sum of metrics, sessions that any of them takes
// up; workers that die, that are exchanged, that cannot start.
import assert from 'node:assert/strict';
import { constants } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { get } from 'node:http';
import { Agent, get as getSecure, request } from 'node:https';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ConnectionOptions, SecureContextOptions, TLSSocket } from 'node:tls';
import { labCertificate } from '../../../src/autodiscover/tls/lab-certificate.ts';
import type { EmbeddedDirectory } from '../../../src/ldap/embedded/server.ts';
import { type LogLine, type ServiceProcess, startServiceProcess } from '../../helpers/service-process.ts';
import { eventually, PASSWORD, startController } from '../../ldap/demo-organization.ts';
import { basic, POX_PATH, poxBody } from '../bed.ts';

const WORKERS = 3;
const LOCKOUT = `dn: DC=contoso,DC=test
changetype: modify
replace: lockoutThreshold
lockoutThreshold: 5
-
replace: lockOutObservationWindow
lockOutObservationWindow: -18000000000
-
`;

const folder = mkdtempSync(join(tmpdir(), 'workers-'));
let controller: EmbeddedDirectory;
let certificates: { certificateFile: string; keyFile: string }[];
let ca: Buffer;
before(async () => {
  controller = await startController({ changes: LOCKOUT });
  const made = await labCertificate(folder, ['127.0.0.1']);
  certificates = [{ certificateFile: made.certificateFile, keyFile: made.keyFile }];
  ca = readFileSync(made.caFile);
});
after(async () => {
  await controller.close();
  rmSync(folder, { recursive: true });
});

type TlsClient = Pick<ConnectionOptions, 'secureOptions'> & Pick<SecureContextOptions, 'maxVersion'>;

interface Asked {
  readonly status: number;
  readonly resumed: boolean;
  readonly session: Buffer | undefined;
}

function ask(
  url: string,
  authorization = basic('alice@contoso.test', PASSWORD),
  { agent = false, session, tls = {} }: { agent?: Agent | false; session?: Buffer | undefined; tls?: TlsClient } = {},
): Promise<Asked> {
  return new Promise((resolve, reject) => {
    const headers = { 'Content-Type': 'text/xml', authorization };
    const options = { method: 'POST', ca, agent, headers, ...tls, ...(session ? { session } : {}) };
    let latest = session;
    const sending = request(url + POX_PATH, options, (response) => {
      const socket = response.socket as TLSSocket;
      const resumed = socket.isSessionReused();
      response.resume().on('end', () => resolve({ status: response.statusCode ?? 0, resumed, session: latest }));
    });
    sending.on('socket', (socket) => {
      if (!sending.reusedSocket) socket.on('session', (given: Buffer) => (latest = given));
    });
    sending.on('error', reject).end(poxBody({ address: 'alice@contoso.test' }));
  });
}

function metrics(url: string): Promise<string> {
  return new Promise((resolve, reject) => {
    get(url, { agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part: string) => (text += part));
      response.on('end', () => resolve(text));
    }).on('error', reject);
  });
}

/** The sum of a metric's samples whose labels match. */
function sample(text: string, name: string, labels = /./): number {
  const lines = text.split('\n').filter((line) => line.startsWith(name) && /^[ {]/.test(line.slice(name.length)));
  return lines.filter((line) => labels.test(line)).reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
}

const workersSeen = (service: ServiceProcess) =>
  new Set(service.log.filter(({ msg }) => msg === 'exchange').map(({ worker }) => worker));

describe('three workers', () => {
  let service: ServiceProcess;
  let ready: LogLine;
  let url: string;
  before(async () => {
    service = startServiceProcess(
      controller.url,
      { folder, certificates },
      {
        listen: {
          https: '127.0.0.1:0',
          http: '127.0.0.1:0',
          metrics: '127.0.0.1:0',
          workers: WORKERS,
          drainSeconds: 1,
        },
        authentication: { cacheSeconds: 60, rejectedCacheSeconds: 0, failures: { perName: 50 } },
      },
    );
    ready = await service.ready;
    url = String(ready.https);
  });
  after(() => service.child.kill('SIGKILL'));

  test('are ready together, and told so once', async () => {
    assert.equal(ready.workers, WORKERS);
    assert.equal(ready.organization, 'Contoso');
    await Promise.all(Array.from({ length: 12 }, () => ask(url)));
    await eventually('all of them answer', () => workersSeen(service).size === WORKERS);
    assert.equal(service.log.filter(({ msg }) => msg === 'ready').length, 1);
  });

  test('a spray at threshold 5, all at once, reaches an account three times; then its name is held everywhere', async () => {
    const { failedBinds } = controller.stats;
    const spellings = ['bob', 'CONTOSO\\bob', 'bob@contoso.test'];
    const guesses = Array.from({ length: 40 }, (_, n) => ask(url, basic(spellings[n % 3] ?? '', `Wrong${n}`)));
    const statuses = Map.groupBy(await Promise.all(guesses), ({ status }) => status);
    assert.deepEqual([statuses.get(401)?.length, statuses.get(503)?.length], [3, 37]);
    assert.equal(controller.stats.failedBinds - failedBinds, 3);
    // Whichever worker: a right password as well.
    for (let n = 0; n < 2 * WORKERS; n++) assert.equal((await ask(url, basic('bob', PASSWORD))).status, 503);
    assert.equal((await ask(url)).status, 200);
  });

  test('an account tried under several of its addresses stays below the threshold too', async () => {
    const { failedBinds } = controller.stats;
    const aliases = ['erin@contoso.test', "erin.o'neill@contoso.test"];
    const guesses = Array.from({ length: 24 }, (_, n) => ask(url, basic(aliases[n % 2] ?? '', `Wrong${n}`)));
    await Promise.all(guesses);
    // A bind for nobody is made in place of those that may not be tried; it fails as well, but at no account.
    const tried = service.log.filter(
      ({ refusal, name }) => refusal === 'wrong-password' && aliases.includes(String(name)),
    );
    assert.equal(tried.length, 3);
    assert.ok(controller.stats.failedBinds - failedBinds <= 6);
  });

  const CLIENTS = {
    'with tickets': {},
    'without tickets': { maxVersion: 'TLSv1.2', secureOptions: constants.SSL_OP_NO_TICKET },
  } as const;
  for (const [kind, tls] of Object.entries(CLIENTS))
    test(`sessions are taken up by every worker: clients ${kind}`, async () => {
      let { session } = await ask(url, undefined, { tls });
      await sleep(200);
      const resumed: boolean[] = [];
      for (let n = 0; n < 12; n++) {
        const next = await ask(url, undefined, { session, tls });
        resumed.push(next.resumed);
        session = next.session;
      }
      assert.deepEqual(resumed, Array(12).fill(true));
    });

  test('metrics are those of all, and counters do not fall when a worker dies or leaves', async () => {
    const read = () => metrics(String(ready.metrics));
    const requests = (text: string) => sample(text, 'autodiscover_requests_total', /status="200"/);
    const before = await read();
    assert.equal(sample(before, 'autodiscover_workers'), WORKERS);
    assert.equal(sample(before, 'autodiscover_ldap_controller_up'), 1);
    assert.equal(sample(before, 'autodiscover_failure_counts', /kind="accounts"/), 2);
    for (let n = 0; n < 9; n++) assert.equal((await ask(url)).status, 200);
    await eventually('they are counted', async () => requests(await read()) === requests(before) + 9);

    const seen = requests(await read());
    const from = service.log.length;
    const { pid } = service.child;
    const victim = Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ')[0]);
    process.kill(victim, 'SIGKILL');
    const died = await service.line(({ msg }) => msg === 'a worker died; another takes its place', from);
    assert.equal(died.how, 'SIGKILL');
    await Promise.all(Array.from({ length: 6 }, () => ask(url)));
    await service.line(({ msg, instead }) => msg === 'worker replaced' && instead === died.worker, from);
    const afterwards = await read();
    assert.ok(requests(afterwards) >= seen + 6, `${requests(afterwards)} of ${seen + 6}`);
    assert.equal(sample(afterwards, 'autodiscover_worker_restarts_total'), 1);
  });

  test('SIGHUP exchanges the workers for ones with the changed configuration; no request fails, sessions live on', async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 4, ca });
    let failed = 0;
    let done = 0;
    let going = true;
    const load = Array.from({ length: 4 }, async (_, n) => {
      while (going) {
        const { status } = await ask(url, undefined, { agent: n < 2 ? agent : false }).catch(() => ({ status: 0 }));
        if (status === 200) done += 1;
        else failed += 1;
      }
    });
    const { session } = await ask(url);
    const config = JSON.parse(readFileSync(service.file, 'utf8'));
    config.publicUrl = 'https://changed.contoso.test';
    config.listen.workers = 7;
    writeFileSync(service.file, JSON.stringify(config));
    const from = service.log.length;
    service.child.kill('SIGHUP');
    await service.line(({ msg }) => msg === 'exchange of workers ended', from);
    going = false;
    await Promise.all(load);
    agent.destroy();
    assert.equal(failed, 0);
    assert.ok(done > 0);
    const since = service.log.slice(from);
    assert.equal(since.filter(({ msg }) => msg === 'worker replaced').length, WORKERS);
    assert.deepEqual(since.find(({ msg }) => msg === 'these changes need a restart')?.keys, ['listen.workers']);
    assert.equal((await ask(url, undefined, { session })).resumed, true);
    const moved = await new Promise((resolve) => {
      get(`${ready.http}${POX_PATH}`, { agent: false }, ({ headers }) => resolve(headers.location));
    });
    assert.equal(moved, `https://changed.contoso.test${POX_PATH}`);
  });

  test('a changed configuration that cannot be used leaves everything as it is', async () => {
    const good = readFileSync(service.file);
    writeFileSync(service.file, '{"listen": {"https": 7}}');
    const from = service.log.length;
    service.child.kill('SIGHUP');
    const line = await service.line(({ level }) => level === 'error', from);
    assert.equal(line.msg, 'the changed configuration cannot be used; the old one stays');
    assert.equal((await ask(url)).status, 200);
    writeFileSync(service.file, good);
  });

  test('SIGTERM to the whole group ends it when running requests are answered', async () => {
    await controller.setFaults({ delayMs: 300 });
    const { searches } = controller.stats;
    const running = ask(url, basic('carol@contoso.test', PASSWORD));
    await eventually('it is being worked on', () => controller.stats.searches > searches);
    const { pid } = service.child;
    const workers = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').map(Number);
    for (const each of workers) process.kill(each, 'SIGTERM');
    assert.equal(await service.stop(), 0);
    assert.equal((await running).status, 200);
    await controller.setFaults({});
    assert.equal(service.log.at(-1)?.msg, 'stopped');
  });
});

describe('one worker', () => {
  test('SIGHUP looks at the certificates; a service that is told to stop says so before it closes', async (t) => {
    const service = startServiceProcess(
      controller.url,
      { folder, name: 'one', certificates },
      {
        listen: { https: '127.0.0.1:0', drainSeconds: 2 },
        tls: { reloadSeconds: 3600 },
      },
    );
    t.after(() => service.child.kill('SIGKILL'));
    const url = String((await service.ready).https);
    const agent = new Agent({ keepAlive: true, ca });
    t.after(() => agent.destroy());
    const health = () =>
      new Promise<{ status: number | undefined; connection: string | undefined }>((resolve, reject) => {
        getSecure(`${url}/health/ready`, { agent }, ({ statusCode: status, headers: { connection } }) =>
          resolve({ status, connection }),
        ).on('error', reject);
      });
    assert.deepEqual(await health(), { status: 200, connection: 'keep-alive' });
    utimesSync(certificates[0]?.certificateFile ?? '', new Date(), new Date(Date.now() + 5000));
    service.child.kill('SIGHUP');
    await service.line(({ msg }) => msg === 'certificates reloaded');
    const ended = service.stop();
    await service.line(({ msg }) => msg === 'stopping');
    await eventually('it is not ready', async () => (await health()).status === 503);
    assert.deepEqual(await health(), { status: 503, connection: 'close' });
    assert.equal((await ask(url)).status, 200, 'new connections are still served');
    assert.equal(await ended, 0);
  });
});

describe('workers that cannot start', () => {
  test('say why once, and the exit code is 1', async (t) => {
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
    t.after(() => taken.close());
    const { port } = taken.address() as { port: number };
    const service = startServiceProcess(
      controller.url,
      { folder, name: 'taken', certificates },
      {
        listen: { https: `127.0.0.1:${port}`, workers: 2 },
      },
    );
    assert.equal(await service.ended, 1);
    const words = service.log.filter((line) => JSON.stringify(line).includes('another program uses it'));
    assert.deepEqual(words, [{ text: `autodiscover: listening on 127.0.0.1:${port}: another program uses it` }]);
  });

  test('--workers: what is no number of workers is a usage error', async () => {
    const service = startServiceProcess(
      controller.url,
      { folder, name: 'usage', certificates },
      {},
      {
        args: ['--workers', 'many'],
      },
    );
    assert.equal(await service.ended, 2);
    assert.match(String(service.log[0]?.text), /--workers many: must be a number from 1 to 64, or cores/);
  });
});
