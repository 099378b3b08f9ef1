// The cut-over behind a real HAProxy: /autodiscover goes to this project's service, Exchange's other paths to the members, and one
// command leads back.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { setMemberState } from '../../src/admin/balancer/maintenance.ts';
import { createHttpClient, type HttpAnswer } from '../../src/autodiscover/client/http-client.ts';
import { DEMO_PASSWORD, type Demo, startDemo } from '../../src/autodiscover/commands/demo.ts';
import { type RunningService, startService } from '../../src/autodiscover/commands/service.ts';
import { createLogger } from '../../src/autodiscover/log.ts';
import { renderPoxRequest } from '../../src/autodiscover/wire/pox-request.ts';
import { type HaproxyBed, startHaproxyBed, VIRTUAL_ADDRESS, WEB_HOST } from './haproxy-bed.ts';
import { labSuite } from './requirements.ts';

const SERVICE_ADDRESS = '127.0.61.20';
const SERVICE_HOST = 'autodiscover.contoso.test';

labSuite('Cut-over with HAProxy', ['haproxy'], () => {
  const certs = mkdtempSync(join(tmpdir(), 'cut-over-'));
  let demo: Demo;
  let service: RunningService;
  let bed: HaproxyBed;

  before(async () => {
    demo = await startDemo({ https: `${SERVICE_ADDRESS}:443`, http: `${SERVICE_ADDRESS}:80`, certs });
    service = await startService(demo.settings, createLogger('silent', new PassThrough()));
    bed = await startHaproxyBed(
      ({ authority, combined }) => {
        const caFile = join(certs, 'both.pem');
        writeFileSync(caFile, readFileSync(authority.certificate, 'utf8') + readFileSync(demo.caFile, 'utf8'));
        const service = new URL(`https://${SERVICE_HOST}`);
        return { kind: 'cut-over', service, certificateFile: combined, caFile, webHost: WEB_HOST };
      },
      [`${SERVICE_ADDRESS} ${SERVICE_HOST}`, `${VIRTUAL_ADDRESS} ${WEB_HOST}`],
    );
    for (const name of ['service', 'sea-cas1', 'sea-cas2']) await bed.seen(name, true);
  });
  after(async () => {
    await bed?.stop();
    await service?.stop();
    await demo?.directory.close();
    rmSync(certs, { recursive: true, force: true });
  });

  const ask = async (path: string, body?: string): Promise<HttpAnswer> => {
    const connection = createHttpClient({
      timeoutMs: 10_000,
      ca: readFileSync(bed.authority.certificate, 'utf8'),
      connectTo: () => ({ host: VIRTUAL_ADDRESS, port: 443 }),
    }).open();
    const credentials = Buffer.from(`alice@contoso.test:${DEMO_PASSWORD}`).toString('base64');
    const outcome = await connection.send({
      method: body === undefined ? 'GET' : 'POST',
      url: new URL(`https://${WEB_HOST}${path}`),
      headers: { 'Content-Type': 'text/xml', Authorization: `Basic ${credentials}` },
      ...(body !== undefined && { body }),
    });
    connection.close();
    assert.ok(outcome.kind === 'answer', JSON.stringify(outcome));
    return outcome;
  };
  const memberOf = (answer: HttpAnswer) => answer.headers['x-member']?.[0];
  const pox = renderPoxRequest({ schema: 'outlook', emailAddress: 'alice@contoso.test', legacyDn: undefined });
  const autodiscover = () => ask('/Autodiscover/Autodiscover.xml', pox);

  test('haproxy -c has nothing to say about the configuration', () => {
    assert.equal(bed.complaints, '');
  });

  test('/autodiscover is answered by the service, with the array', async () => {
    const answer = await autodiscover();
    assert.equal(answer.status, 200);
    assert.equal(memberOf(answer), undefined);
    assert.match(Buffer.from(answer.body).toString(), /<Server>outlook-sea\.contoso\.test<\/Server>/);
  });

  for (const path of [
    '/EWS/Exchange.asmx',
    '/OAB/x/oab.xml',
    '/owa/',
    '/ecp/',
    '/rpc/rpcproxy.dll',
    '/Microsoft-Server-ActiveSync/',
  ]) {
    test(`${path} goes to a Client Access server`, async () => {
      const answer = await ask(path);
      assert.equal(answer.status, 401);
      assert.match(memberOf(answer) ?? '', /^sea-cas[12]$/);
    });
  }

  test('nothing else exists', async () => {
    assert.equal((await ask('/')).status, 404);
    assert.equal((await ask('/powershell/')).status, 404);
  });

  /** Runs the program where the names of the lab are known. */
  const autodiscoverProgram = (...args: readonly string[]) => {
    const program = join(import.meta.dirname, '..', '..', 'src', 'cli', 'autodiscover.ts');
    const [command = '', ...words] = [...bed.inLab, process.execPath, program, ...args];
    const env = { ...process.env, AUTODISCOVER_PASSWORD: DEMO_PASSWORD };
    return promisify(execFile)(command, words, { env, timeout: 60_000 }).catch(
      (error: { stdout: string; stderr: string }) => error,
    );
  };

  test('replay: before the step the two names differ, after it the public one breaks no rule and differs in nothing', async () => {
    const replay = () =>
      autodiscoverProgram(
        ...['replay', 'alice@contoso.test', '--server', `https://${WEB_HOST}`, '--against', `https://${SERVICE_HOST}`],
        ...['--ca', join(certs, 'both.pem'), '--timeout', '10'],
      );
    await autodiscoverProgram('balancer', 'drain', 'service', '--socket', bed.socket);
    const before = (await replay()).stdout.split('\n');
    assert.ok(before.includes('broken   Outlook 2010: HTTP 401'), before[0]);
    assert.ok(before.includes('differs  Outlook 2010  InternalRpcClientServer: -, against outlook-sea.contoso.test'));
    const enabled = await autodiscoverProgram('balancer', 'enable', 'service', '--socket', bed.socket);
    assert.match(enabled.stdout, /^service is in service again: outlook-sea_autodiscover$/m, enabled.stderr);
    const after = await replay();
    assert.match(after.stdout.trim().split('\n').at(-1) ?? '', /^\d+ recordings, 0 with broken rules, 0 differences$/);
  });

  test('draining the service is the way back in one step, and enabling it the way forth', async () => {
    await setMemberState(bed.runtime, 'service', 'drain');
    assert.match(memberOf(await autodiscover()) ?? '', /^sea-cas[12]$/);
    await setMemberState(bed.runtime, 'service', 'ready');
    assert.equal(memberOf(await autodiscover()), undefined);
  });

  test('while the service is down, the members answer', async () => {
    await service.stop();
    let member: string | undefined;
    for (let tries = 0; tries < 100 && member === undefined; tries++) {
      await sleep(100);
      member = memberOf(await autodiscover());
    }
    assert.match(member ?? '', /^sea-cas[12]$/);
  });
});
