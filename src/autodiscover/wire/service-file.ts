// The file at the end of a service's path, which tells the dialect it speaks.

export const SERVICE_FILES = { pox: 'autodiscover.xml', soap: 'autodiscover.svc' } as const;

/**
 * The same service's URL in a dialect: records and redirections name the `.xml` even for clients that speak SOAP. A path that ends in
 * neither file stays as it is.
 * EWS Managed API: posts to a redirection's target as it stands, a SOAP envelope to an `.xml` too.
 */
export function inDialect(url: URL, dialect: keyof typeof SERVICE_FILES): URL {
  const changed = new URL(url);
  changed.pathname = url.pathname.replace(/\/autodiscover\.(?:xml|svc)\/?$/i, `/${SERVICE_FILES[dialect]}`);
  return changed;
}
