// The one error class of the directory room. Imports nothing, so that every file of the room may use it.

/** What went wrong, as a closed set: callers switch on it, people read the message. */
export type DirectoryErrorCode =
  /** Text that should be LDIF is not (RFC 2849); the message names the line. */
  | 'ldif-syntax'
  /** Text that should be a distinguished name is not (RFC 4514); the message names the character. */
  | 'dn-syntax'
  /** An input is larger than its parser's limits table allows. */
  | 'limit-exceeded'
  /** The embedded directory cannot serve the entries or options it was given. */
  | 'embedded-directory';

/** A failure while reading or writing directory data. `cause` holds the original error where there was one. */
export class DirectoryError extends Error {
  readonly code: DirectoryErrorCode;

  constructor(code: DirectoryErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'DirectoryError';
    this.code = code;
  }
}
