import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { isWithinDomain, TrustedHosts } from '../../../src/autodiscover/client/trust.ts';

function within(host: string, domain: string, want: boolean): void {
  test(`${host} is ${want ? '' : 'not '}within ${domain}`, () => assert.equal(isWithinDomain(host, domain), want));
}
within('contoso.test', 'contoso.test', true);
within('MAIL.Contoso.test.', 'contoso.TEST', true);
within('a.b.contoso.test', 'contoso.test', true);
within('evilcontoso.test', 'contoso.test', false);
within('contoso.test.evil.test', 'contoso.test', false);
within('test', 'contoso.test', false); // never upwards
within('contoso.test', 'mail.contoso.test', false);
within('', 'contoso.test', false);

test('a host within a domain ends in it at a label', () => {
  const label = fc.stringMatching(/^[a-z0-9]{1,8}$/);
  fc.assert(
    fc.property(
      fc.array(label, { minLength: 1, maxLength: 4 }),
      fc.array(label, { minLength: 1, maxLength: 3 }),
      (host, domain) => {
        const tail = host.slice(-domain.length);
        const expected = host.length >= domain.length && tail.join('.') === domain.join('.');
        assert.equal(isWithinDomain(host.join('.'), domain.join('.')), expected);
      },
    ),
    { numRuns: 200 },
  );
});

test('consent is asked once per name, and a domain’s covers its hosts', async () => {
  const asked: string[] = [];
  const trust = new TrustedHosts('contoso.test', async ({ name, kind }) => {
    asked.push(`${kind} ${name}`);
    return name !== 'no.test';
  });
  trust.add('CAS1.ad.internal');
  for (const host of ['mail.contoso.test', 'cas1.ad.internal', 'yes.test', 'YES.test', 'no.test', 'no.test']) {
    assert.equal(await trust.allows(host, 'x'), host !== 'no.test', host);
  }
  assert.equal(await trust.allows('sub.yes.test', 'x'), true); // asked for itself: consent to a host is not one to what is below
  trust.enter('fabrikam.test');
  assert.equal(await trust.allows('autodiscover.fabrikam.test', 'x'), true);
  assert.equal(await trust.allows('fabrikam.test', 'x'), true);
  assert.deepEqual(asked, ['host yes.test', 'host no.test', 'host sub.yes.test', 'domain fabrikam.test']);
  assert.deepEqual(trust.refused, ['no.test']);
});
