// Every difference between a configuration and the array is found, at its line, and nothing is found in what is as it should be.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { compareHaproxy, type DifferenceKind } from '../../../src/admin/balancer/compare-haproxy.ts';
import { renderHaproxy } from '../../../src/admin/balancer/haproxy-config.ts';
import { parseHaproxy } from '../../../src/admin/balancer/haproxy-lines.ts';
import { readProxies } from '../../../src/admin/balancer/haproxy-proxies.ts';
import { CUT_OVER, PLAN } from './haproxy-plan.ts';

const NAMES: Readonly<Record<string, readonly string[]>> = {
  'outlook-sea.contoso.test': ['10.1.0.10'],
  'sea-cas1.contoso.test': ['10.1.0.11'],
  'sea-cas2.contoso.test': ['10.1.0.12'],
  'sea-cas3.contoso.test': ['10.1.0.13'],
  'every-cas.contoso.test': ['10.1.0.11', '10.1.0.12', '10.1.0.13'],
  'dub-cas1.contoso.test': ['10.2.0.11'],
};
const addressesOf = (host: string) => NAMES[host.toLowerCase()] ?? (/^[\d.]+$/.test(host) ? [host] : []);
const WANTED = { ...PLAN, ports: { rpcPort: 59_531, addressBookPort: 59_532 } };

const compare = (text: string, wanted: Parameters<typeof compareHaproxy>[1] = WANTED) =>
  compareHaproxy(readProxies(parseHaproxy(text)), wanted, addressesOf);
const kinds = (text: string, wanted = WANTED) =>
  compare(text, wanted).map(({ kind, line }) => `${kind} ${line ?? '-'}`);

const MADE = renderHaproxy(PLAN);
const HAND = readFileSync(join(import.meta.dirname, '..', '..', 'corpus', 'haproxy', 'hand-written.cfg'), 'utf8');
const TWO = { ...WANTED, members: WANTED.members.slice(0, 2) };

test('what we write is as it should be, cut-over included', () => {
  assert.deepEqual(kinds(MADE), []);
  assert.deepEqual(kinds(renderHaproxy(CUT_OVER)), []);
});

test('so is a configuration by hand: listeners, addresses, balance source', () => {
  assert.deepEqual(kinds(HAND, TWO), []);
});

/** The line of the first match, counted from 1. */
const lineOf = (text: string, what: RegExp): number => text.split('\n').findIndex((line) => what.test(line)) + 1;

const CHANGES: readonly (readonly [string, RegExp, string, readonly DifferenceKind[], RegExp])[] = [
  // what, pattern to replace, by what, the kinds it leads to, and what the detail says
  [
    'a member left out',
    / {4}server sea-cas3 \S+:59531 .*\n/,
    '',
    ['member-missing', 'track-broken', 'track-broken'],
    /no server for the member sea-cas3/,
  ],
  [
    'another array’s member',
    /sea-cas3\.contoso\.test:135/,
    'dub-cas1.contoso.test:135',
    ['member-missing', 'server-superfluous'],
    /dub-cas1\.contoso\.test is no member/,
  ],
  [
    'a server nobody knows',
    /sea-cas3\.contoso\.test:135/,
    'old.contoso.test:135',
    ['member-missing', 'server-unresolved'],
    /"old\.contoso\.test" has no address/,
  ],
  [
    'another port',
    /sea-cas2\.contoso\.test:59532/,
    'sea-cas2.contoso.test:59999',
    ['server-port'],
    /asked on port 59999, and the address book \(NSPI, RFR\) is on 59532/,
  ],
  [
    'no check',
    /(server sea-cas1 \S+:59531 id 1) check/,
    '$1',
    ['health-check-missing', 'track-broken', 'track-broken'],
    /neither "check" nor "track"/,
  ],
  [
    'tracks what is not there',
    /track outlook-sea_rpc\/sea-cas1/,
    'track outlook-sea_rpc/sea-cas9',
    ['track-broken'],
    /which is not there/,
  ],
  [
    'no init-addr',
    /(server sea-cas1 \S+:443 .*) init-addr last,libc,none/,
    '$1',
    ['init-addr-missing'],
    /does not start while DNS is away/,
  ],
  ['init-addr without none', /init-addr last,libc,none/, 'init-addr last,libc', ['init-addr-missing'], /./],
  ['no resolvers', / resolvers outlook-sea_dns init-addr/, ' init-addr', ['resolvers-missing'], /looked up once/],
  [
    'resolvers that are not there',
    / resolvers outlook-sea_dns init-addr/,
    ' resolvers other init-addr',
    ['resolvers-missing'],
    /no section "resolvers other"/,
  ],
  ['out of service', /(:59532 id 2 )/, '$1disabled ', ['server-disabled'], /whenever HAProxy starts/],
  [
    'short timeout client',
    /timeout client 2h/,
    'timeout client 50s',
    ['timeout-too-short'],
    /is 50 s: Outlook's silent RPC connections are ended; 120m at least/,
  ],
  [
    'short timeout on 443',
    /timeout server 65m/,
    'timeout server 5m',
    ['timeout-too-short'],
    /"timeout server" is 300 s: .*; 59m at least/,
  ],
  [
    'no persistence',
    /(backend outlook-sea_rpc\n.*\n) {4}stick on src.*\n/,
    '$1',
    ['persistence-missing'],
    /different members/,
  ],
  [
    'bound elsewhere',
    /bind 10\.1\.0\.10:135/,
    'bind 10.1.0.9:135',
    ['bind-address'],
    /bound on 10\.1\.0\.9, and outlook-sea\.contoso\.test is 10\.1\.0\.10/,
  ],
  [
    'not bound at all',
    /bind 10\.1\.0\.10:59531/,
    'bind 10.1.0.10:60000',
    ['port-missing'],
    /nothing listens on port 59531 \(EMSMDB\)/,
  ],
  [
    'no such backend',
    /default_backend outlook-sea_rpc\n/,
    'default_backend other\n',
    ['backend-missing'],
    /no backend other/,
  ],
  ['no backend', / {4}default_backend outlook-sea_rpc\n/, '', ['backend-missing'], /leads to no server/],
  ['a socket that only shows', /level admin/, 'level user', ['runtime-socket-missing'], /cannot be drained/],
];
for (const [what, pattern, by, expected, detail] of CHANGES) {
  test(`found: ${what}`, () => {
    const text = MADE.replace(pattern, by);
    assert.notEqual(text, MADE, 'the pattern is there');
    const found = compare(text);
    assert.deepEqual(found.map(({ kind }) => kind).sort(), [...expected].sort());
    assert.ok(
      found.some((one) => detail.test(one.detail)),
      found.map((one) => one.detail).join('\n'),
    );
  });
}

test('differences are told at their lines', () => {
  const text = MADE.replace('sea-cas2.contoso.test:59532', 'sea-cas2.contoso.test:59999').replace(
    /check resolvers/,
    'resolvers',
  );
  const checked = lineOf(text, /server sea-cas1 \S+:59531/);
  assert.deepEqual(kinds(text).sort(), [
    `health-check-missing ${checked}`,
    `server-port ${lineOf(text, /:59999/)}`,
    `track-broken ${lineOf(text, /server sea-cas1 \S+:135/)}`,
    `track-broken ${lineOf(text, /server sea-cas1 \S+:59532/)}`,
  ]);
});

test('a tunnel counts for both sides, and only in TCP', () => {
  const short = HAND.replaceAll('4h', '1m');
  assert.equal(kinds(short, TWO).length, 4, 'client and server, for RPC and for HTTPS, however many inherit them');
  assert.deepEqual(kinds(short.replace('mode    tcp', 'mode tcp\n    timeout tunnel 4h'), TWO), []);
});

test('a range of ports without ports of servers, and a template of one name for all, are understood', () => {
  const text = `global
    stats socket /run/x level admin
resolvers dns
    nameserver a 10.1.0.1:53
listen exchange
    bind :135,:1024-65535,:443
    stick-table type ip size 1m
    stick on src
    server-template cas 1-3 every-cas.contoso.test check port 135 resolvers dns init-addr none
`;
  assert.deepEqual(kinds(text), []);
});

test('without the ports of the members only the rest is compared', () => {
  const wanted = { ...WANTED, ports: undefined };
  assert.deepEqual(compare(MADE.replaceAll('59531', '60000'), wanted), []);
});

test('a proxy that is disabled serves nobody, until it is enabled again', () => {
  const off = MADE.replace('frontend outlook-sea_rpc_in\n', '$&    disabled\n');
  assert.deepEqual(kinds(off), ['port-missing -']);
  const all = kinds(MADE.replace('defaults\n', '$&    disabled\n'));
  assert.deepEqual(all, ['port-missing -', 'port-missing -', 'port-missing -']);
  assert.deepEqual(kinds(off.replace('    disabled\n', '    disabled\n    enabled\n')), []);
  const backend = MADE.replace('\nbackend outlook-sea_rpc\n', '$&    disabled\n');
  assert.ok(kinds(backend).some((kind) => kind.startsWith('backend-missing')));
});

test('a timeout of 0 is none', () => {
  assert.deepEqual(kinds(MADE.replace('timeout client 2h', 'timeout client 0')), []);
  assert.deepEqual(kinds(MADE.replace('timeout client 2h', 'timeout client 0s')), []);
});

test('a default_backend of its own takes the place of the inherited one, and the last one counts', () => {
  const inherited = MADE.replace('defaults\n', '$&    default_backend nowhere\n');
  assert.deepEqual(kinds(inherited), []);
  const twice = MADE.replace('    default_backend outlook-sea_rpc\n', '    default_backend nowhere\n$&');
  assert.deepEqual(kinds(twice), []);
});

test('a server of a template can be tracked, and the resolvers "default" need no section', () => {
  const template =
    '    server-template cas 3 every-cas.contoso.test:59531 check init-addr last,libc,none resolvers default';
  const servers = / {4}server sea-cas\d \S+:59531 .*\n/g;
  const made = MADE.replaceAll(servers, '').replace('\nbackend outlook-sea_rpc\n', `$&${template}\n`);
  assert.deepEqual(kinds(made.replaceAll(/track outlook-sea_rpc\/sea-cas(\d)/g, 'track outlook-sea_rpc/cas$1')), []);
  const fourth = made.replaceAll(/track outlook-sea_rpc\/sea-cas\d/g, 'track outlook-sea_rpc/cas4');
  assert.ok(kinds(fourth).every((kind) => kind.startsWith('track-broken')) && kinds(fourth).length > 0);
});
