// Recipients that no client can be served from. Pure; the remedies are Exchange's own commands, because mailboxes are its business.

import type { RecipientFaults } from '../../ldap/recipient-scan.ts';
import { type Finding, finding } from './finding.ts';

export function recipientFindings(faults: RecipientFaults): readonly Finding[] {
  return [
    ...faults.unknownDatabase.map(({ distinguishedName, homeMdb }) =>
      finding('mailbox-database-unknown', {
        object: distinguishedName,
        what: `homeMDB names ${homeMdb}, which is no mailbox database`,
        why: 'Autodiscover can only answer with an error: the mailbox opens nowhere',
        remedy: `Disable-Mailbox ${quoted(distinguishedName)}, then Connect-Mailbox or Enable-Mailbox it in an existing database (Exchange Management Shell)`,
      }),
    ),
    ...faults.lostDatabase.map((distinguishedName) =>
      finding('mailbox-database-lost', {
        object: distinguishedName,
        what: 'has msExchHomeServerName, but no homeMDB',
        why: 'the account looks like a mailbox that lost its database: Autodiscover can only answer with an error',
        remedy: `Connect-Mailbox to ${quoted(distinguishedName)}, or Disable-Mailbox it when there is no mailbox any more (Exchange Management Shell)`,
      }),
    ),
    ...faults.duplicateAddresses.map(({ address, distinguishedNames }) =>
      finding('address-duplicate', {
        object: distinguishedNames.join(' | '),
        what: `${distinguishedNames.length} objects have the address ${address}`,
        why: 'whose mailbox is meant cannot be told: none of them is answered by this address, and mail to it bounces',
        remedy: `Set-Mailbox ${quoted(distinguishedNames.at(-1) ?? '')} -EmailAddresses @{Remove=${quoted(address)}} on all but the rightful owner (Exchange Management Shell)`,
      }),
    ),
    ...faults.selfForwarding.map((distinguishedName) =>
      finding('forwarding-to-itself', {
        object: distinguishedName,
        what: 'targetAddress is its only address',
        why: 'clients would be sent from this address to itself for ever; they get an error instead',
        remedy: `Set-MailContact or Set-MailUser ${quoted(distinguishedName)} -ExternalEmailAddress with the address it is to lead to (Exchange Management Shell)`,
      }),
    ),
  ];
}

/** As PowerShell quotes. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
