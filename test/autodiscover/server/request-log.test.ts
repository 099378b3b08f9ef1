import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { request } from 'node:https';
import test from 'node:test';
import { gzipSync } from 'node:zlib';
import { shownHeader, shownTarget } from '../../../src/autodiscover/server/request-log.ts';
import { bodyOutline } from '../../../src/autodiscover/server/request-outline.ts';
import { mutate, seededRandom } from '../../helpers/mutation.ts';
import { basic, PASSWORD, poxBody, startTestService } from '../../helpers/running-service.ts';
import { assertBodyHidesSecret, assertBodyHidesWords, assertTargetHidesSecret } from './planted-secret.ts';

const corpus = (name: string): Buffer => readFileSync(new URL(`../../corpus/${name}`, import.meta.url));
const OUTLOOK = 'http://schemas.microsoft.com/exchange/autodiscover/outlook';

const BODIES: readonly (readonly [string, string])[] = [
  ['', ''],
  [poxBody('alice@contoso.test'), poxBody('alice@contoso.test')],
  ["<EMailAddress>zoë.o'neill@contoso.test</EMailAddress>", "<EMailAddress>zoë.o'neill@contoso.test</EMailAddress>"],
  ['<LegacyDN>/o=Contoso/cn=alice</LegacyDN>', '<LegacyDN>/o=Contoso/cn=alice</LegacyDN>'],
  ['<?xml version="1.0"?>\n<Request>\n <emailaddress/></Request>', '<Request><emailaddress/></Request>'],
  ['<s:Mailbox> alice@contoso.test </s:Mailbox>', '<Mailbox>alice@contoso.test</Mailbox>'],
  ['<Mailbox>alice:geheim</Mailbox>', '<Mailbox>[redacted]</Mailbox>'],
  ['<Mailbox>alice@contoso.test geheim</Mailbox>', '<Mailbox>[redacted]</Mailbox>'],
  ['<a>geheim</a>', '<[other]>[redacted]</[other]>'],
  ['<o:Password Type="x">geheim</o:Password><Users/>', '<Password [1 more]>[redacted]</Password><Users/>'],
  ['<Password>gehe', '<Password>[redacted]'], // cut off
  ['<Mailbox>alice@contoso.te', '<Mailbox>[redacted]'],
  ['<é:Password>geheim</é:Password>', '<Password>[redacted]</Password>'],
  ['<w:Password><![CDATA[</w:Password>geheim]]></w:Password>', '<Password>[redacted]</Password>'],
  ['<Users><![CDATA[<a/><Mailbox>geheim@b.test</Mailbox>]]></Users>', '<Users>[redacted]</Users>'],
  ['<Users><!-- <a/><Mailbox>geheim@b.test</Mailbox> --></Users>', '<Users>[redacted]</Users>'],
  ['<User Password="geheim"/>', '<User [1 more]/>'],
  ['<Passwd>geheim</Passwd>', '<[other]>[redacted]</[other]>'],
  [
    '<saml:Assertion ID="geheim"><Domain>geheim</Domain></saml:Assertion>',
    '<Assertion [1 more]><Domain>[redacted]</Domain></Assertion>',
  ],
  ['<Password>geheim<geheim</Password>', '<Password>[redacted]</Password>'],
  [
    `<R xmlns="${OUTLOOK}/requestschema/2006" xmlns:x="http://geheim/"/>`,
    `<[other] xmlns="${OUTLOOK}/requestschema/2006" [1 more]/>`,
  ],
  ['<To>https://alice:geheim@contoso.test/</To>', '<To>[redacted]</To>'],
  ['<To>https://contoso.test/a?geheim</To>', '<To>[redacted]</To>'],
  ['{"Password":"geheim"}', '[JSON]'],
  ['password=geheim', '[text]'],
  ['\u0001geheim', '[binary]'],
];
for (const [body, shown] of BODIES) {
  test(`the body ${JSON.stringify(body.slice(0, 80))} is logged as ${shown.slice(0, 80)}`, () => {
    assert.equal(bodyOutline(Buffer.from(body)), shown);
    for (const wide of [Buffer.from(body, 'utf16le'), Buffer.from(`\ufeff${body}`, 'utf16le').swap16()])
      if (!shown.startsWith('[')) assert.equal(bodyOutline(wide), shown);
  });
}

test('a SOAP request is logged with what it asks', () => {
  const shown = bodyOutline(corpus('soap/request-user-settings.xml'));
  for (const part of [
    '<Envelope xmlns:*="http://schemas.microsoft.com/exchange/2010/Autodiscover"',
    '<RequestedServerVersion>Exchange2010</RequestedServerVersion>',
    '<Mailbox>alice@contoso.test</Mailbox>',
    '<Setting>InternalRpcClientServer</Setting>',
  ])
    assert.ok(shown.includes(part), `${part} in ${shown}`);
});

test('of a body that is compressed or long the log says so', () => {
  assert.equal(bodyOutline(gzipSync('geheim')), '[gzip]');
  const long = bodyOutline(Buffer.from(`<Users>${'<User/>'.repeat(1000)}</Users>`));
  assert.ok(long.endsWith('[cut off]') && long.length < 4200, long.slice(-100));
});

const TARGETS: readonly (readonly [string, string])[] = [
  ['/autodiscover/autodiscover.xml', '/autodiscover/autodiscover.xml'],
  ['/autodiscover/autodiscover.json?Email=alice%40contoso.test&Protocol=Ews&RedirectCount=1', ''],
  ['/autodiscover/autodiscover.json/v1.0/alice%40contoso.test?Protocol=Ews&version=1.0', ''],
  ['/a.json?Email=alice@contoso.test&password=geheim', '/a.json?Email=alice@contoso.test&password=[redacted]'],
  ['/a.json?access_token=geheim', '/a.json?access_token=[redacted]'],
  ['/a.json?constructor=geheim&__proto__=geheim', '/a.json?constructor=[redacted]&__proto__=[redacted]'],
  ['/a.json?geheim', '/a.json?[redacted]'],
  ['/a.json?Email=geheim', '/a.json?Email=[redacted]'],
  ['/a.json;jsessionid=geheim', '/[redacted]'],
  ['/a%zz/b', '/[redacted]/b'],
  ['https://alice:geheim@contoso.test/autodiscover.xml?x', '[absolute]/autodiscover.xml?[redacted]'],
  ['//alice:geheim@contoso.test/a', '//[redacted]/a'],
  ['*', '[redacted]'],
];
for (const [target, shown] of TARGETS) {
  test(`the target ${target} is logged as ${shown || 'it is'}`, () =>
    assert.equal(shownTarget(target), shown || target));
}

test('values of headers are shown that are on the list, others are named', () => {
  for (const name of ['user-agent', 'content-type', 'x-anchormailbox', 'x-mapihttpcapability', 'x-forwarded-for'])
    assert.equal(shownHeader(name, 'value'), 'value');
  const hidden =
    'authorization cookie x-api-key x-forwarded-access-token x-ms-token x-anything constructor __proto__ referer';
  for (const name of hidden.split(' ')) assert.equal(shownHeader(name, 'geheim'), '[redacted]');
  assert.equal(shownHeader('host', 'contoso.test:443'), 'contoso.test:443');
  assert.equal(shownHeader('host', 'alice:geheim@contoso.test'), '[redacted]');
});

test('a secret does not come out, wherever it is planted and however the rest is damaged', () => {
  const random = seededRandom(11);
  const bodies = ['pox/request-outlook.xml', 'soap/request-user-settings.xml', 'soap/request-domain-settings.xml'].map(
    corpus,
  );
  for (const body of bodies) {
    assertBodyHidesWords(body.toString());
    for (let round = 0; round < 150; round++) assertBodyHidesSecret(mutate(body, random));
  }
  for (const [target] of TARGETS)
    for (let round = 0; round < 50; round++) assertTargetHidesSecret(mutate(Buffer.from(target), random).toString());
});

for (const requests of [false, true]) {
  test(`requests are ${requests ? 'logged without secrets when asked for' : 'not logged by default'}`, async (t) => {
    const server = await startTestService({ requests });
    t.after(() => server.stop());
    await new Promise<void>((resolve, reject) => {
      const headers = {
        authorization: basic('alice', PASSWORD),
        cookie: 'session=geheim',
        'x-api-key': 'geheim',
        'x-anchormailbox': 'a@b.test',
      };
      const options = { port: server.port, ca: server.ca, host: '127.0.0.1', method: 'POST', headers };
      const sent = request({ ...options, path: '/autodiscover/autodiscover.xml?password=geheim' }, (response) => {
        response.resume().on('close', () => resolve());
      });
      sent.on('error', reject).end(poxBody('alice@contoso.test'));
    });
    await server.stop();
    const line = server.log.find(({ msg }) => msg === 'request');
    assert.equal(line !== undefined, requests);
    const all = server.lines.join('');
    for (const secret of ['geheim', PASSWORD, basic('alice', PASSWORD).slice(6)]) assert.ok(!all.includes(secret));
    if (!line) return;
    const { headers, body, target } = line as { headers: Record<string, string>; body: string; target: string };
    for (const name of ['authorization', 'cookie', 'x-api-key']) assert.equal(headers[name], '[redacted]');
    assert.deepEqual(
      [headers['x-anchormailbox'], target],
      ['a@b.test', '/autodiscover/autodiscover.xml?password=[redacted]'],
    );
    assert.equal(body, poxBody('alice@contoso.test'));
  });
}
