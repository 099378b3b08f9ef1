// Operating system errors on hive files, told as coded errors with what was being done.
import { errnoOf, RegistryError, type RegistryErrorCode } from '../../errors.ts';

const CODES: Record<string, RegistryErrorCode> = {
  ENOSPC: 'disk-full',
  EDQUOT: 'disk-full',
  EFBIG: 'disk-full',
  EACCES: 'access-denied',
  EPERM: 'access-denied',
  EROFS: 'access-denied',
  // Windows: sharing violation, the hive is loaded because its user is logged on.
  EBUSY: 'hive-in-use',
  ETXTBSY: 'hive-in-use',
  ELOOP: 'not-a-file',
};

/** `doing` reads like "cannot read /profiles/anna/NTUSER.DAT". */
export function fileError(doing: string, cause: unknown, otherwise: RegistryErrorCode): RegistryError {
  if (cause instanceof RegistryError) return cause;
  const code = CODES[errnoOf(cause) ?? ''] ?? otherwise;
  const hint = code === 'hive-in-use' ? ': the hive is loaded, its user is logged on' : '';
  return new RegistryError(code, `${doing}: ${(cause as Error).message}${hint}`, { cause });
}
