// The line and the metrics of each exchange, made when its response is done.

import type { IncomingMessage, RequestListener } from 'node:http';
import { forRequest } from '../../ldap/correlation.ts';
import { clientAddress } from './client-address.ts';
import type { AppDependencies } from './dependencies.ts';
import { type ExchangeRecord, openContext, type Request, type Response, targetOf } from './exchange-context.ts';
import { requestFields, shownTarget } from './request-log.ts';
import { forgetExchange } from './request-rules.ts';
import { originForm } from './request-target.ts';
import { endWith } from './send.ts';

export type ExchangeLog = Pick<AppDependencies, 'log' | 'metrics' | 'logRequests'>;

/** Most characters of what a client wrote, in the line. */
const LIMITS = { path: 512, client: 256, text: 1024 } as const;

/**
 * Opens the exchange's context, has it handled, and writes its line when the response is done. `handle` finds a path in the request's `url`,
 * whatever form the target had; what has no such form is answered here.
 */
export function logged(
  { log, metrics, logRequests }: ExchangeLog,
  handle: (request: Request, response: Response) => void,
): RequestListener {
  return (request: IncomingMessage, response) => {
    const started = performance.now();
    const { id, record } = openContext(request, response);
    response.on('close', () => {
      const milliseconds = performance.now() - started;
      const userAgent = request.headers['user-agent'];
      // What was never sent says nothing about what would have been.
      const status = response.headersSent ? response.statusCode : undefined;
      if (status === undefined) record.outcome ??= 'aborted';
      const { caller, scheme, dialect, operation, target, outcome, code, reason } = record;
      metrics?.exchange({ dialect, outcome, status, userAgent, milliseconds });
      if (logRequests) log.info({ id, ...requestFields(request) }, 'request');
      const level = lineLevel(record, status);
      log[level](
        {
          id,
          method: request.method,
          path: shortened(pathOf(request), LIMITS.path),
          address: clientAddress(request),
          client: userAgent && shortened(userAgent, LIMITS.client),
          // What a client wrote may be repeated in these; each named, because spreading the record costs more than the rest of this.
          caller: caller && shortened(caller, LIMITS.text),
          scheme,
          dialect,
          operation,
          target: target && shortened(target, LIMITS.text),
          outcome,
          code,
          reason: reason && shortened(reason, LIMITS.text),
          trace: isOrdinary(record, level) && !log.isLevelEnabled('debug') ? undefined : record.trace,
          status,
          aborted: response.writableFinished ? undefined : true,
          ms: Math.round(milliseconds * 10) / 10,
        },
        'exchange',
      );
      forgetExchange(request, response);
    });
    const sent = request.url ?? '';
    const target = originForm(request.method ?? '', sent);
    if (target === undefined) {
      record.outcome = 'no target';
      endWith(response, 400, { Connection: 'close' });
      return;
    }
    if (target !== sent) Object.assign(request, { url: target, originalUrl: sent });
    forRequest(id, () => handle(request, response));
  };
}

/** What is longer than anybody needs to see ends with its length. */
function shortened(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, most)}... (${text.length} characters)`;
}

function lineLevel({ trace, outcome }: ExchangeRecord, status = 0): 'warn' | 'info' | 'debug' {
  if (status >= 500 || trace?.some(({ level }) => level === 'warning')) return 'warn';
  return outcome === undefined ? 'debug' : 'info';
}

/** Why an ordinary answer is as it is, `explain` tells whoever asks; it would be the longest part of most lines. */
function isOrdinary({ outcome }: ExchangeRecord, level: string): boolean {
  return outcome === 'settings' && level === 'info';
}

/** The target without its query, in which credentials may stand, as they may before the host of an absolute one. */
function pathOf(request: Request): string {
  const target = targetOf(request);
  const end = target.indexOf('?');
  const path = end < 0 ? target : target.slice(0, end);
  return path.startsWith('/') ? path : shownTarget(path);
}
