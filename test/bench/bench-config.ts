// Configurations of the measured service. Keys that this version does not have yet or any more are left out, so that versions can be
// compared with one bench.

import { configSchema } from '../../src/autodiscover/config-schema.ts';
import type { BenchFiles } from './workshop.ts';

/** What the service may remember: what it does unless told otherwise, everything for long, only credentials, or nothing. */
export type Remembering = 'default' | 'all' | 'credentials' | 'nothing';

type Section = Readonly<Record<string, unknown>>;
export type Sections = Readonly<Record<string, Section>>;

/** Long enough for nothing to run out while it is measured. */
const LONG_SECONDS = 3600;
const REMEMBERING: Readonly<Record<Remembering, Sections>> = {
  default: {},
  all: {
    authentication: { cacheSeconds: LONG_SECONDS },
    directory: { recipientSeconds: LONG_SECONDS, unknownRecipientSeconds: LONG_SECONDS },
  },
  credentials: {
    authentication: { cacheSeconds: LONG_SECONDS },
    directory: { recipientSeconds: 0, unknownRecipientSeconds: 0 },
  },
  nothing: {
    authentication: { cacheSeconds: 0, rejectedCacheSeconds: 0 },
    directory: { recipientSeconds: 0, unknownRecipientSeconds: 0 },
  },
};

/** The configuration of a service in one process on a free port. */
export function benchConfig(
  files: BenchFiles,
  directoryUrl: string,
  remembering: Remembering,
  more: Sections = {},
): unknown {
  const { certificateFile, keyFile } = files;
  const base = {
    directory: {
      servers: [directoryUrl],
      bindDn: 'CN=svc-autodiscover,OU=Service Accounts,DC=contoso,DC=test',
      passwordFile: 'unused',
      allowPlainText: true,
      // The read of the organisation once a minute would fall into some rounds and not into others.
      refreshSeconds: LONG_SECONDS,
    },
    listen: { https: '127.0.0.1:0' },
    publicUrl: 'https://localhost',
    tls: { certificates: [{ certificateFile, keyFile }] },
  };
  const wanted = [{ listen: { workers: 1 } }, REMEMBERING[remembering], more];
  return wanted.reduce(withSupported, base);
}

/** True when this version's configuration has the key. */
export function isSupported(section: string, key: string, value: unknown): boolean {
  return hasKey(MINIMAL, section, key, value);
}

const MINIMAL: Sections & { publicUrl: unknown } = {
  directory: { servers: ['ldaps://dc1.contoso.test'], bindDn: 'x', passwordFile: 'x' },
  tls: { certificates: [{ pfxFile: 'x' }] },
  publicUrl: 'https://localhost' as never,
};

function hasKey(base: object, section: string, key: string, value: unknown): boolean {
  const changed = { ...base, [section]: { ...(base as Sections)[section], [key]: value } };
  return configSchema.safeParse(changed).success;
}

function withSupported(base: object, wanted: Sections): object {
  let config = base;
  for (const [section, values] of Object.entries(wanted)) {
    for (const [key, value] of Object.entries(values)) {
      if (!hasKey(config, section, key, value)) continue;
      config = { ...config, [section]: { ...(config as Sections)[section], [key]: value } };
    }
  }
  return config;
}
