import assert from 'node:assert/strict';
import test from 'node:test';
import {
  type Authenticator,
  basicAuthenticator,
  sendAuthenticated,
} from '../../../src/autodiscover/client/authenticate.ts';
import {
  type KerberosPackage,
  loadKerberosPackage,
  negotiateAuthenticator,
} from '../../../src/autodiscover/client/negotiate.ts';
import { FakeNetwork, type Handler, type SeenRequest } from './fake-network.ts';

const REQUEST = { method: 'POST', url: new URL('https://mail.contoso.test/x'), headers: {}, body: 'hello' } as const;

async function exchange(handler: Handler, authenticators: readonly Authenticator[]) {
  const network = new FakeNetwork();
  try {
    await network.https('mail.contoso.test', handler);
    const connection = network.client().open();
    const sent = await sendAuthenticated(connection, REQUEST, authenticators);
    connection.close();
    const { outcome } = sent;
    return { ...sent, status: outcome.kind === 'answer' ? outcome.status : outcome.reason, seen: network.seen };
  } finally {
    await network.close();
  }
}

function challenge(...schemes: string[]): Handler {
  return (request, response) => {
    if (request.authorization === undefined) response.writeHead(401, { 'WWW-Authenticate': schemes }).end();
    else response.end('in');
  };
}

/** A stand-in for the optional package: it wants two legs and fails on a token that is not the server's. */
function kerberos(services: string[] = []): KerberosPackage {
  return {
    async initializeClient(service) {
      services.push(service);
      return {
        async step(token) {
          if (token === '') return 'Zmlyc3Q=';
          if (token === 'c2VydmVy') return 'c2Vjb25k';
          throw new Error('GSS failure');
        },
      };
    },
  };
}

/** Two legs on one connection, as SPNEGO may take. */
const negotiating: Handler = (request, response) => {
  if (request.authorization === 'Negotiate c2Vjb25k') return void response.end('in');
  const answer = request.authorization === 'Negotiate Zmlyc3Q=' ? 'Negotiate c2VydmVy' : 'Negotiate';
  response.writeHead(401, { 'WWW-Authenticate': [answer, 'Basic realm="x"'] }).end();
};

const basic = (): Authenticator => basicAuthenticator('alice', async () => 'p:w\u00e4');

test('Basic is UTF-8, and asks for the password once ([RFC 7617] 2 Basic)', async () => {
  let asked = 0;
  const authenticator = basicAuthenticator('alice', async () => {
    asked++;
    return 'p:w\u00e4';
  });
  for (let i = 0; i < 2; i++) {
    const { status, seen, scheme } = await exchange(challenge('Negotiate', 'Basic realm="x"'), [authenticator]);
    assert.deepEqual([status, scheme], [200, 'Basic']);
    assert.equal(seen.at(-1)?.authorization, 'Basic YWxpY2U6cDp3w6Q=');
  }
  assert.equal(asked, 1);
});

test('the password is not asked for when nobody wants it', async () => {
  const authenticator = basicAuthenticator('alice', async () => assert.fail('asked'));
  assert.equal((await exchange((_r, response) => void response.end('hello'), [authenticator])).status, 200);
  assert.equal((await exchange(challenge('NTLM'), [authenticator])).status, 401);
});

test('no password, an empty one, and a user name that Basic cannot carry are notes', async () => {
  for (const [user, password, note] of [
    ['alice', undefined, /no password/],
    ['alice', '', /no password/],
    ['a:b', 'x', /colon/],
  ] as const) {
    const { status, notes, seen } = await exchange(challenge('Basic'), [
      basicAuthenticator(user, async () => password),
    ]);
    assert.equal(status, 401);
    assert.match(notes.join(), note);
    assert.equal(seen.length, 1);
  }
});

test('Negotiate takes its legs on one connection, for the host’s HTTP service ([RFC 4559] 4 Negotiate)', async () => {
  const services: string[] = [];
  const { status, scheme, seen } = await exchange(negotiating, [
    negotiateAuthenticator(async () => kerberos(services)),
    basic(),
  ]);
  assert.deepEqual([status, scheme], [200, 'Negotiate']);
  assert.equal(seen.length, 3);
  assert.equal(new Set(seen.map((request: SeenRequest) => request.socket)).size, 1, 'one connection');
  assert.ok(seen.every((request) => request.body === 'hello'));
  assert.deepEqual(services, ['HTTP@mail.contoso.test']);
});

test('a Negotiate token that is not for us ends the exchange with the 401', async () => {
  const wrong: Handler = (_request, response) =>
    void response.writeHead(401, { 'WWW-Authenticate': 'Negotiate YmFk' }).end();
  const { status, seen, scheme } = await exchange(wrong, [negotiateAuthenticator(async () => kerberos())]);
  assert.deepEqual([status, scheme, seen.length], [401, 'Negotiate', 2]);
});

test('a server that never stops asking is left after six legs', async () => {
  const endless: Handler = (_request, response) =>
    void response.writeHead(401, { 'WWW-Authenticate': 'Negotiate c2VydmVy' }).end();
  const { status, seen } = await exchange(endless, [negotiateAuthenticator(async () => kerberos())]);
  assert.deepEqual([status, seen.length], [401, 7]);
});

test('without the package or a ticket Negotiate is a note and the next scheme is used', async () => {
  const missing = negotiateAuthenticator(async () =>
    Promise.reject(new Error("Cannot find package 'kerberos'\n  at x")),
  );
  const ticketless = negotiateAuthenticator(async () => ({
    initializeClient: async () => Promise.reject(new Error('No credentials')),
  }));
  for (const [authenticator, note] of [
    [missing, /optional package "kerberos" cannot be loaded \(Cannot find package 'kerberos'\); npm install kerberos/],
    [ticketless, /no Kerberos ticket for HTTP@mail\.contoso\.test \(No credentials\); run kinit/],
  ] as const) {
    const { status, notes, scheme } = await exchange(challenge('Negotiate', 'Basic'), [authenticator, basic()]);
    assert.deepEqual([status, scheme], [200, 'Basic']);
    assert.match(notes.join(), note);
  }
});

test('loading the package gives it, or says that it is absent', async () => {
  const loaded = await loadKerberosPackage().catch((error: unknown) => error);
  if (loaded instanceof Error) assert.match(loaded.message, /kerberos/);
  else assert.equal(typeof (loaded as KerberosPackage).initializeClient, 'function');
});

test('credentials are never sent over http', async () => {
  const connection = { send: async () => assert.fail('sent'), close() {} };
  await assert.rejects(
    sendAuthenticated(connection, { ...REQUEST, url: new URL('http://mail.contoso.test/x') }, [basic()]),
    /https only/,
  );
});
