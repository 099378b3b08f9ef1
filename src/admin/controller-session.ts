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
    return {
      writer,
      index: new OrganizationIndex(await readOrganization((request) => writer.search(request), account)),
    };
  } catch (error) {
    writer.close();
    throw error;
  }
}
