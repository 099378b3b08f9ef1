// answers.othersMailboxes: deny. Callers are told about their own mailboxes and those opened to them; everybody else's answers like nobody's.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { READER, staffDn } from '../../ldap/demo-organization.ts';
import { basic, type DemoBed, elementText, listenPlain, openDemoBed, poxBody, send, XML_TYPE } from '../bed.ts';
import { envelope, user, userSettings, wanted } from '../wire/soap-samples.ts';

const NOBODY = 'nobody@contoso.test';
const ALICE_DN = '/o=Contoso/ou=Exchange Administrative Group (FYDIBOHF23SPDLT)/cn=Recipients/cn=alice';
/** Alice has an older legacyExchangeDN and a second address; Heidi lets her send; Bob's mail attribute names Carol's address. */
const CHANGES = `dn: ${staffDn('Alice Adams')}
changetype: modify
add: proxyAddresses
proxyAddresses:: ${Buffer.from('smtp:a.adams@b\u00fccher.contoso.test').toString('base64')}
proxyAddresses: X500:/o=Old/cn=alice
-

dn: ${staffDn('Heidi Hahn')}
changetype: modify
replace: publicDelegates
publicDelegates: ${staffDn('Alice Adams')}
-

dn: ${staffDn('Bob Baker')}
changetype: modify
replace: mail
mail: carol@contoso.test
-
`;

describe('callers held to their own mailboxes', () => {
  let bed: DemoBed;
  let server: Awaited<ReturnType<typeof listenPlain>>;
  const operations: string[] = [];
  before(async () => {
    bed = await openDemoBed({
      changes: CHANGES,
      config: { answers: { othersMailboxes: 'deny', mayAskForOthers: [READER.replaceAll(',', ', ')] } },
      directory: { onOperation: ({ operation }) => void operations.push(operation) },
    });
    server = await listenPlain(bed.app);
  });
  after(async () => {
    await server.close();
    await bed.close();
  });

  const pox = async (caller: string, names: Parameters<typeof poxBody>[0], schema?: Parameters<typeof poxBody>[1]) => {
    const headers = { authorization: basic(caller), 'content-type': XML_TYPE };
    return (await send(server.port, { headers, body: poxBody(names, schema) })).body;
  };
  const told = (xml: string) => elementText(xml, 'AutoDiscoverSMTPAddress') ?? elementText(xml, 'ErrorCode');

  const CASES: readonly (readonly [who: string, caller: string, asked: Parameters<typeof poxBody>[0], told: string])[] =
    [
      ['his address', 'alice', { address: 'alice@contoso.test' }, 'alice@contoso.test'],
      ['his address in capitals', 'alice', { address: 'ALICE@CONTOSO.TEST' }, 'alice@contoso.test'],
      ['his address in A-labels', 'alice', { address: 'a.adams@xn--bcher-kva.contoso.test' }, 'alice@contoso.test'],
      ['his legacyExchangeDN', 'alice', { legacyDn: ALICE_DN }, 'alice@contoso.test'],
      ['his older legacyExchangeDN', 'alice', { legacyDn: '/o=Old/cn=alice' }, 'alice@contoso.test'],
      ['a mailbox that is auto-mapped for him', 'alice', { address: 'sales@contoso.test' }, 'sales@contoso.test'],
      ['a mailbox he may send for', 'alice', { address: 'heidi@contoso.test' }, 'heidi@contoso.test'],
      ["another's address", 'alice', { address: 'dave@contoso.test' }, '500'],
      ['a mailbox that is auto-mapped for others', 'dave', { address: 'sales@contoso.test' }, '500'],
      ["another's legacyExchangeDN", 'dave', { legacyDn: ALICE_DN }, '500'],
      [
        "another's legacyExchangeDN beside his address",
        'dave',
        { legacyDn: ALICE_DN, address: 'dave@contoso.test' },
        '500',
      ],
      ['a group', 'alice', { address: 'allstaff@contoso.test' }, '500'],
      ['somebody who lives elsewhere', 'alice', { address: 'laura@contoso.test' }, '500'],
      ["an address of another's that his own entry names as well", 'bob', { address: 'carol@contoso.test' }, '500'],
      ['nobody', 'alice', { address: NOBODY }, '500'],
      [
        'everybody, for a program that may',
        'svc-autodiscover',
        { address: 'alice@contoso.test' },
        'alice@contoso.test',
      ],
    ];
  for (const [who, caller, asked, answer] of CASES) {
    test(`${caller} asks for ${who}: ${answer}`, async () => {
      const xml = await pox(caller, asked);
      assert.equal(told(xml), answer, xml);
    });
  }

  test("another's mailbox and nobody's are the same bytes and the same work, phones' schema and SOAP included", async () => {
    for (const schema of ['outlook', 'mobilesync'] as const) {
      const unknown = await pox('dave', { address: NOBODY }, schema);
      for (const address of ['alice@contoso.test', 'allstaff@contoso.test', 'room101@contoso.test']) {
        const before = operations.length;
        const other = await pox('dave', { address }, schema);
        assert.equal(other.replaceAll(address, NOBODY), unknown, address);
        assert.equal(operations.length, before, 'nothing is looked up');
      }
    }
  });

  test('a SOAP request for many is answered user by user', async () => {
    const headers = { authorization: basic('alice'), 'content-type': XML_TYPE };
    const asked = ['alice@contoso.test', 'dave@contoso.test', 'sales@contoso.test', NOBODY];
    const body = envelope(userSettings(asked.map(user).join(''), wanted('UserDisplayName')));
    const reply = await send(server.port, { path: '/autodiscover/autodiscover.svc', headers, body });
    const users = reply.body.match(/<UserResponse>.*?<\/UserResponse>/gs) ?? [];
    assert.deepEqual(
      users.map((user) => elementText(user, 'ErrorCode')),
      ['NoError', 'InvalidUser', 'NoError', 'InvalidUser'],
    );
    assert.equal(users[1], users[3]);
  });

  test('the log says why', async () => {
    await pox('dave', { address: 'alice@contoso.test' });
    const line = bed.log.findLast(({ msg }) => msg === 'exchange');
    assert.equal(line?.outcome, 'unknown-address');
    assert.match(String(line?.reason), /othersMailboxes: deny/);
    assert.equal(line?.target, 'alice@contoso.test');
  });

  test('what is whose is asked again after a minute, and kept through an outage', async () => {
    const asked = { address: "erin.o'neill@contoso.test" };
    assert.equal(told(await pox('erin', asked)), asked.address);
    await send(server.port, { method: 'GET', headers: { authorization: basic('grace') } });
    bed.passTime(61_000);
    const before = operations.length;
    assert.equal(told(await pox('erin', { address: NOBODY })), '500');
    assert.ok(operations.length > before, 'the directory was asked');
    bed.passTime(30_000);
    await bed.controller.close();
    assert.equal(told(await pox('erin', asked)), asked.address);
    assert.equal(told(await pox('erin', { address: 'alice@contoso.test' })), '500');
    assert.equal(told(await pox('grace', { address: 'grace@contoso.test' })), '603', 'nothing is known of her');
  });
});

test('an exception that is no DN is told at the start', async () => {
  const answers = { othersMailboxes: 'deny', mayAskForOthers: ['svc-calendar'] } as const;
  await assert.rejects(openDemoBed({ config: { answers } }), {
    code: 'configuration',
    message: /answers\.mayAskForOthers: svc-calendar/,
  });
});

test('everybody may ask for everybody unless the configuration says otherwise', async () => {
  const bed = await openDemoBed();
  const server = await listenPlain(bed.app);
  try {
    const headers = { authorization: basic('dave'), 'content-type': XML_TYPE };
    const { body } = await send(server.port, { headers, body: poxBody({ address: 'alice@contoso.test' }) });
    assert.equal(elementText(body, 'AutoDiscoverSMTPAddress'), 'alice@contoso.test');
  } finally {
    await server.close();
    await bed.close();
  }
});
