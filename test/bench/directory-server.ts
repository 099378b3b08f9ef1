// The directory behind the measured servers: the embedded server over the demo organisation with many more users, in its own process, once
// over LDAPS and once in clear text.

import { readFileSync } from 'node:fs';
import { startEmbeddedDirectory } from '../../src/ldap/embedded/server.ts';
import { type LdifRecord, parseLdif, text } from '../../src/ldap/ldif.ts';
import { answerParent, childOptions } from './child-end.ts';

const options = childOptions<{ users: number; plain: boolean; certificateFile: string; keyFile: string }>();
const tls = { cert: readFileSync(options.certificateFile), key: readFileSync(options.keyFile) };
const records = parseLdif(readFileSync(new URL('../../demo/contoso.ldif', import.meta.url), 'utf8'));
const alice = records.find((record) => text(record, 'sAMAccountName') === 'alice');
if (!alice) throw new Error('the demo organisation has no alice');
const unnamed = alice.attributes.filter(
  ({ name }) => !['objectguid', 'msexchmailboxguid'].includes(name.toLowerCase()),
);

const began = performance.now();
const secure = await start({ tls });
const plain = options.plain ? await start({}) : undefined;
const loadedMs = performance.now() - began;

answerParent(
  { ldaps: secure.url, ldap: plain?.url, loadedMs },
  {
    stats: () => ({ ...secure.stats }),
    resident: () => process.memoryUsage().rss,
  },
);

function start(how: { tls?: typeof tls }) {
  return startEmbeddedDirectory({
    entries: everybody(),
    access: { readers: ['CN=svc-autodiscover,OU=Service Accounts,DC=contoso,DC=test'] },
    limits: { maxConnections: 10_000 },
    ...how,
  });
}

function* everybody(): Generator<LdifRecord> {
  yield* records;
  for (let n = 0; n < options.users; n++) yield numbered(n);
}

/** Alice under another name; everything else, her database and password above all, stays hers. */
function numbered(n: number): LdifRecord {
  const name = `user${n}`;
  const address = `${name}@contoso.test`;
  const changed: Record<string, string> = {
    cn: name,
    samaccountname: name,
    userprincipalname: address,
    mail: address,
    mailnickname: name,
    proxyaddresses: `SMTP:${address}`,
    legacyexchangedn: `/o=Contoso/ou=Exchange Administrative Group (FYDIBOHF23SPDLT)/cn=Recipients/cn=${name}`,
  };
  const attributes = unnamed.map((attribute) => {
    const value = changed[attribute.name.toLowerCase()];
    return value === undefined ? attribute : { name: attribute.name, values: [Buffer.from(value)] };
  });
  return { dn: `CN=${name},OU=Staff,DC=contoso,DC=test`, attributes };
}
