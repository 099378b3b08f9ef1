// What belongs to one HTTP exchange beside express: its correlation id, its start, and what is to be logged of it at the end.

import { randomUUID } from 'node:crypto';
import type { Request, Response } from 'express';
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
  target?: string;
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

const contexts = new WeakMap<Request, ExchangeContext>();

/** Starts the context of a request and gives the client its correlation id. */
export function openContext(request: Request, response: Response): ExchangeContext {
  const context: ExchangeContext = { id: randomUUID(), record: {} };
  contexts.set(request, context);
  response.setHeader('request-id', context.id);
  const clientId = request.get('client-request-id');
  if (clientId && /^[\w{}-]{1,64}$/.test(clientId) && request.get('return-client-request-id') === 'true') {
    response.setHeader('client-request-id', clientId);
  }
  return context;
}

export function contextOf(request: Request): ExchangeContext {
  const context = contexts.get(request);
  if (!context) throw new Error('the context is opened before any route runs');
  return context;
}

/** The caller of a route behind the gate. */
export function accountOf(request: Request): Account {
  const { account } = contextOf(request);
  if (!account) throw new Error('the gate lets nobody through without an account');
  return account;
}

/** The bytes of a request's body; empty when there was none. */
export function bodyOf(request: Request): Buffer {
  return Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
}
