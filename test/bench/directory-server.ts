// The directory behind the measured service: the embedded server over the demo organisation with many more users, in its own process.

import { readFileSync } from 'node:fs';
import { startEmbeddedDirectory } from '../../src/ldap/embedded/server.ts';
import { type LdifRecord, parseLdif, text } from '../../src/ldap/ldif.ts';

const users = Number(process.argv[2] ?? '1000');
const records = parseLdif(readFileSync(new URL('../../demo/contoso.ldif', import.meta.url), 'utf8'));
const alice = records.find((record) => text(record, 'sAMAccountName') === 'alice');
if (!alice) throw new Error('the demo organisation has no alice');

const directory = await startEmbeddedDirectory({
  entries: [...records, ...Array.from({ length: users }, (_, n) => numbered(alice, n))],
  access: { readers: ['CN=svc-autodiscover,OU=Service Accounts,DC=contoso,DC=test'] },
});
process.send?.({ url: directory.url });

/** Alice under another name; everything else, her database and password above all, stays hers. */
function numbered(record: LdifRecord, n: number): LdifRecord {
  const name = `user${n}`;
  const changed: Record<string, string[]> = {
    cn: [name],
    samaccountname: [name],
    userprincipalname: [`${name}@contoso.test`],
    mail: [`${name}@contoso.test`],
    mailnickname: [name],
    proxyaddresses: [`SMTP:${name}@contoso.test`],
    legacyexchangedn: [`/o=Contoso/ou=Exchange Administrative Group (FYDIBOHF23SPDLT)/cn=Recipients/cn=${name}`],
  };
  const attributes = record.attributes
    .filter((attribute) => !['objectguid', 'msexchmailboxguid'].includes(attribute.name.toLowerCase()))
    .map((attribute) => {
      const values = changed[attribute.name.toLowerCase()];
      return values ? { name: attribute.name, values: values.map((value) => Buffer.from(value)) } : attribute;
    });
  return { dn: `CN=${name},OU=Staff,DC=contoso,DC=test`, attributes };
}

// Ends with the measured process, however that ends.
process.on('disconnect', () => process.exit());
