// GET /health/live: the process answers. GET /health/ready: it can also answer Autodiscover requests, with the reasons when it cannot.

import { type RequestHandler, Router } from 'express';
import type { Directory } from '../../ldap/directory.ts';
import type { ControllerStatus } from '../../ldap/pool-options.ts';
import type { Response } from './exchange-context.ts';
import { endWith } from './send.ts';

export interface Readiness {
  readonly ready: boolean;
  readonly controllers: readonly ControllerStatus[];
  readonly organizationAgeSeconds: number;
  readonly reasons: readonly string[];
}

export function readiness(directory: Directory, maxSnapshotAgeMs: number): Readiness {
  const { controllers, accountAccepted, organizationAgeMs } = directory.status();
  const reasons = [
    ...(controllers.some((controller) => controller.up) ? [] : ['no domain controller answers']),
    ...(accountAccepted ? [] : ['the service account is refused']),
    ...(organizationAgeMs <= maxSnapshotAgeMs ? [] : ['the Exchange organisation was not read for too long']),
  ];
  return {
    ready: reasons.length === 0,
    controllers,
    organizationAgeSeconds: Math.round(organizationAgeMs / 1000),
    reasons,
  };
}

/** `stopping` is true once the service was told to stop: balancers then turn elsewhere. */
export function healthRoutes(
  directory: Directory,
  maxSnapshotAgeMs: number,
  stopping: () => boolean = () => false,
): RequestHandler {
  const router = Router();
  router.get('/health/live', (_request, response) => {
    endWithJson(response, 200, { live: true });
  });
  router.get('/health/ready', (_request, response) => {
    const state = stopping()
      ? { ready: false, reasons: ['the service is stopping'] }
      : readiness(directory, maxSnapshotAgeMs);
    endWithJson(response, state.ready ? 200 : 503, state);
  });
  return router;
}

function endWithJson(response: Response, status: number, value: unknown): void {
  const headers = { 'Content-Type': 'application/json; charset=utf-8' };
  endWith(response, status, headers, Buffer.from(JSON.stringify(value)));
}
