import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { identityOf, isSameProcess } from '../../../src/profile-migrator/registry/child-process.ts';
import { createOutlookProcesses, parseTaskList } from '../../../src/profile-migrator/registry/outlook-processes.ts';
import { type FakeBehaviour, type FakeKeys, FakeRegistry } from '../../helpers/fake-reg.ts';

const SID = 'S-1-5-21-111-222-333-1104';
const scratch = mkdtempSync(join(tmpdir(), 'outlook-processes-test-'));
after(() => rmSync(scratch, { recursive: true, force: true }));

function processes(tasklist: FakeBehaviour['tasklist'], keys: FakeKeys = {}, sid?: string) {
  const fake = new FakeRegistry(mkdtempSync(join(scratch, 'case-')));
  fake.write(keys);
  fake.behave(tasklist === undefined ? {} : { tasklist });
  const options = { runner: fake.runner(), systemRoot: 'C:\\Windows' };
  return createOutlookProcesses(sid === undefined ? options : { ...options, sid });
}

const line = (image: string, session = 1, pid = 77) => `"${image}","${pid}","Console","${session}","123.456 K"`;

test('the state of Outlook', async (t) => {
  const cases: readonly (readonly [string, FakeBehaviour['tasklist'], 'open' | 'closed' | 'unknown'])[] = [
    ['no program of interest', [line('explorer.exe')], 'closed'],
    ['Outlook', [line('OUTLOOK.EXE')], 'open'],
    ['Outlook in lower case', [line('outlook.exe')], 'open'],
    ['Skype for Business holds MAPI too', [line('lync.exe')], 'open'],
    ['a name that only begins alike', [line('OUTLOOK.EXE.config'), line('xOUTLOOK.EXE')], 'closed'],
    ['a window title is no image name', ['"notepad.exe","5","OUTLOOK.EXE","1","1 K"'], 'closed'],
    ['Wine 8: nothing at all', 'nothing', 'unknown'],
    ['a localised sentence', 'localised', 'unknown'],
  ];
  for (const [name, tasklist, expected] of cases) {
    await t.test(name, async () => assert.equal(await processes(tasklist).outlook(), expected));
  }
});

test('only the sessions of that user count, all of them when Windows does not tell', async () => {
  const sessions = {
    'HKEY_CURRENT_USER\\Volatile Environment\\1': {},
    [`HKEY_USERS\\${SID}\\Volatile Environment\\3`]: {},
  };
  const list = [line('OUTLOOK.EXE', 3)];
  assert.equal(await processes(list, sessions).outlook(), 'closed');
  assert.equal(await processes(list, sessions, SID).outlook(), 'open');
  assert.deepEqual(await processes(list, sessions, SID).blockingPrograms(), ['OUTLOOK.EXE']);
  assert.equal(await processes(list).outlook(), 'open');
});

test('a tasklist that fails or hangs is no answer', () => {
  const printed = `${line('tasklist.exe')}\r\n`;
  const result = { outcome: 'exited', exitCode: 0, stdout: printed, stderr: '' } as const;
  assert.equal(parseTaskList(result)?.length, 1);
  assert.equal(parseTaskList({ ...result, exitCode: 1 }), undefined);
  assert.equal(parseTaskList({ ...result, outcome: 'timeout' }), undefined);
  assert.equal(parseTaskList({ ...result, stdout: 'ERROR: Access denied' }), undefined);
});

test('a child is recognised by its start time, not by its id alone', async () => {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
  try {
    const identity = identityOf(child.pid ?? 0);
    assert.equal(await processes([]).isRunning(identity), true);
    assert.equal(isSameProcess({ ...identity, startTime: 'ticks 1' }), false);
  } finally {
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await ended;
  }
  assert.equal(await processes([]).isRunning(identityOf(2 ** 22 + 1)), false);
});
