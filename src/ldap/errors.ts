// What can go wrong between this project and a directory. Protocol outcomes (no such user, wrong password) are values, not errors.

export type DirectoryErrorCode =
  /** No domain controller could be asked: refused, timed out, reset, TLS failed, or busy. */
  | 'unreachable'
  /** The service account's own name or password was refused. */
  | 'service-account-rejected'
  /** The service account may not read what it must read; the message names the right. */
  | 'missing-right'
  /** The directory answered something this project cannot work with. */
  | 'unexpected-answer'
  /** No Exchange organisation, or a mandatory attribute is missing. */
  | 'no-exchange-organization'
  /** Settings that cannot be used: URL, file, TLS material. */
  | 'configuration'
  /** Text that should be LDIF is not (RFC 2849); the message names the line. */
  | 'ldif-syntax'
  /** Text that should be a distinguished name is not (RFC 4514); the message names the character. */
  | 'dn-syntax'
  /** An input is larger than its parser's limits table allows. */
  | 'limit-exceeded'
  /** The embedded directory cannot serve the entries or options it was given. */
  | 'embedded-directory';

export class DirectoryError extends Error {
  readonly code: DirectoryErrorCode;

  constructor(code: DirectoryErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'DirectoryError';
    this.code = code;
  }
}

/** True for the failures after which nothing can be asked or judged for the time being: the service is to answer "not now". */
export function isUnavailable(error: unknown): error is DirectoryError {
  const code = (error as { code?: unknown } | undefined)?.code;
  return code === 'unreachable' || code === 'service-account-rejected';
}
