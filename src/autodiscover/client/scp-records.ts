// Turns the service connection points of an organisation's snapshot into what scp-lookup.ts chooses from.
import type { ServiceConnectionPoint } from '../../ldap/exchange-organization.ts';
import type { ScpRecords } from './scp-lookup.ts';

/** Sorts SCPs into URLs and pointers. One without serviceBindingInformation says nothing and is left out. [MS-OXDISCO] 3.1.5.1 serviceConnectionPoint */
export function scpRecords(points: readonly ServiceConnectionPoint[], site: string | undefined): ScpRecords {
  const present = points.flatMap(({ bindingInformation, ...rest }) =>
    bindingInformation ? [{ ...rest, bindingInformation }] : [],
  );
  return {
    urls: present
      .filter((point) => point.kind === 'url')
      .map((point) => ({
        url: point.bindingInformation,
        sites: keywordValues(point.keywords, 'Site'),
        distinguishedName: point.distinguishedName,
        ...createdAt(point.whenCreated),
      })),
    pointers: present
      .filter((point) => point.kind === 'pointer')
      .map((point) => ({
        ldapUrl: point.bindingInformation,
        domains: keywordValues(point.keywords, 'Domain'),
        distinguishedName: point.distinguishedName,
      })),
    site,
  };
}

function keywordValues(keywords: readonly string[], name: string): readonly string[] {
  const prefix = `${name.toLowerCase()}=`;
  return keywords
    .filter((keyword) => keyword.toLowerCase().startsWith(prefix))
    .map((keyword) => keyword.slice(prefix.length).trim())
    .filter((value) => value !== '');
}

/** GeneralizedTime as Active Directory writes it, `20100305101500.0Z`. */
function createdAt(text: string | undefined): { readonly createdAt?: Date } {
  const parts = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(?:\.\d+)?Z$/.exec(text ?? '');
  if (parts === null) return {};
  const [, year, month, day, hour, minute, second] = parts.map(Number);
  return { createdAt: new Date(Date.UTC(year ?? 0, (month ?? 1) - 1, day, hour, minute, second)) };
}
