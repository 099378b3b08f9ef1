import assert from 'node:assert/strict';
import test from 'node:test';
import { HiveMemory } from '../../../../src/profile-migrator/registry/hive/hive-memory.ts';

const MIB = 1024 * 1024;

/** Starts work that holds memory until it is told to end; `running` names what has begun and not ended. */
function jobs(memory: HiveMemory): { start(name: string, bytes: number): () => Promise<void>; running: string[] } {
  const running: string[] = [];
  return {
    running,
    start(name, bytes) {
      const gate = Promise.withResolvers<void>();
      const done = memory.hold(bytes, async () => {
        running.push(name);
        await gate.promise;
        running.splice(running.indexOf(name), 1);
      });
      return async () => {
        gate.resolve();
        await done;
        await new Promise(setImmediate);
      };
    },
  };
}

test('as much runs side by side as there is memory for, in the order of asking', async () => {
  const { start, running } = jobs(new HiveMemory(10));
  const [a, b, c, d] = [start('a', 6), start('b', 4), start('c', 5), start('d', 1)];
  await new Promise(setImmediate);
  assert.deepEqual(running, ['a', 'b']);
  await b();
  assert.deepEqual(running, ['a'], 'c does not fit yet, and d does not overtake it');
  await a();
  assert.deepEqual(running, ['c', 'd']);
  await Promise.all([c(), d()]);
});

test('what is larger than the limit runs alone', async () => {
  const { start, running } = jobs(new HiveMemory(10));
  const [small, large, next] = [start('small', 1), start('large', 1000), start('next', 1)];
  await new Promise(setImmediate);
  assert.deepEqual(running, ['small']);
  await small();
  assert.deepEqual(running, ['large']);
  await large();
  assert.deepEqual(running, ['next']);
  await next();
});

test('memory is given back when work fails', async () => {
  const memory = new HiveMemory(10);
  await assert.rejects(
    memory.hold(10, () => Promise.reject(new Error('broken'))),
    { message: 'broken' },
  );
  assert.equal(await memory.hold(10, async () => 'runs'), 'runs');
});

test('a buffer serves again once its work has ended, and never twice at a time', async () => {
  const memory = new HiveMemory(64 * MIB);
  const first = await memory.hold(3 * MIB, async (take) => take(2.9 * MIB));
  assert.ok(first.length >= 2.9 * MIB);
  await memory.hold(6 * MIB, async (take) => {
    const [again, other] = [take(2.8 * MIB), take(2.8 * MIB)];
    assert.equal(again.buffer, first.buffer);
    assert.notEqual(other.buffer, first.buffer);
    assert.ok(other.length >= 2.8 * MIB);
  });
  const small = await memory.hold(100, async (take) => take(100));
  assert.notEqual(small.buffer, first.buffer, 'a small hive does not occupy a large buffer');
});

test('what is kept for later stays below the limit', async () => {
  const memory = new HiveMemory(4 * MIB);
  const large = await memory.hold(5 * MIB, async (take) => take(5 * MIB));
  assert.equal(large.length, 0, 'given back to the system at once');
  const kept = await memory.hold(3 * MIB, async (take) => take(3 * MIB));
  assert.equal(kept.length, 3 * MIB);
  const next = await memory.hold(1.25 * MIB, async (take) => take(1.25 * MIB));
  assert.equal(kept.length, 0, 'makes room');
  assert.equal(next.length, 1.25 * MIB);
});
