// The project's Autodiscover client against a real domain controller: Samba's endpoint mapper answers the probe, and a ticket from
// its KDC logs the client on by Negotiate.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { sendAuthenticated } from '../../src/autodiscover/client/authenticate.ts';
import { EXCHANGE_INTERFACES, mapEndpoint } from '../../src/autodiscover/client/endpoint-mapper.ts';
import { negotiateAuthenticator } from '../../src/autodiscover/client/negotiate.ts';
import { FakeNetwork, type Handler } from '../autodiscover/client/fake-network.ts';
import { labSuite } from './requirements.ts';
import { type SambaLab, startSambaLab } from './samba/samba-lab.ts';

const run = promisify(execFile);
const HOST = 'autodiscover.contoso.test';

labSuite('Autodiscover client', ['samba'], () => {
  let lab: SambaLab;

  before(async () => {
    lab = await startSambaLab();
  });
  after(() => lab?.stop());

  test('the endpoint mapper names the port of an interface that is registered, and it can be connected to', async () => {
    // Directory replication, [MS-DRSR] 1.9 drsuapi: what every domain controller has.
    const drsuapi = { interfaceId: 'e3514235-4b06-11d1-ab04-00c04fc2dcd2', version: { major: 4, minor: 0 } };
    const answer = await mapEndpoint({ host: lab.address, timeoutMs: 10_000, ...drsuapi });
    assert.ok(answer.outcome === 'registered', JSON.stringify(answer));
    assert.ok(answer.endpoints.every(({ port }) => port > 1024));
    // The same question at that port: it speaks RPC, but is no endpoint mapper for us, or is one for the whole process.
    const port = answer.endpoints[0]?.port ?? 0;
    const there = await mapEndpoint({ host: lab.address, port, timeoutMs: 10_000, ...drsuapi });
    assert.ok(there.outcome === 'rejected' || there.outcome === 'registered', JSON.stringify(there));
  });

  for (const [name, asked] of Object.entries(EXCHANGE_INTERFACES)) {
    test(`the endpoint mapper of a server without Exchange does not know ${name}`, async () => {
      const answer = await mapEndpoint({ host: lab.address, timeoutMs: 10_000, ...asked });
      assert.deepEqual(answer, { outcome: 'not-registered' });
    });
  }

  test('another port of the same machine is no endpoint mapper', async () => {
    const answer = await mapEndpoint({ host: lab.address, port: 636, timeoutMs: 2000, ...EXCHANGE_INTERFACES.EMSMDB });
    assert.ok(['garbage', 'unreachable', 'timeout'].includes(answer.outcome), JSON.stringify(answer));
  });

  test('a ticket from the KDC logs the client on, and without one it says so', async (t) => {
    const name: string = 'kerberos'; // optional, so not a literal: the compiler must not insist on it
    const kerberos = (await import(name).catch(() => undefined)) as { initializeServer: InitializeServer } | undefined;
    if (kerberos === undefined) {
      assert.notEqual(process.env.LAB_REQUIRED, '1', 'LAB_REQUIRED=1, but the package kerberos is not installed');
      return t.skip('needs the optional package kerberos');
    }
    const cache = `FILE:${join(lab.paths.root, 'client-ticket')}`;
    // GSSAPI reads the environment of the process itself.
    Object.assign(process.env, { KRB5_CONFIG: lab.krb5Conf, KRB5CCNAME: cache, KRB5_KTNAME: lab.keytab });
    const network = new FakeNetwork();
    try {
      await network.https(HOST, acceptTickets(kerberos.initializeServer));
      const attempt = async () => {
        const connection = network.client().open();
        const request = { method: 'POST', url: new URL(`https://${HOST}/`), headers: {}, body: 'x' } as const;
        return sendAuthenticated(connection, request, [negotiateAuthenticator()]).finally(() => connection.close());
      };
      const without = await attempt();
      assert.match(without.notes.join(), /Negotiate: no Kerberos ticket for HTTP@autodiscover\.contoso\.test \(/);
      assert.equal(without.outcome.kind === 'answer' && without.outcome.status, 401);
      const kinit = run('kinit', ['alice@CONTOSO.TEST']);
      kinit.child.stdin?.end(`${lab.password}\n`);
      await kinit;
      const { outcome, scheme } = await attempt();
      assert.equal(scheme, 'Negotiate');
      assert.ok(outcome.kind === 'answer' && outcome.status === 200, JSON.stringify(outcome));
      assert.equal(Buffer.from(outcome.body).toString(), 'alice@CONTOSO.TEST');
    } finally {
      await network.close();
    }
  });
});

type InitializeServer = (service: string) => Promise<{ username: string; step(token: string): Promise<string> }>;

/** A service that takes what its keytab can open and answers with the caller's name. */
function acceptTickets(initializeServer: InitializeServer): Handler {
  return async ({ authorization }, response) => {
    const token = /^Negotiate (.+)$/.exec(authorization ?? '')?.[1];
    try {
      if (token === undefined) throw new Error('no token');
      const server = await initializeServer(`HTTP@${HOST}`);
      await server.step(token);
      response.end(server.username);
    } catch {
      response.writeHead(401, { 'WWW-Authenticate': 'Negotiate' }).end();
    }
  };
}
