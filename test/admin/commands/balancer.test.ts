// `balancer` over the demo organisation: what it prints, and what it refuses.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
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

test('ports: the lines for a member', async () => {
  const { stdout } = await balancer('ports', '--rpc-port', '40001', '--address-book-port', '40002');
  assert.match(stdout, /\/d 40001 \/f\n.*\/d 40002 \/f\n/);
});

const BAD: readonly (readonly [readonly string[], RegExp])[] = [
  [['--rpc-port', '40001'], /give both/],
  [['--rpc-port', '135', '--address-book-port', '40002'], /two different ports/],
  [['--rpc-port', '40001', '--address-book-port', '40001'], /two different ports/],
  [['--bind', 'outlook-sea'], /--bind must be an address/],
  [['--socket', 'x;y'], /--socket must be an absolute path/],
  [['--resolver', 'dns'], /--resolver must be ADDRESS:PORT/],
  [['--autodiscover', 'https://a'], /needs --certificate FILE and --web-host NAME/],
  [['--autodiscover', 'http://a'], /must be an https URL/],
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
