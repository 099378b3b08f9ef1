// The HTTP face: which path goes where and who may ask. Built from its dependencies; never listens.

import type { RequestListener } from 'node:http';
import { type Request as ExpressRequest, type Response as ExpressResponse, Router } from 'express';
import type { AppDependencies } from './dependencies.ts';
import { EvenTime } from './even-time.ts';
import { logged } from './exchange-log.ts';
import { failed, guarded, noSuchPath } from './gate.ts';
import { healthRoutes } from './health-routes.ts';
import { jsonRoute } from './json-route.ts';
import { poxRoute } from './pox-route.ts';
import { soapRoute } from './soap-route.ts';

/**
 * `/autodiscover/autodiscover.xml` in any case, with doubled and trailing slashes, and with one segment between: clients and redirects
 * write all of these.
 */
function autodiscoverPath(kind: 'xml' | 'svc' | 'json'): RegExp {
  // The JSON form may carry version and address behind the file: /autodiscover.json/v1.0/alice@contoso.test
  const behind = kind === 'json' ? '(?:/+v\\d+\\.\\d+/+[^/]+)?' : '';
  return new RegExp(`^/+autodiscover/+(?:[^/]+/+)?autodiscover\\.${kind}${behind}/*$`, 'i');
}

/** Every request gets a line in the log and an answer, those included that no path or no route takes. */
export function createApp(dependencies: AppDependencies): RequestListener {
  const router = Router();
  const gate = { ...dependencies, evenTime: new EvenTime() };
  router.all(autodiscoverPath('xml'), guarded(gate, poxRoute(dependencies)));
  router.all(autodiscoverPath('svc'), guarded(gate, soapRoute(dependencies)));
  router.all(autodiscoverPath('json'), jsonRoute(dependencies));
  router.use(healthRoutes(dependencies.directory, dependencies.maxSnapshotAgeMs, dependencies.stopping));
  return logged(dependencies, (request, response) =>
    router(request as ExpressRequest, response as ExpressResponse, (error?: unknown) => {
      if (error !== undefined) failed(error, request, response);
      else noSuchPath(request, response);
    }),
  );
}
