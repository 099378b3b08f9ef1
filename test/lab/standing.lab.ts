// Two real domain controllers under load: the first one killed, then stopped so that it accepts and never answers. Nobody whose logon is
// known notices; the controller is used again when it is well; with both gone answers come from memory.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { type Directory, openDirectory } from '../../src/ldap/directory.ts';
import { bedOver, elementText, listenPlain } from '../autodiscover/bed.ts';
import { asker, load, NO_BUDGETS, PEOPLE, unserved } from '../autodiscover/standing-load.ts';
import { controllerAt, directoryOptions, eventually } from '../ldap/demo-organization.ts';
import { labSuite } from './requirements.ts';
import { type SambaController, type SambaLab, startSambaLab } from './samba/samba-lab.ts';

labSuite('standing on two Samba controllers', ['samba'], () => {
  let first: SambaLab;
  let second: SambaController;
  let directory: Directory;
  let server: { readonly port: number; close(): Promise<void> };
  before(async () => {
    first = await startSambaLab();
    // Away from the addresses next to it, which other labs may use.
    second = await first.addSecondController({ address: first.address.replace(/^127\.0\.0\./, '127.0.1.') });
    const timings = { ca: [readFileSync(first.caFile, 'utf8')], connectTimeoutMs: 1_000, operationTimeoutMs: 3_000 };
    directory = await openDirectory(
      directoryOptions(
        [first, second].map(({ ldapsUrl }) => controllerAt(ldapsUrl, timings)),
        {
          ages: { freshMs: 20, missingMs: 20, outageMs: 60_000 },
          retry: { firstMs: 100, longestMs: 500 },
          watchIntervalMs: 200,
        },
      ),
    );
    server = await listenPlain(bedOver(directory, NO_BUDGETS).app);
    for (const [name, expected] of PEOPLE) {
      assert.equal(elementText((await asker(server.port)(name)).body, 'Server'), expected);
    }
  });
  after(async () => {
    await server?.close();
    directory?.close();
    await first?.stop();
  });
  const isUp = () => directory.status().controllers[0]?.up;

  const ways: readonly (readonly [why: string, strike: () => void, mend: () => Promise<void>])[] = [
    ['killed', () => first.kill('SIGKILL'), () => first.restart()],
    ['stopped', () => first.kill('SIGSTOP'), async () => first.kill('SIGCONT')],
  ];
  for (const [why, strike, mend] of ways) {
    test(`the first controller is ${why} under load: nobody who is known notices, and it is used again`, async (t) => {
      const traffic = load(t, asker(server.port));
      const some = (more: number) => {
        const target = traffic.known.length + more;
        return eventually(`${more} more answers`, () => traffic.known.length >= target);
      };
      await some(20);
      strike();
      await eventually('it is left out', () => isUp() === false);
      await some(50);
      await mend();
      await eventually('it is used again', () => isUp() === true);
      await some(50);
      await traffic.stop();
      assert.deepEqual(unserved(traffic.known), []);
      assert.equal(directory.status().recipients.stale, 0);
      assert.deepEqual(
        [...new Set(traffic.strangers.map(({ status }) => status))].filter((status) => ![401, 503].includes(status)),
        [],
      );
    });
  }

  test('both are stopped: what is known is answered from memory, and from the directory when one is back', async (t) => {
    const traffic = load(t, asker(server.port));
    first.kill('SIGSTOP');
    second.kill('SIGSTOP');
    await eventually('answers from memory', () => directory.status().recipients.stale > 20);
    second.kill('SIGCONT');
    first.kill('SIGCONT');
    await eventually('the outage is over', () => directory.status().recipients.oldestStaleMs === 0);
    await traffic.stop();
    assert.deepEqual(unserved(traffic.known), []);
  });
});
