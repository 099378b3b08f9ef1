// The HTTP face: which path goes where and who may ask. Built from its dependencies; never listens.

import express, { type Express } from 'express';
import type { AppDependencies } from './dependencies.ts';
import { contextOf } from './exchange-context.ts';
import { failed, guarded, logged } from './gate.ts';
import { healthRoutes } from './health-routes.ts';
import { jsonRoute } from './json-route.ts';
import { poxRoute } from './pox-route.ts';
import { soapRoute } from './soap-route.ts';

/**
 * `/autodiscover/autodiscover.xml` in any case, with doubled and trailing slashes, and with one segment between: clients and redirects
 * write all of these.
 */
export function autodiscoverPath(kind: 'xml' | 'svc' | 'json'): RegExp {
  // The JSON form may carry version and address behind the file: /autodiscover.json/v1.0/alice@contoso.test
  const behind = kind === 'json' ? '(?:/+v\\d+\\.\\d+/+[^/]+)?' : '';
  return new RegExp(`^/+autodiscover/+(?:[^/]+/+)?autodiscover\\.${kind}${behind}/*$`, 'i');
}

export function createApp(dependencies: AppDependencies): Express {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.use(logged(dependencies));
  app.all(autodiscoverPath('xml'), guarded(dependencies, poxRoute(dependencies)));
  app.all(autodiscoverPath('svc'), guarded(dependencies, soapRoute(dependencies)));
  app.all(autodiscoverPath('json'), jsonRoute(dependencies));
  app.use(healthRoutes(dependencies.directory, dependencies.maxSnapshotAgeMs, dependencies.stopping));
  app.use((request, response) => {
    contextOf(request).record.outcome = 'no such path';
    response.status(404).end();
  });
  app.use(failed);
  return app;
}
