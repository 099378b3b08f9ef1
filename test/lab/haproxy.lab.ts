// The generated configuration under a real HAProxy: it is clean, the endpoint mapper answers through it, and members come and go
// without a client failing. The figures of the maintenance scenario are printed.
import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { chownSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { CHECK_SECONDS } from '../../src/admin/balancer/haproxy-config.ts';
import { serverStates, sessionsOf, setMemberState } from '../../src/admin/balancer/maintenance.ts';
import { systemNetwork } from '../../src/admin/probe/network.ts';
import { interfaceFault, probeRpc } from '../../src/admin/probe/rpc-probe.ts';
import { startEmbeddedDirectory } from '../../src/ldap/embedded/server.ts';
import { workplace } from '../admin/run-command.ts';
import { DEMO_LDIF, PASSWORD, RIGHTS } from '../ldap/embedded/demo-directory.ts';
import { DNS, type HaproxyBed, RPC_PORT, startHaproxyBed, VIRTUAL_ADDRESS } from './haproxy-bed.ts';
import { HoldingClient } from './outlook-like-client.ts';
import { labSuite } from './requirements.ts';

const CLIENTS = 40;
const KNOWN_OUTSIDE = 'known-outside.contoso.test';
const TARGET = { host: VIRTUAL_ADDRESS, port: RPC_PORT };

labSuite('HAProxy in front of an array', ['haproxy'], () => {
  let bed: HaproxyBed;
  const clients: HoldingClient[] = [];

  before(async () => {
    bed = await startHaproxyBed(undefined, [
      `${VIRTUAL_ADDRESS} outlook-sea.contoso.test`,
      `203.0.113.7 ${KNOWN_OUTSIDE}`,
    ]);
  });
  after(async () => {
    for (const client of clients) client.close();
    await bed?.stop();
  });

  const open = async (network: number, count: number) => {
    const made = Array.from({ length: count }, (_, at) => new HoldingClient(`127.0.${network}.${at + 1}`, TARGET));
    clients.push(...made);
    // One after the other, as people come to work: the balancer sees each before the next.
    for (const client of made) await client.open();
    return made;
  };
  const on = (list: readonly HoldingClient[], member: string) => list.filter((client) => client.member === member);

  test('haproxy -c has nothing to say about the configuration', () => {
    assert.equal(bed.complaints, '');
  });

  test('the endpoint mapper and the ports answer through the balancer', async () => {
    const probe = await probeRpc(systemNetwork({ ca: undefined, timeoutMs: 5000 }), VIRTUAL_ADDRESS);
    assert.deepEqual(probe.interfaces.map(interfaceFault), [undefined, undefined, undefined]);
  });

  test('a drained and stopped member costs no client a connection', async (t) => {
    const held = await open(62, CLIENTS);
    const [first, second] = [on(held, 'sea-cas1'), on(held, 'sea-cas2')];
    assert.ok(first.length > 0 && second.length > 0, 'both members are used');

    await setMemberState(bed.runtime, 'sea-cas1', 'drain');
    const late = await open(63, CLIENTS);
    assert.equal(on(late, 'sea-cas1').length, 0, 'no new client goes to the drained member');
    assert.ok(
      first.every((client) => client.connected && client.members.length === 1),
      'held connections stay',
    );
    // Somebody known to the drained member who restarts Outlook must not be led back there by persistence.
    const [restarted] = first;
    restarted?.restart();
    await until(() => restarted?.members.length === 2);
    assert.equal(restarted?.member, 'sea-cas2');

    await bed.killMember('sea-cas1');
    await until(() => held.every((client) => client.connected && client.member === 'sea-cas2'));
    const failed = held.concat(late).reduce((sum, client) => sum + client.failedAttempts, 0);
    const moved = held.filter((client) => client.members.length > 1).length;
    assert.equal(failed, 0, 'no attempt failed');
    assert.equal(moved, first.length);
    const longest = Math.max(...held.flatMap((client) => client.gaps));
    t.diagnostic(
      `drain and stop: ${held.length} held (${first.length} on the drained member), ${late.length} came meanwhile, ` +
        `${moved} moved, ${failed} attempts failed, longest gap ${longest.toFixed(0)} ms`,
    );
    const left = await sessionsOf(bed.runtime, 'sea-cas1');
    assert.equal(
      left.reduce((sum, { sessions }) => sum + sessions, 0),
      0,
    );
  });

  test('a member taken back gets clients again', async () => {
    await bed.startMember('sea-cas1');
    await setMemberState(bed.runtime, 'sea-cas1', 'ready');
    await bed.seen('sea-cas1', true);
    const fresh = await open(64, 10);
    assert.ok(on(fresh, 'sea-cas1').length > 0, fresh.map((client) => client.member).join());
  });

  test('a member killed without draining: clients are back within the health-check interval', async (t) => {
    const before = clients.filter((client) => client.member === 'sea-cas2');
    const attempts = () => clients.reduce((sum, client) => sum + client.failedAttempts, 0);
    const failedBefore = attempts();
    for (const client of before) client.gaps.length = 0;
    assert.ok(before.length > 0);
    await bed.killMember('sea-cas2');
    await until(() => before.every((client) => client.connected && client.member === 'sea-cas1'));
    const gaps = before.flatMap((client) => client.gaps);
    const bound = CHECK_SECONDS.falls * (CHECK_SECONDS.interval + CHECK_SECONDS.connect) * 1000;
    assert.ok(Math.max(...gaps) <= bound, `longest gap ${Math.max(...gaps)} ms, bound ${bound} ms`);
    t.diagnostic(
      `kill: ${before.length} held, ${gaps.length} moved, ${attempts() - failedBefore} attempts failed, ` +
        `longest gap ${Math.max(...gaps).toFixed(0)} ms (bound ${bound} ms)`,
    );
  });

  describe('the commands', () => {
    const program = join(import.meta.dirname, '..', '..', 'src', 'cli', 'autodiscover.ts');

    /** Runs the program; `before` are words in front of it. */
    const autodiscover = (args: readonly string[], before: readonly string[] = []): Promise<Ended> => {
      const [command = '', ...words] = [...before, process.execPath, program, ...args];
      return new Promise((resolve) => {
        execFile(command, words, { timeout: 60_000 }, (error, stdout, stderr) => {
          resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
        });
      });
    };
    const balancer = (args: readonly string[], before: readonly string[] = []) =>
      autodiscover(['balancer', ...args], before);
    const member = (command: string, ...args: readonly string[]) =>
      balancer([command, ...args, '--socket', bed.socket]);
    /** The administrative states of a member in its backends, each once; what a tracking backend inherits is left out. */
    const adminStates = async (name: string) => {
      const own = (await serverStates(bed.runtime)).filter(({ server }) => server === name);
      assert.equal(own.length, 4, 'three RPC backends and the web');
      return [...new Set(own.map(({ adminState }) => adminState & (ADMIN_MAINTENANCE | ADMIN_DRAIN)))];
    };
    let held: readonly HoldingClient[];

    before(async () => {
      await bed.startMember('sea-cas2');
      await bed.seen('sea-cas2', true);
      held = await open(65, 10);
    });

    test('drain --wait tells what is left, and enable takes the member back', async () => {
      const own = on(held, 'sea-cas2');
      assert.ok(own.length > 0);
      const drained = await member('drain', 'SEA-CAS2', '--wait', '1', '--json');
      assert.equal(drained.code, 1, drained.stderr);
      const { state, backends } = JSON.parse(drained.stdout);
      assert.equal(state, 'drain');
      assert.deepEqual(
        backends.find(({ backend }: { backend: string }) => backend === 'outlook-sea_rpc'),
        { backend: 'outlook-sea_rpc', sessions: own.length },
      );
      assert.deepEqual(await adminStates('sea-cas2'), [ADMIN_DRAIN]);
      assert.deepEqual(await adminStates('sea-cas1'), [0]);
      assert.ok(own.every((client) => client.connected && client.members.length === 1));
      const enabled = await member('enable', 'sea-cas2');
      assert.equal(enabled.code, 0, enabled.stderr);
      assert.match(enabled.stdout, /^sea-cas2 is in service again: outlook-sea_endpoint_mapper, outlook-sea_rpc, /);
      assert.deepEqual(await adminStates('sea-cas2'), [0]);
    });

    test('drain --now ends what is connected', async () => {
      const own = on(held, 'sea-cas2');
      const { code, stdout, stderr } = await member('drain', 'sea-cas2', '--now', '--wait', '5');
      assert.equal(code, 0, stderr);
      assert.match(stdout, /^sea-cas2 gets no new connections; connected now: .*outlook-sea_rpc 0/);
      assert.deepEqual(await adminStates('sea-cas2'), [ADMIN_MAINTENANCE]);
      await until(() => own.every((client) => client.connected && client.member === 'sea-cas1'));
      assert.equal((await member('enable', 'sea-cas2', '--json')).code, 0);
    });

    test('an unknown member, no socket, and no right to it are told', async () => {
      const [unknown, missing] = await Promise.all([
        member('drain', 'sea-cas9'),
        balancer(['enable', 'sea-cas1', '--socket', join(bed.root, 'none.sock')]),
      ]);
      assert.deepEqual([unknown.code, unknown.stdout], [2, '']);
      assert.match(unknown.stderr, /^autodiscover: HAProxy has no member sea-cas9; it has sea-cas1, sea-cas2\n$/);
      assert.equal(missing.code, 1);
      assert.match(missing.stderr, /none\.sock: there is no such socket: is HAProxy running/);
      // Root without the right to pass over modes: what any other account is.
      const plain = ['setpriv', '--bounding-set', '-dac_override,-dac_read_search', '--inh-caps', '-all'];
      chownSync(bed.socket, 65_534, 65_534);
      const denied = await balancer(['drain', 'sea-cas1', '--socket', bed.socket], plain);
      assert.equal(denied.code, 1, denied.stdout);
      assert.match(
        denied.stderr,
        /this account may not use the socket: its mode and group are on the "stats socket" line/,
      );
      assert.deepEqual(await adminStates('sea-cas1'), [0]);
    });

    test('check --haproxy finds nothing in what HAProxy runs with, and what was changed by hand at its line', async (t) => {
      const directory = await startEmbeddedDirectory({ entries: DEMO_LDIF, access: RIGHTS });
      t.after(() => directory.close());
      const { config } = await workplace(t, { servers: [directory.url], password: PASSWORD });
      const check = (file: string) =>
        balancer(['check', '--array', 'outlook-sea.contoso.test', '--config', config, '--haproxy', file], bed.inLab);
      const changed = join(bed.root, 'changed.cfg');
      const text = readFileSync(bed.config, 'utf8');
      const [before = '', after = ''] = text.split(/ {4}timeout server 2h\n/);
      writeFileSync(changed, `${before}    timeout server 50s\n${after}`);
      const [good, bad] = await Promise.all([check(bed.config), check(changed)]);
      assert.equal(good.code, 0, good.stdout + good.stderr);
      assert.match(good.stdout, /^ok {7}outlook-sea\.contoso\.test: RPC 59531, address book 59532$/m);
      assert.equal(bad.code, 1, bad.stderr);
      const line = before.split('\n').length;
      assert.match(
        bad.stdout,
        new RegExp(`^differs {2}${changed}:${line}: timeout-too-short: "timeout server" is 50 s`, 'm'),
      );
    });

    test('array set warns of a name that a resolver outside the company knows', async (t) => {
      const directory = await startEmbeddedDirectory({ entries: DEMO_LDIF, access: RIGHTS });
      t.after(() => directory.close());
      const { config } = await workplace(t, { servers: [directory.url], password: PASSWORD });
      const set = (fqdn: string) =>
        autodiscover(
          ['array', 'set', 'outlook-sea.contoso.test', '--fqdn', fqdn, '--dry-run', '--config', config].concat([
            '--outside-resolver',
            DNS,
          ]),
          bed.inLab,
        );
      const [known, unknown] = await Promise.all([set(KNOWN_OUTSIDE), set('unknown-outside.contoso.test')]);
      assert.equal(known.code, 0, known.stderr);
      assert.match(known.stdout, /warning: known-outside\.contoso\.test resolves outside, to 203\.0\.113\.7: /);
      assert.doesNotMatch(unknown.stdout, /resolves outside|looked up/);
      assert.match(unknown.stdout, /warning: unknown-outside\.contoso\.test does not resolve/);
    });

    test('the configuration by hand that the tests compare is one that HAProxy takes', () => {
      const file = join(import.meta.dirname, '..', 'corpus', 'haproxy', 'hand-written.cfg');
      execFileSync('haproxy', ['-c', '-f', file], { stdio: 'pipe' });
    });
  });
});

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** HAProxy Management Guide 9.3, "show servers state": bits of srv_admin_state. */
const ADMIN_MAINTENANCE = 1;
const ADMIN_DRAIN = 8;

async function until(holds: () => boolean): Promise<void> {
  for (let tries = 0; tries < 300; tries++) {
    if (holds()) return;
    await sleep(50);
  }
  throw new Error('it did not come to be within 15 s');
}
