// PFX (PKCS #12) files. node-forge opens them, also those that OpenSSL 3 refuses (RC2-40, 3DES); what it cannot read itself node:tls may.

import { createPrivateKey } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import forge from 'node-forge';
import { orderedChain } from './certificate-chain.ts';

export interface PemPair {
  /** The certificate of the key first, then its chain. */
  readonly certificate: string;
  readonly key: string;
}

/**
 * What a PFX file holds; undefined when only node:tls can read it. Throws an Error that says what is wrong: passphrase, format, missing
 * key.
 */
export function openPfx(pfx: Buffer, passphrase: string | undefined): PemPair | undefined {
  const refusal = refusalOfNode(pfx, passphrase);
  if (refusal !== undefined && /mac verify failure/i.test(refusal)) throw new Error(refusal);
  try {
    return readPair(pfx, passphrase);
  } catch (error) {
    if (refusal === undefined) return undefined;
    throw error;
  }
}

function refusalOfNode(pfx: Buffer, passphrase: string | undefined): string | undefined {
  try {
    createSecureContext({ pfx, ...(passphrase === undefined ? {} : { passphrase }) });
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

function readPair(pfx: Buffer, passphrase: string | undefined): PemPair {
  const bags = readBags(pfx, passphrase ?? '');
  const key = bags.keys[0];
  if (!key) throw new Error('it holds no private key');
  const [own, ...others] = orderedChain(bags.certificates, createPrivateKey(key));
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
