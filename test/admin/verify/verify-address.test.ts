// One address that is led elsewhere: what is served against what the directory says, without a service.
import assert from 'node:assert/strict';
import test from 'node:test';
import { verifyAddress } from '../../../src/admin/verify/verify-address.ts';
import type { Dialect, Discovery } from '../../../src/autodiscover/client/discovery.ts';
import type { Resolution } from '../../../src/autodiscover/settings/resolve.ts';
import { Trace } from '../../../src/autodiscover/settings/trace.ts';

const source = { step: 'given', location: 'https://a.contoso.test/', scheme: 'basic' };

/** What the POX check comes to when the service leads to one address and the directory to another. */
async function ledTo(served: string, wanted: string): Promise<string | undefined> {
  const result = { outcome: 'redirect-address', address: served, source };
  const discovery = { result, finalAddress: 'ken@contoso.test', trace: [] } as unknown as Discovery;
  const expected = { result: { action: 'redirectAddr', address: wanted }, trace: { warnings: [] } };
  const { checks } = await verifyAddress('ken@contoso.test', {
    discover: async () => discovery,
    expected: async () => expected as unknown as Resolution,
    clock: () => new Date(0),
  });
  return checks.find(({ check }) => check === 'pox answer')?.outcome;
}

test('an address in other letters is the same address', async () => {
  assert.equal(await ledTo('ken@fabrikam.test', 'Ken@Fabrikam.test'), 'passed');
  assert.equal(await ledTo('kim@fabrikam.test', 'ken@fabrikam.test'), 'failed');
});

const FILES = { pox: 'autodiscover.xml', soap: 'autodiscover.svc' } as const;
const at = (host: string, dialect: Dialect) => `https://${host}/autodiscover/${FILES[dialect]}`;

/** A discovery that asks our service and is led to `host`. */
function led(host: string, dialect: Dialect): Discovery {
  const entry = { step: 'server', detail: '', elapsedMs: 0 } as const;
  return {
    address: 'a@a.test',
    finalAddress: 'a@a.test',
    trace: [
      {
        ...entry,
        action: `POST ${at('a.test', dialect)}`,
        outcome: dialect === 'pox' ? 'http-redirect' : 'redirect-url',
      },
      { ...entry, action: `POST ${at(host, dialect)}`, outcome: 'settings' },
    ],
    result: {
      outcome: 'found',
      settings: {},
      pox: undefined,
      source: { step: 'server', location: at(host, dialect), dialect, body: Buffer.alloc(0), scheme: 'Basic' },
    },
  };
}

for (const file of Object.values(FILES)) {
  test(`led to the ${file} of the other version: each dialect to its own file`, async () => {
    const result = { action: 'redirectUrl', url: `https://new.test/autodiscover/${file}` } as const;
    const expected = async (): Promise<Resolution> => ({ result, trace: new Trace(), target: undefined });
    const outcomes = async (host: string) => {
      const { checks } = await verifyAddress('a@a.test', {
        expected,
        discover: async (_address, dialect) => led(host, dialect),
        askPox: async () => ({
          kind: 'answer',
          status: 302,
          headers: { location: [at(host, 'pox')] },
          body: Buffer.alloc(0),
          remoteAddress: undefined,
          tls: undefined,
        }),
        clock: () => new Date(0),
      });
      return checks.map(({ check, outcome }) => `${check}: ${outcome}`);
    };
    const told = (outcome: string) => [
      'directory: passed',
      ...['pox', 'soap', 'mobilesync'].map((name) => `${name} answer: ${outcome}`),
    ];
    assert.deepEqual(await outcomes('new.test'), told('passed'));
    assert.deepEqual(await outcomes('old.test'), told('failed'));
  });
}
