#!/usr/bin/env bash
# Installs the units (make install-systemd). Enables and starts nothing.
#
#   DESTDIR        stands in front of every path
#   BINDIR         where the commands are: /opt/ironpit/bin
#   HOT            the CPUs of the stages, such as 2-5, and
#   HOUSEKEEPING   the CPUs for everything else, such as 0-1: both or none. With them come the
#                  drop-ins that place the venues; without, those that are there stay as they are
set -euo pipefail
cd "$(dirname "$0")"
DESTDIR=${DESTDIR:-} BINDIR=${BINDIR:-/opt/ironpit/bin} HOT=${HOT:-} HOUSEKEEPING=${HOUSEKEEPING:-}
cpu_list='^[0-9]+(-[0-9]+)?(,[0-9]+(-[0-9]+)?)*$'

if [ -n "$HOT$HOUSEKEEPING" ] && ! [[ $HOT =~ $cpu_list && $HOUSEKEEPING =~ $cpu_list ]]; then
    echo "HOT: found '$HOT', HOUSEKEEPING: found '$HOUSEKEEPING', expected two CPU lists" \
        "such as HOT=2-5 HOUSEKEEPING=0-1, or neither" >&2
    exit 2
fi

units=$DESTDIR/etc/systemd/system
put() { # put FILE TARGET [MODE]
    install -D -m "${3:-644}" "$1" "$DESTDIR$2"
}
drop_in() { # drop_in UNIT LINE...: the site's CPUs for a unit
    mkdir -p "$units/$1.d"
    printf '# make install-systemd HOT=%s HOUSEKEEPING=%s\n' "$HOT" "$HOUSEKEEPING" \
        >"$units/$1.d/cpus.conf"
    printf '%s\n' "${@:2}" >>"$units/$1.d/cpus.conf"
}

mkdir -p "$units"
for unit in *.service *.slice *.path; do
    sed "s,@BINDIR@,$BINDIR,g" "$unit" >"$units/$unit"
done
put ironpit.sysusers.conf /usr/lib/sysusers.d/ironpit.conf
put ironpit.tmpfiles.conf /usr/lib/tmpfiles.d/ironpit.conf
put tune-host-link.hook /etc/NetworkManager/dispatcher.d/50-tune-host 755
put tune-host-link.hook /etc/network/if-up.d/tune-host 755
put ../../docs/RUNBOOK.md /usr/share/doc/ironpit/RUNBOOK.md

if [ -n "$HOT" ]; then
    # The slices need cgroup v2; the affinity holds everywhere. Stages move to their own core, and
    # the venue's other threads leave those cores, once it runs.
    drop_in ironpit@.service '[Service]' "CPUAffinity=$HOT,$HOUSEKEEPING"
    drop_in ironpit.slice '[Slice]' "AllowedCPUs=$HOT,$HOUSEKEEPING"
    for unit in system.slice user.slice; do
        drop_in "$unit" '[Slice]' "AllowedCPUs=$HOUSEKEEPING"
    done
    drop_in init.scope '[Scope]' "AllowedCPUs=$HOUSEKEEPING"
fi
