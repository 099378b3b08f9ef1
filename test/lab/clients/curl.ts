// Sends one request with curl and prints one JSON line: status, headers of the last answer, body.
// Usage: node curl.ts SCHEME URL [USER [FILE]], SCHEME one of none, basic, ntlm, negotiate; FILE is a body to POST. The password is
// in CLIENT_PASSWORD and reaches curl through its standard input; negotiate uses the ticket cache of KRB5CCNAME.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const [scheme = 'none', url = '', user = '', body] = process.argv.slice(2);
const quote = (text: string) => `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
const credentials = scheme === 'negotiate' ? ':' : `${user}:${process.env.CLIENT_PASSWORD ?? ''}`;
const folder = mkdtempSync(join(tmpdir(), 'curl-'));
const headerFile = join(folder, 'headers');
const settings = [
  `url = ${quote(url)}`,
  'silent',
  'show-error',
  'max-time = 30',
  // The headers of every answer, the refused ones of a handshake included.
  `dump-header = ${quote(headerFile)}`,
  ...(scheme === 'none' ? [] : [scheme, `user = ${quote(credentials)}`]),
  ...(body === undefined
    ? []
    : [`data-binary = ${quote(`@${body}`)}`, 'header = "Content-Type: text/xml; charset=utf-8"']),
];
const { status, stdout, stderr } = spawnSync('curl', ['--config', '-'], {
  input: settings.join('\n'),
  encoding: 'utf8',
});
const headers = existsSync(headerFile) ? readFileSync(headerFile, 'utf8') : '';
rmSync(folder, { recursive: true });
const answers = headers.split(/\r?\n\r?\n/).filter((text) => text.startsWith('HTTP/'));
const [first = '', ...lines] = (answers.at(-1) ?? '').split(/\r?\n/);
const outcome = {
  client: 'curl',
  scheme,
  url,
  ok: status === 0 && /^HTTP\/\S+ 2/.test(first),
  status: Number(first.split(' ')[1] ?? 0),
  statuses: answers.map((text) => Number(text.split(' ')[1])),
  headers: lines.map((line) => [
    line.slice(0, line.indexOf(':')).toLowerCase(),
    line.slice(line.indexOf(':') + 1).trim(),
  ]),
  body: stdout,
  ...(status === 0 ? {} : { error: `curl ${status}`, message: stderr.trim().split('\n').at(-1) }),
};
process.stdout.write(`${JSON.stringify(outcome)}\n`);
