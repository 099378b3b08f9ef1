import assert from 'node:assert/strict';
import test from 'node:test';
import { functionName, groupName, hottest } from './profile.ts';

const frame = (name: string, url = '', lineNumber = 0) => ({
  functionName: name,
  scriptId: '0',
  url,
  lineNumber,
  columnNumber: 0,
});
const source = new URL('../../src/ldap/search.ts', import.meta.url).href;
const dependency = new URL('../../node_modules/@scope/name/lib/main.js', import.meta.url).href;

test('shares are of the busy time, idleness and the profiler left out', () => {
  const frames = [frame('(root)'), frame('(idle)'), frame('post', 'node:inspector'), frame('a', source), frame('b')];
  const profile = {
    nodes: frames.map((callFrame, id) => ({ id, callFrame })),
    startTime: 0,
    endTime: 0,
    samples: [1, 3, 4, 3, 2],
    timeDeltas: [1000, 30, 10, 60, 500],
  };
  assert.deepEqual(hottest(profile, functionName, 5), [
    { share: 0.9, what: 'a src/ldap/search.ts:1' },
    { share: 0.1, what: 'b' },
  ]);
  assert.deepEqual(hottest(profile, functionName, 1).length, 1);
});

test('groups are packages, files and native code', () => {
  assert.equal(groupName(frame('run', dependency)), 'node_modules/@scope/name');
  assert.equal(groupName(frame('run', source)), 'src/ldap/search.ts');
  assert.equal(groupName(frame('emit', 'node:events')), 'node:events');
  assert.equal(groupName(frame('writeBuffer')), '(native functions)');
  assert.equal(groupName(frame('(garbage collector)')), '(garbage collector)');
});
