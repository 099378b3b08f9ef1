import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { newTicketKey, readTicketKey } from '../../../src/autodiscover/tls/ticket-keys.ts';

const folder = mkdtempSync(join(tmpdir(), 'ticket-key-'));
after(() => rmSync(folder, { recursive: true }));

function keyFile(content: Buffer | string, mode = 0o600): string {
  const file = join(folder, 'ticket.key');
  rmSync(file, { force: true });
  writeFileSync(file, content);
  chmodSync(file, mode);
  return file;
}

test('the same content is the same key of 48 bytes, other content another', async () => {
  const content = randomBytes(48);
  const key = await readTicketKey(keyFile(content));
  assert.equal(key.length, 48);
  assert.deepEqual(await readTicketKey(keyFile(content, 0o440)), key);
  assert.notDeepEqual(await readTicketKey(keyFile(randomBytes(48))), key);
  assert.notDeepEqual(await readTicketKey(keyFile(Buffer.concat([content, Buffer.from('\n')]))), key);
  assert.equal((await readTicketKey(keyFile(randomBytes(80).toString('base64')))).length, 48);
  assert.equal(newTicketKey().length, 48);
});

const SECRET = 'abcdefghijklmnopqrstuvwxyz0123456789';
const BAD: readonly (readonly [why: string, content: Buffer | string, mode: number, message: RegExp])[] = [
  ['too short', randomBytes(47), 0o600, /it holds 47 bytes, and 48 are needed/],
  ['empty', '', 0o600, /it holds 0 bytes/],
  ['too large', randomBytes(5000), 0o600, /larger than 4096 bytes/],
  ['zeros', Buffer.alloc(48), 0o600, /not random/],
  ['one word again and again', 'secret!'.repeat(20), 0o600, /not random/],
  ['others may read it', SECRET.repeat(2), 0o644, /its mode is 0644: others may read it.*chmod 600/],
  ['its group may write it', SECRET.repeat(2), 0o660, /its mode is 0660/],
];
for (const [why, content, mode, message] of BAD) {
  const skip = process.platform === 'win32' && /may/.test(why) ? 'files have no mode here' : false;
  test(`refused: ${why}`, { skip }, async () => {
    await assert.rejects(readTicketKey(keyFile(content, mode)), (error: Error & { code?: string }) => {
      assert.equal(error.code, 'certificate');
      assert.match(error.message, message);
      assert.match(error.message, /^reading the ticket key .*ticket\.key: /);
      assert.doesNotMatch(error.message, /abcdef|secret/);
      return true;
    });
  });
}

test('refused: a file that is not there', async () => {
  await assert.rejects(readTicketKey(join(folder, 'nowhere')), { code: 'certificate', message: /it does not exist/ });
});
