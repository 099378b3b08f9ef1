import assert from 'node:assert/strict';
import test from 'node:test';
import { claimedName, settlesOnUnicode } from '../../../../src/autodiscover/server/authentication/ntlm-name.ts';
import { mutate, seededRandom } from '../../../helpers/mutation.ts';

/** An AUTHENTICATE_MESSAGE with nothing but names in it. */
function message(domain: string, user: string, { unicode = true, type = 3 } = {}): Buffer {
  const encode = (text: string) => Buffer.from(text, unicode ? 'utf16le' : 'latin1');
  const head = Buffer.alloc(64);
  head.write('NTLMSSP\0', 'latin1');
  head.writeUInt32LE(type, 8);
  const [domainBytes, userBytes] = [encode(domain), encode(user)];
  const field = (at: number, bytes: Buffer, offset: number) => {
    head.writeUInt16LE(bytes.length, at);
    head.writeUInt16LE(bytes.length, at + 2);
    head.writeUInt32LE(offset, at + 4);
  };
  field(28, domainBytes, 64);
  field(36, userBytes, 64 + domainBytes.length);
  head.writeUInt32LE(unicode ? 1 : 2, 60);
  return Buffer.concat([head, domainBytes, userBytes]);
}

test('the names of the last message are read, in either encoding and inside SPNEGO', () => {
  assert.equal(claimedName(message('CONTOSO', 'alice')), 'CONTOSO\\alice');
  assert.equal(claimedName(message('', 'zoë@contoso.test')), 'zoë@contoso.test');
  assert.equal(claimedName(message('CONTOSO', 'bob', { unicode: false })), 'CONTOSO\\bob');
  const wrapped = Buffer.concat([Buffer.from('a182012f', 'hex'), message('CONTOSO', 'carol')]);
  assert.equal(claimedName(wrapped), 'CONTOSO\\carol');
});

test('the encoding is that of the challenge, whatever the last message says of itself', () => {
  const challenge = (flags: number) => {
    const bytes = Buffer.alloc(32);
    bytes.write('NTLMSSP\0', 'latin1');
    bytes.writeUInt32LE(2, 8);
    bytes.writeUInt32LE(flags, 20);
    return bytes;
  };
  assert.equal(settlesOnUnicode(challenge(0x8201)), true);
  assert.equal(settlesOnUnicode(Buffer.concat([Buffer.from('a181', 'hex'), challenge(0x8202)])), false);
  assert.equal(settlesOnUnicode(message('CONTOSO', 'alice')), undefined);
  // Each case of the letters would be another name when they are read as UTF-16.
  for (const user of ['aliceb', 'aLiceb', 'ALICEB']) {
    const lying = message('CONTOSO', user, { unicode: false });
    lying.writeUInt32LE(1, 60);
    assert.equal(claimedName(lying, false), `CONTOSO\\${user}`);
  }
  const lying = message('CONTOSO', 'alice');
  lying.writeUInt32LE(2, 60);
  assert.equal(claimedName(lying, true), 'CONTOSO\\alice');
});

test('a token with two messages has no name: another than the counted one might be judged', () => {
  assert.equal(claimedName(Buffer.concat([message('CONTOSO', 'nobody'), message('CONTOSO', 'alice')])), undefined);
});

test('other messages and broken ones have no name', () => {
  const whole = message('CONTOSO', 'alice');
  const bad = [
    Buffer.alloc(0),
    Buffer.from('NTLMSSP\0', 'latin1'),
    message('CONTOSO', 'alice', { type: 1 }),
    message('CONTOSO', ''),
    message('CONTOSO', 'zo\xeb', { unicode: false }), // in a code page that nobody tells
    whole.subarray(0, 63),
    whole.subarray(0, whole.length - 1), // the name reaches beyond the end
    message('CONTOSO', 'a'.repeat(513)),
  ];
  for (const bytes of bad) assert.equal(claimedName(bytes), undefined, bytes.toString('hex').slice(0, 80));
});

test('damaged messages have a name or none', () => {
  const random = seededRandom(3);
  const seed = message('CONTOSO', 'alice');
  for (let round = 0; round < 5000; round++) {
    const name = claimedName(mutate(seed, random));
    assert.ok(name === undefined || name.length <= 1025);
  }
});
