// The line an exchange leaves in the log says what the client was told.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import supertest from 'supertest';
import { basic, elementText, openDemoBed, POX_PATH, poxBody, XML_TYPE } from '../bed.ts';

const AG =
  'CN=Exchange Administrative Group (FYDIBOHF23SPDLT),CN=Administrative Groups,CN=Contoso,CN=Microsoft Exchange,CN=Services,CN=Configuration,DC=contoso,DC=test';

test('a phone where no ActiveSync URL is known: error 601, in the log too ([MS-ASCMD] 2.2.3.64 Error)', async () => {
  const changes = ['SEA-CAS1', 'SEA-CAS2', 'DUB-CAS1'].map(
    (server) =>
      `dn: CN=Microsoft-Server-ActiveSync (Default Web Site),CN=HTTP,CN=Protocols,CN=${server},CN=Servers,${AG}\nchangetype: delete\n`,
  );
  const bed = await openDemoBed({ changes: changes.join('\n') });
  try {
    const ask = async (schema: 'outlook' | 'mobilesync') => {
      const { text } = await supertest(bed.app)
        .post(POX_PATH)
        .set('Content-Type', XML_TYPE)
        .set('Authorization', basic('alice@contoso.test'))
        .send(poxBody({ address: 'alice@contoso.test' }, schema));
      const { dialect, outcome, code } = bed.log.at(-1) ?? {};
      return [elementText(text, 'ErrorCode'), dialect, outcome, code];
    };
    assert.deepEqual(await ask('mobilesync'), ['601', 'mobilesync', 'no-provider', 601]);
    assert.deepEqual(await ask('outlook'), [undefined, 'pox', 'settings', undefined]);
  } finally {
    await bed.close();
  }
});
