#!/usr/bin/env bash
# Finds what this machine lacks of Debian packages; installs it as root, else names it in one line.
#
#   tools/system_packages.sh build PYTHON   a compiler, Python's headers and venv: required
#   tools/system_packages.sh test           what some tests run: without it those tests are skipped
#   tools/system_packages.sh profile        what `make profile` counts with: required
#   tools/system_packages.sh vm             what `make test-vm` boots a kernel with: required
set -euo pipefail

missing=()
need() { # need PACKAGES COMMAND...: the packages are missing unless the command succeeds
    local packages=$1
    shift
    "$@" >/dev/null 2>&1 || missing+=("$packages")
}
programs() { # programs PACKAGE PROGRAM...: the package is missing unless all of them are there
    local program
    for program in "${@:2}"; do
        command -v "$program" >/dev/null || { missing+=("$1") && return; }
    done
}
# Where Debian keeps what root runs; an ordinary user has that on the disk and not on the path.
PATH=$PATH:/usr/sbin:/sbin

case "${1:-}" in
build)
    python=${2:?the Python interpreter to build with}
    for word in ${CC:-gcc}; do # perhaps "ccache gcc"
        need "$word" command -v "$word"
    done
    need libc6-dev test -e /usr/include/stdlib.h
    need python3-venv "$python" -c "import ensurepip, venv"
    need python3-dev "$python" -c \
        "import os, sysconfig; os.stat(os.path.join(sysconfig.get_path('include'), 'Python.h'))"
    ;;
test)
    programs gcc cc
    programs binutils nm
    programs git git
    programs strace strace
    programs tshark tshark
    programs wireshark-common dumpcap
    programs iproute2 ip
    programs nftables nft
    programs ethtool ethtool
    programs procps sysctl
    programs openssl openssl
    programs libcap2-bin setcap
    programs util-linux lscpu nsenter setpriv unshare
    programs linux-perf perf
    programs systemd systemd-analyze systemd-sysusers systemd-tmpfiles
    programs systemd-container systemd-nspawn
    programs mmdebstrap mmdebstrap
    programs valgrind valgrind
    need "clang libclang-rt-dev" sh -c 'command -v clang && echo "int LLVMFuzzerTestOneInput(
        const char *d, unsigned long n) { return d[n - n]; }" |
        clang -fsanitize=fuzzer,address -x c - -o /dev/null'
    ;;
profile)
    programs valgrind valgrind
    ;;
vm)
    programs qemu-system-x86 qemu-system-x86_64
    programs mmdebstrap mmdebstrap
    programs cpio cpio
    programs util-linux unshare
    ;;
*)
    echo "usage: $0 build PYTHON | test | profile | vm" >&2
    exit 2
    ;;
esac
[ ${#missing[@]} -gt 0 ] || exit 0

# shellcheck disable=SC2206  # one entry may name two packages
packages=(${missing[*]})
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "installing ${packages[*]}"
    export DEBIAN_FRONTEND=noninteractive
    install() {
        apt-get install -qq -y --no-install-recommends "$@" </dev/null >/dev/null
    }
    apt-get update -qq </dev/null >/dev/null || echo "apt-get update failed" >&2
    if install "${packages[@]}"; then
        exit 0
    fi
    # One that this distribution does not have must not keep the others away.
    absent=()
    for package in "${packages[@]}"; do
        install "$package" || absent+=("$package")
    done
    packages=("${absent[@]}")
    [ ${#packages[@]} -gt 0 ] || exit 0
    echo "apt-get could not install ${packages[*]}" >&2
fi
if [ "$1" = test ]; then
    echo "tests that need ${packages[*]} will be skipped; as root: apt-get install ${packages[*]}"
    exit 0
fi
echo "missing here: apt-get install ${packages[*]} (as root), then run make again" >&2
exit 2
