// The handshake over its connection, with a helper that speaks ntlm_auth's protocol and lets everybody in. What winbind judges is shown in
// the lab.
import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import type { Guard } from '../../../../src/autodiscover/server/authentication/guard.ts';
import { HelperPool } from '../../../../src/autodiscover/server/authentication/helper-pool.ts';
import { NtlmHandshakes, PROBE_MESSAGE } from '../../../../src/autodiscover/server/authentication/ntlm.ts';
import type { Directory } from '../../../../src/ldap/directory.ts';

const ANSWERS = `while read -r what token; do case $what in YR) echo "TT abcd";; *) printf '%s\\n' 'AF CONTOSO\\alice';; esac; done`;

/** A last message ([MS-NLMP] 2.2.1.3 AUTHENTICATE_MESSAGE) for a user, in base64; what stands behind his name is the workstation's or nobody's. */
function lastMessage(user: string, { behind = '', unicode = true } = {}): string {
  const name = Buffer.from(user, unicode ? 'utf16le' : 'latin1');
  const head = Buffer.alloc(64);
  head.write('NTLMSSP\0', 'latin1');
  head.writeUInt32LE(3, 8);
  head.writeUInt16LE(name.length, 36);
  head.writeUInt32LE(64, 40);
  head.writeUInt32LE(unicode ? 1 : 2, 60);
  return Buffer.concat([head, name, Buffer.from(behind, 'latin1')]).toString('base64');
}

function scene(t: TestContext, processes: number) {
  const pool = new HelperPool({
    path: '/bin/sh',
    arguments: ['-c', ANSWERS],
    timeoutMs: 5000,
    maxProcesses: processes,
    waitMs: 200,
  });
  const sockets: Socket[] = [];
  const connection = () => {
    const socket = Object.assign(new EventEmitter(), { destroyed: false }) as unknown as Socket;
    sockets.push(socket);
    return socket;
  };
  t.after(() => {
    for (const socket of sockets) socket.emit('close');
    pool.close();
  });
  const attempts: string[] = [];
  const settled: string[] = [];
  const begin = async (key: string) => {
    attempts.push(key);
    return { settle: (outcome: string) => void settled.push(outcome) };
  };
  const guard = { refusal: () => undefined, beginName: begin, beginAccount: begin } as unknown as Guard;
  const directory = {
    findWindowsAccount: async () => ({ distinguishedName: 'CN=alice,DC=contoso,DC=test' }),
  } as unknown as Directory;
  return {
    handshakes: new NtlmHandshakes(pool, directory, guard, 'NTLM'),
    connection,
    attempts: () => attempts,
    settled,
  };
}

test('two legs, and the connection is the caller’s', async (t) => {
  const { handshakes, connection } = scene(t, 1);
  const socket = connection();
  const first = await handshakes.step(PROBE_MESSAGE, socket, '192.0.2.1');
  assert.deepEqual(first, { outcome: 'challenge', reason: 'handshake', header: 'NTLM abcd' });
  const last = await handshakes.step(lastMessage('alice'), socket, '192.0.2.1');
  assert.ok(last.outcome === 'caller' && last.keepsConnection);
  assert.equal(last.caller.name, 'CONTOSO\\alice');
});

test('legs that are sent without waiting take one helper, and it comes back', async (t) => {
  const { handshakes, connection } = scene(t, 2);
  const socket = connection();
  const legs = await Promise.all(Array.from({ length: 6 }, () => handshakes.step(PROBE_MESSAGE, socket, '192.0.2.1')));
  const handed = legs.map((leg) => leg.outcome === 'challenge' && leg.header);
  assert.deepEqual(handed, ['NTLM abcd', ...Array(5).fill(undefined)]);
  socket.emit('close');
  const others = [connection(), connection()];
  for (const other of others)
    assert.equal((await handshakes.step(PROBE_MESSAGE, other, '192.0.2.2')).outcome, 'challenge');
});

test('of last legs that are sent together one is judged', async (t) => {
  const { handshakes, connection, attempts } = scene(t, 1);
  const socket = connection();
  await handshakes.step(PROBE_MESSAGE, socket, '192.0.2.1');
  const token = lastMessage('alice');
  const last = await Promise.all(Array.from({ length: 4 }, () => handshakes.step(token, socket, '192.0.2.1')));
  assert.deepEqual(
    last.map(({ outcome }) => outcome),
    ['caller', 'challenge', 'challenge', 'challenge'],
  );
  // One at the name, one at the account.
  assert.deepEqual(attempts(), ['alice', 'CN=alice,DC=contoso,DC=test']);
});

// Counted under no name, they would come on top of what the account may fail, and lock it out.
for (const [what, token] of [
  ['two signatures', lastMessage('alice', { behind: 'NTLMSSP\0' })],
  ['a name in a code page that nobody tells', lastMessage('alic\xe9', { unicode: false })],
  ['no name', lastMessage('')],
] as const) {
  test(`a last message with ${what} is counted as failed, and judged by nobody`, async (t) => {
    const { handshakes, connection, settled } = scene(t, 1);
    const socket = connection();
    await handshakes.step(PROBE_MESSAGE, socket, '192.0.2.1');
    const last = await handshakes.step(token, socket, '192.0.2.1');
    assert.ok(last.outcome === 'challenge' && last.refusal === 'refused' && last.header === undefined, last.outcome);
    assert.deepEqual(settled, ['failed']);
    // The helper came back, though in the middle of a handshake.
    assert.equal((await handshakes.step(PROBE_MESSAGE, connection(), '192.0.2.1')).outcome, 'challenge');
  });
}
