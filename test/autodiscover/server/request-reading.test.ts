// Requests that were read before: what is remembered reads as it would anew, for requests that differ in one place only above all.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { REMEMBERED_REQUESTS, readPoxRequest } from '../../../src/autodiscover/server/pox-reading.ts';
import { readSoapEnvelope, readUsers } from '../../../src/autodiscover/server/soap-reading.ts';
import { parsePoxRequest } from '../../../src/autodiscover/wire/pox-request.ts';
import { parseSoapEnvelope } from '../../../src/autodiscover/wire/soap-envelope.ts';
import { poxBody } from '../bed.ts';
import { alice, envelope, userSettings, wanted } from '../wire/soap-samples.ts';

const bytes = (text: string) => Buffer.from(text);

describe('POX', () => {
  const body = bytes(poxBody({ address: 'alice@contoso.test' }));

  test('the same bytes and Content-Type are read once', () => {
    const first = readPoxRequest(body, 'text/xml');
    assert.equal(readPoxRequest(Buffer.from(body), 'text/xml'), first);
    assert.ok(Object.isFrozen(first));
    assert.deepEqual(first, parsePoxRequest(body, 'text/xml'));
  });

  test('bytes that are another text under another Content-Type are read as that', () => {
    const written = Buffer.from(poxBody({ address: 'zoë@contoso.test' }).replace(/<\?xml[^>]*>/, ''), 'latin1');
    for (const type of ['text/xml; charset=iso-8859-1', 'text/xml; charset=utf-8', 'text/xml', undefined])
      for (let time = 0; time < 2; time++)
        assert.deepEqual(readPoxRequest(written, type), parsePoxRequest(written, type), `${type}`);
  });

  test('faults and long requests are read each time', () => {
    const broken = bytes('<Autodiscover>');
    assert.notEqual(readPoxRequest(broken, undefined), readPoxRequest(broken, undefined));
    const long = bytes(`${poxBody({ address: 'alice@contoso.test' })}<!--${'x'.repeat(REMEMBERED_REQUESTS.bytes)}-->`);
    assert.notEqual(readPoxRequest(long, undefined), readPoxRequest(long, undefined));
  });

  test('beyond their number the oldest is forgotten', () => {
    const first = readPoxRequest(body, 'text/xml');
    for (let n = 0; n < REMEMBERED_REQUESTS.count; n++)
      readPoxRequest(bytes(poxBody({ address: `u${n}@contoso.test` })), undefined);
    assert.notEqual(readPoxRequest(body, 'text/xml'), first);
  });
});

describe('SOAP', () => {
  const ID = 'urn:uuid:11111111-2222-4333-8444-555555555555';
  const OTHER = 'urn:uuid:aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee';
  const PLACE = 'urn:uuid:00000000-0000-0000-0000-000000000000';
  const id = (text: string) => `<w:MessageID>${text}</w:MessageID>`;
  const body = userSettings(alice, wanted('UserDN'));
  const read = (text: string) => {
    const message = readSoapEnvelope(bytes(text), 'text/xml');
    assert.ok(!('soapFault' in message));
    return message;
  };

  test('envelopes that differ in their MessageID are read once, and keep theirs', () => {
    const first = read(envelope(body, id(ID)));
    const second = read(envelope(body, id(OTHER)));
    assert.deepEqual([first.messageId, second.messageId], [ID, OTHER]);
    assert.equal(second.body, first.body);
    assert.equal(readUsers(second.body), readUsers(first.body));
  });

  test('envelopes that may carry a secret are read each time', () => {
    const secret = envelope(body, '<w:Security><w:Password>geheim</w:Password></w:Security>');
    assert.notEqual(read(secret).body, read(secret).body);
  });

  test('wherever something like a MessageID stands, each envelope reads as it would anew', () => {
    const uuid = fc.constantFrom(ID, OTHER, PLACE);
    const header = fc.oneof(
      uuid.map(id),
      uuid.map((one) => `<!--MessageID>${one}<-->`),
      uuid.map((one) => `<w:MessageID><![CDATA[MessageID>${one}<]]></w:MessageID>`),
      uuid.map((one) => `<w:To a="${one}">${one}</w:To>`),
      uuid.map((one) => `<w:RelatesMessageID>${one}</w:RelatesMessageID>`),
      fc.constant(''),
    );
    const mailbox = fc.oneof(fc.constant('alice@contoso.test'), uuid);
    const text = fc
      .tuple(fc.array(header, { maxLength: 3 }), mailbox)
      .map(([headers, name]) =>
        envelope(userSettings(`<a:User><a:Mailbox>${name}</a:Mailbox></a:User>`, wanted('UserDN')), headers.join('')),
      );
    fc.assert(
      fc.property(text, (one) => {
        assert.deepEqual(readSoapEnvelope(bytes(one), 'text/xml'), parseSoapEnvelope(bytes(one), 'text/xml'));
      }),
      { numRuns: 2000 },
    );
  });
});
