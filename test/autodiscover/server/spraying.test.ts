// Passwords sprayed at the whole service: what clients see, what the directory is asked, what the log says.
import assert from 'node:assert/strict';
import { Agent, request } from 'node:https';
import { after, before, describe, test } from 'node:test';
import { basic, PASSWORD, poxBody, startTestService, type TestService } from '../../helpers/running-service.ts';

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: string;
}

function ask({ port, ca }: TestService, authorization?: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request(
      {
        port,
        host: '127.0.0.1',
        ca,
        method: 'POST',
        path: '/autodiscover/autodiscover.xml',
        agent: new Agent({ keepAlive: false }),
        headers: { 'Content-Type': 'text/xml', ...(authorization === undefined ? {} : { authorization }) },
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            body: Buffer.concat(chunks).toString(),
          }),
        );
      },
    );
    sent.on('error', reject).end(poxBody('alice@contoso.test'));
  });
}

/** Everything of an answer but what differs between any two. */
function seen({ status, headers, body }: Answer): string {
  const { date: _date, 'request-id': _id, ...rest } = headers;
  return JSON.stringify({ status, rest, body });
}

const refusals = ({ log }: TestService, event = 'authentication-refused') =>
  log.filter((line) => line.event === event).map(({ refusal, name, address }) => ({ refusal, name, address }));

describe('a domain that locks accounts out after five failures', () => {
  let server: TestService;
  before(async () => {
    server = await startTestService({
      authentication: { cacheSeconds: 0, rejectedCacheSeconds: 0, failures: { perName: 50 } },
      entries: { 'DC=contoso,DC=test': { lockoutThreshold: '5', lockOutObservationWindow: '-18000000000' } },
    });
  });
  after(() => server.stop());

  test('the policy is read and told', () => {
    const line = server.log.find(({ msg }) => msg === 'staying below the lock-out threshold');
    assert.deepEqual(
      [line?.threshold, line?.observationMs, line?.failuresPerAccount],
      [5, 30 * 60_000, 3],
      JSON.stringify(server.log[0]),
    );
  });

  test('one name under many spellings, all at once: three guesses reach the account, the rest 503, a good password too', async () => {
    const spellings = ['bob', 'CONTOSO\\bob', 'bob@contoso.test', 'BOB@contoso.test'];
    const guesses = Array.from({ length: 40 }, (_, n) => basic(spellings[n % 4] ?? '', `Wrong${n}`));
    const answers = await Promise.all(guesses.map((guess) => ask(server, guess)));
    const statuses = Map.groupBy(answers, ({ status }) => status);
    assert.deepEqual([statuses.get(401)?.length, statuses.get(503)?.length], [3, 37]);
    const good = await ask(server, basic('bob', PASSWORD));
    assert.equal(good.status, 503);
    const wait = Number(good.headers['retry-after']);
    assert.ok(wait > 1700 && wait <= 1801, String(wait));
    assert.equal(good.body, '');
  });

  test('a name nobody has is treated the same', async () => {
    const answers = [];
    for (let n = 0; n < 5; n++) answers.push((await ask(server, basic('nobody', `Wrong${n}`))).status);
    assert.deepEqual(answers, [401, 401, 401, 503, 503]);
  });

  test('an account tried under other addresses of its own is refused as ever, without trying its password', async () => {
    const aliases = ['erin@contoso.test', "erin.o'neill@contoso.test"];
    const answers = [];
    for (let n = 0; n < 4; n++) answers.push(await ask(server, basic(aliases[n % 2] ?? '', `Wrong${n}`)));
    answers.push(await ask(server, basic(aliases[0] ?? '', PASSWORD)));
    assert.deepEqual(
      answers.map(({ status }) => status),
      [401, 401, 401, 401, 401],
    );
    assert.equal(new Set(answers.map(seen)).size, 1);
    const told = refusals(server).filter(({ name }) => String(name).startsWith('erin'));
    assert.deepEqual(
      told.map(({ refusal }) => refusal),
      ['wrong-password', 'wrong-password', 'wrong-password', 'account-budget', 'account-budget'],
    );
  });
});

test('a threshold that was configured because the policy cannot be read counts for half an hour', async (t) => {
  const server = await startTestService({ authentication: { failures: { lockoutThreshold: 7 } } });
  t.after(() => server.stop());
  const line = server.log.find(({ msg }) => msg === 'staying below the lock-out threshold');
  assert.deepEqual([line?.threshold, line?.observationMs, line?.failuresPerAccount], [7, 30 * 60_000, 5]);
});

describe('a domain that locks nobody out', () => {
  let server: TestService;
  before(async () => {
    server = await startTestService({ authentication: { cacheSeconds: 0, rejectedCacheSeconds: 0 } });
  });
  after(() => server.stop());
  /** In full-width letters where `n` has a bit: the directory takes all of these for one name. */
  const widened = (name: string, n: number) =>
    [...name].map((c, at) => ((n >> at) & 1 ? String.fromCharCode(c.charCodeAt(0) + 0xfee0) : c)).join('');
  const ask40 = async (name: (n: number) => string) => {
    const answers: Answer[] = [];
    for (let n = 1; n <= 40; n++) answers.push(await ask(server, basic(name(n), `Wrong${n}`)));
    return answers.map(({ status }) => status);
  };

  test('spellings of one name are one name, whether or not somebody has it', async () => {
    const before = server.directory.stats.failedBinds;
    const statuses = await ask40((n) => widened('victor', n));
    assert.deepEqual(statuses, [...Array(5).fill(401), ...Array(35).fill(503)]);
    assert.ok(server.directory.stats.failedBinds - before <= 5);
    assert.equal((await ask(server, basic('ＶＩＣＴＯＲ', PASSWORD))).status, 503);
    assert.deepEqual(await ask40((n) => widened('nobody', n)), statuses);
  });

  test('further addresses of an account give no further guesses; the answer is that of a name nobody has', async () => {
    const aliases = ['erin', "erin.o'neill"];
    const answers: Answer[] = [];
    for (let n = 0; n < 8; n++) answers.push(await ask(server, basic(`${aliases[n % 2]}@contoso.test`, `Wrong${n}`)));
    answers.push(await ask(server, basic("erin.o'neill@contoso.test", PASSWORD)));
    assert.equal(new Set([...answers, await ask(server, basic('nobody7', 'x'))].map(seen)).size, 1);
    assert.deepEqual(
      refusals(server)
        .filter(({ name }) => String(name).startsWith('erin'))
        .map(({ refusal }) => refusal),
      [...Array(5).fill('wrong-password'), ...Array(4).fill('account-budget')],
    );
  });

  test('who logged on from here before still does', async () => {
    assert.equal((await ask(server, basic('carol', PASSWORD))).status, 200);
    assert.deepEqual((await ask40((n) => widened('carol', n))).slice(0, 8), [401, 401, 401, 401, 401, 401, 503, 503]);
  });
});

describe('a client address that guesses at many names', () => {
  test('is answered 503 when its budget is spent, whatever it sends', async (t) => {
    const server = await startTestService({ authentication: { failures: { perAddress: 4, windowSeconds: 60 } } });
    t.after(() => server.stop());
    assert.equal((await ask(server, basic('carol', PASSWORD))).status, 200);
    const answers = [];
    for (let n = 0; n < 6; n++) answers.push((await ask(server, basic(`name${n}`, 'Wrong'))).status);
    answers.push((await ask(server, basic('carol', PASSWORD))).status, (await ask(server)).status);
    assert.deepEqual(answers, [401, 401, 401, 401, 503, 503, 503, 401]);
    assert.deepEqual(refusals(server).slice(3), [
      { refusal: 'no-account', name: 'name3', address: '127.0.0.1' },
      { refusal: 'address-budget', name: 'name4', address: '127.0.0.1' },
      { refusal: 'address-budget', name: 'name5', address: '127.0.0.1' },
      { refusal: 'address-budget', name: 'carol', address: '127.0.0.1' },
    ]);
    assert.ok(server.lines.every((line) => !line.includes('Wrong') && !line.includes(PASSWORD)));
  });

  test('is let through when it is exempt', async (t) => {
    const server = await startTestService({
      authentication: { failures: { perAddress: 2 } },
      limits: { exemptAddresses: ['127.0.0.0/8'] },
    });
    t.after(() => server.stop());
    const answers = [];
    for (let n = 0; n < 5; n++) answers.push((await ask(server, basic(`name${n}`, 'Wrong'))).status);
    assert.deepEqual(new Set(answers), new Set([401]));
  });
});

test('unknown, wrong, disabled, locked and expired: the same bytes', async (t) => {
  const locked = 'CN=Carol Chen,OU=Staff,DC=contoso,DC=test';
  const expired = 'CN=Dave Dunn,OU=Staff,DC=contoso,DC=test';
  const server = await startTestService({
    entries: { [locked]: { lockoutTime: '132000000000000000' }, [expired]: { accountExpires: '130000000000000000' } },
  });
  t.after(() => server.stop());
  const credentials: readonly (readonly [string, string, string])[] = [
    ['nobody@contoso.test', 'x', 'no-account'],
    ['CONTOSO\\nobody', 'x', 'no-account'],
    ['NOWHERE\\alice', PASSWORD, 'no-account'],
    ['alice@contoso.test', 'x', 'wrong-password'],
    ['frank@contoso.test', PASSWORD, 'disabled'],
    ['frank@contoso.test', 'x', 'wrong-password'],
    ['carol@contoso.test', PASSWORD, 'locked-out'],
    ['dave@contoso.test', PASSWORD, 'account-expired'],
  ];
  const answers: string[] = [];
  for (const [name, password] of credentials) answers.push(seen(await ask(server, basic(name, password))));
  assert.equal(new Set(answers).size, 1, answers.join('\n'));
  assert.deepEqual(
    refusals(server).map(({ refusal }) => refusal),
    credentials.map(([, , refusal]) => refusal),
  );
  const again = await ask(server, basic('alice@contoso.test', 'x'));
  assert.equal(seen(again), answers[0]);
  assert.equal(refusals(server, 'authentication-refused-again').length, 1);
});

test('a name that nobody has waits for as long as a slow wrong password did before it', async (t) => {
  const server = await startTestService();
  t.after(() => server.stop());
  await server.directory.setFaults({ refusedPasswordMs: [300, 300] });
  assert.equal((await ask(server, basic('alice', 'Wrong'))).status, 401);
  assert.equal((await ask(server, basic('nobody', 'Wrong'))).status, 401);
  assert.equal((await ask(server, basic('carol', PASSWORD))).status, 200);
  const [slow, unknown, good] = server.log.filter(({ msg }) => msg === 'exchange').map(({ ms }) => Number(ms));
  // Three hundred and a quarter more, on the next beat; no wait ends early, whatever else the machine does.
  assert.ok((slow ?? 0) >= 399 && (unknown ?? 0) >= 399, `${slow} ms, ${unknown} ms`);
  assert.ok(good !== undefined);
});

test('beyond the checks that may run and wait, the answer is 503 at once', async (t) => {
  const server = await startTestService({ limits: { passwordChecks: 1, waitingChecks: 1 } });
  t.after(() => server.stop());
  server.directory.setFaults({ delayMs: 300, operations: ['bind'] });
  const names = ['alice', 'bob', 'carol', 'dave', 'erin', 'olga'];
  const answers = await Promise.all(names.map((name) => ask(server, basic(name, PASSWORD))));
  server.directory.setFaults({});
  const statuses = answers.map(({ status }) => status).sort();
  assert.deepEqual(statuses, [200, 200, 503, 503, 503, 503]);
  for (const { status, headers } of answers) if (status === 503) assert.equal(headers['retry-after'], '5');
});
