import assert from 'node:assert/strict';
import { request } from 'node:https';
import test from 'node:test';
import { redactedBody } from '../../../src/autodiscover/server/request-log.ts';
import { basic, PASSWORD, poxBody, startTestService } from '../../helpers/running-service.ts';

const BODIES: readonly (readonly [string, string])[] = [
  ['<a>alice</a>', '<a>alice</a>'],
  ['<o:Password Type="x">geheim</o:Password><b/>', '<o:Password>[redacted]</o:Password><b/>'],
  ['<Password>gehe', '<Password>[redacted]'], // cut off
  [
    '<wsse:BinarySecurityToken>QUJD</wsse:BinarySecurityToken>',
    '<wsse:BinarySecurityToken>[redacted]</wsse:BinarySecurityToken>',
  ],
  [
    '<saml:Assertion ID="geheim"><x>geheim</x><y>geheim</y></saml:Assertion>',
    '<saml:Assertion>[redacted]</saml:Assertion>',
  ],
];
for (const [body, shown] of BODIES) {
  test(`${body} is logged as ${shown}`, () => assert.equal(redactedBody(Buffer.from(body)), shown));
}

test('UTF-16 hides nothing from the redaction', () => {
  assert.doesNotMatch(redactedBody(Buffer.from('<Password>geheim</Password>', 'utf16le')), /geheim/);
});

for (const requests of [false, true]) {
  test(`requests are ${requests ? 'logged without secrets when asked for' : 'not logged by default'}`, async (t) => {
    const server = await startTestService({ requests });
    t.after(() => server.stop());
    await new Promise<void>((resolve, reject) => {
      const headers = { authorization: basic('alice', PASSWORD), cookie: 'session=geheim', 'x-anything': 'shown' };
      const options = { port: server.port, ca: server.ca, host: '127.0.0.1', method: 'POST', headers };
      const sent = request({ ...options, path: '/autodiscover/autodiscover.xml?a=b' }, (response) => {
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
    assert.deepEqual([headers.authorization, headers.cookie], ['[redacted]', '[redacted]']);
    assert.deepEqual([headers['x-anything'], target], ['shown', '/autodiscover/autodiscover.xml?a=b']);
    assert.equal(body, poxBody('alice@contoso.test'));
  });
}
