// The fuzzer sees code run, and which inputs ran it. In a process of its own: V8 tells blocks only of functions that were first called
// after it was asked to.
import assert from 'node:assert/strict';
import test from 'node:test';
import { Coverage } from './coverage.ts';
import { TARGETS } from './targets.ts';

test('code that runs for the first time is seen, and only once', async () => {
  const coverage = new Coverage();
  await coverage.start();
  await coverage.fresh();
  const basic = TARGETS.find(({ name }) => name === 'basic');
  basic?.run(Buffer.from('QTpi'));
  assert.ok((await coverage.fresh()).size > 0);
  basic?.run(Buffer.from('QTpi'));
  assert.equal((await coverage.fresh()).size, 0);
  coverage.stop();
});

test('of a batch, the inputs that run new code are told from the others', async () => {
  const coverage = new Coverage();
  await coverage.start();
  const run = (data: Buffer): void => void TARGETS.find(({ name }) => name === 'challenges')?.run(data);
  const known = Buffer.from('Negotiate');
  run(known);
  await coverage.fresh();
  const parameter = Buffer.from('Basic realm=x');
  const quoted = Buffer.from('Basic realm="a\\"b"');
  const batch = Array.from({ length: 200 }, (_, at) => (at === 37 ? parameter : at === 164 ? quoted : known));
  for (const data of batch) run(data);
  const found = await coverage.culprits(batch, await coverage.fresh(), run, 8);
  assert.deepEqual(new Set(found), new Set([parameter, quoted]));
  coverage.stop();
});
