// Wrong passwords under distinct names, each from an address of its own, through the Authenticator, the Basic scheme, the credential cache
// and the guard as the service puts them together: a million with a directory that answers from a table in this process, which is what
// one can wait for, and then many over LDAP with the service's own directory client and the embedded server in a process of its own.
// HTTP and TLS are left out. What is kept of a failure is bounded, so memory must not grow once the bounds are reached: exit code 1 when the
// heap after the second half of either is more than TOLERATED above that after the first, or when a password was not refused as it should be.

import { mkdtempSync, rmSync } from 'node:fs';
import { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { MAX_CREDENTIALS } from '../../src/autodiscover/commands/authentication.ts';
import { Authenticator } from '../../src/autodiscover/server/authentication/authenticator.ts';
import {
  basicScheme,
  type Judgement,
  type PasswordDirectory,
} from '../../src/autodiscover/server/authentication/basic.ts';
import { CredentialCache } from '../../src/autodiscover/server/authentication/credential-cache.ts';
import { LogonGuard } from '../../src/autodiscover/server/authentication/logon-guard.ts';
import { labCertificate } from '../../src/autodiscover/tls/lab-certificate.ts';
import { openDirectory } from '../../src/ldap/directory.ts';
import { controllerAt, directoryOptions } from '../ldap/demo-organization.ts';
import { Child, CORES } from './children.ts';
import type { BenchOptions } from './options.ts';
import { type Column, mebibytes, printHeader, printLine, printRow, printTitle } from './table.ts';
import type { DirectoryReady } from './workshop.ts';

/** Share of the heap after the first half by which it may be larger after the second. */
const TOLERATED = 0.05;
const QUARTERS = 4;
/** Credentials under way at once. */
const TOGETHER = 32;
/** One of so many names is nobody's, where the directory is a table. */
const NOBODY = 5;
/** One of so many names is somebody's, in the directory over LDAP: he fails once. */
const SOMEBODY = 10;
const DAY_MS = 86_400_000;
const COLUMNS: readonly Column[] = [
  { title: 'names', width: 10 },
  { title: 'us/name', width: 10 },
  { title: 'counted', width: 10 },
  { title: 'refused', width: 10 },
  { title: 'heap', width: 10 },
];

interface Spray {
  readonly title: string;
  readonly names: number;
  readonly directory: PasswordDirectory;
  readonly name: (n: number) => string;
  /** Whether somebody has the n-th name. */
  readonly exists: (n: number) => boolean;
}

/** What both sprays are counted and remembered by: the second begins where the first has filled everything. */
interface Memory {
  readonly guard: LogonGuard;
  readonly cache: CredentialCache<Judgement>;
}

export async function run({ quick }: BenchOptions): Promise<unknown> {
  const memory = newMemory();
  const distinguishedName = (n: string) => `CN=${n},OU=Staff,DC=contoso,DC=test`;
  const table: Spray = {
    title: 'Wrong passwords of distinct names; the directory answers from a table',
    names: 1_000_000,
    name: (n) => `name${n}@contoso.test`,
    exists: (n) => n % NOBODY !== 0,
    directory: {
      findAccount: async (name) => {
        const n = name.slice(4, name.indexOf('@'));
        return Number(n) % NOBODY === 0 ? undefined : { distinguishedName: distinguishedName(n) };
      },
      checkPassword: async () => ({ outcome: 'rejected', reason: '52e' }),
    },
  };
  const first = await carryOut(table, memory);
  const second = await overLdap(quick ? 8_000 : 60_000, memory);
  printLine(`The aim: at most ${TOLERATED * 100} % more heap after the second half than after the first.`);
  return { table: first, ldap: second };
}

async function overLdap(names: number, memory: Memory): Promise<unknown> {
  const folder = mkdtempSync(join(tmpdir(), 'autodiscover-spray-'));
  let child: Child<DirectoryReady> | undefined;
  try {
    const program = new URL('./directory-server.ts', import.meta.url);
    const files = await labCertificate(folder, ['127.0.0.1']);
    const users = Math.ceil(names / SOMEBODY);
    child = await Child.start<DirectoryReady>({
      program,
      options: { users, plain: true, ...files },
      core: CORES.around,
    });
    const directory = await openDirectory(directoryOptions([controllerAt(child.ready.ldap ?? '')]));
    const forms = [
      (name: string) => `${name}@contoso.test`,
      (name: string) => `CONTOSO\\${name}`,
      (name: string) => name,
    ];
    const exists = (n: number) => n % SOMEBODY === 0;
    const name = (n: number) => {
      const bare = exists(n) ? `user${n / SOMEBODY}` : `none${n}`;
      return forms[n % forms.length]?.(bare) ?? bare;
    };
    try {
      return await carryOut(
        { title: 'The same over LDAP: a search and a bind each', names, directory, name, exists },
        memory,
      );
    } finally {
      directory.close();
    }
  } finally {
    await child?.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

function newMemory(): Memory {
  const now = () => performance.now();
  const guard = new LogonGuard({
    perName: 5,
    perAddress: 100,
    total: 1_000_000_000,
    windowMs: DAY_MS,
    sharedBy: 1,
    exempt: () => false,
    checks: { running: 64, waiting: 1000, waitMs: 10_000 },
    now,
  });
  guard.useLockoutPolicy({ threshold: 10, observationMs: DAY_MS });
  return {
    guard,
    cache: new CredentialCache({ acceptedMs: 120_000, rejectedMs: DAY_MS, maxEntries: MAX_CREDENTIALS, now }),
  };
}

async function carryOut(spray: Spray, memory: Memory): Promise<unknown> {
  const { title, names, directory } = spray;
  const authenticator = new Authenticator([basicScheme({ directory, realm: 'Autodiscover', ...memory })]);
  const heaps: number[] = [];
  printTitle(title);
  printHeader(COLUMNS);
  printState(0, 0, memory, heapUsed());
  for (let quarter = 1; quarter <= QUARTERS; quarter++) {
    const [from, to] = [((quarter - 1) * names) / QUARTERS, (quarter * names) / QUARTERS];
    const { user } = process.cpuUsage();
    await guess(spray, authenticator, from, to);
    const micros = (process.cpuUsage().user - user) / (to - from);
    const heap = heapUsed();
    heaps.push(heap);
    printState(to, micros, memory, heap);
  }
  const [half = 0, whole = 0] = [heaps[QUARTERS / 2 - 1], heaps[QUARTERS - 1]];
  const grew = whole > half * (1 + TOLERATED);
  printLine(`Heap ${mebibytes(half)} after half, ${mebibytes(whole)} at the end${grew ? ': GREW' : ''}`);
  if (grew) process.exitCode = 1;
  return { names, half, whole };
}

/** Tries the names from one number to another. Throws when one is not refused for what is wrong with it. */
async function guess(spray: Spray, authenticator: Authenticator, from: number, to: number): Promise<void> {
  const socket = new Socket();
  let next = from;
  const client = async () => {
    for (let n = next++; n < to; n = next++) {
      const name = spray.name(n);
      const header = `Basic ${Buffer.from(`${name}:a wrong password`).toString('base64')}`;
      const outcome = await authenticator.authenticate(header, socket, addressOf(n));
      const wanted = spray.exists(n) ? 'wrong-password' : 'no-account';
      if (outcome.outcome !== 'challenge' || outcome.refusal !== wanted)
        throw new Error(`${name}: ${wanted} was expected, and not ${JSON.stringify(outcome)}`);
    }
  };
  await Promise.all(Array.from({ length: TOGETHER }, client));
}

/** A network of its own for each. */
function addressOf(n: number): string {
  return `2001:db8:${(n >> 16).toString(16)}:${(n & 0xffff).toString(16)}::1`;
}

function printState(done: number, micros: number, { guard, cache }: Memory, heap: number): void {
  const { names, accounts, addresses } = guard.sizes;
  const counted = names + accounts + addresses;
  printRow(COLUMNS, [String(done), micros.toFixed(1), String(counted), String(cache.size), mebibytes(heap)]);
}

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** Bytes of the heap that are in use after a full garbage collection. */
function heapUsed(): number {
  collectGarbage();
  return process.memoryUsage().heapUsed;
}
