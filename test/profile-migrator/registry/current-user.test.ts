import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ChildResult } from '../../../src/profile-migrator/registry/child-process.ts';
import { currentUserSid, isServiceSid } from '../../../src/profile-migrator/registry/current-user.ts';

const sidFrom = (result: Partial<ChildResult>) =>
  currentUserSid({
    systemRoot: 'C:\\Windows',
    runner: {
      run: async (program) => {
        assert.equal(program, 'C:\\Windows\\System32\\whoami.exe');
        return { outcome: 'exited', exitCode: 0, stdout: '', stderr: '', ...result };
      },
    },
  });

test('the SID is the last field of whoami', async () => {
  const sid = 'S-1-5-21-1004336348-1177238915-682003330-1107';
  assert.equal(await sidFrom({ stdout: `"contoso\\anna","${sid}"\r\n` }), sid);
  assert.equal(await sidFrom({ stdout: '"nt-autorit\u00e4t\\system","S-1-5-18"\r\n' }), 'S-1-5-18');
  assert.equal(await sidFrom({ stdout: 'VM\\root\r\n' }), undefined); // Wine ignores /user
  assert.equal(await sidFrom({ stdout: `"a","${sid}"`, exitCode: 1 }), undefined);
  assert.equal(await sidFrom({ outcome: 'missing', exitCode: undefined }), undefined);
});

test('services are not people', () => {
  assert.equal(isServiceSid('S-1-5-18'), true);
  assert.equal(isServiceSid('S-1-5-21-1-2-3-500'), false);
});
