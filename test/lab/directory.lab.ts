// The directory contract on a real Active Directory, over LDAPS with verification, as the least privileged service account; and what only
// its administrator can show: people that change.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { Attribute, Change, Client } from 'ldapts';
import { type DirectoryEvent, openDirectory } from '../../src/ldap/directory.ts';
import { controllerAt, directoryOptions, eventually, PASSWORD, staffDn } from '../ldap/demo-organization.ts';
import { directoryContract } from '../ldap/directory-contract.ts';
import { labSuite } from './requirements.ts';
import { type SambaLab, startSambaLab } from './samba/samba-lab.ts';

labSuite('directory on Samba', ['samba'], () => {
  let lab: SambaLab;
  before(async () => {
    lab = await startSambaLab();
  });
  after(() => lab?.stop());

  const optionsOf = () => {
    const ca = [readFileSync(lab.caFile, 'utf8')];
    return directoryOptions([controllerAt(lab.ldapsUrl, { ca, operationTimeoutMs: 10_000 })]);
  };
  const connect = () =>
    new Client({ url: lab.ldapsUrl, tlsOptions: { ca: [readFileSync(lab.caFile, 'utf8')], host: lab.address } });

  directoryContract('samba', async () => ({ options: optionsOf(), connect, close: async () => undefined }));

  test('an address given to somebody, a moved mailbox and a taken address are seen by the next look', async () => {
    const hour = 3_600_000;
    const events: DirectoryEvent[] = [];
    const directory = await openDirectory({
      ...optionsOf(),
      ages: { freshMs: hour, missingMs: hour, outageMs: hour },
      watchIntervalMs: 100,
      onEvent: (event) => void events.push(event),
    });
    const administrator = connect();
    const change = (operation: 'add' | 'delete' | 'replace', type: string, values: string[]) =>
      administrator.modify(
        staffDn('Heidi Hahn'),
        new Change({ operation, modification: new Attribute({ type, values }) }),
      );
    const find = async (address: string) => {
      const match = await directory.findRecipientByAddress(address);
      return match.status === 'found' ? match.recipient : undefined;
    };
    const name = 'seen@contoso.test';
    try {
      await administrator.bind('CONTOSO\\Administrator', lab.adminPassword);
      assert.equal(await find(name), undefined);
      const before = await find('heidi@contoso.test');
      assert.ok(before);
      await change('add', 'proxyAddresses', [`smtp:${name}`]);
      await eventually('the new address is found', async () => (await find(name)) !== undefined);
      await change('replace', 'displayName', ['Heidi Hahn II']);
      await eventually('the new name is read', async () => (await find(name))?.displayName === 'Heidi Hahn II');
      await change('delete', 'proxyAddresses', [`smtp:${name}`]);
      await change('replace', 'displayName', [before.displayName]);
      await eventually('the address is gone', async () => (await find(name)) === undefined);
      assert.ok(events.some((event) => event.type === 'changes-seen' && event.recipients === 1));
    } finally {
      directory.close();
      await administrator.unbind();
    }
  });

  test('a connection on which passwords are checked serves one account after the other', async () => {
    const directory = await openDirectory(optionsOf());
    try {
      const check = async (name: string, password: string) => {
        const checked = await directory.checkPassword(await directory.findAccount(name), password);
        return checked.outcome === 'accepted' ? checked.outcome : checked.reason;
      };
      for (let round = 0; round < 2; round++) {
        assert.equal(await check('bob', PASSWORD), 'accepted');
        assert.equal(await check('bob', 'wrong'), '52e');
        assert.equal(await check('nobody', PASSWORD), '52e');
        assert.equal(await check('frank', PASSWORD), '533');
        assert.equal(await check('alice', PASSWORD), 'accepted');
      }
    } finally {
      directory.close();
    }
  });
});
