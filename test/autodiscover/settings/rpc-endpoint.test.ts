// Which name is answered for which database: one row for each case of the rule.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  announcedServer,
  highestClientAccessServer,
  type RpcEndpointDecision,
  rpcClientAccessServers,
  rpcEndpoint,
} from '../../../src/autodiscover/settings/rpc-endpoint.ts';
import type { ExchangeOrganization, ExchangeServer, MailboxDatabase } from '../../../src/ldap/exchange-organization.ts';
import { array, database, LEGACY, NORTH, organization, SOUTH, server, version } from './organization-builder.ts';

const mdb = (name: string) => `${LEGACY}${name}/cn=Microsoft Private MDB`;
const mailbox = (changes: Parameters<typeof server>[1] = {}) => server('MBX1', { roles: 2, ...changes });

type Row = readonly [
  why: string,
  legacyDn: string | undefined,
  expected: { readonly source: string; readonly fqdn: string; readonly cn: string } | 'none' | 'newer',
  warning?: RegExp | undefined,
  organization?: Partial<ExchangeOrganization>,
  database?: Partial<MailboxDatabase>,
];
const ARRAY = { source: 'array', fqdn: 'array.x.test', cn: 'array.x.test' };
const SITE_ARRAY = { ...ARRAY, source: 'site-array' };
const CAS1 = { fqdn: 'cas1.x.test', cn: 'CAS1' };

const ROWS: readonly Row[] = [
  ['the array', mdb('array.x.test'), ARRAY],
  ['the array in another case', mdb('ARRAY.X.TEST').toUpperCase(), { ...ARRAY, cn: 'ARRAY.X.TEST' }],
  [
    'an array whose object has another name',
    mdb('outlook.x.test'),
    { source: 'array', fqdn: 'outlook.x.test', cn: 'outlook.x.test' },
    undefined,
    {
      arrays: [
        array('outlook.x.test', { name: 'Array (North)', distinguishedName: 'CN=Array (North),CN=Arrays,DC=x' }),
      ],
    },
  ],
  [
    'an array of another site than the owning server',
    mdb('south.x.test'),
    { source: 'array', fqdn: 'south.x.test', cn: 'south.x.test' },
    undefined,
    { arrays: [array('south.x.test', { siteDn: SOUTH })] },
  ],
  [
    'an array without a site',
    mdb('array.x.test'),
    ARRAY,
    undefined,
    { arrays: [array('array.x.test', { siteDn: undefined })] },
  ],
  [
    'an array when the owning server is gone',
    mdb('array.x.test'),
    ARRAY,
    undefined,
    {},
    { owningServerDn: 'CN=GONE,DC=x' },
  ],
  ['an array when there is no owning server', mdb('array.x.test'), ARRAY, undefined, {}, { owningServerDn: undefined }],
  [
    'an array when the owning server tells no version',
    mdb('array.x.test'),
    ARRAY,
    undefined,
    { servers: [mailbox({ versionNumber: undefined })] },
  ],
  [
    'a single Client Access server',
    mdb('CAS1'),
    { source: 'server', ...CAS1 },
    /not associated with a CAS array.*cas1\.x\.test/,
  ],
  [
    'a server without Client Access',
    mdb('MBX1'),
    SITE_ARRAY,
    /MBX1, a server without the Client Access role.*array\.x\.test/,
  ],
  [
    'a server without Client Access and no array',
    mdb('MBX1'),
    { source: 'site-server', ...CAS1 },
    /site's Client Access server CAS1/,
    { arrays: [] },
  ],
  ['a server without Client Access and nobody', mdb('MBX1'), 'none', undefined, { arrays: [], servers: [mailbox()] }],
  [
    'an unknown name with a dot',
    mdb('old.x.test'),
    { source: 'unknown-name', fqdn: 'old.x.test', cn: 'old.x.test' },
    /was the array removed or renamed/,
  ],
  ['an unknown name without a dot', mdb('OLD'), SITE_ARRAY, /names "OLD", which no server or array is called/],
  ['an unknown name without a dot, and nobody', mdb('OLD'), 'none', undefined, { arrays: [], servers: [mailbox()] }],
  ['no legacyExchangeDN', undefined, SITE_ARRAY, /has no legacyExchangeDN/],
  [
    'no legacyExchangeDN, an array of another site only',
    undefined,
    { source: 'site-server', ...CAS1 },
    /CAS1/,
    { arrays: [array('south.x.test', { siteDn: SOUTH })] },
  ],
  ['no legacyExchangeDN and no owning server', undefined, 'none', undefined, {}, { owningServerDn: undefined }],
  [
    'no legacyExchangeDN, servers of another version only',
    undefined,
    'none',
    undefined,
    {
      arrays: [],
      servers: [
        mailbox(),
        server('CAS2013', { versionNumber: version(15, 0) }),
        server('CAS2007', { versionNumber: version(8) }),
      ],
    },
  ],
  [
    'no legacyExchangeDN, a first server without an RPC service',
    undefined,
    { source: 'site-server', fqdn: 'cas2.x.test', cn: 'CAS2' },
    /CAS2/,
    {
      arrays: [],
      servers: [
        mailbox(),
        server('CAS1', { hasRpcClientAccess: false }),
        server('CAS2', { hasRpcClientAccess: true }),
        server('CAS3', { hasRpcClientAccess: true }),
      ],
    },
  ],
  [
    'a server without an RPC service that the database names all the same',
    mdb('CAS1'),
    { source: 'server', ...CAS1 },
    /not associated/,
    { servers: [mailbox(), server('CAS1', { hasRpcClientAccess: false })] },
  ],
  [
    'no legacyExchangeDN, an array that cannot be used',
    undefined,
    { source: 'site-server', ...CAS1 },
    /CAS1/,
    { arrays: [array('array.x.test', { fqdn: undefined })] },
  ],
  [
    'no legacyExchangeDN, two arrays: the first by name',
    undefined,
    { source: 'site-array', fqdn: 'a.x.test', cn: 'a.x.test' },
    /a\.x\.test/,
    { arrays: [array('a.x.test'), array('b.x.test')] },
  ],
  [
    'an endpoint of another kind of database',
    `${LEGACY}array.x.test/cn=Microsoft Public MDB`,
    SITE_ARRAY,
    /malformed legacyExchangeDN/,
  ],
  ['text that is no legacy DN', 'outlook.x.test', SITE_ARRAY, /malformed/],
  ['an empty text', '', SITE_ARRAY, /malformed/],
  ['nothing before the last component', '/cn=Microsoft Private MDB', SITE_ARRAY, /malformed/],
  [
    'an array without an address',
    mdb('array.x.test'),
    { source: 'site-server', ...CAS1 },
    /has no ncacn_ip_tcp network address/,
    { arrays: [array('array.x.test', { fqdn: undefined })] },
  ],
  [
    'an Exchange 2007 owner, whatever the database names',
    mdb('array.x.test'),
    { source: 'legacy-server', fqdn: 'mbx1.x.test', cn: 'MBX1' },
    undefined,
    { servers: [server('CAS1'), mailbox({ versionNumber: version(8) })] },
  ],
  [
    'an Exchange 2003 owner',
    mdb('MBX1'),
    { source: 'legacy-server', fqdn: 'mbx1.x.test', cn: 'MBX1' },
    undefined,
    { servers: [mailbox({ versionNumber: version(6) })] },
  ],
  [
    'an Exchange 2007 owner without an address',
    mdb('MBX1'),
    'none',
    undefined,
    { servers: [mailbox({ versionNumber: version(8), fqdn: undefined })] },
  ],
  [
    'an Exchange 2013 owner',
    mdb('array.x.test'),
    'newer',
    undefined,
    { servers: [mailbox({ versionNumber: version(15, 0, 847) })] },
  ],
];

for (const [why, legacyDn, expected, warning, facts, changes] of ROWS) {
  test(why, () => {
    const decision = rpcEndpoint(database({ legacyDn, ...changes }), organization(facts));
    assert.ok(decision.reason.length > 10, 'every decision has its reason');
    if (expected === 'none') return assert.equal(decision.status, 'none');
    if (expected === 'newer') return assert.equal(decision.status, 'newer-version');
    assert.equal(decision.status, 'endpoint', decision.reason);
    if (decision.status !== 'endpoint') return;
    assert.equal(decision.source, expected.source);
    assert.equal(decision.fqdn, expected.fqdn);
    assert.equal(/\/cn=([^/]*)$/i.exec(decision.serverDn)?.[1], expected.cn);
    assert.equal(decision.mdbDn, `${decision.serverDn}/cn=Microsoft Private MDB`);
    if (warning) assert.match(decision.warning ?? '', warning);
    else assert.equal(decision.warning, undefined);
    if (warning) assert.match(decision.warning ?? '', /CN=DB1,CN=Databases,DC=x/, 'a warning names the database by DN');
  });
}

test('URLs belong to the site of the endpoint, in a fall-back to that of the owning server', () => {
  const site = (decision: RpcEndpointDecision) => (decision.status === 'endpoint' ? decision.siteDn : undefined);
  const arrays = [array('south.x.test', { siteDn: SOUTH }), array('array.x.test')];
  assert.equal(site(rpcEndpoint(database({ legacyDn: mdb('south.x.test') }), organization({ arrays }))), SOUTH);
  assert.equal(site(rpcEndpoint(database({ legacyDn: undefined }), organization({ arrays }))), NORTH);
  assert.equal(site(rpcEndpoint(database({ legacyDn: mdb('gone.x.test') }), organization({ arrays }))), NORTH);
});

test('the announced version: the owning server, else the highest member of the site', () => {
  const servers = [server('CAS1'), server('CAS2', { versionNumber: version(14, 3, 513) }), mailbox()];
  assert.equal(announcedServer(database(), NORTH, organization({ servers }))?.name, 'MBX1');
  const silent = [servers[0], servers[1], mailbox({ versionNumber: undefined })].filter((one) => one !== undefined);
  assert.equal(announcedServer(database(), NORTH, organization({ servers: silent }))?.name, 'CAS2');
  assert.equal(announcedServer(database({ owningServerDn: undefined }), SOUTH, organization({ servers })), undefined);
  assert.equal(highestClientAccessServer(NORTH, organization({ servers }))?.name, 'CAS2');
});

test('whatever a database names, a decision comes, and a warning whenever it is no array of that very name', () => {
  const names = fc.oneof(fc.constantFrom('array.x.test', 'CAS1', 'MBX1', 'gone.x.test', 'GONE'), fc.string());
  const texts = fc.oneof(names.map(mdb), names, fc.constant(undefined));
  fc.assert(
    fc.property(texts, (legacyDn) => {
      const decision = rpcEndpoint(database({ legacyDn }), organization());
      assert.equal(decision.status, 'endpoint');
      if (decision.status !== 'endpoint') return;
      assert.equal(decision.warning === undefined, decision.source === 'array');
      if (decision.source !== 'unknown-name') assert.match(decision.fqdn, /^(array|cas1)\.x\.test$/);
    }),
  );
});

test('members of an array have the role, the version and the RPC service; where no service is seen the role decides', () => {
  const names = (servers: readonly ExchangeServer[]) => rpcClientAccessServers(servers).map(({ name }) => name);
  const mbx = mailbox({ hasRpcClientAccess: true });
  const newer = server('CAS2013', { versionNumber: version(15), hasRpcClientAccess: true });
  const unlike = [server('CAS1', { hasRpcClientAccess: true }), server('CAS2', { hasRpcClientAccess: false })];
  assert.deepEqual(names([mbx, newer, ...unlike]), ['CAS1']);
  assert.deepEqual(names([mailbox(), server('CAS1'), server('CAS2')]), ['CAS1', 'CAS2']);
});
