// Requests arrive with international domains as A-labels; what an administrator typed into the directory may be U-labels.
import { domainToUnicode } from 'node:url';

/** A host name of ASCII letters without an A-label has no other spelling. */
const ORDINARY = /@(?!.*xn--)[a-z0-9.-]*\.[a-z][a-z0-9-]*$/i;

/** The spellings a directory may hold an address under: as given, and with the U-labels of its domain where they differ. */
export function addressSpellings(address: string): readonly [string, ...string[]] {
  if (ORDINARY.test(address)) return [address];
  const at = address.lastIndexOf('@');
  const unicode = domainToUnicode(address.slice(at + 1));
  const other = `${address.slice(0, at)}@${unicode}`;
  return at < 0 || unicode === '' || other.toLowerCase() === address.toLowerCase() ? [address] : [address, other];
}
