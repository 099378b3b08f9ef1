// When members have ports that a load balancer can be told.
import assert from 'node:assert/strict';
import test from 'node:test';
import { agreedPorts, comparePorts } from '../../../src/admin/balancer/compare-ports.ts';
import { answering } from '../doctor/world.ts';

test('members that agree give their ports', () => {
  assert.deepEqual(agreedPorts([answering('a', 1025, 1026), answering('b', 1025, 1026)]), {
    rpcPort: 1025,
    addressBookPort: 1026,
  });
});

const silent = { host: 's', addresses: [], interfaces: [] };
const split = answering('x', 1025, 1026);
const rfrElsewhere = {
  ...split,
  interfaces: split.interfaces.map((one) => (one.name === 'RFR' ? { ...one, ports: [7] } : one)),
};
const BAD: readonly (readonly [string, Parameters<typeof agreedPorts>[0], RegExp])[] = [
  ['no members', [], /no members/],
  ['one that does not resolve', [answering('a'), silent], /s: the name does not resolve/],
  ['different ports', [answering('a', 1025), answering('b', 1030)], /different ports: a: RPC 1025, .*; b: RPC 1030/],
  ['RFR apart from NSPI', [rfrElsewhere], /NSPI on 1026, RFR on 7/],
];
for (const [name, members, reason] of BAD) {
  test(`no agreement: ${name}`, () => {
    const agreed = agreedPorts(members);
    assert.ok('reason' in agreed);
    assert.match(agreed.reason, reason);
  });
}

test('each host is compared with what is wanted', () => {
  const lines = comparePorts([answering('a', 1025, 1026), answering('b', 1025, 1027), silent], {
    rpcPort: 1025,
    addressBookPort: 1026,
  });
  assert.deepEqual(
    lines.map(({ host, ok }) => [host, ok]),
    [
      ['a', true],
      ['b', false],
      ['s', false],
    ],
  );
});
