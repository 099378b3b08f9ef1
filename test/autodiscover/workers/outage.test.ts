// Three workers in an outage, in one process: each a whole app over its own directory and with a clock of its own, and between them the
// channels that processes have. What one of them was told all of them answer, exactly as long as that one; nobody else notices anything.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { newSecret } from '../../../src/autodiscover/server/authentication/dated-digests.ts';
import { answerRecall, OtherMemories, RecallRelay } from '../../../src/autodiscover/workers/memory-sharing.ts';
import { RecallBudget } from '../../../src/autodiscover/workers/recall-budget.ts';
import { openDirectory } from '../../../src/ldap/directory.ts';
import { directoryOptions, eventually, PASSWORD, startController } from '../../ldap/demo-organization.ts';
import { basic, bedOver, type ConfigOverrides, elementText, listenPlain, poxBody, send, XML_TYPE } from '../bed.ts';
import { channelPair, delivered, type Pair } from './ports.ts';

const OUTAGE_MS = 3_600_000;
const PEOPLE = ['alice', 'bob', 'carol'] as const;

async function scene(t: TestContext, config: ConfigOverrides = {}) {
  const controller = await startController();
  let passed = 0;
  const now = () => performance.now() + passed;
  const relay = new RecallRelay(
    new RecallBudget({ perName: 5, perAddress: 100, windowMs: 600_000, exempt: () => false, now }),
  );
  const credentialSecret = newSecret();
  const open = async (began: number) => {
    const pair: Pair = channelPair();
    relay.serve(pair.primary);
    const others = new OtherMemories(pair.worker, now);
    const directory = await openDirectory(
      directoryOptions([controller], {
        now: () => began + now(),
        elsewhere: (question) => others.recall(question),
        retry: { firstMs: 20, longestMs: 60 },
      }),
    );
    const bed = bedOver(directory, config, {
      credentialSecret,
      elsewhere: (question) => others.recallCredential(question),
    });
    answerRecall(pair.worker, bed.memory);
    const server = await listenPlain(bed.app);
    t.after(async () => {
      await server.close();
      directory.close();
    });
    const ask = async (caller: string, password = PASSWORD, address = `${caller}@contoso.test`) => {
      const headers = { 'content-type': XML_TYPE, authorization: basic(`${caller}@contoso.test`, password) };
      const { status, body, headers: told } = await send(server.port, { headers, body: poxBody({ address }) });
      return { status, body, retryAfter: told['retry-after'], told };
    };
    return { ask, bed, pair, directory, outcomes: others.outcomes };
  };
  const workers = [await open(0), await open(5_000_000), await open(70_000)] as const;
  await delivered();
  t.after(() => controller.close());
  /** Clocks of all workers. */
  const pass = (ms: number) => {
    passed += ms;
    for (const { bed } of workers) bed.passTime(ms);
  };
  const asked = () => workers.reduce((sum, { pair }) => sum + pair.sent.worker, 0);
  return { controller, workers, pass, asked };
}

const server = ({ body }: { readonly body: string }) => elementText(body, 'Server');

test('whoever was answered by any of them is answered by all, and by none for longer than by the first', async (t) => {
  const { controller, workers, pass } = await scene(t);
  const before = [];
  for (const [at, name] of PEOPLE.entries()) before.push(server((await workers[at]?.ask(name)) ?? { body: '' }));
  assert.ok(before.every((name) => name !== undefined));
  await controller.setFaults({ dead: 'refuse' });
  // From worker to worker, each time a while later: each asks all others, and what the last one learnt is as old as the first one's.
  for (const { ask } of workers) {
    pass(1_190_000);
    for (const [at, name] of PEOPLE.entries()) assert.equal(server(await ask(name)), before[at], name);
  }
  pass(OUTAGE_MS - 3 * 1_190_000 - 5_000);
  for (const { ask } of workers) for (const name of PEOPLE) assert.equal((await ask(name)).status, 200, name);
  pass(5_000);
  for (const { ask } of workers)
    for (const name of PEOPLE) {
      const { status, retryAfter } = await ask(name);
      assert.deepEqual([status, retryAfter], [503, '30'], name);
    }
});

test('nothing is asked while a controller answers; when one does again, it alone counts', async (t) => {
  const { controller, workers, asked } = await scene(t);
  const [first, second] = workers;
  const before = asked();
  for (const { ask } of workers) {
    await ask('alice');
    await ask('alice', 'wrong');
    await ask('nobody');
  }
  assert.equal(asked(), before);
  await first.ask('bob');
  await controller.setFaults({ dead: 'refuse' });
  assert.equal((await second.ask('bob')).status, 200);
  const isUp = () => second.directory.status().controllers.every(({ up }) => up);
  await controller.setFaults({});
  await eventually('the controller is used again', isUp);
  const later = asked();
  assert.equal((await second.ask('bob', 'wrong')).status, 401);
  assert.equal((await second.ask('carol')).status, 200);
  assert.equal(asked(), later);
});

test('a wrong password of somebody known, and anything of somebody unknown, get what they got before: the same 503', async (t) => {
  const { controller, workers, asked } = await scene(t, { authentication: { rejectedCacheSeconds: 0 } });
  const [first, second] = workers;
  await first.ask('alice');
  await controller.setFaults({ dead: 'refuse' });
  const replies = [];
  const questions = [];
  for (const [name, password] of [
    ['alice', 'wrong'],
    ['nobody', 'wrong'],
    ['nobody', PASSWORD],
    ['bob', PASSWORD],
  ] as const) {
    const before = asked();
    const { told, ...reply } = await second.ask(name, password);
    const { date, 'request-id': id, ...headers } = told;
    replies.push({ ...reply, headers });
    questions.push(asked() - before);
  }
  assert.equal(replies[0]?.status, 503);
  for (const reply of replies) assert.deepEqual(reply, replies[0]);
  // One question, and an answer from each of the other two: the work is the same, and so is the time.
  assert.deepEqual(questions, [3, 3, 3, 3]);
});

test('guesses at somebody’s password are compared with others’ memories as often as a name may fail', async (t) => {
  const { controller, workers } = await scene(t);
  const [first, second] = workers;
  await first.ask('alice');
  await controller.setFaults({ dead: 'refuse' });
  for (let n = 0; n < 12; n++) assert.equal((await second.ask('alice', `guess ${n}`)).status, 503);
  assert.deepEqual([second.outcomes.unknown, second.outcomes.spent], [5, 7]);
  assert.equal((await second.ask('alice')).status, 503, 'the right one is none of them');
  assert.equal((await first.ask('alice')).status, 200, 'where she is known she is answered');
});

test('a password that another worker saw refused since is let in by none that has to ask', async (t) => {
  const { controller, workers, pass } = await scene(t);
  const [first, second, third] = workers;
  assert.equal((await first.ask('alice')).status, 200);
  pass(130_000);
  // So that the service account need not bind any more.
  for (const name of PEOPLE.slice(1)) await second.ask(name);
  await controller.setFaults({ result: 'invalidCredentials', operations: ['bind'] });
  assert.equal((await second.ask('alice')).status, 401);
  await controller.setFaults({ dead: 'refuse' });
  pass(60_000);
  assert.equal((await second.ask('alice')).status, 503);
  assert.equal((await third.ask('alice')).status, 503);
});

test('callers who are held to their own mailboxes are so everywhere', async (t) => {
  const { controller, workers } = await scene(t, { answers: { othersMailboxes: 'deny' } });
  const [first, second] = workers;
  const known = await first.ask('alice');
  await first.ask('bob');
  await controller.setFaults({ dead: 'refuse' });
  assert.equal(server(await second.ask('alice')), server(known));
  assert.equal(elementText((await second.ask('alice', PASSWORD, 'bob@contoso.test')).body, 'ErrorCode'), '500');
});
