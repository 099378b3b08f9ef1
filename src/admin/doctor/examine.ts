// The whole examination: the directory's objects first, then what the network shows of them, probes side by side.

import type { HttpOutcome } from '../../autodiscover/client/http-client.ts';
import type { Directory } from '../../ldap/directory.ts';
import { inParallel } from '../probe/in-parallel.ts';
import type { RpcProbe } from '../probe/rpc-probe.ts';
import { arrayFindings } from './array-findings.ts';
import { controllerFindings } from './controller-findings.ts';
import { databaseFindings } from './database-findings.ts';
import type { Finding } from './finding.ts';
import { kerberosFindings, principalHosts, principalNames, type ServiceIdentity } from './kerberos-findings.ts';
import { recipientFindings } from './recipient-findings.ts';
import { rightsFindings } from './rights-findings.ts';
import { rpcFindings, rpcHosts } from './rpc-findings.ts';
import { scpFindings } from './scp-findings.ts';
import { publishedUrlFindings, publishedUrls, virtualDirectoryFindings } from './web-findings.ts';

export interface ExamineDeps {
  readonly probeRpc: (host: string) => Promise<RpcProbe>;
  readonly probeUrl: (url: URL) => Promise<HttpOutcome>;
  readonly clock: () => Date;
  readonly concurrency: number;
}

export interface ExamineOptions {
  /** Words that lead a suggested command to the same directory. */
  readonly flags: readonly string[];
  /** Leave out what needs every recipient to be read. */
  readonly skipRecipients: boolean;
  /** Leave out what needs the network. */
  readonly skipNetwork: boolean;
  /** The service account, as it is configured. */
  readonly account: string;
  /** Undefined when nothing is known of the service. */
  readonly service: ServiceIdentity | undefined;
}

/** Every finding, by subject: controllers, rights, databases, recipients, arrays, network, SCPs, Kerberos, web. Throws DirectoryError when the directory fails. */
export async function examine(
  directory: Directory,
  options: ExamineOptions,
  deps: ExamineDeps,
): Promise<readonly Finding[]> {
  const index = directory.organization();
  const { flags, account, service } = options;
  const hosts = principalHosts(index, service);
  // By themselves: what else is asked would count in the time that they take.
  const controllers = await directory.checkControllers();
  const [rights, owners, recipients, rpc, web] = await Promise.all([
    directory.accountRights(),
    directory.servicePrincipalOwners(principalNames(hosts)),
    options.skipRecipients ? [] : directory.scanRecipients().then(recipientFindings),
    options.skipNetwork
      ? []
      : inParallel(rpcHosts(index), deps.concurrency, deps.probeRpc).then((probes) =>
          rpcFindings(index, new Map(probes.map((probe) => [probe.host, probe]))),
        ),
    options.skipNetwork
      ? []
      : inParallel(publishedUrls(index, service?.publicUrl), deps.concurrency, async (published) =>
          publishedUrlFindings(published, await deps.probeUrl(published.url), deps.clock()),
        ),
  ]);
  return [
    ...controllerFindings(controllers),
    ...rightsFindings(rights, account, index.organization.distinguishedName),
    ...databaseFindings(index, flags),
    ...recipients,
    ...arrayFindings(index, flags),
    ...rpc,
    ...scpFindings(index, flags),
    ...kerberosFindings(hosts, owners, service),
    ...virtualDirectoryFindings(index),
    ...web.flat(),
  ];
}
