// What a request asks for (RFC 9112 3.2). Clients send paths; the whole URL is what clients of a proxy send, and every server must take it.

/**
 * Path and query of a target: of a path itself, of an http or https URL what stands behind its authority, `*` where OPTIONS asks for it.
 * Undefined for everything else. Nothing is decoded, and the authority counts for nothing; it must only be one.
 */
export function originForm(method: string, target: string): string | undefined {
  if (target.startsWith('/')) return target;
  if (target === '*') return method === 'OPTIONS' ? target : undefined;
  const end = /^https?:\/\/[^/?#]+/i.exec(target)?.[0].length;
  if (end === undefined || !URL.canParse(target)) return undefined;
  const behind = target.slice(end);
  return behind.startsWith('/') ? behind : `/${behind}`;
}
