// The SCP step for commands that have a configuration file: the published records, read with the service's own account.
import type { ScpLookup } from '../client/scp-lookup.ts';
import { scpRecords } from '../client/scp-records.ts';
import type { Logger } from '../log.ts';
import { openServiceDirectory, type ServiceSettings } from './service.ts';

/** A lookup that opens the directory when it is first asked, and closes it again. `site` is the Active Directory site to search as. */
export function directoryScpLookup(settings: ServiceSettings, site: string | undefined, log: Logger): ScpLookup {
  return async (ldapUrl) => {
    if (ldapUrl !== undefined)
      throw new Error(`the directory at ${ldapUrl} is another forest's, which this account cannot search`);
    const directory = await openServiceDirectory(settings, log);
    try {
      const index = directory.organization();
      const { serviceConnectionPoints, sites } = index.organization;
      if (site !== undefined && !index.siteNamed(site))
        throw new Error(`no site is called ${site}: there are ${sites.map(({ name }) => name).join(', ')}`);
      return scpRecords(serviceConnectionPoints, site);
    } finally {
      directory.close();
    }
  };
}
