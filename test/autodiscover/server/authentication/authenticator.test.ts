// Which scheme is asked, and for how long a connection is somebody's.
import assert from 'node:assert/strict';
import { Socket } from 'node:net';
import test from 'node:test';
import {
  type AuthenticationScheme,
  Authenticator,
} from '../../../../src/autodiscover/server/authentication/authenticator.ts';
import type { Account } from '../../../../src/ldap/recipient.ts';

const HERE = '192.0.2.1';

/** Lets in whoever says `alice`; the connection is then hers, as with NTLM. */
const scheme: AuthenticationScheme = {
  name: 'NTLM',
  challenge: 'NTLM',
  available: true,
  authenticate: async (credentials) =>
    credentials === 'alice'
      ? { outcome: 'caller', caller: { name: 'alice', account: {} as Account, scheme: 'NTLM' }, keepsConnection: true }
      : { outcome: 'challenge', reason: 'no' },
};

const outcomes = async (steps: readonly (readonly [header: string | undefined, address: string])[]) => {
  const authenticator = new Authenticator([scheme]);
  const socket = new Socket();
  const found: string[] = [];
  for (const [header, address] of steps)
    found.push((await authenticator.authenticate(header, socket, address)).outcome);
  return found;
};

test('a connection that logged on needs no credentials again', async () => {
  assert.deepEqual(
    await outcomes([
      [undefined, HERE],
      ['ntlm alice', HERE],
      [undefined, HERE],
    ]),
    ['challenge', 'caller', 'caller'],
  );
});

test('new credentials on it replace the old ones, bad ones too', async () => {
  assert.deepEqual(
    await outcomes([
      ['NTLM alice', HERE],
      ['NTLM bob', HERE],
      [undefined, HERE],
    ]),
    ['caller', 'challenge', 'challenge'],
  );
});

test('another client that a proxy sends over the same connection is a stranger', async () => {
  assert.deepEqual(
    await outcomes([
      ['NTLM alice', HERE],
      [undefined, '192.0.2.2'],
      [undefined, HERE],
    ]),
    ['caller', 'challenge', 'caller'],
  );
});

test('a scheme that is not offered is a challenge', async () => {
  assert.deepEqual(
    await outcomes([
      ['Digest alice', HERE],
      ['', HERE],
    ]),
    ['challenge', 'challenge'],
  );
});
