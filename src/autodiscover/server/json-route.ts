// GET /autodiscover/autodiscover.json: anonymous, and therefore blind to whether the address exists.

import type { RequestHandler } from 'express';
import { organizationUrls } from '../settings/organization-facts.ts';
import { answerJsonRequest, JSON_CONTENT_TYPE, parseJsonRequest } from '../wire/json-redirect.ts';
import type { AppDependencies } from './dependencies.ts';
import { contextOf } from './exchange-context.ts';

export function jsonRoute({ directory, resolveOptions, publicUrl }: AppDependencies): RequestHandler {
  const poxUrl = new URL('/autodiscover/autodiscover.xml', publicUrl).href;
  return (request, response) => {
    const { record } = contextOf(request);
    record.dialect = 'json';
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      record.outcome = 'method not allowed';
      response.status(405).setHeader('Allow', 'GET, HEAD');
      return void response.setHeader('Content-Length', '0').end();
    }
    const asked = parseJsonRequest(request.originalUrl);
    const { ews, activeSync } = organizationUrls(directory.organization(), resolveOptions.externalSite);
    const urls = { ActiveSync: activeSync, Ews: ews, AutodiscoverV1: poxUrl };
    const answer = answerJsonRequest(asked, urls);
    Object.assign(record, { target: asked.address, outcome: answer.outcome });
    response.status(answer.status).setHeader('Content-Type', JSON_CONTENT_TYPE);
    response.setHeader('Cache-Control', 'private');
    response.end(request.method === 'HEAD' ? undefined : answer.body);
  };
}
