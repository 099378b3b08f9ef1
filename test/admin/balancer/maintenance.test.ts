// The runtime commands of a maintenance, against answers as HAProxy 2.6 prints them.
import assert from 'node:assert/strict';
import test from 'node:test';
import { serverStates, sessionsOf, setMemberState } from '../../../src/admin/balancer/maintenance.ts';
import type { Runtime } from '../../../src/admin/balancer/runtime-socket.ts';
import { runtimeSocket } from '../../../src/admin/balancer/runtime-socket.ts';

const STATES = `1
# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight
3 outlook-sea_rpc 1 sea-cas1 10.1.0.11 2 0 1
3 outlook-sea_rpc 2 sea-cas2 10.1.0.12 2 0 1
4 outlook-sea_endpoint_mapper 1 sea-cas1 10.1.0.11 2 0 1
9 other_rpc 1 dub-cas1 10.2.0.11 2 0 1
`;
const TABLES = `# table: outlook-sea_clients, type: ip, size:512000, used:2
# table: other_clients, type: ip, size:512000, used:1
`;
const STAT = `# pxname,svname,qcur,qmax,scur,smax
outlook-sea_rpc,FRONTEND,,,9,9
outlook-sea_rpc,sea-cas1,0,0,5,7
outlook-sea_endpoint_mapper,sea-cas1,0,0,0,3
`;

function fake(extra: Readonly<Record<string, string>> = {}): { runtime: Runtime; sent: string[] } {
  const sent: string[] = [];
  const answers: Record<string, string> = {
    'show servers state': STATES,
    'show table': TABLES,
    'show stat': STAT,
    ...extra,
  };
  return {
    sent,
    runtime: async (command) => {
      sent.push(command);
      return answers[command] ?? '';
    },
  };
}
const changes = (sent: readonly string[]) => sent.filter((command) => !command.startsWith('show'));

test('draining sets every backend of the member and makes its own persistence forget it', async () => {
  const { runtime, sent } = fake();
  await setMemberState(runtime, 'SEA-CAS1', 'drain');
  assert.deepEqual(changes(sent), [
    'set server outlook-sea_rpc/sea-cas1 state drain',
    'set server outlook-sea_endpoint_mapper/sea-cas1 state drain',
    'clear table outlook-sea_clients data.server_id eq 1',
  ]);
});

test('where no table is named after the array, every table forgets the member', async () => {
  const { runtime, sent } = fake({
    'show table': '# table: people, type: ip, size:1, used:0\n# table: others, type: ip, size:1, used:0\n',
  });
  await setMemberState(runtime, 'sea-cas1', 'drain');
  assert.deepEqual(changes(sent).slice(-2), [
    'clear table people data.server_id eq 1',
    'clear table others data.server_id eq 1',
  ]);
});

test('maintenance also ends what is connected; enabling forgets nothing', async () => {
  const maint = fake();
  await setMemberState(maint.runtime, 'sea-cas2', 'maint');
  assert.equal(changes(maint.sent).at(-1), 'shutdown sessions server outlook-sea_rpc/sea-cas2');
  const ready = fake();
  await setMemberState(ready.runtime, 'sea-cas2', 'ready');
  assert.deepEqual(changes(ready.sent), ['set server outlook-sea_rpc/sea-cas2 state ready']);
});

test('an unknown member and a refusal are told', async () => {
  await assert.rejects(setMemberState(fake().runtime, 'nobody', 'drain'), {
    code: 'configuration',
    message: 'HAProxy has no member nobody; it has sea-cas1, sea-cas2, dub-cas1',
  });
  const refusing = fake({ 'set server outlook-sea_rpc/sea-cas1 state drain': 'Permission denied' });
  await assert.rejects(setMemberState(refusing.runtime, 'sea-cas1', 'drain'), {
    code: 'runtime-socket',
    message: /Permission denied/,
  });
  await assert.rejects(serverStates(fake({ 'show servers state': 'Unknown command' }).runtime), /no column be_name/);
});

test('sessions are counted by backend', async () => {
  assert.deepEqual(await sessionsOf(fake().runtime, 'sea-cas1'), [
    { backend: 'outlook-sea_rpc', sessions: 5 },
    { backend: 'outlook-sea_endpoint_mapper', sessions: 0 },
  ]);
});

test('a socket that nobody listens on is told as such', async () => {
  await assert.rejects(runtimeSocket(import.meta.filename)('show info'), {
    code: 'runtime-socket',
    message: /nothing listens on the socket: HAProxy is not running/,
  });
});

test('a socket that is not there is told as such', async () => {
  await assert.rejects(runtimeSocket('/nonexistent/admin.sock')('show info'), {
    code: 'runtime-socket',
    message: /there is no such socket: is HAProxy running/,
  });
});
