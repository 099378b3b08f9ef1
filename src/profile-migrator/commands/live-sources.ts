// `--live`, `--user`, `--all-users`: whose registry of this computer is meant, as sources.
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Config } from '../config.ts';
import { UsageError } from '../errors.ts';
import { PROFILE_SUBTREES } from '../mapi/profile-trees.ts';
import { createProcessRunner, type ProcessRunner } from '../registry/child-process.ts';
import { currentUserSid, isServiceSid } from '../registry/current-user.ts';
import { createLiveRegistry, isUserSid, loadedUsers } from '../registry/live-registry.ts';
import { createOutlookProcesses } from '../registry/outlook-processes.ts';
import { startingAgain } from '../registry/start-again.ts';
import type { LiveSelection } from './deps.ts';
import type { Source } from './source.ts';

/** @throws UsageError `option`; RegistryError when the users cannot be listed. */
export async function openLiveSources(
  selection: LiveSelection,
  config: Pick<Config, 'stateFolder' | 'systemRoot'>,
  programs: ProcessRunner = createProcessRunner(),
  pause: (milliseconds: number) => Promise<void> = (milliseconds) => sleep(milliseconds),
): Promise<Source[]> {
  // Users are worked on one after the other: a note belongs to the one whose turn it is.
  const notes: string[] = [];
  const runner = startingAgain(programs, { pause, note: (text) => notes.push(text) });
  const options = { runner, systemRoot: config.systemRoot, workFolder: join(config.stateFolder, 'exports') };
  const own = await currentUserSid(options);

  /** The own registry is always HKEY_CURRENT_USER, however it was asked for: its journals and results are one set. */
  function sourceOf(wanted: string | undefined): Source {
    const sid = wanted === own ? undefined : wanted;
    const whose = sid === undefined ? options : { ...options, sid };
    const store = createLiveRegistry(whose);
    return {
      kind: 'live',
      name: wanted ?? own ?? 'current-user',
      label: store.describe(),
      read: async () => ({ snapshots: [await store.load(PROFILE_SUBTREES)], notes: [] }),
      takeNotes: () => notes.splice(0),
      access: { store, processes: createOutlookProcesses(whose) },
    };
  }

  if (selection.allUsers) return (await loadedUsers(options)).map(sourceOf);
  if (selection.user !== undefined) {
    const sid = selection.user.toUpperCase();
    if (!isUserSid(sid)) {
      throw new UsageError('option', `--user ${selection.user} is not the SID of a user, as in S-1-5-21-1-2-3-1107`);
    }
    return [sourceOf(sid)];
  }
  if (own !== undefined && isServiceSid(own)) {
    const advice = 'say whose profiles are meant: --all-users or --user SID';
    throw new UsageError('option', `running as ${own}, a service account without Outlook profiles; ${advice}`);
  }
  return [sourceOf(undefined)];
}
