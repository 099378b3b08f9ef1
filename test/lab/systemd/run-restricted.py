"""Runs a command under the system calls and address families that a unit file allows, as systemd does it with seccomp.

Usage: run-restricted.py UNIT COMMAND...
Reads SystemCallFilter, SystemCallErrorNumber, RestrictAddressFamilies and RestrictNamespaces=yes; sets of calls (@name) are expanded by systemd-analyze.
"""

import errno
import os
import socket
import subprocess
import sys

import seccomp

# CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET of linux/sched.h.
NAMESPACES = 0x00020000 | 0x02000000 | 0x04000000 | 0x08000000 | 0x10000000 | 0x20000000 | 0x40000000


def values(unit, key):
    with open(unit, encoding="utf-8") as lines:
        return [line.split("=", 1)[1].strip() for line in lines if line.startswith(key + "=")]


def expanded(name, seen):
    if not name.startswith("@"):
        return {name}
    if name in seen:
        return set()
    seen.add(name)
    printed = subprocess.run(["systemd-analyze", "--no-pager", "syscall-filter", name], check=True, capture_output=True, text=True)
    words = [line.strip() for line in printed.stdout.splitlines()[1:]]
    return set().union(*(expanded(word, seen) for word in words if word and not word.startswith("#")))


def main():
    unit, *command = sys.argv[1:]
    allowed = set()
    for line in values(unit, "SystemCallFilter"):
        names = set().union(*(expanded(name, set()) for name in line.lstrip("~").split()))
        allowed = allowed - names if line.startswith("~") else allowed | names
    number = getattr(errno, values(unit, "SystemCallErrorNumber")[0])
    rules = seccomp.SyscallFilter(defaction=seccomp.ERRNO(number))
    # systemd always allows these, or nothing could be started.
    allowed |= expanded("@default", set()) | {"execve", "exit", "exit_group", "brk", "mmap", "sigreturn", "rt_sigreturn"}
    families = [getattr(socket, name).value for name in values(unit, "RestrictAddressFamilies")[0].split()]
    special = {"socket"}
    if values(unit, "RestrictNamespaces") == ["yes"]:
        # Flags in memory (clone3) cannot be looked at: libc then falls back to clone.
        special |= {"clone", "clone3", "unshare", "setns"}
        rules.add_rule(seccomp.ERRNO(errno.ENOSYS), "clone3")
        rules.add_rule(seccomp.ALLOW, "clone", seccomp.Arg(0, seccomp.MASKED_EQ, NAMESPACES, 0))
    for name in sorted(allowed - special):
        try:
            rules.add_rule(seccomp.ALLOW, name)
        except (RuntimeError, ValueError):
            pass  # a call that this machine does not have
    for family in families:
        rules.add_rule(seccomp.ALLOW, "socket", seccomp.Arg(0, seccomp.EQ, family))
    rules.load()
    os.execv(command[0], command)


main()
