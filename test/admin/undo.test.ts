// `undo` over the embedded directory: what it takes back, what it leaves, what it refuses, and what it warns of.
import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import test from 'node:test';
import { readUndoFile } from '../../src/ldap/change.ts';
import { bench, changeDatabase, databaseDn, legacyDnNow, mdb, SET } from './bench.ts';

test('undo refuses what was changed since, and changes nothing', async (t) => {
  const { directory, place, write } = await bench(t);
  assert.equal((await write(SET, 'undo.ldif')).exitCode, 0);
  await changeDatabase(t, directory, 'SEA-DB02', mdb('SEA-CAS2'));
  const outcome = await write(['undo', place.path('undo.ldif')], 'redo.ldif');
  assert.equal(outcome.exitCode, 1);
  assert.match(outcome.err, /somebody else changed it meanwhile/);
  assert.equal(legacyDnNow(directory), mdb('SEA-CAS2'));
  assert.equal(existsSync(place.path('redo.ldif')), false);
});

test('the undo file of a command that broke off undoes what was made, and leaves what was not', async (t) => {
  const { directory, place, write } = await bench(t);
  const all = ['database', 'set', '--all', '--rpc-client-access-server', 'outlook-sea.contoso.test'];
  assert.equal((await write(all, 'undo.ldif')).exitCode, 0);
  // As if the last of the four had never reached the controller.
  await changeDatabase(t, directory, 'SEA-DB03', mdb('SEA-MBX1'));
  const undone = await write(['undo', place.path('undo.ldif')], 'redo.ldif');
  assert.equal(undone.exitCode, 0, undone.err);
  assert.match(undone.out, /CN=SEA-DB03,.* is already as the file would leave it/);
  assert.deepEqual(
    [legacyDnNow(directory), legacyDnNow(directory, 'SEA-DB03'), legacyDnNow(directory, 'DUB-DB02')],
    [mdb('SEA-CAS1'), mdb('SEA-MBX1'), undefined],
  );
  assert.equal(readUndoFile(readFileSync(place.path('redo.ldif'), 'utf8')).length, 3);
  assert.match((await write(['undo', place.path('undo.ldif')], 'again.ldif')).out, /Nothing to do/);
});

test('a value that somebody put in the place of one that was made where none was is not taken for undone', async (t) => {
  const { directory, place, write } = await bench(t);
  const set = ['database', 'set', 'DUB-DB02', '--rpc-client-access-server', 'outlook-dub.contoso.test'];
  assert.equal((await write(set, 'undo.ldif')).exitCode, 0);
  await changeDatabase(t, directory, 'DUB-DB02', mdb('DUB-CAS1'));
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
  assert.equal(legacyDnNow(directory, 'DUB-DB01'), mdb('outlook-new.contoso.test'));
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
    `dn: ${databaseDn('SEA-DB02')}\nchangetype: modify\nreplace: legacyExchangeDN\nlegacyExchangeDN: x\n-\n`,
    /whatever it holds/,
  ],
  [`dn: ${databaseDn('SEA-DB02')}\nchangetype: delete\n`, /expects/],
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

test('the command that undoes can be pasted, whatever the path', async (t) => {
  const { place, write } = await bench(t);
  const { out } = await write(SET, 'my undo.ldif');
  const path = place.path('my undo.ldif');
  assert.ok(out.includes(`apply it with: autodiscover undo "${path}" --config `), out);
});
