// The plain HTTP port: sends Autodiscover requests to the service's own https URL, and does nothing else. No authentication, no body.
// [MS-OXDISCO] 3.1.5.4 GET
// The target's host is the configured one, never the request's Host header.

import express, { type Express, type RequestHandler } from 'express';

const FILES = /^\/+autodiscover\/+(?:[^/]+\/+)?autodiscover\.(xml|svc|json)(\/[^?]*)?$/i;

/** `publicUrl` is the service's https origin; `health` answers load balancers that ask without TLS. Clients accept a 302 to a lower-case path of the same kind of file. */
export function createRedirector(publicUrl: string, health: RequestHandler): Express {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.use(health);
  app.use((request, response) => {
    const match = FILES.exec(request.path);
    const kind = match?.[1]?.toLowerCase();
    if (!kind) return void response.status(404).end();
    const query = kind === 'json' ? `${match?.[2] ?? ''}${new URL(request.originalUrl, 'http://any').search}` : '';
    response.status(302).setHeader('Location', new URL(`/autodiscover/autodiscover.${kind}${query}`, publicUrl).href);
    response.setHeader('Content-Length', '0').end();
  });
  return app;
}
