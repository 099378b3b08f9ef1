// The file that undoes a command: LDIF that this program's undo command applies under the same guard, and that people can read.

import { open, readFile, rename, rm, stat } from 'node:fs/promises';
import { changesAsLdif, type GuardedChange, inverseOf, readUndoFile, UNDO_FILE_LIMITS } from '../ldap/change.ts';
import { AdminError } from './errors.ts';

export interface UndoHeader {
  readonly title: string;
  readonly url: string;
  readonly account: string;
  readonly at: Date;
}

/** Of a file's name without its ending; longer titles lose their last words. */
const NAME_CHARACTERS = 90;

/** `undo-20261122T101500Z-create-cas-array.ldif`: the time in UTC and the first words of what is undone. */
export function undoFileName(title: string, at: Date): string {
  const time = at
    .toISOString()
    .replace(/\.\d+Z$/, 'Z')
    .replace(/[-:]/g, '');
  const words = title.toLowerCase().match(/[a-z0-9](?:[a-z0-9.]*[a-z0-9])?/g) ?? ['change'];
  let name = `undo-${time}`;
  for (const word of words) {
    if (name.length + word.length > NAME_CHARACTERS) break;
    name += `-${word}`;
  }
  return `${name}.ldif`;
}

function content(done: readonly GuardedChange[], { title, url, account, at }: UndoHeader): string {
  const clean = (text: string) => text.replace(/[\r\n]+/g, ' ');
  const head = [
    `Undoes: ${title}`,
    `Made: ${at.toISOString()} on ${url} as ${account}`,
    'Apply with: autodiscover undo FILE',
  ];
  return `${head.map((line) => `# ${clean(line)}\n`).join('')}${changesAsLdif(inverseOf(done))}`;
}

/** Writes a new undo file and waits until it is on the disk. Throws AdminError `configuration`, also when the file exists. */
export async function createUndoFile(
  path: string,
  changes: readonly GuardedChange[],
  header: UndoHeader,
): Promise<void> {
  try {
    await writeDurably(path, content(changes, header), 'wx');
  } catch (error) {
    const exists = (error as NodeJS.ErrnoException).code === 'EEXIST';
    const why = exists
      ? 'it exists, and undo files are never overwritten: name another one with --undo-file'
      : (error as Error).message;
    throw new AdminError(
      'configuration',
      `writing the undo file ${path}: ${why}. Nothing was changed in the directory.`,
      { cause: error },
    );
  }
}

/** Leaves in our own, just written file what was really done; removes it when nothing was. */
export async function narrowUndoFile(path: string, done: readonly GuardedChange[], header: UndoHeader): Promise<void> {
  if (done.length === 0) return rm(path, { force: true });
  // Whole or not at all: until the shorter one is on the disk the longer one stands.
  const shorter = `${path}.new`;
  await writeDurably(shorter, content(done, header), 'w');
  await rename(shorter, path);
}

async function writeDurably(path: string, text: string, flags: 'wx' | 'w'): Promise<void> {
  const file = await open(path, flags, 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}

export interface UndoFile {
  readonly changes: readonly GuardedChange[];
  /** URL of the controller that the change was made on; undefined where the file does not say. */
  readonly madeOn: string | undefined;
}

/** Reads an undo file. Throws AdminError `configuration`. */
export async function loadUndoFile(path: string): Promise<UndoFile> {
  let text: string;
  try {
    const { size } = await stat(path);
    if (size > UNDO_FILE_LIMITS.characters) throw new Error(`it is larger than ${UNDO_FILE_LIMITS.characters} bytes`);
    text = await readFile(path, 'utf8');
  } catch (error) {
    throw new AdminError('configuration', `reading the undo file ${path}: ${(error as Error).message}`, {
      cause: error,
    });
  }
  try {
    return { changes: readUndoFile(text), madeOn: /^# Made: \S+ on (\S+) as /m.exec(text)?.[1] };
  } catch (error) {
    throw new AdminError('configuration', `reading the undo file ${path}: ${(error as Error).message}`, {
      cause: error,
    });
  }
}
