// Runs Thunderbird's own Exchange discovery, headless, and prints one JSON line.
// Usage: node thunderbird.ts ADDRESS USER CA_FILE, with the password in CLIENT_PASSWORD. A fresh profile in TMPDIR per run.
// Thunderbird is driven by Marionette: frames "<length>:<json>" on a TCP port, commands [0, id, name, parameters].
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const PORT = 2828;
const [address = '', user = '', caFile = ''] = process.argv.slice(2);

/** Runs inside Thunderbird with its privileges; `arguments` ends with the callback that takes the result. */
const DISCOVER = `
  const [domain, address, user, password] = arguments;
  const done = arguments[arguments.length - 1];
  const { fetchConfigFromExchange } = ChromeUtils.importESModule(
    "resource:///modules/accountcreation/ExchangeAutoDiscover.sys.mjs");
  const text = value => value === undefined || value === null ? null : String(value);
  fetchConfigFromExchange(domain, address, new AbortController().signal, user, password, async () => {}).then(
    config => done({ ok: true, type: text(config.incoming.type), host: text(config.incoming.hostname),
      ewsUrl: text(config.incoming.exchangeURL), owaUrl: text(config.incoming.owaURL), foundBy: text(config.subSource) }),
    error => done({ ok: false, error: text(error && error.name), message: text(error && error.message || error) }));
`;

/** One Marionette connection; requests are answered in order, one at a time. */
class Marionette {
  readonly #socket: Socket;
  #buffer = Buffer.alloc(0);
  #id = 0;

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  /** The next frame's JSON. */
  async read(): Promise<unknown> {
    for (;;) {
      const colon = this.#buffer.indexOf(':');
      const length = colon < 0 ? Number.NaN : Number(this.#buffer.subarray(0, colon).toString());
      if (this.#buffer.length >= colon + 1 + length) {
        const frame = this.#buffer.subarray(colon + 1, colon + 1 + length).toString('utf8');
        this.#buffer = this.#buffer.subarray(colon + 1 + length);
        return JSON.parse(frame);
      }
      const [chunk] = (await once(this.#socket, 'data')) as [Buffer];
      this.#buffer = Buffer.concat([this.#buffer, chunk]);
    }
  }

  /** Sends a command and gives its result; throws with Marionette's own message. */
  async call(name: string, parameters: unknown = {}): Promise<unknown> {
    const text = JSON.stringify([0, ++this.#id, name, parameters]);
    this.#socket.write(`${Buffer.byteLength(text)}:${text}`);
    const [, , error, result] = (await this.read()) as [number, number, { message?: string } | null, unknown];
    if (error !== null) throw new Error(`${name}: ${error.message ?? JSON.stringify(error)}`);
    return result;
  }
}

async function connected(): Promise<Marionette> {
  for (let attempt = 0; attempt < 300; attempt++) {
    const socket = connect({ host: '127.0.0.1', port: PORT });
    try {
      await once(socket, 'connect');
      const session = new Marionette(socket);
      await session.read(); // its greeting
      return session;
    } catch {
      socket.destroy();
      await sleep(100);
    }
  }
  throw new Error(`Thunderbird did not open port ${PORT} in 30 s`);
}

const profile = mkdtempSync(join(tmpdir(), 'thunderbird-'));
execFileSync('certutil', ['-N', '-d', `sql:${profile}`, '--empty-password'], { stdio: 'ignore' });
execFileSync('certutil', ['-A', '-d', `sql:${profile}`, '-t', 'C,,', '-n', 'lab', '-i', caFile], { stdio: 'ignore' });
const preferences = {
  'mailnews.auto_config_url': '',
  'mailnews.auto_config.guess.enabled': false,
  'datareporting.policy.dataSubmissionEnabled': false,
  'app.update.enabled': false,
};
const lines = Object.entries(preferences).map(([name, value]) => `user_pref("${name}", ${JSON.stringify(value)});`);
writeFileSync(join(profile, 'user.js'), `${lines.join('\n')}\n`);

const flags = ['--headless', '--no-remote', '--profile', profile, '--marionette', '--remote-allow-system-access'];
const thunderbird = spawn('/usr/lib/thunderbird/thunderbird', flags, { stdio: 'ignore' });
let outcome: Record<string, unknown> = { client: 'thunderbird', address };
try {
  const session = await connected();
  await session.call('WebDriver:NewSession');
  await session.call('Marionette:SetContext', { value: 'chrome' });
  await session.call('WebDriver:SetTimeouts', { script: 60_000 });
  const result = (await session.call('WebDriver:ExecuteAsyncScript', {
    script: DISCOVER,
    args: [address.split('@')[1] ?? '', address, user, process.env.CLIENT_PASSWORD ?? ''],
    newSandbox: true,
    sandbox: 'system',
  })) as { value: Record<string, unknown> };
  outcome = { ...outcome, ...result.value };
} catch (error) {
  outcome = { ...outcome, ok: false, error: 'driver', message: String(error) };
} finally {
  thunderbird.kill('SIGKILL');
  await once(thunderbird, 'exit').catch(() => undefined);
  rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
}
process.stdout.write(`${JSON.stringify(outcome)}\n`);
process.exit(0);
