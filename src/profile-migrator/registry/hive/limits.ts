// Bounds of the hive reader and writer. Everything not listed is bounded by the file itself: cells do not overlap, so the
// records and bytes of a sound hive can never add up to more than its size.

export const HIVE_LIMITS = {
  /** Largest hive file. Real user hives stay below 100 MiB. */
  fileBytes: 1024 * 1024 * 1024,
  /** Largest log file beside a hive. */
  logBytes: 512 * 1024 * 1024,
  /** Keys below each other; the registry's own limit. */
  depth: 512,
  /** Key name, bytes as stored (255 UTF-16 units). */
  keyNameBytes: 510,
  /** Value name, bytes as stored (16,383 UTF-16 units). */
  valueNameBytes: 32_766,
  /** A new value's data; larger ones have no place in a user hive and are refused. */
  newValueBytes: 1024 * 1024,
} as const;
