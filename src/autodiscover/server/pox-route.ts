// POST /autodiscover/autodiscover.xml: body text -> wire -> resolve -> wire. Decides nothing; every outcome but a redirect is a 200.

import { readCapabilities } from '../settings/protocol-policy.ts';
import type { DiscoverResult } from '../settings/user-settings.ts';
import { poxError } from '../wire/error-codes.ts';
import { renderPoxError } from '../wire/pox-error.ts';
import { POX_CONTENT_TYPE, poxDocument } from '../wire/pox-response.ts';
import { inDialect } from '../wire/service-file.ts';
import type { AppDependencies } from './dependencies.ts';
import { accountOf, bodyOf, contextOf, headerOf } from './exchange-context.ts';
import { askAgainLater, type Route } from './gate.ts';
import { resolveFor } from './mailbox-access.ts';
import { readPoxRequest } from './pox-reading.ts';
import { endWith } from './send.ts';

const POX_HEADERS = { 'Content-Type': POX_CONTENT_TYPE, 'Cache-Control': 'private' } as const;

export function poxRoute(dependencies: AppDependencies): Route {
  const { clock, serverId } = dependencies;
  return async (request, response) => {
    const { record } = contextOf(request);
    const send = (xml: Buffer) => endWith(response, 200, POX_HEADERS, xml);
    const parsed = readPoxRequest(bodyOf(request), request.headers['content-type']);
    if ('fault' in parsed) {
      Object.assign(record, {
        dialect: 'pox',
        outcome: parsed.fault,
        code: poxError(parsed.fault).code,
        reason: parsed.detail,
      });
      return send(Buffer.from(renderPoxError(parsed.fault, { now: clock(), serverId })));
    }
    const capabilities = readCapabilities(
      headerOf(request, 'x-mapihttpcapability'),
      headerOf(request, 'x-clientcanhandle'),
    );
    const { emailAddress, legacyDn, schema } = parsed;
    const asked = { emailAddress, legacyDn, capabilities };
    const { result: found, trace } = await resolveFor(accountOf(request), asked, dependencies);
    const result = schema === 'mobilesync' ? forPhones(found) : found;
    record.dialect = schema === 'outlook' ? 'pox' : 'mobilesync';
    record.target = legacyDn ?? emailAddress;
    Object.assign(record, logFields(result));
    record.trace = trace.steps;
    // Clients handle an HTTP redirect to another URL; several break on RedirectUrl in the body.
    if (result.action === 'redirectUrl') {
      const location = inDialect(new URL(result.url), 'pox').href;
      return endWith(response, 302, { Location: location });
    }
    askAgainLater(response, [result]);
    send(
      poxDocument(result, {
        schema,
        now: clock(),
        serverId,
        requestedAddress: emailAddress,
      }),
    );
  };
}

/** A mailbox without an ActiveSync URL has no provider for phones. */
function forPhones(result: DiscoverResult): DiscoverResult {
  if (result.action !== 'settings' || result.answer.mobileSync.url) return result;
  return { action: 'error', fault: 'no-provider', detail: 'no ActiveSync URL is known' };
}

/** What the log says of a result. */
export function logFields(result: DiscoverResult): { outcome: string; code?: number; reason?: string } {
  switch (result.action) {
    case 'settings':
      return { outcome: 'settings' };
    case 'redirectAddr':
      return { outcome: 'redirectAddr', reason: result.address };
    case 'redirectUrl':
      return { outcome: 'redirectUrl', reason: result.url };
    case 'error':
      return { outcome: result.fault, code: poxError(result.fault).code, reason: result.detail };
  }
}
