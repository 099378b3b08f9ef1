// AlternativeMailbox elements: archives and auto-mapped shared mailboxes. SOAP says "Alternate", POX says "Alternative".
import type { AlternateMailbox } from '../settings/user-settings.ts';
import { childText, findChild, findChildren, type XmlElement } from './xml.ts';
import { leaf, optionalLeaf, parent, type XmlOutput } from './xml-writer.ts';

// [MS-OXDSCLI] 2.2.4.1.1.2.5 AlternativeMailbox
export function renderAlternativeMailbox(mailbox: AlternateMailbox): XmlOutput {
  return parent('AlternativeMailbox', mailboxChildren(mailbox));
}

/** The children that POX's AlternativeMailbox and SOAP's AlternateMailbox share. */
export function mailboxChildren(mailbox: AlternateMailbox): readonly (XmlOutput | undefined)[] {
  return [
    leaf('Type', mailbox.type),
    // [MS-OXDSCLI] 2.2.4.1.1.2.5.1 DisplayName: required, so an empty one is printed too.
    leaf('DisplayName', mailbox.displayName),
    optionalLeaf('LegacyDN', mailbox.legacyDn),
    optionalLeaf('Server', mailbox.server),
    optionalLeaf('SmtpAddress', mailbox.smtpAddress),
    optionalLeaf('OwnerSmtpAddress', mailbox.ownerSmtpAddress),
  ];
}

/** Reads all of an account's alternative mailboxes. */
export function readAlternativeMailboxes(account: XmlElement): readonly AlternateMailbox[] {
  return findChildren(account, 'AlternativeMailbox').flatMap(readMailbox);
}

/**
 * Reads the children that POX's AlternativeMailbox and SOAP's AlternateMailbox share. Types this project does not know
 * (`TeamMailbox` of Exchange 2013) are passed over; legacyDn and server are '' where a newer Exchange leaves them out.
 */
export function readMailbox(element: XmlElement): readonly AlternateMailbox[] {
  const type = childText(element, 'Type');
  if (type !== 'Archive' && type !== 'Delegate') return [];
  const owner = childText(element, 'OwnerSmtpAddress');
  return [
    {
      type,
      displayName: findChild(element, 'DisplayName')?.text ?? '',
      legacyDn: childText(element, 'LegacyDN') ?? '',
      server: childText(element, 'Server') ?? '',
      smtpAddress: childText(element, 'SmtpAddress'),
      ...(owner ? { ownerSmtpAddress: owner } : {}),
    },
  ];
}
