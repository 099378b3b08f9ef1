// One address that is led elsewhere: what is served against what the directory says, without a service.
import assert from 'node:assert/strict';
import test from 'node:test';
import { verifyAddress } from '../../../src/admin/verify/verify-address.ts';
import type { Discovery } from '../../../src/autodiscover/client/discovery.ts';
import type { Resolution } from '../../../src/autodiscover/settings/resolve.ts';

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
