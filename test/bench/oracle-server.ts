// The service of test/bench/oracle.ts with its directory: many accounts with a password, disabled, and locked out. Nobody is held back, so
// that every request goes the whole way.

import { readFileSync } from 'node:fs';
import { startService } from '../../src/autodiscover/commands/service.ts';
import { configSchema } from '../../src/autodiscover/config-schema.ts';
import { createLogger } from '../../src/autodiscover/log.ts';
import type { Faults } from '../../src/ldap/embedded/faults.ts';
import { startEmbeddedDirectory } from '../../src/ldap/embedded/server.ts';
import { type LdifRecord, parseLdif, text } from '../../src/ldap/ldif.ts';

const options = JSON.parse(process.argv[2] ?? '{}') as {
  users: number;
  certificateFile: string;
  keyFile: string;
  config: { authentication?: object; answers?: object };
  faults?: Faults;
};
const STATES: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  user: {},
  dead: { userAccountControl: '514' },
  lock: { lockoutTime: '132000000000000000' },
};

const records = parseLdif(readFileSync(new URL('../../demo/contoso.ldif', import.meta.url), 'utf8'));
const alice = records.find((record) => text(record, 'sAMAccountName') === 'alice');
if (!alice) throw new Error('the demo organisation has no alice');
const READER = 'CN=svc-autodiscover,OU=Service Accounts,DC=contoso,DC=test';

const directory = await startEmbeddedDirectory({
  entries: [
    ...records,
    ...Object.entries(STATES).flatMap(([state, values]) =>
      Array.from({ length: options.users }, (_, n) => account(alice, `${state}${String(n).padStart(5, '0')}`, values)),
    ),
  ],
  access: { readers: [READER] },
});
const service = await startService(
  {
    config: configSchema.parse({
      directory: { servers: [directory.url], bindDn: READER, passwordFile: 'unused', allowPlainText: true },
      listen: { https: '127.0.0.1:0' },
      publicUrl: 'https://localhost',
      tls: { certificates: [{ certificateFile: options.certificateFile, keyFile: options.keyFile }] },
      authentication: {
        ...options.config.authentication,
        failures: { perName: 1000, perAddress: 0, total: 0, lockoutThreshold: 0 },
      },
      answers: options.config.answers ?? {},
    }),
    ca: undefined,
    readPassword: async () => 'Demo-Passw0rd!',
  },
  createLogger('info', { write: () => undefined }),
);
await directory.setFaults(options.faults ?? {});
process.send?.({ port: Number(new URL(service.httpsUrl).port) });

function account(record: LdifRecord, name: string, values: Readonly<Record<string, string>>): LdifRecord {
  const changed: Record<string, string> = {
    cn: name,
    samaccountname: name,
    userprincipalname: `${name}@contoso.test`,
    mail: `${name}@contoso.test`,
    mailnickname: name,
    proxyaddresses: `SMTP:${name}@contoso.test`,
    legacyexchangedn: `/o=Contoso/ou=Exchange Administrative Group (FYDIBOHF23SPDLT)/cn=Recipients/cn=${name}`,
    ...Object.fromEntries(Object.entries(values).map(([attribute, value]) => [attribute.toLowerCase(), value])),
  };
  const kept = record.attributes.filter(
    ({ name: attribute }) =>
      !['objectguid', 'msexchmailboxguid', ...Object.keys(changed)].includes(attribute.toLowerCase()),
  );
  const added = Object.entries(changed).map(([attribute, value]) => ({
    name: attribute,
    values: [Buffer.from(value)],
  }));
  return { dn: `CN=${name},OU=Staff,DC=contoso,DC=test`, attributes: [...kept, ...added] };
}
