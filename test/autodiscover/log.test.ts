// The second line of defence of the log: what is called a secret is never written, on the line or one level below.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLogger, withoutSecrets } from '../../src/autodiscover/log.ts';

const REDACTED = '[redacted]';

test('secrets on the line and one level below are replaced', () => {
  const lines: string[] = [];
  const log = createLogger('info', { write: (line) => void lines.push(line) });
  log.info(
    { password: 'geheim', headers: { authorization: 'geheim', host: 'x' }, user: { password: 'geheim' } },
    'line',
  );
  assert.doesNotMatch(lines.join(''), /geheim/);
  const { password, headers, user, msg } = JSON.parse(lines[0] ?? '{}');
  assert.deepEqual(
    [password, headers, user, msg],
    [REDACTED, { authorization: REDACTED, host: 'x' }, { password: REDACTED }, 'line'],
  );
});

test('fields without a secret are not copied, and the caller keeps his own', () => {
  const plain = { id: 'x', trace: [{ level: 'info', text: 'y' }], nothing: null };
  assert.equal(withoutSecrets(plain), plain);
  const secret = { user: { password: 'geheim' } };
  withoutSecrets(secret);
  assert.deepEqual(secret, { user: { password: 'geheim' } });
});
