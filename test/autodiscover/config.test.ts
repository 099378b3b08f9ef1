// The configuration file: what is accepted, and that every fault of a bad one is told at once with its path.
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import fc from 'fast-check';
import { parse } from 'yaml';
import { parseConfig, readConfig } from '../../src/autodiscover/config.ts';
import { exampleConfig } from '../../src/autodiscover/config-example.ts';
import { configSchema } from '../../src/autodiscover/config-schema.ts';
import { AutodiscoverError } from '../../src/autodiscover/errors.ts';

describe('configuration', () => {
  let folder: string;
  let password: string;
  let pem: string;
  let der: string;
  let broken: string;
  const fixture = (name: string) => join(import.meta.dirname, 'tls', 'fixtures', name);
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'autodiscover-'));
    password = join(folder, 'password');
    pem = join(folder, 'tls.pem');
    writeFileSync(password, 'secret\n');
    const ca = readFileSync(fixture('rsa.pem'), 'utf8');
    writeFileSync(pem, ca);
    der = join(folder, 'ca.cer');
    writeFileSync(der, new X509Certificate(ca).raw);
    broken = join(folder, 'broken.pem');
    writeFileSync(broken, ca.replace('MII', '???'));
  });
  after(() => rmSync(folder, { recursive: true }));

  /** A good file; `changes` are pairs of a line's beginning and what the line becomes. */
  const file = (...changes: readonly (readonly [from: string, to: string])[]) => {
    let text = `directory:
  servers: [ldaps://dc1.contoso.test]
  bindDn: svc@contoso.test
  passwordFile: ${password}
publicUrl: https://autodiscover.contoso.test
tls:
  certificates:
    - certificateFile: ${pem}
      keyFile: ${pem}
`;
    for (const [from, to] of changes) {
      assert.ok(text.includes(from), from);
      text = text.replace(from, () => to);
    }
    return text;
  };
  const servers = (list: string, more = ''): readonly [string, string] => [
    'servers: [ldaps://dc1.contoso.test]',
    `servers: ${list}${more.replaceAll('\n', '\n  ')}`,
  ];
  const end = (more: string): readonly [string, string] => ['publicUrl:', `${more}\npublicUrl:`];

  const GOOD: readonly (readonly [why: string, text: () => string])[] = [
    ['the least', () => file()],
    ['several controllers', () => file(servers('[ldaps://dc1:636, "ldaps://[::1]:636/", LDAPS://DC2]'))],
    ['a CA of the controllers', () => file(servers('[ldaps://a]', `\ncaFile: ${fixture('rsa.pem')}`))],
    ['StartTLS', () => file(servers('[ldap://dc1]', '\nstartTls: true'))],
    ['plain text when permitted', () => file(servers('[ldap://127.0.0.1:389]', '\nallowPlainText: true'))],
    ['listeners', () => file(end("listen: {https: '[::]:443', http: 'localhost:80'}"))],
    ['workers by number', () => file(end('listen: {workers: 64}'))],
    ['workers by cores', () => file(end('listen: {workers: cores}'))],
    ['proxies', () => file(end("listen: {trustedProxies: [192.0.2.10, '2001:db8::/64'], proxyProtocol: true}"))],
    ['keys whose lines are all commented out', () => file(end('listen:\nanswers:\nlog:'))],
    ['mail domains', () => file(end('answers: {domains: [contoso.test, Müller.test, xn--mller-kva.test]}'))],
    ['free ports', () => file(end("listen: {https: '127.0.0.1:0', http: '127.0.0.1:0', metrics: '127.0.0.1:0'}"))],
    ['the same port of two addresses', () => file(end("listen: {https: '192.0.2.1:443', http: '192.0.2.2:443'}"))],
    ['a passphrase that is commented out', () => file([`keyFile: ${pem}`, `keyFile: ${pem}\n      passphraseFile:`])],
    [
      'a public URL with the path of the service',
      () => file(['contoso.test\ntls', 'contoso.test/Autodiscover/Autodiscover.xml\ntls']),
    ],
    ['other versions', () => file(end("answers: {otherVersions: {'15': https://mail.contoso.test/a.xml}}"))],
    ['no cache', () => file(end('authentication: {cacheSeconds: 0}'))],
    [
      'a PFX',
      () =>
        file([`certificateFile: ${pem}\n      keyFile: ${pem}`, `pfxFile: ${pem}\n      passphraseFile: ${password}`]),
    ],
    ['JSON, which is YAML', () => JSON.stringify(parse(file()))],
    ['a byte order mark', () => `\ufeff${file()}`],
    ['Windows line ends', () => file().replaceAll('\n', '\r\n')],
  ];
  for (const [why, text] of GOOD) test(`good: ${why}`, () => void parseConfig(text(), 'x.yaml'));

  const BAD: readonly (readonly [why: string, text: () => string, ...faults: RegExp[]])[] = [
    ['nothing', () => '', /directory: /, /publicUrl: /, /tls: /],
    ['a list', () => '- a', /top level/],
    ['text', () => 'text', /top level/],
    ['no YAML', () => 'a: [', /./],
    ['a tab for indentation', () => 'directory:\n\tservers: []', /./],
    ['a key twice', () => `${file()}publicUrl: https://b.test\n`, /unique/i],
    ['aliases', () => 'publicUrl: &a https://a.test\ndirectory: *a', /alias/i],
    ['a key that is a list', () => `${file()}[a, b]: c\n`, /keys must be strings.* line \d+/i],
    ['two documents', () => `${file()}---\n${file()}`, /document/i],
    ['an unknown key', () => file(end('listne: {}')), /- listne: unknown key/],
    [
      'unknown keys in sections',
      () => file(servers('[ldaps://a]', '\npasswort: x'), end('log: {levle: debug}')),
      /- directory\.passwort: unknown key/,
      /- log\.levle: unknown key/,
    ],
    ['no password file', () => file([`passwordFile: ${password}`, 'serverName: x']), /- directory\.passwordFile: /],
    [
      'a password in the file',
      () => file([`passwordFile: ${password}`, 'password: secret']),
      /- directory\.passwordFile: /,
      /- directory\.password: unknown key/,
    ],
    [
      'a CA file without certificate',
      () => file(servers('[ldaps://a]', `\ncaFile: ${password}`)),
      /caFile: \S+ holds no PEM/,
    ],
    [
      'a CA file in binary form',
      () => file(servers('[ldaps://a]', `\ncaFile: ${der}`)),
      /caFile: \S+ is a certificate in binary form; make a PEM file of it: openssl x509 -inform der -in/,
    ],
    [
      'a CA file that is broken',
      () => file(servers('[ldaps://a]', `\ncaFile: ${broken}`)),
      /caFile: \S+ holds a certificate that cannot be read: /,
    ],
    ['no controller', () => file(servers('[]')), /- directory\.servers: /],
    ['one controller as text', () => file(servers('ldaps://dc1')), /- directory\.servers: /],
    [
      'a controller that is no URL',
      () => file(servers('[dc1.contoso.test]')),
      /- directory\.servers\.0: must be ldaps:\/\//,
    ],
    [
      'a controller of another scheme',
      () => file(servers('[ldaps://a, https://b]')),
      /- directory\.servers\.1: must be ldaps:\/\//,
    ],
    [
      'a controller with a password',
      () => file(servers('[ldaps://svc:geheim@dc1]')),
      /- directory\.servers\.0: must hold no user name or password: logs show this URL/,
    ],
    ['a controller with a path', () => file(servers('[ldaps://a/dc=x]')), /- directory\.servers\.0: /],
    [
      'plain text',
      () => file(servers('[ldaps://a, ldap://b]')),
      /- directory\.servers\.1: ldap:\/\/b would send passwords in clear text/,
    ],
    ['a listener without port', () => file(end('listen: {https: 0.0.0.0}')), /- listen\.https: must be HOST:PORT/],
    ['a port too high', () => file(end('listen: {http: "a:65536"}')), /- listen\.http: the port is above 65535/],
    [
      'two listeners on one port',
      () => file(end("listen: {https: '0.0.0.0:443', http: '0.0.0.0:443', metrics: '0.0.0.0:0443'}")),
      /- listen\.http: is the address and port of listen\.https/,
      /- listen\.metrics: is the address and port of listen\.https/,
    ],
    [
      'URLs with a password, of which every client would be told',
      () =>
        file(
          ['https://autodiscover', 'https://svc:geheim@autodiscover'],
          end(
            'answers: {otherVersions: {"15": https://a:b@c.test/x.xml}, mapiHttp: {internalUrl: https://a@c.test/mapi}}',
          ),
        ),
      /- publicUrl: must hold no user name or password/,
      /- answers\.otherVersions\.15: must hold no user name or password/,
      /- answers\.mapiHttp\.internalUrl: must hold no user name or password/,
    ],
    [
      'a base URL to which nothing can be appended',
      () => file(end('answers: {mapiHttp: {externalUrl: "https://c.test/mapi?x=1"}}')),
      /- answers\.mapiHttp\.externalUrl: must end with its path/,
    ],
    [
      'a public URL with a path that nobody would be told',
      () => file(['contoso.test\ntls', 'contoso.test/mail\ntls']),
      /- publicUrl: must be a host, and a port where it is not 443: the paths are those of Autodiscover/,
    ],
    [
      'mail domains that are none',
      () =>
        file(end("answers: {domains: ['@contoso.test', '*.contoso.test', contoso.test., 'https://contoso.test', '']}")),
      ...[0, 1, 2, 3, 4].map((at) => new RegExp(`- answers\\.domains\\.${at}: must be a mail domain, as contoso`)),
    ],
    ['no workers', () => file(end('listen: {workers: 0}')), /- listen\.workers: /],
    ['too many workers', () => file(end('listen: {workers: 65}')), /- listen\.workers: /],
    ['workers by another word', () => file(end('listen: {workers: all}')), /- listen\.workers: must be a number/],
    [
      'a proxy that is a name',
      () => file(end('listen: {trustedProxies: [lb1]}')),
      /- listen\.trustedProxies\.0: must be an address/,
    ],
    ['another header', () => file(end('listen: {forwardedHeader: x-real-ip}')), /- listen\.forwardedHeader: /],
    [
      'PROXY headers from nobody',
      () => file(end('listen: {proxyProtocol: true}')),
      /- listen\.proxyProtocol: needs listen\.trustedProxies/,
    ],
    [
      'a ticket key that is not there',
      () => file(['tls:', 'tls:\n  ticketKeyFile: /nowhere/ticket.key']),
      /- tls\.ticketKeyFile: \/nowhere\/ticket\.key does not exist/,
    ],
    [
      'a plain public URL',
      () => file(['https://autodiscover', 'http://autodiscover']),
      /- publicUrl: must be an https URL/,
    ],
    [
      'a certificate of both kinds',
      () => file(['keyFile:', 'pfxFile: x\n      keyFile:']),
      /- tls\.certificates\.0: must give either/,
    ],
    [
      'a certificate without key',
      () => file([`      keyFile: ${pem}\n`, '']),
      /- tls\.certificates\.0: must give either/,
    ],
    [
      'no certificate',
      () => file([`    - certificateFile: ${pem}\n      keyFile: ${pem}`, '    []']),
      /- tls\.certificates: /,
    ],
    [
      'numbers out of range',
      () => file(end('authentication: {cacheSeconds: -1}\nlimits: {requestBytes: 1, requestSeconds: 1.5}')),
      /- authentication\.cacheSeconds: /,
      /- limits\.requestBytes: /,
      /- limits\.requestSeconds: /,
    ],
    ['a number as text', () => file(end("limits: {requestSeconds: '5'}")), /- limits\.requestSeconds: /],
    ['yes for true', () => file(servers('[ldap://a]', '\nstartTls: yes')), /- directory\.startTls: /],
    ['an unknown level', () => file(end('log: {level: loud}')), /- log\.level: /],
    [
      'a version that is no number',
      () => file(end('answers: {otherVersions: {E15: https://a.test}}')),
      /- answers\.otherVersions\.E15: /,
    ],
    [
      'a version without https',
      () => file(end('answers: {otherVersions: {"15": http://a.test}}')),
      /- answers\.otherVersions\.15: must be an https URL/,
    ],
    [
      'files that do not exist',
      () =>
        file(
          [password, '/nowhere/password'],
          ['bindDn', 'caFile: /nowhere/ca\n  bindDn'],
          [`keyFile: ${pem}`, 'keyFile: /nowhere/key'],
        ),
      /- directory\.caFile: \/nowhere\/ca does not exist/,
      /- directory\.passwordFile: \/nowhere\/password does not exist/,
      /- tls\.certificates\.0\.keyFile: \/nowhere\/key does not exist/,
    ],
    ['a folder as file', () => file([password, folder]), /- directory\.passwordFile: .* is a folder, not a file/],
    [
      'faults of every kind at once',
      () => file(servers('[ldap://a]'), [password, '/nowhere/password'], end('listne: {}\nlog: {level: loud}')),
      /- listne: unknown key/,
      /- log\.level: /,
      /- directory\.servers\.0: .*clear text/,
      /- directory\.passwordFile: .*does not exist/,
    ],
  ];
  for (const [why, text, ...faults] of BAD) {
    test(`bad: ${why}`, () => {
      assert.throws(
        () => parseConfig(text(), 'x.yaml'),
        (error: unknown) => {
          assert.ok(error instanceof AutodiscoverError, String(error));
          assert.equal(error.code, 'configuration');
          assert.match(error.message, /^the configuration x\.yaml cannot be used:\n {2}- /);
          for (const fault of faults) assert.match(error.message, fault);
          assert.match(error.message, /print-example/);
          return true;
        },
      );
    });
  }

  const WORDS: readonly (readonly [line: string, fault: string])[] = [
    ['listen: {https: 443}', 'listen.https: must be text'],
    ['listen: {trustedProxies: 192.0.2.1}', 'listen.trustedProxies: must be a list'],
    ['listen: {proxyProtocol: yes}', 'listen.proxyProtocol: must be true or false'],
    ['limits: 5', 'limits: must be a group of keys'],
    ['limits: {requestBytes: 1.5}', 'limits.requestBytes: must be a whole number'],
    ['limits: {headers: 0}', 'limits.headers: must be at least 10'],
    ['log: {level: loud}', 'log.level: must be one of error, warn, info, debug'],
    ['answers: {otherVersions: {x: https://a.test}}', 'answers.otherVersions.x: cannot be used as a key'],
  ];
  for (const [line, fault] of WORDS) {
    test(`${line}: told in words for people`, () => {
      assert.throws(
        () => parseConfig(file(end(line)), 'x.yaml'),
        ({ message }: Error) => {
          assert.ok(message.includes(`\n  - ${fault}`), message);
          return !/Invalid|Too |received/.test(message);
        },
      );
    });
  }

  test('of what is no YAML the first faults are told, and little of its text', () => {
    const text = Array.from({ length: 40 }, (_, at) => `key${at}: a: ${'secret '.repeat(40)}`).join('\n');
    assert.throws(
      () => parseConfig(`${text}\n- x\n`, 'x.yaml'),
      ({ message }: Error) => {
        const lines = message.split('\n');
        assert.ok(lines.length <= 8, message);
        assert.ok(lines.every((line) => line.length < 160));
        assert.match(lines[1] ?? '', / at line \d+, column \d+/);
        return /^ {2}- and \d+ more behind these: is it YAML\?$/m.test(message);
      },
    );
  });

  test('a file that is not there', () => {
    assert.throws(() => readConfig(join(folder, 'gone.yaml')), {
      code: 'configuration',
      message: /gone\.yaml.*ENOENT/,
    });
  });

  test('a file that is too large', () => {
    assert.throws(() => parseConfig('#'.repeat(1_048_577), 'x.yaml'), {
      code: 'configuration',
      message: /larger than/,
    });
  });

  test('a file this account may not read', { skip: process.getuid?.() === 0 && 'root may read everything' }, () => {
    const secret = join(folder, 'secret');
    writeFileSync(secret, 'x');
    chmodSync(secret, 0);
    assert.throws(() => parseConfig(file([password, secret]), 'x.yaml'), { message: /cannot be read by this account/ });
  });

  test('defaults are filled in, and nothing can be changed afterwards', () => {
    const config = parseConfig(file(), 'x.yaml');
    assert.equal(config.listen.https, '0.0.0.0:443');
    assert.equal(config.listen.http, undefined);
    assert.equal(config.directory.connections, 4);
    assert.equal(config.authentication.cacheSeconds, 120);
    assert.throws(() => Object.assign(config.directory.servers, { 0: 'x' }), TypeError);
    assert.throws(() => Object.assign(config.log, { level: 'debug' }), TypeError);
  });

  test('the printed example is a good file once its files exist', () => {
    const text = exampleConfig().replaceAll(/\/etc\/exchange-autodiscover\/[\w.-]+/g, pem);
    const config = parseConfig(text, 'example.yaml');
    assert.deepEqual(config.directory.servers, ['ldaps://dc1.contoso.test', 'ldaps://dc2.contoso.test']);
  });

  test('the printed example is a good file with every commented line put in force', () => {
    const text = exampleConfig()
      .replaceAll(/\/etc\/exchange-autodiscover\/[\w.-]+/g, pem)
      .replaceAll(/^( *)#(?! )/gm, '$1');
    const config = parseConfig(text, 'example.yaml');
    assert.equal(config.answers.externalSite, 'Seattle');
    assert.deepEqual(Object.keys(parse(text)).sort(), Object.keys(configSchema.shape).sort());
  });

  test('every field has its help in the example', () => {
    assert.doesNotMatch(exampleConfig(), /^ *# *$|undefined|\[object/m);
  });

  test('any text is a configuration or a coded error', () => {
    const words = fc.constantFrom(
      'directory:',
      'tls:',
      '\n  ',
      '\n',
      '- ',
      '&a ',
      '*a',
      '{',
      '}',
      '[',
      ']',
      '"',
      ': ',
      '<<: ',
      '!!js ',
      '? ',
      '|',
      'x',
      '0',
      '---\n',
      '%YAML 9\n',
    );
    fc.assert(
      fc.property(fc.array(words, { maxLength: 30 }), (parts) => {
        try {
          parseConfig(parts.join(''), 'x.yaml');
        } catch (error) {
          assert.ok(error instanceof AutodiscoverError, String((error as Error).stack));
        }
      }),
      { numRuns: 500 },
    );
  });
});
