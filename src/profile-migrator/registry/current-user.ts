// Who this program runs as: the SID names a live registry's output files, and SYSTEM's HKEY_CURRENT_USER is nobody's mailbox.
import type { ProcessRunner } from './child-process.ts';

const WELL_KNOWN_SERVICES = new Set(['S-1-5-18', 'S-1-5-19', 'S-1-5-20']);

/** The SID of the user this process runs as; undefined where whoami.exe does not tell (Wine). */
export async function currentUserSid(options: {
  readonly runner: ProcessRunner;
  readonly systemRoot: string;
}): Promise<string | undefined> {
  const program = `${options.systemRoot}\\System32\\whoami.exe`;
  const result = await options.runner.run(program, ['/user', '/fo', 'csv', '/nh'], { timeoutMs: 30_000 });
  if (result.outcome !== 'exited' || result.exitCode !== 0) return undefined;
  // The account's name may be in any language; the SID is the last field.
  return /"(S-1-\d+(?:-\d+){1,14})"\s*$/.exec(result.stdout)?.[1];
}

/** SYSTEM, LOCAL SERVICE, NETWORK SERVICE: their own registry holds no Outlook profile of a person. */
export function isServiceSid(sid: string): boolean {
  return WELL_KNOWN_SERVICES.has(sid.toUpperCase());
}
