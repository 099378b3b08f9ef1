// The coded errors of profile-migrator. Outcomes of a migration (refused, nothing to do) are values; these are for broken input,
// broken stores and wrong usage.

/** Why a registry source could not be read, trusted or changed. */
export type RegistryErrorCode =
  | 'access-denied'
  | 'already-exists'
  | 'change-undone'
  | 'disk-full'
  | 'hive-changed'
  | 'hive-corrupt'
  | 'hive-dirty'
  | 'hive-in-use'
  | 'hive-limit'
  | 'hive-unsupported'
  | 'import-failed'
  | 'journal-invalid'
  | 'key-missing'
  | 'not-a-file'
  | 'nothing-to-roll-back'
  | 'outlook-open'
  | 'outlook-unknown'
  | 'reg-encoding'
  | 'reg-exe-failed'
  | 'reg-exe-timeout'
  | 'reg-limit'
  | 'reg-syntax'
  | 'source-busy'
  | 'source-unreadable'
  | 'target-unreachable'
  | 'value-changed'
  | 'verify-failed'
  | 'write-failed';

/** `message` says what was being done, on what, and why it did not work. */
export class RegistryError extends Error {
  override readonly name = 'RegistryError';
  readonly code: RegistryErrorCode;

  constructor(code: RegistryErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** Why a command line or a policy cannot be obeyed. */
export type UsageErrorCode = 'option' | 'policy-file' | 'settings-file' | 'target';

export class UsageError extends Error {
  override readonly name = 'UsageError';
  readonly code: UsageErrorCode;

  constructor(code: UsageErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** The system's own code of its error, such as `ENOENT`. */
export function errnoOf(cause: unknown): string | undefined {
  return (cause as NodeJS.ErrnoException | undefined)?.code;
}
