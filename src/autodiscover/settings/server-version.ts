// Exchange's 32-bit version number: 4 bits 0111, 6 bits major, 6 bits minor, 1 bit set, 15 bits build. POX prints it as hex, SOAP
// as dotted decimals. The directory's versionNumber attribute is the same number.

/** Major, minor and build of a version; the fourth, the revision, is not part of the number. */
export interface ServerVersion {
  readonly major: number;
  readonly minor: number;
  readonly build: number;
}

/** Eight upper-case hex digits, `7383807B` for 14.3.123. [MS-OXDSCLI] 2.2.4.1.1.2.6 Protocol */
export function serverVersionHex(versionNumber: number): string {
  return (versionNumber >>> 0).toString(16).toUpperCase().padStart(8, '0');
}

/** Reads eight hex digits; undefined for anything else, such as the dotted form some servers print. */
export function parseServerVersionHex(text: string): number | undefined {
  return /^[0-9a-fA-F]{8}$/.test(text) ? Number.parseInt(text, 16) : undefined;
}

/** The parts of a version number. */
export function decodeVersionNumber(versionNumber: number): ServerVersion {
  return { major: (versionNumber >>> 22) & 0x3f, minor: (versionNumber >>> 16) & 0x3f, build: versionNumber & 0x7fff };
}

/** The version number of 14.3.123 and its like. */
export function encodeVersionNumber({ major, minor, build }: ServerVersion): number {
  return (0x70008000 | ((major & 0x3f) << 22) | ((minor & 0x3f) << 16) | (build & 0x7fff)) >>> 0;
}

/**
 * The `CasVersion` setting: dotted, zero padded 2.2.4.3 digits, `14.03.0123.000`. The revision is not in the version number, and
 * zero unless given.
 */
export function casVersion(versionNumber: number, revision = 0): string {
  const { major, minor, build } = decodeVersionNumber(versionNumber);
  const digits = (value: number, width: number): string => String(value).padStart(width, '0');
  return `${digits(major, 2)}.${digits(minor, 2)}.${digits(build, 4)}.${digits(revision, 3)}`;
}

/** Reads a `CasVersion`, padded or not; undefined for anything else. */
export function parseCasVersion(text: string): (ServerVersion & { readonly revision: number }) | undefined {
  const match = text.match(/^(\d{1,3})\.(\d{1,3})\.(\d{1,5})\.(\d{1,5})$/);
  if (!match) return undefined;
  const [major, minor, build, revision] = match.slice(1).map(Number) as [number, number, number, number];
  return { major, minor, build, revision };
}
