// `serve` with two workers, as processes, while the only domain controller goes away: on a new connection each, everybody whom one of
// them answered is answered by both; everybody else is told what he was told before; a worker that hangs or dies holds nobody up.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { get } from 'node:http';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { labCertificate } from '../../../src/autodiscover/tls/lab-certificate.ts';
import type { EmbeddedDirectory } from '../../../src/ldap/embedded/server.ts';
import { type ServiceProcess, startServiceProcess } from '../../helpers/service-process.ts';
import { eventually, PASSWORD, startController } from '../../ldap/demo-organization.ts';
import { basic, elementText, POX_PATH, poxBody } from '../bed.ts';

const PEOPLE = ['alice', 'bob', 'carol', 'dave', 'erin', 'heidi'] as const;

const folder = mkdtempSync(join(tmpdir(), 'workers-outage-'));
let controller: EmbeddedDirectory;
let service: ServiceProcess;
let ca: Buffer;
let url: string;
let metricsUrl: string;
before(async () => {
  controller = await startController();
  const made = await labCertificate(folder, ['127.0.0.1']);
  ca = readFileSync(made.caFile);
  service = startServiceProcess(
    controller.url,
    { folder, certificates: [{ certificateFile: made.certificateFile, keyFile: made.keyFile }] },
    {
      listen: { https: '127.0.0.1:0', metrics: '127.0.0.1:0', workers: 2 },
      directory: { watchSeconds: 1 },
      authentication: { rejectedCacheSeconds: 0, failures: { perName: 50 } },
    },
  );
  const ready = await service.ready;
  url = String(ready.https);
  metricsUrl = String(ready.metrics);
});
after(async () => {
  service.child.kill('SIGKILL');
  await controller.close();
  rmSync(folder, { recursive: true });
});

interface Answer {
  readonly status: number;
  readonly retryAfter: string | undefined;
  readonly server: string | undefined;
  readonly id: string;
}

/** Asks on a connection of its own; `signal` gives it up. */
function ask(name: string, password = PASSWORD, signal?: AbortSignal): Promise<Answer> {
  const address = `${name}@contoso.test`;
  return new Promise((resolve, reject) => {
    const headers = { 'Content-Type': 'text/xml', authorization: basic(address, password) };
    const options = { method: 'POST', ca, agent: false, headers, ...(signal ? { signal } : {}) } as const;
    const sending = request(url + POX_PATH, options, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (part: string) => (body += part));
      response.on('end', () => {
        const { 'retry-after': retryAfter, 'request-id': id } = response.headers;
        const server = elementText(body, 'Server');
        resolve({ status: response.statusCode ?? 0, retryAfter, server, id: String(id) });
      });
    });
    sending.on('error', reject).end(poxBody({ address }));
  });
}

const workerOf = async ({ id }: Answer): Promise<unknown> =>
  (await service.line((line) => line.msg === 'exchange' && line.id === id)).worker;

/** What each of the two workers answers: connections are given to them in turn. */
async function askBoth(name: string, password = PASSWORD): Promise<Answer[]> {
  const answers = new Map<unknown, Answer>();
  for (let n = 0; n < 10 && answers.size < 2; n++) {
    const answer = await ask(name, password);
    answers.set(await workerOf(answer), answer);
  }
  assert.equal(answers.size, 2);
  return [...answers.values()];
}

async function questions(outcome: string): Promise<number> {
  const text = await new Promise<string>((resolve, reject) => {
    get(metricsUrl, { agent: false }, (response) => {
      let all = '';
      response.setEncoding('utf8').on('data', (part: string) => (all += part));
      response.on('end', () => resolve(all));
    }).on('error', reject);
  });
  const [, count] =
    new RegExp(`^autodiscover_worker_questions_total\\{outcome="${outcome}"\\} (\\d+)$`, 'm').exec(text) ?? [];
  return Number(count);
}

function workerProcesses(): number[] {
  const { pid } = service.child;
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').map(Number);
}

const NOT_NOW = { status: 503, retryAfter: '30', server: undefined };
const shown = ({ id: _, ...rest }: Answer) => rest;

test('two workers in an outage, from its beginning to its end', async (t) => {
  const known = new Map<string, Answer>();
  await t.test('everybody is answered by one of them', async () => {
    for (const name of PEOPLE) known.set(name, await ask(name));
    assert.deepEqual(new Set([...known.values()].map(({ status }) => status)), new Set([200]));
    const workers = await Promise.all([...known.values()].map(workerOf));
    assert.equal(new Set(workers).size, 2, 'some by the one, some by the other');
    assert.equal(await questions('known'), 0);
    assert.equal(await questions('unknown'), 0);
  });

  await t.test('no controller answers: both answer everybody', async () => {
    await controller.setFaults({ dead: 'refuse' });
    for (const name of PEOPLE)
      for (const answer of await askBoth(name)) {
        assert.equal(answer.status, 200, name);
        assert.equal(answer.server, known.get(name)?.server);
      }
    assert.ok((await questions('known')) >= PEOPLE.length);
  });

  await t.test('nobody else: wrong passwords, unknown names, and people whom none of them knows', async () => {
    for (const [name, password] of [
      ['alice', 'wrong'],
      ['nobody', PASSWORD],
      ['grace', PASSWORD],
    ] as const)
      for (const answer of await askBoth(name, password)) assert.deepEqual(shown(answer), NOT_NOW, name);
    assert.ok((await questions('unknown')) >= 6);
  });

  await t.test('one of them hangs: the other answers all the same', async () => {
    const [, hanging = 0] = workerProcesses();
    process.kill(hanging, 'SIGSTOP');
    const patience = new AbortController();
    try {
      // Every second connection is the hanging one's.
      const answered = async (name: string, password: string) =>
        Promise.any([ask(name, password, patience.signal), ask(name, password, patience.signal)]);
      assert.equal((await answered('bob', PASSWORD)).status, 200);
      assert.deepEqual(shown(await answered('bob', 'wrong')), NOT_NOW);
      assert.deepEqual(shown(await answered('nobody', PASSWORD)), NOT_NOW);
    } finally {
      patience.abort();
      process.kill(hanging, 'SIGCONT');
    }
    for (const answer of await askBoth('bob')) assert.equal(answer.status, 200);
  });

  await t.test('told to exchange them, the primary keeps both, with what they know', async () => {
    const from = service.log.length;
    service.child.kill('SIGHUP');
    await service.line(({ msg }) => msg === 'a worker could not be replaced', from);
    await service.line(({ msg }) => msg === 'exchange of workers ended', from);
    for (const name of PEOPLE) for (const { status } of await askBoth(name)) assert.equal(status, 200, name);
  });

  await t.test('one of them dies: the other goes on, and another takes its place and asks', async () => {
    const [dying = 0] = workerProcesses();
    const from = service.log.length;
    process.kill(dying, 'SIGKILL');
    await service.line(({ msg }) => msg === 'a worker died; another takes its place', from);
    for (const name of PEOPLE) assert.equal((await ask(name)).status, 200, name);
    await service.line(({ msg }) => msg === 'worker replaced', from);
    for (const name of PEOPLE) for (const { status } of await askBoth(name)) assert.equal(status, 200, name);
    for (const answer of await askBoth('alice', 'wrong')) assert.deepEqual(shown(answer), NOT_NOW);
  });

  await t.test('the controller is back: its word counts', async () => {
    await controller.setFaults({});
    const judge = async () => (await askBoth('nobody')).every(({ status }) => status === 401);
    await eventually('both have passwords judged', judge);
    for (const { status } of await askBoth('alice', 'wrong')) assert.equal(status, 401);
    for (const { status } of await askBoth('grace')) assert.equal(status, 200);
    for (const name of PEOPLE) for (const { status } of await askBoth(name)) assert.equal(status, 200, name);
  });
});
