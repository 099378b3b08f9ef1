// The directory contract on a real Active Directory, over LDAPS with verification, as the least privileged service account.
import { readFileSync } from 'node:fs';
import { Client } from 'ldapts';
import { controllerAt, directoryOptions } from '../ldap/demo-organization.ts';
import { directoryContract } from '../ldap/directory-contract.ts';
import { labSuite } from './requirements.ts';
import { startSambaLab } from './samba/samba-lab.ts';

labSuite('directory on Samba', ['samba'], () => {
  directoryContract('samba', async () => {
    const lab = await startSambaLab();
    const ca = [readFileSync(lab.caFile, 'utf8')];
    return {
      options: directoryOptions([controllerAt(lab.ldapsUrl, { ca, operationTimeoutMs: 10_000 })]),
      connect: () => new Client({ url: lab.ldapsUrl, tlsOptions: { ca, host: lab.address } }),
      close: () => lab.stop(),
    };
  });
});
