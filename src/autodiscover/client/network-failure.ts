// Why a connection did not come about or did not last, in words of ours: one list for HTTP and for RPC.

/** `closed`: the connection was made and then ended by the other side before an answer. */
export type NetworkFailure = 'name-not-found' | 'connection-refused' | 'host-unreachable' | 'closed' | 'network-error';

const FAILURES: Readonly<Record<string, NetworkFailure>> = {
  ENOTFOUND: 'name-not-found',
  EAI_AGAIN: 'name-not-found',
  ENODATA: 'name-not-found',
  ECONNREFUSED: 'connection-refused',
  EHOSTUNREACH: 'host-unreachable',
  ENETUNREACH: 'host-unreachable',
  EHOSTDOWN: 'host-unreachable',
  ETIMEDOUT: 'host-unreachable',
  ECONNRESET: 'closed',
  ECONNABORTED: 'closed',
  EPIPE: 'closed',
};

/** The `code` of a system error of Node.js or c-ares; empty when it has none. */
export function errorCode(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}

/** What an error says. Where a name has several addresses and none answers, that is what each had to say. */
export function errorText(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(errorText).join('; ');
  if (error instanceof Error) return error.message || errorCode(error) || error.name;
  return String(error);
}

/** What an error code means; `network-error` for those that are not known. */
export function networkFailure(code: string): NetworkFailure {
  return FAILURES[code] ?? 'network-error';
}
