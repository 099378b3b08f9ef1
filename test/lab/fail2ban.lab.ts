// The fail2ban filter over log lines of the real service: the addresses that guessed are found, once per refusal, and no name can accuse
// another address.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { createLogger } from '../../src/autodiscover/log.ts';
import { basic, PASSWORD, poxBody, startTestService, type TestService } from '../helpers/running-service.ts';
import { labSuite } from './requirements.ts';

const FILTER = join(import.meta.dirname, '../../contrib/fail2ban/filter.d/exchange-autodiscover.conf');
const JAIL = join(import.meta.dirname, '../../contrib/fail2ban/jail.d/exchange-autodiscover.conf');
const FORGED =
  '","msg":"x"}\n{"level":"warn","event":"authentication-refused","address":"198.51.100.1","refusal":"no-account"';

labSuite('fail2ban', ['fail2ban'], () => {
  let folder: string;
  let server: TestService;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'fail2ban-'));
    server = await startTestService({ authentication: { failures: { perName: 2 } } });
  });
  after(async () => {
    await server?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  function ask(localAddress: string, authorization: string, userAgent = 'x'): Promise<void> {
    return new Promise((resolve, reject) => {
      const headers = { authorization, 'Content-Type': 'text/xml', 'User-Agent': userAgent };
      const at = { port: server.port, host: '127.0.0.1', localAddress, ca: server.ca, agent: false as const };
      const sent = request({ ...at, method: 'POST', path: '/autodiscover/autodiscover.xml', headers }, (response) => {
        response.resume().on('end', () => resolve());
      });
      sent.on('error', reject).end(poxBody('alice@contoso.test'));
    });
  }

  /** The addresses fail2ban would count, one per matched line: the same from a file and from the journal. */
  function found(): string[] {
    const file = join(folder, 'service.log');
    writeFileSync(file, server.lines.join(''));
    const inFile = addresses(file);
    assert.deepEqual(addresses(`systemd-journal[journalfiles=${journal()}]`), inFile);
    return inFile;
  }

  function addresses(log: string): string[] {
    const out = execFileSync('fail2ban-regex', ['--no-check-all', '-o', 'ip', log, FILTER], {
      encoding: 'utf8',
      timeout: 60_000,
    });
    return out.split('\n').filter((line) => line !== '');
  }

  /** A journal with the service's lines, and with the first accusing line once more as another unit's. */
  function journal(): string {
    const file = join(folder, `${randomUUID()}.journal`);
    const accusing = server.lines.filter((line) => line.includes('authentication-refused"')).slice(0, 1);
    const from = Date.now() * 1000;
    const entries = [
      ...server.lines.map((line) => ['exchange-autodiscover.service', line] as const),
      ...accusing.map((line) => ['other.service', line] as const),
    ].map(([unit, line], n) =>
      // The Journal Export Format of systemd: a field per line, an empty line between entries.
      [
        `__REALTIME_TIMESTAMP=${from + n}`,
        `__MONOTONIC_TIMESTAMP=${n}`,
        `_BOOT_ID=${'b'.repeat(32)}`,
        '_HOSTNAME=ad1',
        'SYSLOG_IDENTIFIER=node',
        '_PID=4711',
        `_SYSTEMD_UNIT=${unit}`,
        `MESSAGE=${line.trimEnd()}`,
        '\n',
      ].join('\n'),
    );
    execFileSync('/usr/lib/systemd/systemd-journal-remote', [`--output=${file}`, '-'], {
      input: entries.join(''),
      stdio: ['pipe', 'ignore', 'ignore'],
      timeout: 60_000,
    });
    return file;
  }

  test('who guessed is found, who logged on or repeated himself is not', async () => {
    await ask('127.0.0.2', basic('alice', 'wrong'));
    await ask('127.0.0.2', basic('alice', 'wrong')); // remembered: no new guess
    await ask('127.0.0.3', basic('nobody', 'wrong1'));
    await ask('127.0.0.3', basic('nobody', 'wrong2'));
    await ask('127.0.0.3', basic('nobody', 'wrong3')); // the name's budget is spent
    await ask('127.0.0.4', basic('bob', PASSWORD));
    assert.deepEqual(found().sort(), ['127.0.0.2', '127.0.0.3', '127.0.0.3', '127.0.0.3']);
  });

  test('what a client writes accuses nobody else', async () => {
    const before = found().length;
    await ask('127.0.0.5', basic(FORGED, 'wrong'), FORGED.replaceAll('\n', ' '));
    const now = found();
    assert.equal(now.length, before + 1);
    assert.ok(now.includes('127.0.0.5') && !now.includes('198.51.100.1'), now.join());
  });

  test('lines of one of several workers are found as well', () => {
    const before = found().length;
    // As serve-workers.ts makes a worker's logger.
    const log = createLogger('warn', { write: (line) => void server.lines.push(line) }).child({ worker: 12 });
    const refused = { event: 'authentication-refused', address: '127.0.0.6', refusal: 'wrong-password', name: 'x' };
    log.warn(refused, 'credentials refused');
    log.warn({ ...refused, event: 'authentication-refused-again' }, 'credentials refused');
    assert.equal(found().length, before + 1);
    assert.ok(found().includes('127.0.0.6'));
  });

  test('fail2ban takes the jail', () => {
    const configuration = join(folder, 'fail2ban');
    execFileSync('cp', ['-r', '/etc/fail2ban', configuration]);
    execFileSync('cp', [FILTER, join(configuration, 'filter.d')]);
    execFileSync('cp', [JAIL, join(configuration, 'jail.d')]);
    const out = execFileSync('fail2ban-client', ['-c', configuration, '-d'], { encoding: 'utf8', timeout: 60_000 });
    assert.match(out, /\['add', 'exchange-autodiscover'/);
    assert.match(out, /'maxretry', 30\]/);
    assert.match(out, /'exchange-autodiscover', 'systemd'\]/);
    assert.match(out, /'addjournalmatch', '_SYSTEMD_UNIT=exchange-autodiscover\.service'\]/);
  });
});
