// `balancer` over the demo organisation: what it prints, and what it refuses.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after } from 'node:test';
import { balancerCommand } from '../../../src/admin/commands/balancer.ts';
import { runCommand } from '../../autodiscover/commands/run-command.ts';

const folder = mkdtempSync(join(tmpdir(), 'balancer-'));
after(() => rmSync(folder, { recursive: true }));
const balancer = (command: string, ...args: readonly string[]) => runCommand(balancerCommand, [command, ...args], {});
const demo = (command: string, ...args: readonly string[]) =>
  balancer(command, '--demo', '--certs', folder, '--array', 'outlook-sea.contoso.test', ...args);

test('haproxy: members from the directory, ports from the members', async () => {
  const { stdout, stderr, error } = await demo('haproxy');
  assert.equal(error, undefined, error?.stack);
  assert.match(stderr, /RPC on 59531 and the address book on 59532; make sure that these ports are static/);
  assert.match(stdout, /^ {4}server sea-cas2 sea-cas2\.contoso\.test:59531 id 2 check /m);
  assert.doesNotMatch(stdout, /mbx/);
});

test('haproxy: ports as given, into a file', async () => {
  const out = join(folder, 'haproxy.cfg');
  const { stdout, stderr } = await demo('haproxy', '--rpc-port', '40001', '--address-book-port', '40002', '--out', out);
  assert.equal(stdout + stderr, '');
  assert.match(readFileSync(out, 'utf8'), /bind \*:40001\n/);
  const again = await demo('haproxy', '--out', out);
  assert.match(
    again.error?.message ?? '',
    /writing --out .*haproxy\.cfg: it exists/,
    "somebody's own configuration stays",
  );
  assert.match(readFileSync(out, 'utf8'), /bind \*:40001\n/);
});

test('check: 0 when all agree, 1 when not', async () => {
  const good = await demo('check', '--json');
  assert.equal(good.exitCode, 0, good.stdout);
  assert.deepEqual(
    JSON.parse(good.stdout).hosts.map(({ host }: { host: string }) => host),
    ['outlook-sea.contoso.test', 'sea-cas1.contoso.test', 'sea-cas2.contoso.test'],
  );
  const bad = await demo('check', '--rpc-port', '40001', '--address-book-port', '59532');
  assert.equal(bad.exitCode, 1);
  assert.match(bad.stdout, /^differs {2}sea-cas1\.contoso\.test: RPC 59531, .*; wanted RPC 40001/m);
});

test('check --haproxy: what "haproxy" wrote agrees; each difference has its line', async () => {
  const file = join(folder, 'made.cfg');
  await demo('haproxy', '--bind', '10.1.0.10', '--out', file);
  const good = await demo('check', '--haproxy', file);
  assert.equal(good.exitCode, 0, good.stdout);
  assert.match(good.stdout, /made\.cfg: as it should be$/m);
  const text = readFileSync(file, 'utf8');
  writeFileSync(file, text.replace(/sea-cas2\.contoso\.test:59532/, 'sea-cas2.contoso.test:59999'));
  const line = text.split('\n').findIndex((one) => one.includes('sea-cas2.contoso.test:59532')) + 1;
  const bad = await demo('check', '--haproxy', file);
  assert.equal(bad.exitCode, 1);
  assert.match(bad.stdout, new RegExp(`^differs {2}${file}:${line}: server-port: .*59999`, 'm'));
  const { haproxy } = JSON.parse((await demo('check', '--haproxy', file, '--json')).stdout);
  assert.deepEqual(
    haproxy.differences.map((one: { line: number; kind: string }) => [one.line, one.kind]),
    [[line, 'server-port']],
  );
});

test('check --haproxy: a file that is none, or that cannot be read, is told with its line', async () => {
  assert.match((await demo('check', '--haproxy', join(folder, 'none.cfg'))).error?.message ?? '', /none\.cfg: ENOENT/);
  const file = join(folder, 'broken.cfg');
  writeFileSync(file, 'global\n  log "x\n');
  const { error } = await demo('check', '--haproxy', file);
  assert.equal(error?.code, 'configuration');
  assert.match(error?.message ?? '', /reading --haproxy .*broken\.cfg, line 2: .* is not closed/);
});

test('ports: the lines for a member', async () => {
  const { stdout } = await balancer('ports', '--rpc-port', '40001', '--address-book-port', '40002');
  assert.match(stdout, /\/d 40001 \/f\n.*\/d 40002 \/f\n/);
  const json = JSON.parse((await balancer('ports', '--json')).stdout);
  assert.deepEqual([json.rpcPort, json.addressBookPort, json.commands.length], [59_531, 59_532, 3]);
});

test('haproxy --json: array, members, ports and the text', async () => {
  const value = JSON.parse((await demo('haproxy', '--json')).stdout);
  assert.deepEqual(value.members[0], { name: 'sea-cas1', fqdn: 'sea-cas1.contoso.test' });
  assert.deepEqual([value.array, value.rpcPort], ['outlook-sea.contoso.test', 59_531]);
  assert.equal(value.configuration, (await demo('haproxy')).stdout);
});

const BAD: readonly (readonly [readonly string[], RegExp])[] = [
  [['--rpc-port', '40001'], /give both/],
  [['--rpc-port', '135', '--address-book-port', '40002'], /two different ports/],
  [['--rpc-port', '40001', '--address-book-port', '40001'], /two different ports/],
  [['--bind', 'outlook-sea'], /--bind must be an address/],
  [['--socket', 'x;y'], /--socket must be an absolute path/],
  [['--resolver', 'dns'], /--resolver must be ADDRESS:PORT/],
  [['--resolver', '10.0.0.256:53'], /--resolver must be ADDRESS:PORT/],
  [['--resolver', '10.0.0.1:53', '10.0.0.2:65536'], /--resolver must be ADDRESS:PORT, not "10\.0\.0\.2:65536"/],
  [['--resolver', '[10.0.0.1]:53'], /--resolver must be ADDRESS:PORT/],
  [['--autodiscover', 'https://a'], /needs --certificate FILE and --web-host NAME/],
  [['--autodiscover', 'http://a'], /must be an https URL/],
  [['--autodiscover', 'https://user:secret@a'], /--autodiscover must be an https URL without a user name/],
  [['--autodiscover', 'https://10.0.0.5'], /must name a host: HAProxy checks certificates against names/],
  [['--autodiscover', 'https://[fd00::5]:8443'], /must name a host/],
  [['--autodiscover', 'https://a', '--certificate', '/a b', '--web-host', 'm'], /no such characters/],
  [['--autodiscover', 'https://a', '--certificate', '/a', '--web-host', 'm m'], /--web-host must be a host name/],
  [['--web-host', 'm'], /need --autodiscover/],
];
for (const [args, message] of BAD) {
  test(`haproxy refuses ${args.join(' ')}`, async () => {
    const { error } = await demo('haproxy', ...args);
    assert.equal(error?.code, 'configuration');
    assert.match(error?.message ?? '', message);
  });
}
