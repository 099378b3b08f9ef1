// `replay` over the demo: our own service keeps every rule, and two names of one service say the same.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after } from 'node:test';
import { replayCommand } from '../../../src/admin/commands/replay.ts';
import { RECORDINGS } from '../../../src/admin/replay/recordings.ts';
import { runCommand } from '../../autodiscover/commands/run-command.ts';

const folder = mkdtempSync(join(tmpdir(), 'replay-'));
after(() => rmSync(folder, { recursive: true }));
const replay = (...args: readonly string[]) => runCommand(replayCommand, [...args, '--certs', folder], {});

test('the service breaks no rule', async () => {
  const run = await replay('--demo');
  assert.equal(run.error, undefined, run.error?.stack);
  assert.equal(run.exitCode, 0, run.stdout);
  assert.match(run.stdout, new RegExp(`^${RECORDINGS.length} recordings, 0 with broken rules$`, 'm'));
});

test('the same service under another name says the same; a web site that is no service does not', async () => {
  const same = await replay('--demo', '--against', 'https://autodiscover-seattle.contoso.test');
  assert.equal(same.exitCode, 0, same.stdout);
  assert.match(same.stdout, /, 0 differences$/m);
  const other = await replay('--demo', '--against', 'https://mail.contoso.test', '--json');
  assert.equal(other.exitCode, 1);
  const { server, against, differences } = JSON.parse(other.stdout);
  assert.equal(
    server.filter(({ violations }: { violations: unknown[] }) => violations.length === 0).length,
    server.length,
  );
  assert.ok(server.length > 20, `${server.length} recordings`);
  assert.ok(against.some(({ violations }: { violations: unknown[] }) => violations.length > 0));
  assert.ok(
    differences.some(
      ({ name, server: said }: { name: string; server: string }) =>
        name === 'InternalRpcClientServer' && said === 'outlook-sea.contoso.test',
    ),
  );
});

test('--rules lists the rules', async () => {
  assert.match((await replay('--rules')).stdout, /^xml-declaration +EWS Managed API/m);
});

for (const [args, message] of [
  [[], /give the address of a mailbox/],
  [['a@b.test'], /give --server URL/],
  [['a@b.test', '--server', 'http://x'], /--server must be an https URL/],
] as const) {
  test(`refuses: ${args.join(' ') || '(nothing)'}`, async () => {
    const { error } = await replay(...args);
    assert.equal(error?.code, 'configuration');
    assert.match(error?.message ?? '', message);
  });
}
