// What the supervisor does when workers start, die, cannot start, are exchanged and stopped; the workers are made up.
import assert from 'node:assert/strict';
import test from 'node:test';
import { Supervisor, type SupervisorOptions, type Worker } from '../../../src/autodiscover/workers/supervisor.ts';
import { WorkerFailure } from '../../../src/autodiscover/workers/worker-failure.ts';
import { eventually } from '../../ldap/demo-organization.ts';
import { channelPair } from './ports.ts';

interface Made extends Worker<number> {
  die(how?: string): void;
  become(): void;
  readonly stops: { idleMs: number }[];
  state: 'starting' | 'ready' | 'gone';
}

/** `behave` says for each start whether it becomes ready, fails, or neither. */
function world(
  count: number,
  behave: (start: number) => 'ready' | 'fail' | 'hang' = () => 'ready',
  more: Partial<SupervisorOptions<number>> = {},
) {
  const made: Made[] = [];
  const events: string[] = [];
  const said: (readonly [worker: number, report: unknown])[] = [];
  const start = (): Made => {
    const id = made.length + 1;
    const pair = channelPair();
    const gone = Promise.withResolvers<string>();
    const ready = Promise.withResolvers<number>();
    ready.promise.catch(() => undefined);
    const worker: Made = {
      id,
      channel: pair.primary,
      ready: ready.promise,
      gone: gone.promise,
      stops: [],
      state: 'starting',
      kill: () => worker.die('SIGKILL'),
      become: () => {
        worker.state = 'ready';
        ready.resolve(id);
      },
      die: (how = 'exit code 1') => {
        worker.state = 'gone';
        pair.cut();
        gone.resolve(how);
      },
    };
    pair.worker.on('stop', (order: { idleMs: number }) => {
      worker.stops.push(order);
      setTimeout(() => worker.die('exit code 0'), 2);
      return { last: `words of ${id}` };
    });
    pair.worker.on('pulse', () => true);
    const what = behave(id);
    setImmediate(() => {
      if (what === 'ready') worker.become();
      if (what === 'fail') ready.reject(new WorkerFailure(`no luck ${id}`, 'listen'));
    });
    made.push(worker);
    return worker;
  };
  const supervisor = new Supervisor<number>({
    count,
    start,
    patience: { readyMs: 1000, stopMs: 1000 },
    pulse: { everyMs: 60_000, patienceMs: 60_000 },
    backOff: { firstMs: 1, mostMs: 8, livedMs: 60_000 },
    attempts: 3,
    events: {
      died: ({ worker, how, waitMs }) => events.push(`${worker} died (${how}), ${waitMs} ms`),
      left: ({ worker, report }) => said.push([worker, report]),
      replaced: ({ worker, instead }) => events.push(`${worker} for ${instead}`),
      notReplaced: ({ instead, reason }) => events.push(`none for ${instead}: ${reason}`),
    },
    ...more,
  });
  const serving = () => supervisor.workers.map(({ id }) => id);
  const alive = () => made.filter(({ state }) => state !== 'gone').map(({ id }) => id);
  return { supervisor, made, events, said, serving, alive };
}

test('starts one, then the others, and stops all', async () => {
  const { supervisor, made, serving, alive, events } = world(3);
  assert.equal(await supervisor.open(), 1);
  assert.deepEqual(serving(), [1, 2, 3]);
  await supervisor.stop(7);
  assert.deepEqual(alive(), []);
  assert.deepEqual(
    made.map(({ stops }) => stops),
    Array(3).fill([{ idleMs: 7 }]),
  );
  assert.deepEqual(events, []);
});

test('when the first cannot start nothing else is tried, and its own words are thrown', async () => {
  const { supervisor, made, alive } = world(3, () => 'fail');
  await assert.rejects(supervisor.open(), { code: 'listen', message: 'no luck 1' });
  assert.equal(made.length, 1);
  assert.deepEqual(alive(), []);
});

test('when a later one cannot start the others are stopped again', async () => {
  const { supervisor, alive } = world(3, (start) => (start === 3 ? 'fail' : 'ready'));
  await assert.rejects(supervisor.open(), { message: 'no luck 3' });
  assert.deepEqual(alive(), []);
});

test('one that never becomes ready is ended', async () => {
  const { supervisor, alive } = world(1, () => 'hang', { patience: { readyMs: 5, stopMs: 5 } });
  await assert.rejects(supervisor.open(), { code: 'not-ready' });
  assert.deepEqual(alive(), []);
});

test('one that dies is replaced, later and later when its successors cannot start', async () => {
  const { supervisor, made, events, serving } = world(2, (start) => ([3, 4, 5, 6].includes(start) ? 'fail' : 'ready'));
  await supervisor.open();
  made[0]?.die('SIGSEGV');
  await eventually('it is replaced', () => serving().includes(7));
  assert.deepEqual(events, [
    '1 died (SIGSEGV), 1 ms',
    ...[3, 4, 5, 6].map((start) => `none for 1: no luck ${start}`),
    '7 for 1',
  ]);
  await supervisor.stop(0);
});

test('when none runs and none can be started, it gives up', async () => {
  const { supervisor, made, events } = world(2, (start) => (start > 2 ? 'fail' : 'ready'));
  await supervisor.open();
  for (const worker of made.slice()) worker.die();
  assert.match((await supervisor.givenUp).message, /^no luck \d+$/);
  assert.ok(events.length <= 2 + 2 * 4, events.join());
  await supervisor.stop(0);
});

test('one that does not answer any more is ended and replaced; one that answers is left alone', async () => {
  const { supervisor, made, events, serving } = world(2, () => 'ready', { pulse: { everyMs: 2, patienceMs: 40 } });
  await supervisor.open();
  const [hung] = made;
  assert.ok(hung);
  hung.channel.ask = () => new Promise(() => undefined);
  await eventually('it is replaced', () => serving().includes(3));
  assert.deepEqual(events, ['1 died (SIGKILL), 1 ms', '3 for 1']);
  assert.equal(made[1]?.state, 'ready');
  await supervisor.stop(0);
});

test('when the primary itself stood still nobody is ended for it: their answers lie unread', async () => {
  const { supervisor, events, serving } = world(2, () => 'ready', { pulse: { everyMs: 5, patienceMs: 60 } });
  await supervisor.open();
  for (let times = 0; times < 2; times++) {
    const until = performance.now() + 100;
    while (performance.now() < until);
    await new Promise((resolve) => setTimeout(resolve, 15));
  }
  assert.deepEqual(events, []);
  assert.deepEqual(serving(), [1, 2]);
  await supervisor.stop(0);
});

test('an exchange goes one by one; the old one leaves when the new one is ready', async () => {
  const { supervisor, made, events, said, serving, alive } = world(2);
  await supervisor.open();
  assert.deepEqual(await supervisor.roll(9), { exchanged: 2, failed: false });
  assert.deepEqual(said, [
    [1, { last: 'words of 1' }],
    [2, { last: 'words of 2' }],
  ]);
  assert.deepEqual(serving(), [3, 4]);
  assert.deepEqual(alive(), [3, 4]);
  assert.deepEqual(made[0]?.stops, [{ idleMs: 9 }]);
  assert.deepEqual(events, ['3 for 1', '4 for 2']);
  await supervisor.stop(0);
});

test('an exchange whose new worker cannot start leaves the old ones where they are', async () => {
  const { supervisor, events, serving } = world(2, (start) => (start > 2 ? 'fail' : 'ready'));
  await supervisor.open();
  assert.deepEqual(await supervisor.roll(0), { exchanged: 0, failed: true });
  assert.deepEqual(serving(), [1, 2]);
  assert.deepEqual(events, ['none for 1: no luck 3']);
  await supervisor.stop(0);
});

test('an exchange that is asked for during another one follows it', async () => {
  const { supervisor, serving } = world(2);
  await supervisor.open();
  await Promise.all([supervisor.roll(0), supervisor.roll(0), supervisor.roll(0)]);
  assert.deepEqual(serving(), [5, 6]);
  await supervisor.stop(0);
});

test('an exchange that is asked for during one that fails follows it: the settings may be mended by then', async () => {
  const { supervisor, events, serving } = world(2, (start) => (start === 3 ? 'fail' : 'ready'));
  await supervisor.open();
  const [, second] = await Promise.all([supervisor.roll(0), supervisor.roll(0)]);
  assert.deepEqual(second, { exchanged: 2, failed: false });
  assert.deepEqual(events, ['none for 1: no luck 3', '4 for 1', '5 for 2']);
  assert.deepEqual(serving(), [4, 5]);
  await supervisor.stop(0);
});

test('an exchange that the end of the service breaks off has not failed', async () => {
  const { supervisor, made, alive, events } = world(2, (start) => (start === 3 ? 'hang' : 'ready'));
  await supervisor.open();
  const exchange = supervisor.roll(0);
  await eventually('a new one is started', () => made.length === 3);
  await Promise.all([supervisor.stop(0), (async () => made[2]?.become())()]);
  assert.deepEqual(await exchange, { exchanged: 0, failed: false });
  assert.deepEqual(alive(), []);
  assert.deepEqual(events, []);
});

test('one that was being restarted when an exchange was asked for is exchanged too: it may know the old settings', async () => {
  const { supervisor, made, events, serving } = world(2, (start) => (start === 3 ? 'hang' : 'ready'));
  await supervisor.open();
  made[0]?.die();
  await eventually('another is started', () => made.length === 3);
  assert.deepEqual(await supervisor.roll(0), { exchanged: 1, failed: false });
  assert.deepEqual(serving(), [4]);
  made[2]?.become();
  await eventually('it is exchanged', () => serving().includes(5));
  assert.deepEqual(serving(), [5, 4]);
  assert.deepEqual(events, ['1 died (exit code 1), 1 ms', '4 for 2', '3 for 1', '5 for 3']);
  await supervisor.stop(0);
});

test('one that does not stop in time is ended', async () => {
  const { supervisor, made, alive } = world(1, () => 'ready', { patience: { readyMs: 1000, stopMs: 5 } });
  await supervisor.open();
  const [worker] = made;
  assert.ok(worker);
  worker.channel.ask = () => new Promise(() => undefined);
  await supervisor.stop(0);
  assert.deepEqual(alive(), []);
});

test('stopping while one is being restarted starts no more', async () => {
  const { supervisor, made, alive } = world(2, () => 'ready', {
    backOff: { firstMs: 50, mostMs: 50, livedMs: 60_000 },
  });
  await supervisor.open();
  made[0]?.die();
  await new Promise((resolve) => setImmediate(resolve));
  await supervisor.stop(0);
  await new Promise((resolve) => setTimeout(resolve, 80));
  assert.equal(made.length, 2);
  assert.deepEqual(alive(), []);
});
