// What is rendered once: the same as when it is rendered each time, and bounded.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { NO_CAPABILITIES } from '../../../src/autodiscover/settings/protocol-policy.ts';
import { resolve } from '../../../src/autodiscover/settings/resolve.ts';
import { sharedPartOf } from '../../../src/autodiscover/settings/shared-part.ts';
import type { DiscoverResult } from '../../../src/autodiscover/settings/user-settings.ts';
import { KeptDocuments } from '../../../src/autodiscover/wire/kept-documents.ts';
import { poxDocument, renderPoxResponse } from '../../../src/autodiscover/wire/pox-response.ts';
import { renderUserSettingsResponse } from '../../../src/autodiscover/wire/soap-user-settings.ts';
import { openDirectory } from '../../../src/ldap/directory.ts';
import { directoryOptions, startController } from '../../ldap/demo-organization.ts';
import { fullAnswer, minimalAnswer, soapContext } from './samples.ts';

test('each variant of a subject is kept from its second time on, up to the limit', () => {
  const kept = new KeptDocuments<object, string>(2, (document) => `own ${document}`);
  const subject = {};
  let rendered = 0;
  const of = (variant: string, one: object = subject) => kept.of(one, variant, () => `${variant} ${++rendered}`);
  assert.deepEqual([of('a'), of('a'), of('a'), of('a')], ['a 1', 'a 2', 'own a 2', 'own a 2']);
  assert.deepEqual([of('b'), of('b'), of('b')], ['b 3', 'b 4', 'own b 4']);
  assert.deepEqual([of('c'), of('c'), of('c'), of('a')], ['c 5', 'c 6', 'c 7', 'own a 2']);
  assert.equal(of('a', {}), 'a 8'); // another subject, however equal
});

const results: readonly DiscoverResult[] = [
  { action: 'settings', answer: fullAnswer },
  { action: 'settings', answer: minimalAnswer },
  { action: 'settings', answer: { ...fullAnswer, mobileSync: { url: undefined, culture: 'en:us' } } },
  { action: 'redirectAddr', address: 'ken@fabrikam.test' },
  { action: 'redirectUrl', url: 'https://other.contoso.test/' },
  { action: 'error', fault: 'unknown-address', detail: '' },
  { action: 'error', fault: 'no-provider', detail: '' },
];

test('a POX document is the one of this request, whoever asked when before', () => {
  const context = fc.record({
    schema: fc.constantFrom('outlook' as const, 'mobilesync' as const),
    now: fc.date({ min: new Date(0), max: new Date('2100-01-01'), noInvalidDate: true }),
    serverId: fc.nat(),
    requestedAddress: fc.constantFrom(undefined, 'alice@contoso.test', 'bob@contoso.test'),
  });
  fc.assert(
    fc.property(fc.constantFrom(...results), context, (result, one) => {
      assert.equal(poxDocument(result, one).toString(), renderPoxResponse(result, one));
    }),
  );
});

test('what the mailboxes of a database share is written once, and each document is as if it were not', async () => {
  const controller = await startController();
  const directory = await openDirectory(directoryOptions([controller]));
  const newerProtocols = { mapiHttp: { internalUrl: 'https://m.contoso.test/mapi' }, exHttp: true };
  const options = { externalSite: undefined, otherVersionUrls: {}, newerProtocols };
  const context = { schema: 'outlook', now: new Date(0), serverId: 1 } as const;
  const seen: string[] = [];
  try {
    for (const capabilities of [NO_CAPABILITIES, { mapiHttpVersion: 1, exHttp: true }]) {
      for (const name of ['alice', 'carol', 'dave', 'frank', 'grace', 'heidi', 'nina']) {
        const request = { emailAddress: `${name}@contoso.test`, legacyDn: undefined, capabilities };
        const { result } = await resolve(directory, request, options);
        if (result.action !== 'settings') continue;
        assert.ok(sharedPartOf(result.answer), name);
        const document = renderPoxResponse(result, context);
        assert.equal(document, renderPoxResponse({ ...result, answer: { ...result.answer } }, context), name);
        seen.push(document);
      }
    }
  } finally {
    directory.close();
    await controller.close();
  }
  assert.ok(seen.length > 8, 'hardly any mailboxes');
  for (const part of ['<Type>EXHTTP<', '"mapiHttp"', '<AlternativeMailbox>'])
    assert.ok(
      seen.some((document) => document.includes(part)),
      part,
    );
});

test('a SOAP answer is the one for the settings asked, whatever was asked before', () => {
  const settings = fc.subarray(['UserDN', 'UserDisplayName', 'InternalEwsUrl', 'AlternateMailboxes'] as const);
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...results), { maxLength: 4 }), settings, (asked, names) => {
      const fresh = asked.map((result) => ({ ...result }));
      assert.equal(
        renderUserSettingsResponse({ results: asked, settings: names }, soapContext),
        renderUserSettingsResponse({ results: fresh, settings: names }, soapContext),
      );
    }),
  );
});
