// GET /autodiscover/autodiscover.json: anonymous, and therefore blind to whether the address exists.

import { organizationUrls } from '../settings/organization-facts.ts';
import { answerJsonRequest, JSON_CONTENT_TYPE, parseJsonRequest } from '../wire/json-redirect.ts';
import type { AppDependencies } from './dependencies.ts';
import { contextOf, type Request, type Response, targetOf } from './exchange-context.ts';
import { endWith } from './send.ts';

export function jsonRoute({
  directory,
  resolveOptions,
  publicUrl,
}: AppDependencies): (request: Request, response: Response) => void {
  const poxUrl = new URL('/autodiscover/autodiscover.xml', publicUrl).href;
  return (request, response) => {
    const { record } = contextOf(request);
    record.dialect = 'json';
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      record.outcome = 'method not allowed';
      return endWith(response, 405, { Allow: 'GET, HEAD' });
    }
    const asked = parseJsonRequest(targetOf(request));
    const { ews, activeSync } = organizationUrls(directory.organization(), resolveOptions.externalSite);
    const urls = { ActiveSync: activeSync, Ews: ews, AutodiscoverV1: poxUrl };
    const answer = answerJsonRequest(asked, urls);
    Object.assign(record, { target: asked.address, outcome: answer.outcome });
    const headers = { 'Content-Type': JSON_CONTENT_TYPE, 'Cache-Control': 'private' };
    endWith(response, answer.status, headers, Buffer.from(answer.body));
  };
}
