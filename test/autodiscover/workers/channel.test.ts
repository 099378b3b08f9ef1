import assert from 'node:assert/strict';
import test from 'node:test';
import { channelPair, delivered } from './ports.ts';

test('questions are answered, each with its own answer', async () => {
  const { primary, worker } = channelPair();
  primary.on('double', async (n: number) => {
    if (n === 1) await new Promise((resolve) => setTimeout(resolve, 5));
    return n * 2;
  });
  worker.on('name', () => 'worker');
  assert.deepEqual(await Promise.all([worker.ask('double', 1), worker.ask('double', 2), primary.ask('name')]), [
    2,
    4,
    'worker',
  ]);
  primary.on('nothing', () => undefined);
  assert.equal(await worker.ask('nothing'), undefined);
});

test('a handler that throws, and a question nobody answers, are errors of whoever asked', async () => {
  const { primary, worker } = channelPair();
  primary.on('fail', () => {
    throw new Error('it is so');
  });
  await assert.rejects(worker.ask('fail'), /^Error: it is so$/);
  await assert.rejects(worker.ask('unheard of'), /no answer to unheard of/);
});

test('news are heard once and need no answer', async () => {
  const { primary, worker } = channelPair();
  const heard: unknown[] = [];
  worker.on('news', (body) => heard.push(body));
  primary.tell('news', { a: 1 });
  primary.tell('other news');
  await delivered();
  assert.deepEqual(heard, [{ a: 1 }]);
});

test('what is not ours on the same channel is left alone', async () => {
  const taken: ((message: unknown) => void)[] = [];
  const { Channel } = await import('../../../src/autodiscover/workers/channel.ts');
  const channel = new Channel({
    send: () => assert.fail('nothing is sent'),
    onMessage: (take) => void taken.push(take),
    onClose: () => undefined,
  });
  for (const message of [undefined, null, 1, 'text', {}, { cmd: 'NODE_X' }, { autodiscover: 'answer', id: 7 }])
    for (const take of taken) take(message);
  assert.equal(channel.closed, false);
});

test('when the other end goes, open questions and later ones are rejected, and news are lost', async () => {
  const { primary, worker, cut } = channelPair();
  primary.on('slow', () => new Promise(() => undefined));
  const open = worker.ask('slow');
  let told = 0;
  worker.onClose(() => {
    told += 1;
  });
  cut();
  await assert.rejects(open, { code: 'channel-closed' });
  await assert.rejects(worker.ask('slow'), { code: 'channel-closed' });
  worker.tell('news');
  worker.onClose(() => {
    told += 1;
  });
  assert.equal(told, 2);
});
