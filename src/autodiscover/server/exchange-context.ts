// What belongs to one HTTP exchange: node's own request and response, its correlation id, and what is to be logged of it at the end.

import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Account } from '../../ldap/recipient.ts';
import type { TraceStep } from '../settings/trace.ts';

/** Filled in by the routes on the way; printed as one log line when the response is finished. */
export interface ExchangeRecord {
  dialect?: string;
  /** SOAP operation. */
  operation?: string;
  caller?: string;
  /** Authentication scheme of the caller. */
  scheme?: string;
  target?: string | undefined;
  outcome?: string;
  /** Protocol error code, or the HTTP status for answers that have none. */
  code?: number;
  reason?: string;
  trace?: readonly TraceStep[];
}

export interface ExchangeContext {
  readonly id: string;
  readonly record: ExchangeRecord;
  /** The caller's account, once he has shown who he is. */
  account?: Account;
}

/** Noted on the request itself: a WeakMap would cost the garbage collector work for each. */
const CONTEXT = Symbol('exchange context');

/** As node:http has it, with what is noted on the way. Only the router is Express': its application would change the prototype of each. */
export interface Request extends IncomingMessage {
  /** The target as it was sent; the router changes `url`. */
  originalUrl?: string;
  body?: unknown;
  [CONTEXT]?: ExchangeContext;
}

export type Response = ServerResponse;

/** Starts the context of a request and gives the client its correlation id. */
export function openContext(request: Request, response: Response): ExchangeContext {
  const context: ExchangeContext = { id: randomUUID(), record: {} };
  request[CONTEXT] = context;
  response.setHeader('request-id', context.id);
  const clientId = headerOf(request, 'client-request-id');
  if (clientId && /^[\w{}-]{1,64}$/.test(clientId) && headerOf(request, 'return-client-request-id') === 'true') {
    response.setHeader('client-request-id', clientId);
  }
  return context;
}

export function contextOf(request: Request): ExchangeContext {
  const context = request[CONTEXT];
  if (!context) throw new Error('the context is opened before any route runs');
  return context;
}

/** The correlation id of a request that may not have got as far. */
export function idOf(request: Request): string | undefined {
  return request[CONTEXT]?.id;
}

/** The caller of a route behind the gate. */
export function accountOf(request: Request): Account {
  const { account } = contextOf(request);
  if (!account) throw new Error('the gate lets nobody through without an account');
  return account;
}

/** A header by its lower-case name; node joins most of those that are there several times. */
export function headerOf(request: Request, name: string): string | undefined {
  const value = request.headers[name];
  return typeof value === 'string' ? value : value?.join(', ');
}

/** The request's target as it was sent. */
export function targetOf(request: Request): string {
  return request.originalUrl ?? request.url ?? '';
}

/** The bytes of a request's body; empty when there was none. */
export function bodyOf(request: Request): Buffer {
  return Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
}
