// PFX (PKCS #12) files. node:tls reads current ones itself; node-forge opens what OpenSSL 3 refuses (RC2-40, 3DES), and tells the dates
// and names of all.

import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import forge from 'node-forge';

export interface PemPair {
  /** The certificate of the key first, then its chain. */
  readonly certificate: string;
  readonly key: string;
}

export type OpenedPfx =
  /** node:tls reads the file itself. `certificate` is for its dates and names; undefined when only node:tls could open the file. */
  { readonly by: 'node'; readonly certificate: string | undefined } | { readonly by: 'forge'; readonly pair: PemPair };

/** Opens a PFX file. Throws an Error that says what is wrong: passphrase, format, missing key. */
export function openPfx(pfx: Buffer, passphrase: string | undefined): OpenedPfx {
  const refusal = refusalOfNode(pfx, passphrase);
  if (refusal === undefined) return { by: 'node', certificate: certificateIn(pfx, passphrase) };
  if (/mac verify failure/i.test(refusal)) throw new Error('the passphrase is wrong');
  return { by: 'forge', pair: readPair(pfx, passphrase) };
}

function refusalOfNode(pfx: Buffer, passphrase: string | undefined): string | undefined {
  try {
    createSecureContext({ pfx, ...(passphrase === undefined ? {} : { passphrase }) });
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

function certificateIn(pfx: Buffer, passphrase: string | undefined): string | undefined {
  try {
    return readPair(pfx, passphrase).certificate;
  } catch {
    return undefined;
  }
}

function readPair(pfx: Buffer, passphrase: string | undefined): PemPair {
  const bags = readBags(pfx, passphrase ?? '');
  const key = bags.keys[0];
  if (!key) throw new Error('it holds no private key');
  const [own, ...others] = orderedChain(bags.certificates, key);
  if (!own) throw new Error('it holds no certificate of its private key');
  return { certificate: [own, ...others].join(''), key };
}

function readBags(pfx: Buffer, passphrase: string): { readonly keys: string[]; readonly certificates: string[] } {
  const asn1 = readDer(pfx);
  const p12 = forge.pkcs12.pkcs12FromAsn1(asn1, false, passphrase);
  const { pkcs8ShroudedKeyBag, keyBag, certBag } = forge.pki.oids;
  const bagsOf = (type: string | undefined) => (type === undefined ? [] : (p12.getBags({ bagType: type })[type] ?? []));
  const keys = [...bagsOf(pkcs8ShroudedKeyBag), ...bagsOf(keyBag)].map((bag) => {
    // A key that node-forge cannot use itself (ECDSA) is left as its PKCS #8 structure.
    const structure = bag.key ? forge.pki.wrapRsaPrivateKey(forge.pki.privateKeyToAsn1(bag.key)) : bag.asn1;
    return pemOf('PRIVATE KEY', structure);
  });
  const certificates = bagsOf(certBag).map((bag) =>
    bag.cert ? forge.pki.certificateToPem(bag.cert) : pemOf('CERTIFICATE', bag.asn1),
  );
  return { keys, certificates };
}

function readDer(pfx: Buffer): forge.asn1.Asn1 {
  try {
    return forge.asn1.fromDer(forge.util.createBuffer(pfx.toString('binary')));
  } catch (error) {
    throw new Error(`it is no PFX file (${(error as Error).message})`, { cause: error });
  }
}

function pemOf(label: string, asn1: forge.asn1.Asn1): string {
  const der = Buffer.from(forge.asn1.toDer(asn1).getBytes(), 'binary');
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}

/** The key's own certificate first, the others in the file's order. */
function orderedChain(certificates: readonly string[], key: string): string[] {
  const privateKey = createPrivateKey(key);
  const own = certificates.findIndex((pem) => isCertificateOf(pem, privateKey));
  if (own < 0) return [];
  return [certificates[own] ?? '', ...certificates.filter((_, at) => at !== own)];
}

function isCertificateOf(pem: string, key: KeyObject): boolean {
  return new X509Certificate(pem).checkPrivateKey(key);
}
