// Memory goes back when nobody is kept waiting for it, and only when there is enough of it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { collectGarbage, quietMemory } from '../../../src/autodiscover/commands/quiet-memory.ts';
import { createLogger } from '../../../src/autodiscover/log.ts';

const MIB = 2 ** 20;

function scene(options: { readonly collect?: () => Promise<void> } = {}) {
  const state = { resident: 100 * MIB, utilization: 0, collected: 0, lines: [] as Record<string, unknown>[] };
  const look = quietMemory({
    resident: () => state.resident,
    utilization: () => state.utilization,
    async collect() {
      state.collected += 1;
      await options.collect?.();
      state.resident -= 20 * MIB;
    },
    log: createLogger('debug', { write: (line: string) => void state.lines.push(JSON.parse(line)) }),
  });
  return { state, look };
}

test('what a storm took is given back once nobody asks', async () => {
  const { state, look } = scene();
  assert.equal(await look(), false);
  Object.assign(state, { resident: 180 * MIB, utilization: 0.9 });
  assert.equal(await look(), false);
  state.utilization = 0.04;
  assert.equal(await look(), true);
  assert.equal(state.lines.at(-1)?.msg, 'memory given back');
  assert.deepEqual([state.lines.at(-1)?.beforeMiB, state.lines.at(-1)?.afterMiB], [180, 160]);
});

test('it is not done again before the process has grown again', async () => {
  const { state, look } = scene();
  state.resident = 180 * MIB;
  assert.equal(await look(), true);
  for (const grown of [0, 5, 10]) {
    state.resident += grown * MIB;
    assert.equal(await look(), false);
  }
  state.resident += 2 * MIB;
  assert.equal(await look(), true);
  assert.equal(state.collected, 2);
});

test('a process that has become smaller by itself is measured from there: its start took more than it needs', async () => {
  const { state, look } = scene();
  state.resident = 300 * MIB;
  assert.equal(await look(), true);
  state.resident = 120 * MIB;
  assert.equal(await look(), false);
  state.resident = 250 * MIB;
  assert.equal(await look(), true);
});

test('where it cannot be done the service goes on, and does not try each time', async () => {
  const { state, look } = scene({ collect: () => Promise.reject(new Error('no inspector')) });
  state.resident = 180 * MIB;
  assert.equal(await look(), false);
  assert.equal(await look(), false);
  assert.equal(state.collected, 1);
  assert.deepEqual(
    state.lines.map(({ msg, reason }) => [msg, reason]),
    [['memory cannot be given back', 'no inspector']],
  );
});

test('the collection is a real one', async () => {
  // Held for nobody, but for a while not collected by itself.
  const kept = new WeakRef({ large: new Array(1000).fill('x') });
  await collectGarbage();
  assert.equal(kept.deref(), undefined);
});
