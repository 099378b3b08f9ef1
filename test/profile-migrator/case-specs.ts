// Where the before.reg of each case came from. The cases are the files; this is how to make one more.

import { renderRegFile, renderRegText } from '../../src/profile-migrator/registry/reg-file-writer.ts';
import { type AccountSpec, buildEntries, type RegistrySpec, serverDn } from './build-profile.ts';

const OLD = ['--from', 'FS1', 'fs1.fabrikam.test', 'FS2', 'fs2.fabrikam.test'];
const TO = ['--to', 'outlook.fabrikam.test'];
const SID = 'HKEY_USERS\\S-1-5-21-1111111111-2222222222-3333333333-1107';

const nina: AccountSpec = {
  alias: 'nbauer',
  address: 'nina.bauer@fabrikam.test',
  home: 'FS1',
  fqdn: 'fs1.fabrikam.test',
  unresolved: 'fs1.fabrikam.test',
  bindings: ['ncacn_ip_tcp:fs1.fabrikam.test', 'ncacn_http:fs1.fabrikam.test'],
  lastUrl: 'https://fs1.fabrikam.test/autodiscover/autodiscover.xml',
};
const otto: AccountSpec = {
  alias: 'olang',
  address: 'otto.lang@fabrikam.test',
  home: 'fs2.fabrikam.test',
  unresolved: 'FS2',
  bindings: ['ncacn_np:FS2', 'ncacn_ip_tcp:fs2.fabrikam.test'],
  lastUrl: 'https://autodiscover.fabrikam.test/autodiscover/autodiscover.xml',
  directoryServer: 'dc1.fabrikam.test',
};

export interface CaseSpec {
  readonly registry: RegistrySpec;
  readonly args: readonly string[];
  /** Written as REGEDIT4 in Latin-1 instead of what reg export writes. */
  readonly regedit4?: true;
  readonly policy?: unknown;
}

export const CASES: Readonly<Record<string, CaseSpec>> = {
  'outlook2010-single': {
    registry: { profiles: [{ name: 'Outlook', accounts: [nina], sharedDirectoryServer: 'fs1.fabrikam.test' }] },
    args: [...OLD, ...TO],
  },
  'outlook2010-two-profiles': {
    registry: {
      defaultProfile: 'Work',
      profiles: [
        {
          name: 'Work',
          sharedDirectoryServer: 'dc1.fabrikam.test',
          accounts: [
            {
              ...otto,
              stores: [
                { kind: 'private', server: 'fs2.fabrikam.test' },
                { kind: 'delegate', server: 'FS1', fqdn: 'fs1.fabrikam.test', mailbox: 'reception' },
                { kind: 'delegate', server: 'FS8', fqdn: 'fs8.fabrikam.test', mailbox: 'branch' },
                { kind: 'public', server: 'MBX1', fqdn: 'mbx1.fabrikam.test' },
              ],
            },
          ],
        },
        { name: 'Test', accounts: [nina], orphanServer: 'FS1' },
      ],
    },
    args: [...OLD, ...TO],
  },
  'outlook2013-own-tree': {
    registry: {
      tree: '15.0',
      profiles: [
        { name: 'Default Outlook Profile', accounts: [{ ...nina, home: 'FS1.FABRIKAM.TEST', dnServer: 'FS1' }] },
      ],
      redirectServers: ['fs1.fabrikam.test'],
    },
    args: [...OLD, ...TO],
  },
  'outlook2016-rpc-over-http': {
    registry: {
      root: SID,
      tree: '16.0',
      profiles: [
        {
          name: 'Outlook',
          pointerBytes: 8,
          accounts: [
            { ...otto, rpcOverHttp: true, proxy: 'owa.fabrikam.test', proxyPrincipal: 'msstd:owa.fabrikam.test' },
          ],
        },
      ],
    },
    args: [...OLD, ...TO, '--proxy', 'owa.fabrikam.test=mail.fabrikam.test', '--as-hkcu'],
  },
  'outlook2007-global-section': {
    registry: { profiles: [{ name: 'Outlook', accounts: [{ ...nina, global: 'only' }] }] },
    args: [...OLD, ...TO, '--server-dn', serverDn('Outlook.fabrikam.test')],
  },
  'half-mapped-account': {
    registry: {
      profiles: [{ name: 'Outlook', accounts: [nina, { ...otto, home: 'FS9', fqdn: 'fs9.fabrikam.test' }] }],
    },
    args: ['--from', 'FS1', ...TO],
  },
  'already-on-array': {
    registry: {
      profiles: [
        {
          name: 'Outlook',
          accounts: [
            { ...nina, home: 'outlook.fabrikam.test', fqdn: 'outlook.fabrikam.test', lastUrl: 'https://x.test/' },
          ],
        },
      ],
    },
    args: [...OLD, ...TO],
  },
  'two-arrays-by-policy': {
    registry: { profiles: [{ name: 'Outlook', accounts: [nina, otto], sharedDirectoryServer: 'fs2.fabrikam.test' }] },
    args: ['--policy', 'policy.json'],
    policy: {
      version: 1,
      arrays: [
        { fqdn: 'north.fabrikam.test', replaces: ['FS1', 'fs1.fabrikam.test'] },
        {
          fqdn: 'south.fabrikam.test',
          serverDn: serverDn('south.fabrikam.test'),
          replaces: ['FS2', 'fs2.fabrikam.test'],
        },
      ],
    },
  },
  'public-folders-given': {
    registry: {
      profiles: [
        {
          name: 'Outlook',
          accounts: [
            {
              ...nina,
              stores: [
                { kind: 'private', server: 'FS1' },
                { kind: 'public', server: 'FS1', fqdn: 'fs1.fabrikam.test' },
              ],
            },
          ],
        },
      ],
    },
    args: [...OLD, ...TO, '--public-folders', 'mbx1.fabrikam.test'],
  },
  'regedit4-code-page': {
    registry: { profiles: [{ name: 'B\u00fcro', accounts: [nina] }] },
    args: [...OLD, ...TO],
    regedit4: true,
  },
  'no-exchange-account': {
    registry: { profiles: [{ name: 'Private', accounts: [] }] },
    args: [...OLD, ...TO],
  },
};

export function beforeFileOf({ registry, regedit4 }: CaseSpec): Buffer {
  const entries = buildEntries(registry);
  if (!regedit4) return renderRegFile(entries);
  return Buffer.from(renderRegText(entries).replace('Windows Registry Editor Version 5.00', 'REGEDIT4'), 'latin1');
}
