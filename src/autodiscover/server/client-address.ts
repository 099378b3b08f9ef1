// Whose request it is, for logs and limits.

import type { Request } from 'express';

/** The address of the connection's other end; of a load balancer, when one stands in between. Empty when it is gone already. */
export function clientAddress(request: Request): string {
  return request.socket.remoteAddress ?? '';
}
