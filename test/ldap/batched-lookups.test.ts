// Look-ups that go together find what each would find alone, and no more of them wait than must.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { EqualityFilter, type Filter, OrFilter } from 'ldapts';
import { BatchedLookups, divide, type Lookup, type SoughtValue } from '../../src/ldap/batched-lookups.ts';
import { ControllerPool } from '../../src/ldap/connection.ts';
import { currentRequest, forRequest } from '../../src/ldap/correlation.ts';
import { EntryReader } from '../../src/ldap/entry.ts';
import { DirectoryError } from '../../src/ldap/errors.ts';
import { recipientSearch } from '../../src/ldap/recipient.ts';
import { controllerAt, DOMAIN, PASSWORD, READER, staffDn, startController } from './demo-organization.ts';

const smtp = (address: string): SoughtValue => ({ attribute: 'proxyAddresses', value: `smtp:${address}` });
const lookup = (...values: SoughtValue[]): Lookup => ({ base: DOMAIN, values });

/** Few names, so that people collide; some that a generous directory takes for others. */
const NAMES = ['ann', 'ANN', 'bob', 'anna', 'jose', 'josé', 'strasse', 'straße', 'мария', 'ａｎｎ', "o'neill", 'a b'];
const name = fc.constantFrom(...NAMES);
const person = fc.record({
  proxies: fc.uniqueArray(fc.tuple(fc.constantFrom('SMTP', 'smtp', 'X400'), name), {
    maxLength: 3,
    selector: ([, local]) => local.toLowerCase(),
  }),
  upn: fc.option(name, { nil: undefined }),
});
const sought = fc.oneof(
  name.map((local) => smtp(`${local}@contoso.test`)),
  name.map((local): SoughtValue => ({ attribute: 'userPrincipalName', value: `${local}@contoso.test` })),
  fc.constantFrom('p0', 'P1', 'p2', 'p9').map((value): SoughtValue => ({ attribute: 'sAMAccountName', value })),
);

type Person = typeof person extends fc.Arbitrary<infer T> ? T : never;

function ldif(people: readonly Person[]): string {
  const base64 = (text: string) => Buffer.from(text).toString('base64');
  return people
    .map(({ proxies, upn }, at) =>
      [
        `dn: ${staffDn(`Person ${at}`)}`,
        'changetype: add',
        ...['top', 'person', 'organizationalPerson', 'user'].map((value) => `objectClass: ${value}`),
        `sAMAccountName: p${at}`,
        ...proxies.map(([prefix, local]) => `proxyAddresses:: ${base64(`${prefix}:${local}@contoso.test`)}`),
        ...(upn === undefined ? [] : [`userPrincipalName:: ${base64(`${upn}@contoso.test`)}`]),
        '',
      ].join('\n'),
    )
    .join('\n');
}

test('in any directory, together finds what each finds alone', async () => {
  const directories = fc.array(person, { minLength: 3, maxLength: 9 });
  const questions = fc.array(fc.uniqueArray(sought, { minLength: 1, maxLength: 3, selector: JSON.stringify }), {
    minLength: 2,
    maxLength: 40,
  });
  let together = 0;
  await fc.assert(
    fc.asyncProperty(directories, questions, async (people, asked) => {
      const controller = await startController({ changes: ldif(people) });
      const pool = new ControllerPool({
        controllers: [controllerAt(controller.url)],
        bindName: READER,
        readPassword: async () => PASSWORD,
        connections: 1,
      });
      try {
        const search = (base: string, filter: Filter) => pool.search(recipientSearch(base, 'sub', filter));
        // Nothing runs at once: every look-up waits for company.
        const batches = new BatchedLookups({ search, running: 0, together: 16, waitMs: 1 });
        const before = controller.stats.searches;
        const found = await Promise.all(asked.map((values) => batches.find(lookup(...values))));
        if (controller.stats.searches - before < asked.length) together += 1;
        for (const [at, values] of asked.entries()) {
          const filters = values.map(({ attribute, value }) => new EqualityFilter({ attribute, value }));
          const alone = await search(DOMAIN, new OrFilter({ filters }));
          const dns = (entries: readonly EntryReader[] = []) => entries.map(({ dn }) => dn).sort();
          assert.deepEqual(dns(found[at]), dns(alone), JSON.stringify(values));
        }
      } finally {
        pool.close();
        await controller.close();
      }
    }),
    { numRuns: 25 },
  );
  assert.ok(together > 0, 'no search was ever shared');
});

function entry(dn: string, attributes: Readonly<Record<string, string | string[]>>): EntryReader {
  return new EntryReader({ dn, ...attributes });
}

const shared: (readonly [why: string, entries: EntryReader[], shares: string[][] | undefined])[] = [
  ['nobody', [], [[], []]],
  [
    'one each',
    [entry('a', { proxyAddresses: 'SMTP:ann@x' }), entry('b', { ProxyAddresses: 'smtp:BOB@X' })],
    [['a'], ['b']],
  ],
  ['one for both', [entry('a', { proxyAddresses: ['SMTP:ann@x', 'smtp:bob@x'] })], [['a'], ['a']]],
  [
    'two for one',
    [entry('a', { proxyAddresses: 'smtp:ann@x' }), entry('b', { proxyAddresses: 'SMTP:ann@x' })],
    [['a', 'b'], []],
  ],
  ['found for nobody we know of', [entry('a', { proxyAddresses: 'smtp:else@x' })], undefined],
  [
    'an accent that a directory may overlook',
    [entry('a', { proxyAddresses: ['smtp:bob@x', 'smtp:änn@x'] })],
    undefined,
  ],
  [
    'a letter two directories treat differently',
    [entry('a', { proxyAddresses: ['smtp:bob@x', 'smtp:straße@x'] })],
    undefined,
  ],
  ['another script', [entry('a', { proxyAddresses: ['smtp:bob@x', 'smtp:мария@x'] })], [[], ['a']]],
  ['blanks that a directory may overlook', [entry('a', { proxyAddresses: ['smtp:bob@x', 'smtp:an n@x'] })], undefined],
];
for (const sign of ['\u00ad', '\u200b', '\u200d', '\u034f', '\ufe0f', '\u2060', '\ufffc', '\x01']) {
  const why = `a sign that shows nothing, ${JSON.stringify(sign)}`;
  shared.push([why, [entry('a', { proxyAddresses: ['smtp:bob@x', `smtp:an${sign}n@x`] })], undefined]);
}
for (const [why, entries, expected] of shared) {
  test(`entries of a shared search: ${why}`, () => {
    const shares = divide(entries, [lookup(smtp('ann@x')), lookup(smtp('Bob@x'))]);
    assert.deepEqual(
      shares?.map((share) => share.map(({ dn }) => dn)),
      expected,
    );
  });
}

test('entries of a shared search: somebody sought by one value in two spellings is found once', () => {
  const shares = divide(
    [entry('a', { proxyAddresses: 'smtp:ann@x' }), entry('b', { proxyAddresses: 'smtp:bob@x' })],
    [lookup(smtp('ann@x'), smtp('ANN@x')), lookup(smtp('bob@x'), smtp('ann@X'), smtp('Bob@x'))],
  );
  assert.deepEqual(
    shares?.map((share) => share.map(({ dn }) => dn)),
    [['a'], ['a', 'b']],
  );
});

/** Searches that end when they are told to. */
function scene(options: { running: number; together?: number; waitMs?: number; fail?: (filter: string) => unknown }) {
  const searches: { readonly filter: string; readonly request: string | undefined; end(): void }[] = [];
  const batches = new BatchedLookups({
    search: (_base, filter) =>
      new Promise((resolve, reject) => {
        const failure = options.fail?.(filter.toString());
        const found = [...filter.toString().matchAll(/smtp:([^)]*)/g)].map(([, address = '']) =>
          entry(address, { proxyAddresses: `SMTP:${address}` }),
        );
        const end = () => (failure ? reject(failure) : resolve(found));
        searches.push({ filter: filter.toString(), request: currentRequest(), end });
      }),
    running: options.running,
    together: options.together ?? 3,
    waitMs: options.waitMs ?? 10_000,
  });
  const find = async (address: string) => (await batches.find(lookup(smtp(address)))).map(({ dn }) => dn);
  const turn = () => new Promise((resolve) => setImmediate(resolve));
  return { find, searches, turn };
}

test('while few run, what came in one turn is sent at its end; what comes later goes together when one of them ends', async () => {
  const { find, searches, turn } = scene({ running: 2 });
  const found = [find('a@x'), find('b@x')];
  assert.equal(searches.length, 0);
  await turn();
  assert.equal(searches[0]?.filter, '(|(proxyAddresses=smtp:a@x)(proxyAddresses=smtp:b@x))');
  found.push(find('c@x'));
  await turn();
  assert.equal(searches[1]?.filter, '(proxyAddresses=smtp:c@x)');
  found.push(
    forRequest('fourth', () => find('d@x')),
    find('e@x'),
  );
  await turn();
  assert.equal(searches.length, 2);
  searches[0]?.end();
  await turn();
  assert.equal(searches.length, 3);
  assert.equal(searches[2]?.filter, '(|(proxyAddresses=smtp:d@x)(proxyAddresses=smtp:e@x))');
  assert.equal(searches[2]?.request, 'fourth', 'what is shared goes under the name of the first');
  for (const search of searches) search.end();
  assert.deepEqual(await Promise.all(found), [['a@x'], ['b@x'], ['c@x'], ['d@x'], ['e@x']]);
});

test('a full search is sent whatever runs, and waiting ends in time', async () => {
  const { find, searches, turn } = scene({ running: 1, together: 2, waitMs: 5 });
  const found = [find('a@x')];
  await turn();
  found.push(find('b@x'), find('c@x'), find('d@x'));
  assert.equal(searches.length, 2);
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.equal(searches.length, 3);
  for (const search of searches) search.end();
  assert.deepEqual(await Promise.all(found), [['a@x'], ['b@x'], ['c@x'], ['d@x']]);
});

test('what a directory might compare generously goes alone, at once', async () => {
  const { find, searches, turn } = scene({ running: 1, together: 2 });
  for (const address of ['a@x', 'é@x', 'a b@x']) void find(address);
  assert.equal(searches.length, 2);
  await turn();
  assert.equal(searches.length, 3);
});

test('a shared search that is refused is made apart; one that nobody answered fails for all', async () => {
  const refused = scene({
    running: 0,
    together: 2,
    fail: (filter) => filter.startsWith('(|') && new Error('too large'),
  });
  const found = [refused.find('a@x'), refused.find('b@x')];
  refused.searches[0]?.end();
  await refused.turn();
  for (const search of refused.searches) search.end();
  assert.deepEqual(await Promise.all(found), [['a@x'], ['b@x']]);

  const down = new DirectoryError('unreachable', 'nobody answers');
  const unreachable = scene({ running: 0, together: 2, fail: () => down });
  const failing = Promise.allSettled([unreachable.find('a@x'), unreachable.find('b@x')]);
  unreachable.searches[0]?.end();
  assert.deepEqual(await failing, [
    { status: 'rejected', reason: down },
    { status: 'rejected', reason: down },
  ]);
  assert.equal(unreachable.searches.length, 1);
});
