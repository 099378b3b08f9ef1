// HAProxy's configuration as it is written: words, quotes, sections, and what is refused with its line.
import assert from 'node:assert/strict';
import test from 'node:test';
import { HAPROXY_LIMITS, parseHaproxy } from '../../../src/admin/balancer/haproxy-lines.ts';
import { readProxies } from '../../../src/admin/balancer/haproxy-proxies.ts';

const words = (line: string) => parseHaproxy(`global\n${line}\n`)[0]?.lines[0]?.words ?? [];

const WORDS: readonly (readonly [string, readonly string[]])[] = [
  ['  server a  10.1.0.11:135\tcheck # the first', ['server', 'a', '10.1.0.11:135', 'check']],
  ['log\\ me a"b c"d', ['log me', 'ab cd']],
  [`x "a \\"b\\"" 'c "d" \\' "#" \\#`, ['x', 'a "b"', 'c "d" \\', '#', '#']],
  ['x ""', ['x', '']], // an empty word is a word
  ['mode tcp\r', ['mode', 'tcp']],
  ['# nothing', []],
];
for (const [line, expected] of WORDS) {
  test(`words of ${JSON.stringify(line)}`, () => assert.deepEqual(words(line), expected));
}

const proxies = (text: string) => readProxies(parseHaproxy(text)).proxies;

test('defaults are inherited from the last section before, or from the one named', () => {
  const [one, two, three] = proxies(`defaults
  timeout client 1m
defaults long
  timeout client 2h
defaults longer from long
  mode http
frontend a
frontend b from long
frontend c from longer
  timeout client 30
`);
  const client = (proxy: typeof one) => proxy?.timeouts.get('client')?.ms;
  assert.deepEqual([client(one), client(two), client(three)], [7_200_000, 7_200_000, 30]);
  assert.deepEqual([one?.isHttp, two?.isHttp, three?.isHttp], [true, false, true]);
  assert.equal(three?.timeouts.get('client')?.line, 10);
});

test('servers: addresses in every spelling, default-server for the lines after it, values that look like keywords', () => {
  const [proxy] = proxies(`listen a
  server one 10.1.0.11:135
  default-server check init-addr none
  server two [fe80::1]:+1 no-check cookie check
  server three ipv4@cas.contoso.test track x/y resolvers dns disabled
  server-template four 1-3 cas.contoso.test:135
  server five unix@/run/x
`);
  assert.deepEqual(
    proxy?.servers.map(({ name, host, port, checked, track, disabled, numbers }) => ({
      name,
      host,
      port,
      checked,
      track,
      disabled,
      numbers,
    })),
    [
      { name: 'one', host: '10.1.0.11', port: { fixed: 135, offset: 0 }, checked: false },
      { name: 'two', host: 'fe80::1', port: { offset: 1 }, checked: false },
      { name: 'three', host: 'cas.contoso.test', port: { offset: 0 }, checked: true, track: 'x/y', disabled: true },
      {
        name: 'four',
        host: 'cas.contoso.test',
        port: { fixed: 135, offset: 0 },
        checked: true,
        numbers: { first: 1, last: 3 },
      },
      { name: 'five', host: '', port: { offset: 0 }, checked: true },
    ].map((one) => ({ track: undefined, disabled: false, numbers: undefined, ...one })),
  );
});

test('binds: several, ranges, every address, no sockets', () => {
  const [proxy] = proxies('listen a\n  bind :135,10.1.0.10:60000-60010 name x\n  bind *:443 ssl\n  bind unix@/run/x\n');
  assert.deepEqual(
    proxy?.binds.map(({ host, first, last }) => `${host} ${first}-${last}`),
    [' 135-135', '10.1.0.10 60000-60010', ' 443-443'],
  );
});

const BAD: readonly (readonly [string, RegExp])[] = [
  ['mode tcp', /^line 1: "mode" in front of the first section/],
  ['global\n  log "x', /^line 2: "\\"x" is not closed/],
  ['global\n  log x\\', /^line 2: .* is not closed/],
  ['global\n.if defined(X)', /^line 2: \.if: conditional blocks are not read/],
  ['defaults\n  timeout client soon\nlisten a', /^line 2: "soon" is no time/],
  ['listen a from x', /^line 1: there is no "defaults x" before it/],
  ['listen a\n  bind *:0', /^line 2: "0" is no port/],
  ['listen a\n  bind 10.1.0.10', /^line 2: "" is no port/],
  // biome-ignore lint/suspicious/noTemplateCurlyInString: HAProxy's own variable
  ['listen a\n  server x "10.1.0.11:${PORT}"', /^line 2: "\$\{PORT\}" is no port/],
  ['listen a\n  server x', /^line 2: a server without a name or an address/],
  [`listen a\n  acl ${'x '.repeat(HAPROXY_LIMITS.words)}`, /^line 2: more than 256 words/],
  ['\n'.repeat(HAPROXY_LIMITS.lines + 1), /more than 20000 lines/],
  ['x'.repeat(HAPROXY_LIMITS.bytes + 1), /larger than/],
];
for (const [text, message] of BAD) {
  test(`refused: ${JSON.stringify(text.slice(0, 40))}`, () => {
    assert.throws(() => readProxies(parseHaproxy(text)), { code: 'configuration', message });
  });
}
