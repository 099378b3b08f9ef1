import assert from 'node:assert/strict';
import test from 'node:test';
import { claimedName } from '../../../../src/autodiscover/server/authentication/ntlm-name.ts';
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

test('other messages and broken ones have no name', () => {
  const whole = message('CONTOSO', 'alice');
  const bad = [
    Buffer.alloc(0),
    Buffer.from('NTLMSSP\0', 'latin1'),
    message('CONTOSO', 'alice', { type: 1 }),
    message('CONTOSO', ''),
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
