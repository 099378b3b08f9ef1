// Every parser that reads bytes from outside, with what it may answer: a value, or an error of the class and code it promises.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { compareHaproxy } from '../../src/admin/balancer/compare-haproxy.ts';
import { BalancerError } from '../../src/admin/balancer/errors.ts';
import { parseHaproxy } from '../../src/admin/balancer/haproxy-lines.ts';
import { readProxies } from '../../src/admin/balancer/haproxy-proxies.ts';
import { parseKeytab } from '../../src/admin/doctor/keytab.ts';
import { parseChallenges } from '../../src/autodiscover/client/challenges.ts';
import { EMSMDB } from '../../src/autodiscover/client/endpoint-mapper.ts';
import { parseEptMapResponse } from '../../src/autodiscover/client/ept-map.ts';
import { parsePdu, pduLength } from '../../src/autodiscover/client/rpc-pdu.ts';
import { readSavedResponse } from '../../src/autodiscover/client/saved-response.ts';
import { parseConfig } from '../../src/autodiscover/config.ts';
import { AutodiscoverError } from '../../src/autodiscover/errors.ts';
import { parseBasic } from '../../src/autodiscover/server/authentication/basic.ts';
import { countedAddress } from '../../src/autodiscover/server/authentication/client-network.ts';
import { countedName } from '../../src/autodiscover/server/authentication/counted-name.ts';
import { claimedName } from '../../src/autodiscover/server/authentication/ntlm-name.ts';
import { clientBehind } from '../../src/autodiscover/server/forwarded.ts';
import { parseProxyHeader } from '../../src/autodiscover/server/proxy-header.ts';
import { normalizeAddress } from '../../src/autodiscover/wire/address.ts';
import { answerJsonRequest, parseJsonRequest, parseJsonResponse } from '../../src/autodiscover/wire/json-redirect.ts';
import { parseMobileSyncResponse } from '../../src/autodiscover/wire/mobilesync-response.ts';
import { parsePoxRequest } from '../../src/autodiscover/wire/pox-request.ts';
import { parsePoxResponse } from '../../src/autodiscover/wire/pox-response.ts';
import {
  parseDomainSettingsResponse,
  readDomainSettingsRequest,
} from '../../src/autodiscover/wire/soap-domain-settings.ts';
import { parseSoapEnvelope } from '../../src/autodiscover/wire/soap-envelope.ts';
import {
  parseFederationResponse,
  parseOrganizationRelationshipResponse,
  readFederationRequest,
  readOrganizationRelationshipRequest,
} from '../../src/autodiscover/wire/soap-federation.ts';
import { parseUserSettingsResponse, readUserSettingsRequest } from '../../src/autodiscover/wire/soap-user-settings.ts';
import { readUndoFile } from '../../src/ldap/change.ts';
import { parseDn } from '../../src/ldap/distinguished-name.ts';
import { FrameSplitter } from '../../src/ldap/embedded/frame.ts';
import { ProtocolFault } from '../../src/ldap/embedded/protocol-fault.ts';
import { decodeMessage } from '../../src/ldap/embedded/request.ts';
import { DirectoryError } from '../../src/ldap/errors.ts';
import { parseLdif, parseLdifChanges } from '../../src/ldap/ldif.ts';
import { RegistryError, UsageError } from '../../src/profile-migrator/errors.ts';
import { readStoreEntryId } from '../../src/profile-migrator/mapi/entry-id.ts';
import { readMultiBinary, readMultiString } from '../../src/profile-migrator/mapi/multi-value.ts';
import { splitUids } from '../../src/profile-migrator/mapi/profile-section.ts';
import { parsePolicy } from '../../src/profile-migrator/plan/policy-file.ts';
import { HiveImage } from '../../src/profile-migrator/registry/hive/hive-image.ts';
import { loadKeys } from '../../src/profile-migrator/registry/hive/load-keys.ts';
import { recoverHive } from '../../src/profile-migrator/registry/hive/recover.ts';
import { readRegFile } from '../../src/profile-migrator/registry/reg-file-reader.ts';
import { parseResultLine } from '../../src/profile-migrator/result-line.ts';
import { assertBodyHidesSecret, assertTargetHidesSecret } from '../autodiscover/server/planted-secret.ts';
import { buildHive, nest, sealBaseBlock, string } from '../profile-migrator/registry/hive/hive-builder.ts';

export interface FuzzTarget {
  readonly name: string;
  /** Folder below test/corpus. */
  readonly corpus: string;
  readonly run: (data: Buffer) => unknown;
  /** True for errors that the parser may throw. */
  readonly permits?: (error: unknown) => boolean;
}

const CORPUS = join(import.meta.dirname, '..', 'corpus');

/** The committed inputs of a target, by file name. */
export function corpusOf({ corpus }: FuzzTarget): Map<string, Buffer> {
  const folder = join(CORPUS, corpus);
  const names = readdirSync(folder).filter((name) => name !== 'README.md');
  return new Map(names.map((name) => [name, readFileSync(join(folder, name))]));
}

const registryError = (error: unknown): boolean => error instanceof RegistryError;
const directoryError = (error: unknown): boolean => error instanceof DirectoryError;
const text = (data: Buffer): string => data.toString('utf8');

function soapRequest(data: Buffer): void {
  const message = parseSoapEnvelope(data, undefined);
  if ('soapFault' in message) return;
  readUserSettingsRequest(message.body);
  readDomainSettingsRequest(message.body);
  readFederationRequest(message.body);
  readOrganizationRelationshipRequest(message.body);
}

/** What a client may claim the encoding of its XML to be; the last byte of an input chooses. */
const CONTENT_TYPES = ['utf-8', 'utf-16', 'utf-16be', 'iso-8859-1', 'windows-1252', 'utf-7', '"'].map(
  (charset) => `text/xml; charset=${charset}`,
);

/** Fuzzed bytes would stop at the checksum of the base block. */
function sealed(data: Buffer): Buffer {
  const copy = Buffer.from(data);
  if (copy.length >= 512) sealBaseBlock(copy);
  return copy;
}

const DIRTY_HIVE = buildHive({
  primarySequence: 11,
  secondarySequence: 10,
  root: { name: 'ROOT', keys: [nest('Software\\Test', { values: [string('server', 'old')] })] },
});

function hiveLog(data: Buffer): void {
  const { bytes } = recoverHive(DIRTY_HIVE, [{ name: 'LOG1', bytes: sealed(data) }]);
  loadKeys(new HiveImage(bytes), ['']);
}

function mapiValue(data: Buffer): void {
  for (const unit of [1, 2] as const) readMultiString(data, unit);
  readMultiBinary(data);
  readStoreEntryId(data);
  splitUids(data);
}

function frames(data: Buffer): void {
  const splitter = new FrameSplitter();
  // In two pieces, because the network cuts where it likes.
  for (const piece of [data.subarray(0, data.length >> 1), data.subarray(data.length >> 1)]) {
    splitter.push(piece);
    for (let frame = splitter.next(); frame; frame = splitter.next()) decodeMessage(frame);
  }
}

function haproxy(data: Buffer): void {
  const members = ['1', '2'].map((at) => ({ name: `cas${at}`, fqdn: `10.1.0.1${at}` }));
  const wanted = { array: '10.1.0.10', members, ports: { rpcPort: 59_531, addressBookPort: 59_532 } };
  compareHaproxy(readProxies(parseHaproxy(text(data))), wanted, (host) => [host]);
}

export const TARGETS: readonly FuzzTarget[] = [
  { name: 'keytab', corpus: 'keytab', run: parseKeytab, permits: (error) => error instanceof RangeError },
  { name: 'pox-request', corpus: 'pox', run: (data) => parsePoxRequest(data) },
  {
    name: 'pox-request-encoded',
    corpus: 'pox',
    run: (data) => parsePoxRequest(data, CONTENT_TYPES[(data.at(-1) ?? 0) % CONTENT_TYPES.length]),
  },
  { name: 'pox-response', corpus: 'pox', run: (data) => parsePoxResponse(data) },
  { name: 'mobilesync-response', corpus: 'pox', run: (data) => parseMobileSyncResponse(data) },
  { name: 'soap-request', corpus: 'soap', run: soapRequest },
  { name: 'soap-response', corpus: 'soap', run: (data) => parseUserSettingsResponse(data) },
  { name: 'saved-response', corpus: 'pox', run: (data) => readSavedResponse(data) },
  { name: 'domain-response', corpus: 'soap', run: (data) => parseDomainSettingsResponse(data) },
  {
    name: 'federation-response',
    corpus: 'soap',
    run: (data) => [parseFederationResponse(data), parseOrganizationRelationshipResponse(data)],
  },
  {
    name: 'json-request',
    corpus: 'json-request',
    run: (data) =>
      answerJsonRequest(parseJsonRequest(text(data)), {
        AutodiscoverV1: 'https://a.test/',
        Ews: undefined,
        ActiveSync: undefined,
      }),
  },
  { name: 'json-response', corpus: 'json-response', run: (data) => parseJsonResponse(text(data)) },
  { name: 'address', corpus: 'names', run: (data) => normalizeAddress(text(data)) },
  { name: 'counted-names', corpus: 'names', run: (data) => [countedName(text(data)), countedAddress(text(data))] },
  { name: 'basic', corpus: 'basic', run: (data) => parseBasic(data.toString('latin1')) },
  { name: 'basic-bytes', corpus: 'names', run: (data) => parseBasic(data.toString('base64')) },
  { name: 'ntlm-name', corpus: 'ntlm', run: (data) => claimedName(data) },
  { name: 'challenges', corpus: 'challenges', run: (data) => parseChallenges(text(data).split('\n')) },
  {
    name: 'dce-rpc',
    corpus: 'dce-rpc',
    run: (data) => typeof pduLength(data) === 'number' && data.length >= 16 && parsePdu(data, 1),
  },
  {
    name: 'endpoint-map',
    corpus: 'ept-map',
    run: (data) => [true, false].map((littleEndian) => parseEptMapResponse(data, littleEndian, EMSMDB)),
  },
  { name: 'proxy-header', corpus: 'proxy', run: (data) => parseProxyHeader(data) },
  {
    name: 'forwarded',
    corpus: 'forwarded',
    run: (data) =>
      (['x-forwarded-for', 'forwarded'] as const).map((header) =>
        clientBehind('192.0.2.9', header, text(data), (address) => address.startsWith('192.0.2.')),
      ),
  },
  { name: 'log-of-body', corpus: 'soap', run: assertBodyHidesSecret },
  { name: 'log-of-target', corpus: 'json-request', run: (data) => assertTargetHidesSecret(text(data)) },
  { name: 'ldif', corpus: 'ldif', run: (data) => parseLdif(data), permits: directoryError },
  { name: 'ldif-changes', corpus: 'ldif', run: (data) => parseLdifChanges(data), permits: directoryError },
  { name: 'distinguished-name', corpus: 'names', run: (data) => parseDn(text(data)), permits: directoryError },
  { name: 'ldap-ber', corpus: 'ldap', run: frames, permits: (error) => error instanceof ProtocolFault },
  {
    name: 'configuration',
    corpus: 'configuration',
    run: (data) => parseConfig(text(data), 'fuzz.yaml'),
    permits: (error) => error instanceof AutodiscoverError && error.code === 'configuration',
  },
  {
    name: 'haproxy',
    corpus: 'haproxy',
    run: haproxy,
    permits: (error) => error instanceof BalancerError && error.code === 'configuration',
  },
  { name: 'undo-file', corpus: 'undo', run: (data) => readUndoFile(text(data)), permits: directoryError },
  { name: 'registry-file', corpus: 'reg', run: (data) => readRegFile(data, 'fuzz.reg'), permits: registryError },
  {
    name: 'hive',
    corpus: 'hive',
    run: (data) => loadKeys(new HiveImage(sealed(data)), ['']),
    permits: registryError,
  },
  { name: 'hive-log', corpus: 'hive-log', run: hiveLog, permits: registryError },
  { name: 'profile-value', corpus: 'mapi', run: mapiValue },
  {
    name: 'migration-policy',
    corpus: 'policy',
    run: (data) => parsePolicy(text(data), 'fuzz.json'),
    permits: (error) => error instanceof UsageError,
  },
  {
    name: 'result-line',
    corpus: 'result-line',
    run: (data) => parseResultLine(text(data), 'line 1'),
    permits: registryError,
  },
];
