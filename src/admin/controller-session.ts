// One domain controller, one account, and the organisation as that controller knows it: what a change is planned from is read where it
// will be written.

import type { ControllerOptions } from '../ldap/controller.ts';
import { OrganizationIndex } from '../ldap/organization-index.ts';
import { readOrganization } from '../ldap/read-organization.ts';
import { DirectoryWriter } from '../ldap/writer.ts';

export interface ControllerSession {
  readonly writer: DirectoryWriter;
  readonly index: OrganizationIndex;
}

/** Binds and reads. Throws DirectoryError. The caller closes the writer. */
export async function openSession(
  controller: ControllerOptions,
  account: string,
  password: string,
): Promise<ControllerSession> {
  const writer = await DirectoryWriter.open(controller, account, password);
  try {
    return await sessionOf(writer);
  } catch (error) {
    writer.close();
    throw error;
  }
}

/** The same controller as it is now. The connection is a new one: controllers end those that stand idle. Throws DirectoryError. */
export async function openAgain({ writer }: ControllerSession): Promise<ControllerSession> {
  await writer.reconnect();
  return sessionOf(writer);
}

async function sessionOf(writer: DirectoryWriter): Promise<ControllerSession> {
  const organization = await readOrganization((request) => writer.search(request), writer.account);
  return { writer, index: new OrganizationIndex(organization) };
}
