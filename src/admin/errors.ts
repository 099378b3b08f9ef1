// What stops an administrator's command. Findings and answers are values, not errors.

export type AdminErrorCode =
  /** Flags that contradict each other, a missing name or password, a file that cannot be used. */
  | 'configuration'
  /** A named array, database, site, server or service connection point that the organisation does not have, or has twice. */
  | 'not-found'
  /** A rule of Exchange's or of this program forbids the change; the message says which. */
  | 'rule'
  /** The administrator said no, or could not be asked. */
  | 'not-confirmed'
  /** The directory refused a write, or it is not known whether it was made. */
  | 'write-failed';

export class AdminError extends Error {
  readonly code: AdminErrorCode;

  constructor(code: AdminErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'AdminError';
    this.code = code;
  }
}
