// A permission given on an object of a running Samba controller, and taken back.

import { execFileSync } from 'node:child_process';
import { dirname, join } from 'node:path';

/** Adds a permission entry (SDDL) to an object of the running controller; the function that is given back restores what was there. */
export function addPermission({ smbConf }: { readonly smbConf: string }, dn: string, ace: string): () => void {
  const database = join(dirname(dirname(smbConf)), 'private', 'sam.ldb');
  // samba-tool's own parser stumbles over these descriptors; its library takes them.
  const script = [
    'import sys',
    'from samba.auth import system_session',
    'from samba.param import LoadParm',
    'from samba.samdb import SamDB',
    'from samba.sd_utils import SDUtils',
    'lp = LoadParm()',
    'lp.load(sys.argv[1])',
    'utils = SDUtils(SamDB(url=sys.argv[2], session_info=system_session(lp), lp=lp))',
    'print(utils.get_sd_as_sddl(sys.argv[4]))',
    '(utils.dacl_add_ace if sys.argv[3] == "add" else utils.modify_sd_on_dn)(sys.argv[4], sys.argv[5])',
  ].join('\n');
  const run = (action: 'add' | 'restore', value: string) =>
    execFileSync('/usr/bin/python3', ['-c', script, smbConf, database, action, dn, value], { encoding: 'utf8' }).trim();
  const before = run('add', ace);
  return () => void run('restore', before);
}
