// The plain HTTP port: sends Autodiscover requests to the service's own https URL, and does nothing else. No authentication, no body.
// [MS-OXDISCO] 3.1.5.4 GET
// The target's host is the configured one, never the request's Host header.

import type { RequestListener } from 'node:http';
import type { Request as ExpressRequest, Response as ExpressResponse, RequestHandler } from 'express';
import { contextOf, type Request, type Response } from './exchange-context.ts';
import { type ExchangeLog, logged } from './exchange-log.ts';
import { failed, noSuchPath } from './gate.ts';
import { endWith } from './send.ts';

const FILES = /^\/+autodiscover\/+(?:[^/]+\/+)?autodiscover\.(xml|svc|json)(\/.*)?$/i;

/** `publicUrl` is the service's https origin; `health` answers load balancers that ask without TLS. */
export function createRedirector(publicUrl: string, health: RequestHandler, exchangeLog: ExchangeLog): RequestListener {
  return logged(exchangeLog, (request, response) =>
    health(request as ExpressRequest, response as ExpressResponse, (error?: unknown) => {
      if (error) failed(error, request, response);
      else redirect(publicUrl, request, response);
    }),
  );
}

function redirect(publicUrl: string, request: Request, response: Response): void {
  // Path and query as they were sent; a fragment is no part of a target, but some send one.
  const [, path = '', query = ''] = /^([^?#]*)(\?[^#]*)?/.exec(request.url ?? '') ?? [];
  const [, file, behind = ''] = FILES.exec(path) ?? [];
  if (file === undefined) {
    noSuchPath(request, response);
    return;
  }
  Object.assign(contextOf(request).record, { dialect: 'redirect', outcome: 'redirectUrl' });
  const kind = file.toLowerCase();
  // Clients accept a 302 to a lower-case path of the same kind of file.
  const target = `/autodiscover/autodiscover.${kind}${kind === 'json' ? behind + query : ''}`;
  endWith(response, 302, { Location: new URL(target, publicUrl).href });
}
