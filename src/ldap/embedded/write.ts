// Changes to the directory (RFC 4511 4.6-4.10).
import type { Entry } from './entry.ts';
import type { Request } from './request.ts';
import { type Outcome, refused } from './result.ts';
import type { Service } from './service.ts';

export type WriteRequest = Extract<Request, { op: 'add' | 'modify' | 'delete' | 'modify-dn' }>;

export function applyWrite(_service: Service, _account: Entry, _request: WriteRequest): Outcome {
  return refused('unwillingToPerform', 'not yet');
}

export function compareValue(
  _service: Service,
  _account: Entry,
  _request: Extract<Request, { op: 'compare' }>,
): Outcome {
  return refused('unwillingToPerform', 'not yet');
}
