// Certificates in a file as administrators put them together: in any order, with more than is needed, cut off. What a client is shown
// begins with the certificate of the key, and each further one signs the one before it (RFC 5246 7.4.2): some clients insist on that.

import { type KeyObject, X509Certificate } from 'node:crypto';

const BLOCK = /-----BEGIN (?:TRUSTED )?CERTIFICATE-----[\s\S]*?-----END (?:TRUSTED )?CERTIFICATE-----/g;
const BEGIN = /-----BEGIN (?:TRUSTED )?CERTIFICATE-----/g;

/** The certificates of a PEM text as PEM texts, in its order. Throws an Error when there is none, or the text ends within one. */
export function certificatesIn(text: string): string[] {
  const begun = text.match(BEGIN)?.length ?? 0;
  if (begun === 0) throw new Error('it holds no PEM certificate');
  const blocks = text.match(BLOCK) ?? [];
  if (blocks.length < begun) throw new Error('it ends within a certificate: is it still being written?');
  return blocks.map((block) => `${block}\n`);
}

/**
 * The certificate of `key` first, its issuers behind it as far as they are there, then what is left, in the order given, each once. Empty when none
 * belongs to the key. Throws an Error that says which certificate cannot be read.
 */
export function orderedChain(pems: readonly string[], key: KeyObject): string[] {
  const left = [...new Set(pems)].map((pem, at) => ({ pem, certificate: readCertificate(pem, at) }));
  const chain: typeof left = [];
  let next = left.findIndex(({ certificate }) => certificate.checkPrivateKey(key));
  while (next >= 0) {
    const [taken] = left.splice(next, 1);
    if (!taken) break;
    chain.push(taken);
    next = left.findIndex(({ certificate }) => taken.certificate.checkIssued(certificate));
  }
  return chain.length === 0 ? [] : [...chain, ...left].map(({ pem }) => pem);
}

function readCertificate(pem: string, at: number): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch (error) {
    throw new Error(`certificate ${at + 1} in it cannot be read: ${(error as Error).message}`, { cause: error });
  }
}
