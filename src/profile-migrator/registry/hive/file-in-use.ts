// Whether another process holds a lock or a lease on a hive file. Windows refuses to open a loaded hive at all; Linux tells through
// /proc/locks, where a file server that passes its clients' locks on (Samba with kernel oplocks) shows up too.
import { readFile } from 'node:fs/promises';
import { RegistryError } from '../../errors.ts';
import type { FileIdentity } from './read-hive-file.ts';

/** @throws RegistryError `hive-in-use` naming the process. Says nothing where the system does not tell. */
export async function requireNotLocked(path: string, identity: FileIdentity): Promise<void> {
  let table: string;
  try {
    table = await readFile('/proc/locks', 'latin1');
  } catch {
    return;
  }
  const holder = findLock(table, identity);
  if (holder !== undefined && holder !== process.pid) {
    throw new RegistryError(
      'hive-in-use',
      `${path} is locked by process ${holder}: its user is logged on, or a program works on it`,
    );
  }
}

/** The process id of the first lock on the file. Lines read `1: FLOCK ADVISORY WRITE 4711 fd:01:131090 0 EOF`, device in hex. */
export function findLock(table: string, identity: FileIdentity): number | undefined {
  for (const line of table.split('\n')) {
    const match = /^\d+: +(?:-> +)?\S+ +\S+ +\S+ +(-?\d+) +([0-9a-f]+):([0-9a-f]+):(\d+) /.exec(line);
    if (match === null) continue;
    const [, pid, major, minor, inode] = match;
    if (BigInt(inode ?? 0) !== identity.inode) continue;
    const device = (BigInt(`0x${major}`) << 32n) | BigInt(`0x${minor}`);
    if (device === splitDevice(identity.device)) return Number(pid);
  }
  return undefined;
}

/** Major number in the high half, minor in the low one, from the 64-bit form that stat gives on Linux. */
function splitDevice(device: bigint): bigint {
  const major = ((device >> 8n) & 0xfffn) | ((device >> 32n) & 0xfffff000n);
  const minor = (device & 0xffn) | ((device >> 12n) & 0xffffff00n);
  return (major << 32n) | minor;
}
