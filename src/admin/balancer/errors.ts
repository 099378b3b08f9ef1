// What stops a balancer command. Findings are values, not errors.

export type BalancerErrorCode =
  /** Names, ports or files that cannot be used. */
  | 'configuration'
  /** The runtime socket cannot be reached, or HAProxy refused a command. */
  | 'runtime-socket';

export class BalancerError extends Error {
  readonly code: BalancerErrorCode;

  constructor(code: BalancerErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'BalancerError';
    this.code = code;
  }
}
