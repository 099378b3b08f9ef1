// The settings this program takes from its surroundings: the one place that reads the environment.
import { homedir, hostname } from 'node:os';
import { join } from 'node:path';
import type { ExitCodeConvention } from './exit-codes.ts';

export interface Config {
  readonly convention: ExitCodeConvention;
  readonly computer: string;
  /** Colours for a terminal; the NO_COLOR convention switches them off, and a terminal that knows none. */
  readonly colour: boolean;
  /** Where journals, undo files and results of the live registry lie unless --out is given; only this user can write there. */
  readonly stateFolder: string;
  readonly systemRoot: string;
  /** AUTODISCOVER_PASSWORD: for --autodiscover-user; never printed. */
  readonly autodiscoverPassword: string | undefined;
}

export function readConfig(env: NodeJS.ProcessEnv = process.env, platform: NodeJS.Platform = process.platform): Config {
  const windows = platform === 'win32';
  // SYSTEM's LOCALAPPDATA lies below System32, where users cannot write; ProgramData is writable for everybody.
  const unixState = env.XDG_STATE_HOME || join(homedir(), '.local', 'state');
  const base = windows ? env.LOCALAPPDATA || join(homedir(), 'AppData', 'Local') : unixState;
  return Object.freeze({
    convention: windows ? 'windows' : 'posix',
    computer: hostname(),
    colour: !env.NO_COLOR && env.TERM !== 'dumb',
    stateFolder: join(base, 'profile-migrator'),
    systemRoot: env.SystemRoot || 'C:\\Windows',
    autodiscoverPassword: env.AUTODISCOVER_PASSWORD || undefined,
  });
}
