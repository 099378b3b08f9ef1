// HAProxy's runtime socket: one command, one answer, as text (HAProxy Management Guide, section 9.3).

import { connect } from 'node:net';
import { BalancerError } from './errors.ts';

/** Sends one command and gives the answer's text. Rejects with BalancerError `runtime-socket`. */
export type Runtime = (command: string) => Promise<string>;

/** Where Debian's HAProxy has it. */
export const DEFAULT_SOCKET = '/run/haproxy/admin.sock';

const LIMITS = { answerBytes: 16 * 1024 * 1024, timeoutMs: 10_000 } as const;

/** `path` is that of `stats socket` in HAProxy's configuration; it needs `level admin`. */
export function runtimeSocket(path: string): Runtime {
  return (command) =>
    new Promise((resolve, reject) => {
      const fail = (reason: string, cause?: unknown) => {
        socket.destroy();
        reject(new BalancerError('runtime-socket', `"${command}" on ${path}: ${reason}`, { cause }));
      };
      const chunks: Buffer[] = [];
      let total = 0;
      const socket = connect(path, () => socket.write(`${command}\n`));
      socket.setTimeout(LIMITS.timeoutMs, () => fail(`no answer within ${LIMITS.timeoutMs} ms`));
      socket.on('data', (chunk: Buffer) => {
        chunks.push(chunk);
        total += chunk.length;
        if (total > LIMITS.answerBytes) fail(`an answer of more than ${LIMITS.answerBytes} bytes`);
      });
      socket.once('end', () => resolve(Buffer.concat(chunks).toString('utf8').trim()));
      socket.once('error', (error: NodeJS.ErrnoException) => fail(explain(error), error));
    });
}

function explain(error: NodeJS.ErrnoException): string {
  if (error.code === 'ENOENT') return 'there is no such socket: is HAProxy running, and is this its "stats socket"?';
  if (error.code === 'EACCES')
    return 'this account may not use the socket: its mode and group are on the "stats socket" line';
  if (error.code === 'ECONNREFUSED') return 'nothing listens on the socket: HAProxy is not running';
  return error.message;
}
