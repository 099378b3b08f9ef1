// The line and the metrics of each exchange, made when its response is done.

import type { IncomingMessage, RequestListener } from 'node:http';
import { forRequest } from '../../ldap/correlation.ts';
import { clientAddress } from './client-address.ts';
import type { AppDependencies } from './dependencies.ts';
import { type ExchangeRecord, openContext, type Request, type Response, targetOf } from './exchange-context.ts';
import { requestFields, shownTarget } from './request-log.ts';

/** Opens the exchange's context, has it handled, and writes its line when the response is done. */
export function logged(
  { log, metrics, logRequests }: Pick<AppDependencies, 'log' | 'metrics' | 'logRequests'>,
  handle: (request: Request, response: Response) => void,
): RequestListener {
  return (request: IncomingMessage, response) => {
    const started = performance.now();
    const { id, record } = openContext(request, response);
    response.on('close', () => {
      const milliseconds = performance.now() - started;
      const userAgent = request.headers['user-agent'];
      const status = response.statusCode;
      metrics?.exchange({ ...record, status, userAgent, milliseconds });
      if (logRequests) log.info({ id, ...requestFields(request) }, 'request');
      const level = lineLevel(record, status);
      log[level](
        {
          id,
          method: request.method,
          path: pathOf(request),
          address: clientAddress(request),
          client: userAgent,
          ...record,
          trace: isOrdinary(record, level) && !log.isLevelEnabled('debug') ? undefined : record.trace,
          status,
          aborted: response.writableFinished ? undefined : true,
          ms: Math.round(milliseconds * 10) / 10,
        },
        'exchange',
      );
    });
    forRequest(id, () => handle(request, response));
  };
}

function lineLevel({ trace, outcome }: ExchangeRecord, status: number): 'warn' | 'info' | 'debug' {
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
