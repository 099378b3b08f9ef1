// The course of every write: shown, asked, saved, made, looked at. With and without a terminal, and with everything that can go wrong.
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import test from 'node:test';
import { undoFileName } from '../../src/admin/undo-file.ts';
import { readUndoFile } from '../../src/ldap/change.ts';
import { ADMIN_GROUP, connect, PASSWORD, READER, WRITER } from '../ldap/embedded/demo-directory.ts';
import { bench, changeDatabase, legacyDnNow, mdb, onNextWrite, SET } from './bench.ts';
import { run } from './run-command.ts';

test('a terminal is asked after the change was shown; only yes is yes', async (t) => {
  for (const [answer, yes] of [
    ['y', true],
    ['YES', true],
    ['', false],
    ['n', false],
    ['yes please', false],
    [undefined, false],
  ] as const) {
    const { directory, place, write } = await bench(t);
    let question = '';
    const outcome = await write(SET, 'undo.ldif', {
      answer: (text) => {
        question = text;
        return answer;
      },
    });
    assert.match(question, /^Make this change on ldap:\/\/127\.0\.0\.1:\d+\? \[y\/N\] $/);
    assert.match(outcome.out, /changetype: modify/);
    assert.equal(outcome.exitCode, yes ? 0 : 1, String(answer));
    assert.equal(legacyDnNow(directory), mdb(yes ? 'outlook-sea.contoso.test' : 'SEA-CAS1'));
    assert.equal(existsSync(place.path('undo.ldif')), yes);
  }
});

test('without a terminal and without --yes nothing is written', async (t) => {
  const { directory, place } = await bench(t);
  const outcome = await run([
    ...SET,
    '--config',
    place.config,
    '--user',
    WRITER,
    '--password-file',
    place.passwordFile,
  ]);
  assert.equal(outcome.exitCode, 1);
  assert.match(outcome.error?.message ?? '', /no terminal to confirm at; give --yes/);
  assert.equal(directory.stats.writes, 0);
});

test('a dry run shows the change, needs no account of its own, and writes nothing', async (t) => {
  const { directory, place } = await bench(t);
  const outcome = await run([...SET, '--config', place.config, '--dry-run']);
  assert.equal(outcome.exitCode, 0, outcome.error?.message);
  assert.match(outcome.out, new RegExp(`as ${READER}`));
  assert.match(outcome.out, /add: legacyExchangeDN[\s\S]*Dry run: nothing was written/);
  assert.equal(directory.stats.writes, 0);
  const asJson = await run([...SET, '--config', place.config, '--dry-run', '--json']);
  const parsed = JSON.parse(asJson.out);
  assert.deepEqual([parsed.dryRun, parsed.planned, parsed.applied, parsed.undoFile], [true, 1, 0, null]);
});

test('JSON alone on standard output, the text for people beside it', async (t) => {
  const { write, place } = await bench(t);
  const outcome = await write([...SET, '--json'], 'undo.ldif');
  const parsed = JSON.parse(outcome.out);
  assert.equal(parsed.applied, 1);
  assert.equal(parsed.undoFile, place.path('undo.ldif'));
  assert.match(outcome.err, /changetype: modify/);
  assert.deepEqual(readUndoFile(parsed.undoLdif), readUndoFile(readFileSync(place.path('undo.ldif'), 'utf8')));
});

test('the password comes from a file, the environment, or a prompt', async (t) => {
  const { directory, place } = await bench(t);
  const base = [...SET, '--config', place.config, '--user', WRITER, '--undo-file'];
  const fromEnvironment = await run([...base, place.path('1.ldif'), '--yes'], {
    env: { AUTODISCOVER_PASSWORD: PASSWORD },
  });
  assert.equal(fromEnvironment.exitCode, 0, fromEnvironment.error?.message);
  const asked: string[] = [];
  const prompted = await run(
    ['undo', place.path('1.ldif'), '--config', place.config, '--user', WRITER, '--undo-file', place.path('2.ldif')],
    {
      answer: (question) => {
        asked.push(question);
        return question.startsWith('Password') ? PASSWORD : 'y';
      },
    },
  );
  assert.equal(prompted.exitCode, 0, prompted.error?.message);
  assert.match(asked[0] ?? '', /^Password of CN=svc-exchadmin/);
  assert.equal(asked.length, 2);
  assert.equal(legacyDnNow(directory), mdb('SEA-CAS1'));
  for (const text of [prompted.out, prompted.err, fromEnvironment.out]) assert.ok(!text.includes(PASSWORD));
});

const usage: readonly (readonly [flags: readonly string[], why: RegExp, code: number])[] = [
  [[], /either --config FILE or --demo/, 2],
  [['--demo', '--config', 'x'], /either --config FILE or --demo/, 2],
  [['--config', 'CONFIG', '--yes'], /who writes\? Give --user/, 2],
  [['--config', 'CONFIG', '--password-file', 'x'], /--password-file needs --user/, 2],
  [['--config', 'CONFIG', '--user', WRITER], /no terminal to ask at/, 2],
  [
    ['--config', 'CONFIG', '--user', WRITER, '--password-file', '/nonexistent'],
    /reading the password from \/nonexistent/,
    2,
  ],
  [['--config', 'CONFIG', '--controller', 'dc1'], /--controller dc1: must be ldaps/, 2],
  [['--config', 'CONFIG', '--controller', 'https://dc1'], /must be ldaps/, 2],
  [['--config', '/nonexistent.yaml'], /reading the configuration/, 2],
];
for (const [flags, why, code] of usage) {
  test(`usage: ${flags.join(' ') || 'no flags'}`, async (t) => {
    const { place } = await bench(t);
    const { exitCode, error } = await run([...SET, ...flags.map((flag) => (flag === 'CONFIG' ? place.config : flag))]);
    assert.match(error?.message ?? '', why);
    assert.equal(exitCode, code);
  });
}

test('a controller that the configuration does not name is written on when it is given', async (t) => {
  const first = await bench(t);
  const second = await bench(t);
  const outcome = await first.write([...SET, '--controller', second.directory.url], 'undo.ldif');
  assert.equal(outcome.exitCode, 0, outcome.error?.message);
  assert.equal(legacyDnNow(first.directory), mdb('SEA-CAS1'));
  assert.equal(legacyDnNow(second.directory), mdb('outlook-sea.contoso.test'));
});

test('a lost race says what stands there now; what was done before it can be undone, and only that', async (t) => {
  const { directory, place, write } = await bench(t);
  const all = ['database', 'set', '--all', '--rpc-client-access-server', 'outlook-sea.contoso.test'];
  // So slow that somebody else is faster than the third of four changes.
  await directory.setFaults({ delayMs: 50, operations: ['modify'] });
  const meanwhile = onNextWrite(directory, () => changeDatabase(t, directory, 'SEA-DB02', mdb('SEA-CAS2')));
  const outcome = await write(all, 'undo.ldif');
  await meanwhile;
  assert.equal(outcome.exitCode, 1);
  assert.match(outcome.err, /changing CN=SEA-DB02.*somebody else changed it meanwhile; nothing was written/);
  assert.ok(outcome.err.includes(`legacyExchangeDN: ${mdb('SEA-CAS2')}`));
  assert.match(outcome.out, /2 of 4 changes were made/);
  assert.equal(readUndoFile(readFileSync(place.path('undo.ldif'), 'utf8')).length, 2);
  assert.equal((await write(['undo', place.path('undo.ldif')], 'redo.ldif')).exitCode, 0);
  assert.equal(legacyDnNow(directory, 'DUB-DB02'), undefined);
  assert.equal(legacyDnNow(directory), mdb('SEA-CAS2'));
});

test('a change that somebody overwrites at once is told as made and overwritten, not as never written', async (t) => {
  const { directory, place, write } = await bench(t);
  await directory.setFaults({ delayMs: 100, operations: ['search'] });
  const meanwhile = onNextWrite(directory, () => changeDatabase(t, directory, 'SEA-DB02', mdb('SEA-CAS2')));
  const outcome = await write(SET, 'undo.ldif');
  await meanwhile;
  assert.equal(outcome.exitCode, 1);
  assert.match(outcome.err, /the change was made, but somebody else changed the entry again at once[\s\S]*SEA-CAS2/);
  assert.doesNotMatch(outcome.err, /nothing was written/);
  assert.equal(existsSync(place.path('undo.ldif')), false);
});

test('an undo file that cannot be kept up hides neither the failure nor what undoes the changes', async (t) => {
  const { directory, place, write } = await bench(t);
  const all = ['database', 'set', '--all', '--rpc-client-access-server', 'outlook-sea.contoso.test'];
  await directory.setFaults({ delayMs: 50, operations: ['modify'] });
  const meanwhile = onNextWrite(directory, async () => {
    await changeDatabase(t, directory, 'SEA-DB02', mdb('SEA-CAS2'));
    rmSync(place.path('sub'), { recursive: true });
  });
  mkdirSync(place.path('sub'));
  const outcome = await write(all, 'sub/undo.ldif');
  await meanwhile;
  assert.equal(outcome.exitCode, 1);
  assert.match(outcome.err, /somebody else changed it meanwhile/);
  assert.match(outcome.err, /undo\.ldif could not be written again: ENOENT.*Keep what is shown here/);
  assert.equal(
    outcome.out.match(/^delete: legacyExchangeDN/gm)?.length,
    3 + 2,
    'three of the plan, two of the undoing',
  );
});

test('what is changed while the question stands is seen before anything is written', async (t) => {
  const { directory, place, write } = await bench(t);
  const all = ['database', 'set', '--all', '--rpc-client-access-server', 'outlook-sea.contoso.test'];
  const outcome = await write(all, 'undo.ldif', {
    answer: async () => {
      await changeDatabase(t, directory, 'SEA-DB02', mdb('SEA-CAS2'));
      return 'y';
    },
  });
  assert.equal(outcome.exitCode, 1);
  assert.match(outcome.error?.message ?? '', /while you were asked, somebody else changed.*nothing was written/);
  assert.equal(directory.stats.writes, 1, 'the other one');
  assert.equal(existsSync(place.path('undo.ldif')), false);
});

test('no database is led to an array that is removed while the question stands', async (t) => {
  const { directory, write } = await bench(t);
  const outcome = await write(['database', 'set', 'SEA-DB02', '--rpc-client-access-server', 'casarray-dublin'], 'u', {
    answer: async () => {
      const other = await connect(t, directory, WRITER);
      await other.del(`CN=casarray-dublin,CN=Arrays,${ADMIN_GROUP}`);
      return 'y';
    },
  });
  assert.equal(outcome.exitCode, 1);
  assert.match(outcome.error?.message ?? '', /"casarray-dublin": there is none/);
  assert.equal(legacyDnNow(directory), mdb('SEA-CAS1'));
});

test('a connection that the controller ended while the question stood is made anew', async (t) => {
  const { directory, write } = await bench(t);
  const outcome = await write(SET, 'undo.ldif', {
    answer: async () => {
      await directory.setFaults({ dead: 'refuse' });
      await directory.setFaults({});
      return 'y';
    },
  });
  assert.equal(outcome.exitCode, 0, outcome.error?.message);
  assert.equal(legacyDnNow(directory), mdb('outlook-sea.contoso.test'));
});

test('a controller that dies while the question stands gets nothing, and leaves no undo file', async (t) => {
  const { directory, place, write } = await bench(t);
  const outcome = await write(SET, 'undo.ldif', {
    answer: async () => {
      await directory.setFaults({ dead: 'refuse' });
      return 'y';
    },
  });
  assert.equal(outcome.exitCode, 1);
  assert.match(outcome.error?.message ?? '', /^connecting to ldap:/);
  assert.equal(existsSync(place.path('undo.ldif')), false);
});

test('an account without the right is told the dsacls line, with its domain', async (t) => {
  const { place } = await bench(t);
  const account = [
    '--config',
    place.config,
    '--user',
    READER,
    '--password-file',
    place.passwordFile,
    '--yes',
    '--undo-file',
    place.path('u'),
  ];
  const outcome = await run([...SET, ...account]);
  assert.equal(outcome.exitCode, 1);
  assert.ok(
    outcome.err.includes(
      `dsacls "CN=Databases,${ADMIN_GROUP}" /I:S /G "CONTOSO\\svc-autodiscover:WP;legacyExchangeDN;msExchPrivateMDB"`,
    ),
    outcome.err,
  );
  assert.deepEqual(readdirSync(place.folder).sort(), ['autodiscover.yaml', 'password']);
});

test('a read-only controller sends to another one', async (t) => {
  const { directory, write } = await bench(t);
  await directory.setFaults({ result: 'referral', operations: ['modify'] });
  const outcome = await write(SET, 'undo.ldif');
  assert.equal(outcome.exitCode, 1);
  assert.match(outcome.err, /read-only.*--controller ldaps:\/\/HOST/);
});

test('an attribute that the schema lacks is no lost race', async (t) => {
  const { directory, write } = await bench(t);
  await directory.setFaults({ result: 'noSuchAttribute', operations: ['modify'] });
  const outcome = await write(SET, 'undo.ldif');
  assert.match(outcome.err, /schema or its links do not allow it/);
});

test('after a broken answer the entry tells that the change was made', async (t) => {
  const { directory, place, write } = await bench(t);
  await directory.setFaults({ resetMidAnswer: true, operations: ['modify'] });
  const outcome = await write(SET, 'undo.ldif');
  assert.equal(outcome.exitCode, 0, outcome.err);
  assert.equal(legacyDnNow(directory), mdb('outlook-sea.contoso.test'));
  assert.ok(existsSync(place.path('undo.ldif')));
});

test('a controller that dies leaves an undo file and says that it is not known what became of the change', async (t) => {
  const { directory, place, write } = await bench(t);
  await directory.setFaults({ delayMs: 100, operations: ['search'] });
  const death = onNextWrite(directory, () => directory.setFaults({ dead: 'refuse' }));
  const outcome = await write(SET, 'undo.ldif');
  await death;
  assert.equal(outcome.exitCode, 1);
  assert.match(outcome.err, /the connection broke.*could not be asked again whether the change was made/);
  await directory.setFaults({});
  assert.equal(legacyDnNow(directory), mdb('outlook-sea.contoso.test'), 'it was');
  assert.equal((await write(['undo', place.path('undo.ldif')], 'redo.ldif')).exitCode, 0);
  assert.equal(legacyDnNow(directory), mdb('SEA-CAS1'));
});

test('the command that is printed undoes the change, as it stands', async (t) => {
  const { directory, place, write } = await bench(t);
  const { out } = await write(SET, 'undo.ldif');
  const [, printed = ''] = /apply it with: autodiscover (.+)\):$/m.exec(out) ?? [];
  const words = (printed.match(/"[^"]*"|\S+/g) ?? []).map((word) => word.replaceAll('"', ''));
  assert.deepEqual(words.slice(0, 2), ['undo', place.path('undo.ldif')]);
  const undone = await run([...words, '--yes', '--undo-file', place.path('redo.ldif')], {
    env: { AUTODISCOVER_PASSWORD: PASSWORD },
  });
  assert.equal(undone.exitCode, 0, undone.error?.message);
  assert.equal(legacyDnNow(directory), mdb('SEA-CAS1'));
});

test('the name of an undo file has whole words of its title', () => {
  const at = new Date('2026-11-22T10:15:00.123Z');
  const name = (title: string) => undoFileName(title, at).replace('undo-20261122T101500Z-', '');
  assert.equal(name('scope SEA-CAS1 to the whole forest'), 'scope-sea-cas1-to-the-whole-forest.ldif');
  assert.equal(name('remove service connection point SEA-CAS1.'), 'remove-service-connection-point-sea-cas1.ldif');
  assert.equal(name(`publish https://${'x'.repeat(90)}.test/ in 3 points`), 'publish-https.ldif');
});

test('the demo does everything and says that it forgets', async (t) => {
  const { place } = await bench(t);
  const outcome = await run([...SET, '--demo', '--yes', '--undo-file', place.path('undo.ldif')]);
  assert.equal(outcome.exitCode, 0, outcome.error?.message);
  assert.match(outcome.out, /done {2}modify[\s\S]*forgets the change now/);
});
