// What the line of an exchange says, by its outcome and the log's level.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { get } from 'node:http';
import test from 'node:test';
import { createLogger, type LogLevel } from '../../../src/autodiscover/log.ts';
import { contextOf, type ExchangeRecord } from '../../../src/autodiscover/server/exchange-context.ts';
import { logged } from '../../../src/autodiscover/server/exchange-log.ts';
import type { ObservedExchange, ServiceMetrics } from '../../../src/autodiscover/server/metrics.ts';
import { eventually } from '../../ldap/demo-organization.ts';
import { listenPlain } from '../bed.ts';

const LOOKED = { level: 'info', text: 'looking for alice@contoso.test' } as const;
const AMISS = { level: 'warning', text: 'the database names no array' } as const;

/** The line of one GET whose route notes the record. */
async function lineOf(
  logLevel: LogLevel,
  record: ExchangeRecord,
  status = 200,
  { path = '/some/where?password=secret', client = 'test' } = {},
): Promise<Record<string, unknown>> {
  const lines: string[] = [];
  const done = Promise.withResolvers<void>();
  const log = createLogger(logLevel, { write: (line) => lines.push(line) });
  const app = logged({ log }, (request, response) => {
    Object.assign(contextOf(request).record, record);
    once(response, 'close').then(() => done.resolve(), done.reject);
    response.writeHead(status).end();
  });
  const server = await listenPlain(app);
  try {
    await new Promise((resolve, reject) => {
      const headers = { 'User-Agent': client };
      const sent = get({ host: '127.0.0.1', port: server.port, path, headers }, (response) => {
        response.resume().on('end', resolve);
      });
      sent.on('error', reject);
    });
    await done.promise;
  } finally {
    await server.close();
  }
  assert.equal(lines.length, 1);
  return JSON.parse(lines[0] ?? '');
}

test('an ordinary answer has no trace, but at level debug', async () => {
  const record = { outcome: 'settings', trace: [LOOKED] };
  assert.equal((await lineOf('info', record)).trace, undefined);
  assert.deepEqual((await lineOf('debug', record)).trace, [LOOKED]);
});

test('every other answer has its trace, and a warning makes the line one', async () => {
  const unknown = await lineOf('info', { outcome: 'unknown-address', trace: [LOOKED] });
  assert.deepEqual([unknown.level, unknown.trace], ['info', [LOOKED]]);
  const warned = await lineOf('info', { outcome: 'settings', trace: [LOOKED, AMISS] });
  assert.deepEqual([warned.level, warned.trace], ['warn', [LOOKED, AMISS]]);
  assert.equal((await lineOf('info', { outcome: 'failed' }, 500)).level, 'warn');
});

test('the path is logged without its query', async () => {
  assert.equal((await lineOf('info', { outcome: 'no such path' }, 404)).path, '/some/where');
  const path = 'http://alice:secret@contoso.test/some?secret';
  const absolute = await lineOf('info', { outcome: 'no such path' }, 404, { path });
  assert.equal(absolute.path, '[absolute]/some');
});

test('what a client wrote is shortened: path, program, names', async () => {
  const long = 'a'.repeat(5000);
  const line = await lineOf('info', { outcome: 'x', target: long, reason: long, caller: long }, 200, {
    path: `/${long}`,
    client: long,
  });
  assert.equal(line.path, `/${long.slice(0, 511)}... (5001 characters)`);
  assert.equal(line.client, `${long.slice(0, 256)}... (5000 characters)`);
  for (const key of ['target', 'reason', 'caller'])
    assert.equal(line[key], `${long.slice(0, 1024)}... (5000 characters)`);
  assert.equal((await lineOf('info', { outcome: 'x', target: 'alice@contoso.test' })).target, 'alice@contoso.test');
});

test('a request that its client leaves before the answer has no status, and says so', async () => {
  const lines: Record<string, unknown>[] = [];
  const observed: ObservedExchange[] = [];
  const metrics = { exchange: (one: ObservedExchange) => void observed.push(one) } as unknown as ServiceMetrics;
  const log = createLogger('info', { write: (line) => void lines.push(JSON.parse(line)) });
  const begun = Promise.withResolvers<void>();
  const server = await listenPlain(logged({ log, metrics }, () => begun.resolve()));
  try {
    const sent = get({ host: '127.0.0.1', port: server.port, path: '/x' }).on('error', () => undefined);
    await begun.promise;
    sent.destroy();
    await eventually('the line', () => lines.length === 1);
  } finally {
    await server.close();
  }
  const [line] = lines;
  assert.deepEqual([line?.outcome, line?.aborted, line?.status, line?.level], ['aborted', true, undefined, 'info']);
  assert.deepEqual([observed[0]?.outcome, observed[0]?.status], ['aborted', undefined]);
});
