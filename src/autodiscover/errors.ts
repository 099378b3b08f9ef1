// What stops the Autodiscover programs: configuration, TLS material, listening. What a client is answered is a value, not an error.

export type AutodiscoverErrorCode =
  /** The configuration file or a flag cannot be used; the message lists every fault with its path. */
  | 'configuration'
  /** A certificate or key cannot be read or used. */
  | 'certificate'
  /** A port cannot be listened on. */
  | 'listen'
  /** Several workers were asked for, and none can be kept running. */
  | 'workers'
  /** A file cannot be written. */
  | 'output';

export class AutodiscoverError extends Error {
  readonly code: AutodiscoverErrorCode;

  constructor(code: AutodiscoverErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'AutodiscoverError';
    this.code = code;
  }
}
