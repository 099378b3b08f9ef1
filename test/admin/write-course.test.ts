// The course of every write: shown, asked, saved, made, looked at. With and without a terminal, and with everything that can go wrong.
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import test, { type TestContext } from 'node:test';
import { Attribute, Change } from 'ldapts';
import { readUndoFile } from '../../src/ldap/change.ts';
import { ADMIN_GROUP, connect, LEGACY_ADMIN_GROUP, PASSWORD, READER, WRITER } from '../ldap/embedded/demo-directory.ts';
import { attribute, bench, onNextWrite } from './bench.ts';
import { run } from './run-command.ts';

const dn = (name: string) => `CN=${name},CN=Databases,${ADMIN_GROUP}`;
const mdb = (server: string) =>
  `${LEGACY_ADMIN_GROUP}/cn=Configuration/cn=Servers/cn=${server}/cn=Microsoft Private MDB`;
const SET = ['database', 'set', 'SEA-DB02', '--rpc-client-access-server', 'outlook-sea.contoso.test'];
const now = (directory: Parameters<typeof attribute>[0], name = 'SEA-DB02') =>
  attribute(directory, dn(name), 'legacyExchangeDN')?.[0];

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
    assert.equal(now(directory), mdb(yes ? 'outlook-sea.contoso.test' : 'SEA-CAS1'));
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
  assert.equal(now(directory), mdb('SEA-CAS1'));
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
  assert.equal(now(first.directory), mdb('SEA-CAS1'));
  assert.equal(now(second.directory), mdb('outlook-sea.contoso.test'));
});

async function changeMeanwhile(
  t: TestContext,
  directory: Awaited<ReturnType<typeof bench>>['directory'],
  name: string,
  to: string,
) {
  const other = await connect(t, directory, WRITER);
  await other.modify(
    dn(name),
    new Change({ operation: 'replace', modification: new Attribute({ type: 'legacyExchangeDN', values: [to] }) }),
  );
}

test('a lost race says what stands there now; what was done before it can be undone, and only that', async (t) => {
  const { directory, place, write } = await bench(t);
  const all = ['database', 'set', '--all', '--rpc-client-access-server', 'outlook-sea.contoso.test'];
  // So slow that somebody else is faster than the third of four changes.
  await directory.setFaults({ delayMs: 50, operations: ['modify'] });
  const meanwhile = onNextWrite(directory, () => changeMeanwhile(t, directory, 'SEA-DB02', mdb('SEA-CAS2')));
  const outcome = await write(all, 'undo.ldif');
  await meanwhile;
  assert.equal(outcome.exitCode, 1);
  assert.match(outcome.err, /changing CN=SEA-DB02.*somebody else changed it meanwhile; nothing was written/);
  assert.ok(outcome.err.includes(`legacyExchangeDN: ${mdb('SEA-CAS2')}`));
  assert.match(outcome.out, /2 of 4 changes were made/);
  assert.equal(readUndoFile(readFileSync(place.path('undo.ldif'), 'utf8')).length, 2);
  assert.equal((await write(['undo', place.path('undo.ldif')], 'redo.ldif')).exitCode, 0);
  assert.equal(now(directory, 'DUB-DB02'), undefined);
  assert.equal(now(directory), mdb('SEA-CAS2'));
});

test('a change that somebody overwrites at once is told as made and overwritten, not as never written', async (t) => {
  const { directory, place, write } = await bench(t);
  await directory.setFaults({ delayMs: 100, operations: ['search'] });
  const meanwhile = onNextWrite(directory, () => changeMeanwhile(t, directory, 'SEA-DB02', mdb('SEA-CAS2')));
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
    await changeMeanwhile(t, directory, 'SEA-DB02', mdb('SEA-CAS2'));
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
      await changeMeanwhile(t, directory, 'SEA-DB02', mdb('SEA-CAS2'));
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
  assert.equal(now(directory), mdb('SEA-CAS1'));
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
  assert.equal(now(directory), mdb('outlook-sea.contoso.test'));
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

test('undo refuses what was changed since, and changes nothing', async (t) => {
  const { directory, place, write } = await bench(t);
  assert.equal((await write(SET, 'undo.ldif')).exitCode, 0);
  await changeMeanwhile(t, directory, 'SEA-DB02', mdb('SEA-CAS2'));
  const outcome = await write(['undo', place.path('undo.ldif')], 'redo.ldif');
  assert.equal(outcome.exitCode, 1);
  assert.match(outcome.err, /somebody else changed it meanwhile/);
  assert.equal(now(directory), mdb('SEA-CAS2'));
  assert.equal(existsSync(place.path('redo.ldif')), false);
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
  assert.equal(now(directory), mdb('outlook-sea.contoso.test'));
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
  assert.equal(now(directory), mdb('outlook-sea.contoso.test'), 'it was');
  assert.equal((await write(['undo', place.path('undo.ldif')], 'redo.ldif')).exitCode, 0);
  assert.equal(now(directory), mdb('SEA-CAS1'));
});

test('the undo file of a command that broke off undoes what was made, and leaves what was not', async (t) => {
  const { directory, place, write } = await bench(t);
  const all = ['database', 'set', '--all', '--rpc-client-access-server', 'outlook-sea.contoso.test'];
  assert.equal((await write(all, 'undo.ldif')).exitCode, 0);
  // As if the last of the four had never reached the controller.
  await changeMeanwhile(t, directory, 'SEA-DB03', mdb('SEA-MBX1'));
  const undone = await write(['undo', place.path('undo.ldif')], 'redo.ldif');
  assert.equal(undone.exitCode, 0, undone.err);
  assert.match(undone.out, /CN=SEA-DB03,.* is already as the file would leave it/);
  assert.deepEqual(
    [now(directory), now(directory, 'SEA-DB03'), now(directory, 'DUB-DB02')],
    [mdb('SEA-CAS1'), mdb('SEA-MBX1'), undefined],
  );
  assert.equal(readUndoFile(readFileSync(place.path('redo.ldif'), 'utf8')).length, 3);
  assert.match((await write(['undo', place.path('undo.ldif')], 'again.ldif')).out, /Nothing to do/);
});

test('a value that somebody put in the place of one that was made where none was is not taken for undone', async (t) => {
  const { directory, place, write } = await bench(t);
  const set = ['database', 'set', 'DUB-DB02', '--rpc-client-access-server', 'outlook-dub.contoso.test'];
  assert.equal((await write(set, 'undo.ldif')).exitCode, 0);
  await changeMeanwhile(t, directory, 'DUB-DB02', mdb('DUB-CAS1'));
  const outcome = await write(['undo', place.path('undo.ldif')], 'redo.ldif');
  assert.equal(outcome.exitCode, 1, outcome.out);
  assert.match(outcome.err, /somebody else changed it meanwhile[\s\S]*DUB-CAS1/);
});

test('undo refuses the file of another forest, where nothing of it stands', async (t) => {
  const { directory, place, write } = await bench(t);
  const made = ['# expects: objectClass: container', 'dn: CN=Arrays,CN=Configuration,DC=fabrikam,DC=test'];
  writeFileSync(place.path('other.ldif'), `${made.join('\n')}\nchangetype: delete\n`);
  const outcome = await write(['undo', place.path('other.ldif')], 'redo.ldif');
  assert.equal(outcome.exitCode, 2);
  assert.match(outcome.error?.message ?? '', /CN=Arrays,.*DC=fabrikam,DC=test is not in CN=Configuration,DC=contoso/);
  assert.equal(directory.stats.writes, 0);
});

test('undo on another controller says where the change was made: it may not have replicated', async (t) => {
  const [first, second] = [await bench(t), await bench(t)];
  assert.equal((await first.write(SET, 'undo.ldif')).exitCode, 0);
  const undone = await second.write(['undo', first.place.path('undo.ldif')], 'redo.ldif');
  assert.match(undone.out, /Nothing to do/);
  assert.ok(undone.out.includes(`To undo it where it was made: --controller ${first.directory.url}`), undone.out);
  const here = await first.write(['undo', first.place.path('undo.ldif')], 'redo.ldif');
  assert.doesNotMatch(here.out, /where it was made/);
});

test('undo does not remove an array that databases name by now', async (t) => {
  const { directory, place, write } = await bench(t);
  const away = ['database', 'set', 'DUB-DB01', '--rpc-client-access-server', 'DUB-CAS1'];
  assert.equal((await write(away, '1.ldif')).exitCode, 0);
  assert.equal((await write(['array', 'remove', 'casarray-dublin'], '2.ldif')).exitCode, 0);
  const create = ['array', 'create', 'outlook-new.contoso.test', '--site', 'Dublin', '--no-dns'];
  assert.equal((await write(create, '3.ldif')).exitCode, 0);
  const set = ['database', 'set', 'DUB-DB01', '--rpc-client-access-server', 'outlook-new'];
  assert.equal((await write(set, '4.ldif')).exitCode, 0);
  const undone = await write(['undo', place.path('3.ldif')], '5.ldif');
  assert.equal(undone.exitCode, 1);
  assert.match(undone.error?.message ?? '', /removing CAS array outlook-new: databases name it \(DUB-DB01\)/);
  assert.equal(now(directory, 'DUB-DB01'), mdb('outlook-new.contoso.test'));
  // What brings back what others took the place of meanwhile is told before it is done.
  const second = await write(['undo', place.path('2.ldif'), '--dry-run'], '6.ldif');
  assert.match(second.out, /warning: CN=casarray-dublin,.*: its site has the array CN=outlook-new,/);
  assert.equal((await write(['undo', place.path('4.ldif')], '7.ldif')).exitCode, 0);
  assert.equal((await write(['undo', place.path('3.ldif')], '8.ldif')).exitCode, 0);
  const dangling = await write(['undo', place.path('7.ldif'), '--dry-run'], '9.ldif');
  assert.match(dangling.out, /warning: CN=DUB-DB01,.*cn=outlook-new\.contoso\.test, which no array or server has/);
  assert.doesNotMatch((await write(['undo', place.path('2.ldif')], '10.ldif')).out, /warning/);
  assert.doesNotMatch((await write(['undo', place.path('1.ldif')], '11.ldif')).out, /warning/);
});

test('undo tells of an FQDN that another array or server has by now', async (t) => {
  const { place, write } = await bench(t);
  const set = (array: string, fqdn: string, undo: string) =>
    write(['array', 'set', array, '--fqdn', fqdn, '--no-dns'], undo);
  assert.equal((await set('casarray-dublin', 'x.contoso.test', '1.ldif')).exitCode, 0);
  assert.equal((await set('Seattle CAS Array', 'outlook-dub.contoso.test', '2.ldif')).exitCode, 0);
  const undone = await write(['undo', place.path('1.ldif'), '--dry-run'], '3.ldif');
  assert.match(
    undone.out,
    /warning: CN=casarray-dublin,.*: CN=Seattle CAS Array,.* has the FQDN outlook-dub\.contoso\.test/,
  );
});

const badFiles: readonly (readonly [text: string | undefined, why: RegExp])[] = [
  [undefined, /reading the undo file/],
  ['', /no change/],
  [
    `dn: ${dn('SEA-DB02')}\nchangetype: modify\nreplace: legacyExchangeDN\nlegacyExchangeDN: x\n-\n`,
    /whatever it holds/,
  ],
  [`dn: ${dn('SEA-DB02')}\nchangetype: delete\n`, /expects/],
  ['hello', /LDIF line 1/],
];
for (const [text, why] of badFiles) {
  test(`undo refuses ${text === undefined ? 'a missing file' : JSON.stringify(text.slice(-40))}`, async (t) => {
    const { directory, place, write } = await bench(t);
    if (text !== undefined) writeFileSync(place.path('bad.ldif'), text);
    const outcome = await write(['undo', place.path('bad.ldif')], 'redo.ldif');
    assert.equal(outcome.exitCode, 2);
    assert.match(outcome.error?.message ?? '', why);
    assert.equal(directory.stats.binds, 0, 'the file is read before anybody is bothered');
  });
}

test('the demo does everything and says that it forgets', async (t) => {
  const { place } = await bench(t);
  const outcome = await run([...SET, '--demo', '--yes', '--undo-file', place.path('undo.ldif')]);
  assert.equal(outcome.exitCode, 0, outcome.error?.message);
  assert.match(outcome.out, /done {2}modify[\s\S]*forgets the change now/);
});
