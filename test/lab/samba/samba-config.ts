// The configuration files of a lab controller and of its Kerberos clients, as text.
import { join } from 'node:path';
import type { Domain } from './directory-plan.ts';

/** Where a controller keeps its things: everything below `root/<name>`. */
export type ControllerPlace = {
  /** The lab's folder; holds `tls/` and one folder per controller. */
  readonly root: string;
  /** NetBIOS name in upper case: DC1. */
  readonly name: string;
  readonly address: string;
};

/** Folders below the controller's own that Samba expects to exist. */
export const CONTROLLER_FOLDERS = [
  'etc',
  'private',
  'state',
  'cache',
  'lock',
  'run',
  'ncalrpc',
  'winbindd',
  'log',
  'bind-dns',
];

export function controllerFolder({ root, name }: ControllerPlace): string {
  return join(root, name.toLowerCase());
}

/** smb.conf of a controller that serves LDAP, Kerberos, DNS, RPC and winbind on one loopback address and nothing else. */
export function smbConf(place: ControllerPlace, domain: Domain): string {
  const own = controllerFolder(place);
  const tls = join(place.root, 'tls');
  return `[global]
	netbios name = ${place.name}
	workgroup = ${domain.netbiosName}
	realm = ${domain.realm}
	server role = active directory domain controller
# With a bare address Samba finds no interface and listens nowhere.
	interfaces = ${place.address}/8
	bind interfaces only = yes
# Without file serving, NetBIOS, time signing, topology checks and dynamic DNS it starts faster.
	server services = rpc, ldap, cldap, kdc, drepl, winbindd, dns
# No query leaves the machine.
	dns forwarder =
	private dir = ${join(own, 'private')}
	state directory = ${join(own, 'state')}
	cache directory = ${join(own, 'cache')}
	lock directory = ${join(own, 'lock')}
	pid directory = ${join(own, 'run')}
	ncalrpc dir = ${join(own, 'ncalrpc')}
	winbindd socket directory = ${join(own, 'winbindd')}
	binddns dir = ${join(own, 'bind-dns')}
	log file = ${join(own, 'log', 'log.samba')}
	tls cafile = ${join(tls, 'ca.pem')}
	tls certfile = ${join(tls, `${place.name}.pem`)}
	tls keyfile = ${join(tls, `${place.name}.key`)}
	dsdb:schema update allowed = yes
	disable spoolss = yes
	load printers = no
# File permissions of sysvol go to a database, for file systems without extended attributes.
	vfs objects = dfs_samba4, acl_xattr, xattr_tdb
	xattr_tdb:file = ${join(own, 'state', 'xattr.tdb')}
[sysvol]
	path = ${join(own, 'state', 'sysvol')}
	read only = no
[netlogon]
	path = ${join(own, 'state', 'sysvol', domain.dnsName, 'scripts')}
	read only = no
`;
}

/** krb5.conf that asks the given controllers only, in order, and looks nothing up in DNS. */
export function krb5Conf(domain: Domain, addresses: readonly string[]): string {
  return `[libdefaults]
	default_realm = ${domain.realm}
	dns_lookup_kdc = false
	dns_lookup_realm = false
	dns_canonicalize_hostname = false
	rdns = false
[realms]
	${domain.realm} = {
${addresses.map((address) => `		kdc = ${address}`).join('\n')}
	}
[domain_realm]
	${domain.dnsName} = ${domain.realm}
	.${domain.dnsName} = ${domain.realm}
`;
}
