// A whole verification with everything handed in: what is asked of whom.
import assert from 'node:assert/strict';
import test from 'node:test';
import { verify } from '../../../src/admin/verify/verify.ts';
import type { Dialect, Discovery } from '../../../src/autodiscover/client/discovery.ts';

test('a service at an IPv6 address is asked for its TLS versions there', async () => {
  const location = 'https://[fd00::5]:8443/autodiscover/autodiscover.xml';
  const found = (dialect: Dialect): Discovery => ({
    address: 'a@a.test',
    finalAddress: 'a@a.test',
    trace: [],
    result: {
      outcome: 'found',
      settings: {},
      pox: undefined,
      source: { step: 'server', location, dialect, body: Buffer.alloc(0), scheme: 'Basic' },
    },
  });
  const asked: [string, number][] = [];
  const checks = await verify(
    { addresses: ['a@a.test'], index: undefined },
    {
      discover: async (_address, dialect) => found(dialect),
      clock: () => new Date(0),
      probeRpc: async (host) => ({ host, addresses: [], interfaces: [] }),
      probeUrl: async () => ({ kind: 'failed', reason: 'name-not-found', detail: '' }),
      tlsVersions: async (host, port) => {
        asked.push([host, port]);
        return ['TLSv1.2'];
      },
      concurrency: 2,
    },
  );
  assert.deepEqual(asked, [['fd00::5', 8443]]);
  assert.equal(checks.find(({ check }) => check === 'TLS versions')?.outcome, 'passed');
});
