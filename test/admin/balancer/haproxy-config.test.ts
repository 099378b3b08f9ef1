// What every generated configuration must have. That HAProxy itself takes it is proved in the lab.
import assert from 'node:assert/strict';
import test from 'node:test';
import { portCommands, renderHaproxy, sectionNames } from '../../../src/admin/balancer/haproxy-config.ts';
import { CUT_OVER, PLAN } from './haproxy-plan.ts';

for (const [name, plan] of [
  ['pass-through', PLAN],
  ['cut-over', CUT_OVER],
] as const) {
  const text = renderHaproxy(plan);
  const lines = text.split('\n').map((line) => line.trim());
  const servers = lines.filter((line) => line.startsWith('server '));

  test(`${name}: all ports are bound on the array's address alone`, () => {
    const binds = lines.filter((line) => line.startsWith('bind ')).map((line) => line.split(' ')[1]);
    assert.deepEqual(
      binds,
      [135, 59_531, 59_532, 443].map((port) => `10.1.0.10:${port}`),
    );
  });

  test(`${name}: every server line survives a DNS that is away`, () => {
    assert.ok(servers.length >= 12);
    for (const line of servers) {
      assert.match(line, / init-addr last,libc,none$/);
      assert.match(line, / resolvers outlook-sea_dns /);
    }
  });

  test(`${name}: a member is in or out for all three RPC ports together, and has one id`, () => {
    const { rpc } = sectionNames(plan.array);
    for (const [at, { name: member, fqdn }] of plan.members.entries()) {
      const own = servers.filter((line) => line.startsWith(`server ${member} ${fqdn}:`));
      assert.ok(own.length >= 4 && own.every((line) => line.includes(` id ${at + 1} `)));
      assert.equal(
        own.filter((line) => line.includes(` track ${rpc}/${member} `)).length,
        2,
        'mapper and address book',
      );
    }
    for (const port of [135, 59_531, 59_532]) assert.ok(lines.includes(`tcp-check connect port ${port}`));
  });

  test(`${name}: persistence is by client address in one table`, () => {
    assert.equal(lines.filter((line) => line === 'stick on src table outlook-sea_clients').length, 3);
  });

  test(`${name}: silent connections live for hours, and end with their member`, () => {
    for (const line of ['timeout client 2h', 'timeout server 2h', 'option clitcpka', 'option srvtcpka'])
      assert.ok(lines.includes(line), line);
    assert.match(text, /on-marked-down shutdown-sessions/);
    assert.match(text, /stats socket \/run\/haproxy\/admin\.sock mode 660 level admin/);
  });
}

test('cut-over: paths go where they belong, and TLS is verified on both sides', () => {
  const text = renderHaproxy(CUT_OVER);
  assert.match(text, /acl is_autodiscover path_beg -i \/autodiscover\/\n/);
  assert.match(text, /acl is_exchange path_beg -i \/EWS \/OAB \/owa \/ecp \/rpc \/Microsoft-Server-ActiveSync\n/);
  assert.match(
    text,
    /server service autodiscover\.contoso\.test:8443 ssl verify required ca-file \/etc\/ssl\/ca\.pem sni str\(autodiscover\.contoso\.test\)/,
  );
  assert.doesNotMatch(text, /verify none/);
  assert.match(text, /http-request set-header X-Forwarded-For %\[src\]\n/);
  assert.equal([...text.matchAll(/ backup resolvers /g)].length, 3, 'the way back');
});

test('the ports are set by a DWORD and a string', () => {
  const [rpc, book, restart] = portCommands(1, 2);
  assert.match(rpc ?? '', /MSExchangeRPC\\ParametersSystem" \/v "TCP\/IP Port" \/t REG_DWORD \/d 1 /);
  assert.match(book ?? '', /MSExchangeAB\\Parameters" \/v RpcTcpPort \/t REG_SZ \/d 2 /);
  assert.match(restart ?? '', /Restart-Service MSExchangeAB, MSExchangeRPC/);
});
