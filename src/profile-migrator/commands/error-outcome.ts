// The one translation from coded errors to outcomes of the program.
import { RegistryError, type RegistryErrorCode, UsageError } from '../errors.ts';
import type { Outcome } from '../exit-codes.ts';

export function outcomeOfError(error: unknown): Outcome {
  if (error instanceof UsageError) return 'usage';
  return error instanceof RegistryError ? outcomeOfCode(error.code) : 'failed';
}

function outcomeOfCode(code: RegistryErrorCode): Outcome {
  switch (code) {
    case 'access-denied':
      return 'access-denied';
    case 'hive-changed':
    case 'hive-in-use':
    case 'outlook-open':
    case 'outlook-unknown':
    case 'source-busy':
    case 'target-unreachable':
      return 'retry-later';
    case 'nothing-to-roll-back':
      return 'nothing-to-roll-back';
    case 'import-failed':
    case 'journal-invalid':
    case 'verify-failed':
      return 'state-unclear';
    case 'already-exists':
    case 'change-undone':
    case 'disk-full':
    case 'hive-corrupt':
    case 'hive-dirty':
    case 'hive-limit':
    case 'hive-unsupported':
    case 'key-missing':
    case 'not-a-file':
    case 'reg-encoding':
    case 'reg-exe-failed':
    case 'reg-exe-timeout':
    case 'reg-limit':
    case 'reg-syntax':
    case 'source-unreadable':
    case 'value-changed':
    case 'write-failed':
      return 'failed';
    default:
      return code satisfies never;
  }
}
