// The measured process of test/bench/service.ts: either a bare node:https server or the whole service. The directory it asks runs in a
// process of its own, so that its CPU time is not counted.

import { type ChildProcess, fork } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { startService } from '../../src/autodiscover/commands/service.ts';
import { configSchema } from '../../src/autodiscover/config-schema.ts';
import { createLogger } from '../../src/autodiscover/log.ts';

const options = JSON.parse(process.argv[2] ?? '{}') as {
  kind: 'bare' | 'autodiscover';
  cache: boolean;
  users: number;
  folder: string;
  certificateFile: string;
  keyFile: string;
};

const port = options.kind === 'bare' ? await bare() : await autodiscover();
let began = process.cpuUsage();
process.on('message', (text) => {
  if (text === 'start') {
    began = process.cpuUsage();
    process.send?.({ type: 'started' });
  } else {
    const { user, system } = process.cpuUsage(began);
    process.send?.({ type: 'stopped', cpuMicros: user + system });
  }
});
process.send?.({ type: 'ready', port });

/** The limit line: reads the body, answers a constant as long as a real answer. */
async function bare(): Promise<number> {
  const answer = `<Type>EXCH</Type>${'x'.repeat(4600)}`;
  const server = createServer(
    { cert: readFileSync(options.certificateFile), key: readFileSync(options.keyFile) },
    (request, response) => {
      request.resume().on('end', () => {
        response.writeHead(200, { 'Content-Type': 'text/xml; charset=utf-8', 'Content-Length': answer.length });
        response.end(answer);
      });
    },
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

async function autodiscover(): Promise<number> {
  const directory = fork(new URL('./directory-server.ts', import.meta.url), [String(options.users)]);
  process.on('exit', () => directory.kill());
  const { url } = await ready(directory);
  const config = configSchema.parse({
    directory: {
      servers: [url],
      bindDn: 'svc-autodiscover@contoso.test',
      passwordFile: 'unused',
      allowPlainText: true,
    },
    listen: { https: '127.0.0.1:0' },
    publicUrl: 'https://localhost',
    tls: { certificates: [{ certificateFile: options.certificateFile, keyFile: options.keyFile }] },
    authentication: options.cache ? {} : { cacheSeconds: 0, rejectedCacheSeconds: 0 },
  });
  const settings = { config, ca: undefined, readPassword: async () => 'Demo-Passw0rd!' };
  // Log lines are made as in production, and thrown away.
  const service = await startService(settings, createLogger('info', { write: () => undefined }));
  return Number(new URL(service.httpsUrl).port);
}

function ready(child: ChildProcess): Promise<{ url: string }> {
  return new Promise((resolve, reject) => {
    child.once('message', (value) => resolve(value as { url: string }));
    child.once('exit', (code) => reject(new Error(`the bench directory ended with ${code}`)));
  });
}
