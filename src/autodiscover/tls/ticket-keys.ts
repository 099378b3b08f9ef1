// The key under which session tickets are sealed (RFC 5077; RFC 8446 4.6.1). Processes that hold the same key take up each other's
// sessions: workers get one from their primary, replicas read one from the same file.

import { createHash, randomBytes } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import { AutodiscoverError } from '../errors.ts';

/** What node:tls takes: 16 bytes of name, 16 for the MAC, 16 for the cipher. */
const KEY_BYTES = 48;
const LIMITS = { fileBytes: 4096, distinctBytes: 16 } as const;
/** Others may do nothing with the file, its group may at most read it. */
const FORBIDDEN_MODE = 0o027;

/**
 * One context in all processes: node:tls makes it from the command line, and takes up no session of another context.
 */
export const SESSION_ID_CONTEXT = 'exchange-autodiscover';

/** Seconds a ticket is good for: as long as Windows keeps sessions (Schannel's ClientCacheTime, ten hours). */
export const SESSION_SECONDS = 36_000;

/**
 * How long a key that no file gives is used. node:tls holds one key at a time, so a change costs every client one full handshake: one in
 * 168 for a client that comes hourly, where a daily change would cost one in 24.
 */
export const KEY_LIFE_MS = 7 * 86_400_000;

export function newTicketKey(): Buffer {
  return randomBytes(KEY_BYTES);
}

/**
 * The key in a file of 48 random bytes or more, in any form: what is used is its SHA-384. Throws AutodiscoverError `certificate`; nothing
 * of the content is repeated.
 */
export async function readTicketKey(file: string): Promise<Buffer> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(file, 'r');
    const { mode } = await handle.stat();
    if (process.platform !== 'win32' && (mode & FORBIDDEN_MODE) !== 0) {
      const shown = (mode & 0o777).toString(8).padStart(4, '0');
      throw new Error(`its mode is ${shown}: others may read it, or its group may change it (chmod 600)`);
    }
    const buffer = Buffer.alloc(LIMITS.fileBytes + 1);
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, 0);
    const content = buffer.subarray(0, bytesRead);
    if (bytesRead < KEY_BYTES) throw new Error(`it holds ${bytesRead} bytes, and ${KEY_BYTES} are needed`);
    if (bytesRead > LIMITS.fileBytes) throw new Error(`it is larger than ${LIMITS.fileBytes} bytes`);
    if (new Set(content).size < LIMITS.distinctBytes) throw new Error('its bytes are not random');
    return createHash('sha384').update(content).digest();
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const why = code === 'ENOENT' ? 'it does not exist' : code === 'EACCES' ? 'this account may not read it' : message;
    throw new AutodiscoverError('certificate', `reading the ticket key ${file}: ${why}`, { cause: error });
  } finally {
    await handle?.close();
  }
}
