"""Builds a domain controller's database offline from a plan (JSON on stdin) made by directory-plan.ts.

Only what Samba offers to Python alone is done here: provisioning without sysvol ACLs, adding entries with local
rights, changing security descriptors, exporting a keytab. Prints one line "<step> <seconds>" per step.
"""

import base64
import json
import logging
import os
import re
import sys
import time

import ldb
import samba.dckeytab  # noqa: F401  gives Net its export_keytab
import samba.dsdb
from samba.auth import system_session
from samba.net import Net
from samba.ndr import ndr_unpack
from samba.dcerpc import security
from samba.param import LoadParm
from samba.provision import provision
from samba.samdb import SamDB
from samba.sd_utils import SDUtils


def step(name):
    now = time.monotonic()
    print(f"{name} {now - step.started:.2f}", flush=True)
    step.started = now


step.started = time.monotonic()


def load_parameters(path):
    parameters = LoadParm()
    parameters.load(path)
    return parameters


def run_provision(plan):
    with open(plan["smbConf"], encoding="utf-8") as file:
        configuration = file.read()
    domain = plan["domain"]
    provision(
        logging.getLogger("provision"),
        system_session(),
        smbconf=plan["smbConf"],
        lp=load_parameters(plan["smbConf"]),
        realm=domain["realm"],
        domain=domain["netbiosName"],
        hostname=domain["hostName"],
        hostip=domain["address"],
        adminpass=domain["adminPassword"],
        sitename=domain["site"],
        serverrole="active directory domain controller",
        dns_backend="SAMBA_INTERNAL",
        dom_for_fun_level=samba.dsdb.DS_DOMAIN_FUNCTION_2008_R2,
        plaintext_secrets=True,
        skip_sysvolacl=True,
    )
    # Provisioning writes its own smb.conf over ours.
    with open(plan["smbConf"], "w", encoding="utf-8") as file:
        file.write(configuration)


def extend_schema(database, phases):
    for phase in phases:
        # One transaction per phase: committing each object alone takes six times as long.
        database.transaction_start()
        try:
            if phase["change"] == "add":
                database.add_ldif(phase["ldif"])
            else:
                database.modify_ldif(phase["ldif"])
        except BaseException:
            database.transaction_cancel()
            raise
        database.transaction_commit()
        database.set_schema_update_now()


def exists(database, dn):
    try:
        database.search(base=dn, scope=ldb.SCOPE_BASE, attrs=["1.1"])
        return True
    except ldb.LdbError as error:
        if error.args[0] == ldb.ERR_NO_SUCH_OBJECT:
            return False
        raise


def add_entry(database, entry):
    dn = ldb.Dn(database, entry["dn"])
    # The domain brings some entries of its own: its head, the configuration, its first site.
    if exists(database, dn):
        return
    message = ldb.Message(dn)
    for name, values in entry["attributes"].items():
        raw = [base64.b64decode(value) for value in values]
        message[name] = ldb.MessageElement(raw, ldb.FLAG_MOD_ADD, name)
    try:
        database.add(message)
    except ldb.LdbError as error:
        raise SystemExit(f"cannot add {entry['dn']}: {error.args[1]}") from error


def load_entries(database, entries):
    # Samba adds fastest in batches: one transaction for thousands of entries grows slower with each.
    for start in range(0, len(entries), 200):
        database.transaction_start()
        try:
            for entry in entries[start : start + 200]:
                add_entry(database, entry)
        except BaseException:
            database.transaction_cancel()
            raise
        database.transaction_commit()


def sid_of(database, account):
    found = database.search(expression=f"(sAMAccountName={ldb.binary_encode(account)})", attrs=["objectSid"])
    if len(found) != 1:
        raise SystemExit(f"cannot grant rights to {account}: {len(found)} accounts of that name")
    return str(ndr_unpack(security.dom_sid, found[0]["objectSid"][0]))


def grant(database, grants):
    descriptors = SDUtils(database)
    for item in grants:
        aces = re.sub(r"\{sid:([^}]+)\}", lambda match: sid_of(database, match[1]), item["aces"])
        if not exists(database, item["dn"]):
            raise SystemExit(f"cannot grant rights on {item['dn']}: no such entry")
        descriptors.dacl_add_ace(item["dn"], aces)


def modify(database, changes):
    for change in changes:
        message = ldb.Message(ldb.Dn(database, change["dn"]))
        for name, value in change["replace"].items():
            message[name] = ldb.MessageElement(value, ldb.FLAG_MOD_REPLACE, name)
        database.modify(message)


def main():
    logging.basicConfig(level=logging.WARNING)
    plan = json.load(sys.stdin)
    step("start")
    run_provision(plan)
    step("provision")
    parameters = load_parameters(plan["smbConf"])
    database = SamDB(url=plan["database"], session_info=system_session(), lp=parameters)
    extend_schema(database, plan["schema"])
    step("schema")
    load_entries(database, plan["entries"])
    step("entries")
    grant(database, plan["grants"])
    modify(database, plan["modifications"])
    step("rights")
    for principal in plan["principals"]:
        Net(None, parameters).export_keytab(keytab=plan["keytab"], principal=principal)
    if plan["principals"]:
        os.chmod(plan["keytab"], 0o600)
    step("keytab")


main()
