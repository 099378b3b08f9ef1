#!/bin/sh
# The file system and the account that the unit gives its service. Runs in a mount namespace of its own, as root; then never again.
# Usage: restrict.sh BED NODE_MODULES UID CAPABILITY COMMAND...
# The folders in /etc and /run/credentials exist. BED holds opt/ (the installed program), etc/ (its configuration) and credentials/ (what LoadCredential hands over).
set -eu
bed=$1 modules=$2 uid=$3 capability=$4
shift 4
mount --make-rprivate /
# The places that the unit names, filled from the bed.
mount -t tmpfs -o mode=755 tmpfs /opt
mkdir /opt/exchange-autodiscover
mount --bind "$bed/opt" /opt/exchange-autodiscover
mount --bind "$modules" /opt/exchange-autodiscover/node_modules
mount --bind "$bed/etc" /etc/exchange-autodiscover
mount -t tmpfs -o mode=755 tmpfs /run/credentials/exchange-autodiscover.service
cp "$bed"/credentials/* /run/credentials/exchange-autodiscover.service/
chown "$uid:$uid" /run/credentials/exchange-autodiscover.service/*
chmod 400 /run/credentials/exchange-autodiscover.service/*
# PrivateTmp, ProtectHome, and at last ProtectSystem=strict: everything read-only.
mount -t tmpfs -o mode=1777 tmpfs /tmp
mount -t tmpfs -o mode=755 tmpfs /home
mount -t tmpfs -o mode=700 tmpfs /root
for place in $(awk '{print $5}' /proc/self/mountinfo | grep -v -e '^/proc' -e '^/sys' -e '^/dev' -e '^/tmp$'); do
  mount -o remount,bind,ro "$place" 2>/dev/null || true
done
umask 077
exec setpriv --reuid="$uid" --regid="$uid" --clear-groups --no-new-privs \
  --bounding-set="-all,+$capability" --inh-caps="-all,+$capability" --ambient-caps="-all,+$capability" "$@"
