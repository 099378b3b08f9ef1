// What lab tests do when their tools are missing: skip with the reason, or fail where the lab is required (LAB_REQUIRED=1).

/** The `skip` option of a test: the reason, or false. @throws Error with the reason under LAB_REQUIRED=1. */
export function skipUnless(missing: string | undefined): string | false {
  if (missing === undefined) return false;
  if (process.env.LAB_REQUIRED === '1') throw new Error(`LAB_REQUIRED=1, but ${missing}`);
  return missing;
}
