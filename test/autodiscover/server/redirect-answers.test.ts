// Mailboxes of a newer Exchange: each dialect is sent to the file that speaks it, whichever of them the configuration names.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import supertest from 'supertest';
import { basic, type DemoBed, elementText, openDemoBed, POX_PATH, poxBody, XML_TYPE } from '../bed.ts';
import { alice, envelope, userSettings, wanted } from '../wire/soap-samples.ts';

const NEWER = `version: 1

dn: CN=SEA-MBX1,CN=Servers,CN=Exchange Administrative Group (FYDIBOHF23SPDLT),CN=Administrative Groups,CN=Contoso,CN=Microsoft Exchange,CN=Services,CN=Configuration,DC=contoso,DC=test
changetype: modify
replace: versionNumber
versionNumber: 1941996367
-
`;

for (const kind of ['xml', 'svc']) {
  describe(`with the .${kind} of the other version configured`, () => {
    const at = (file: string) => `https://mail2013.contoso.test/autodiscover/autodiscover.${file}`;
    let bed: DemoBed;
    before(async () => {
      bed = await openDemoBed({ changes: NEWER, config: { answers: { otherVersions: { '15': at(kind) } } } });
    });
    after(() => bed.close());
    const post = (path: string, body: string) =>
      supertest(bed.app)
        .post(path)
        .set('Content-Type', XML_TYPE)
        .set('Authorization', basic('alice@contoso.test'))
        .redirects(0)
        .send(body);

    for (const schema of ['outlook', 'mobilesync'] as const) {
      test(`${schema}: HTTP 302 to the .xml ([MS-OXDSCLI] 3.2.5 redirect)`, async () => {
        const { status, headers } = await post(POX_PATH, poxBody({ address: 'alice@contoso.test' }, schema));
        assert.deepEqual([status, headers.location], [302, at('xml')]);
      });
    }

    test('SOAP: RedirectUrl to the .svc, where EWS Managed API posts the envelope again', async () => {
      const body = envelope(userSettings(alice, wanted('UserDN')));
      const { status, text } = await post('/autodiscover/autodiscover.svc', body);
      assert.equal(status, 200);
      assert.match(text, /<UserResponse>\s*<ErrorCode>RedirectUrl</);
      assert.equal(elementText(text, 'RedirectTarget'), at('svc'));
    });
  });
}
