#!/usr/bin/env bash
# Finds what this machine lacks of Debian packages; installs it as root, else names it in one line.
#
#   tools/system_packages.sh build PYTHON   a compiler, Python's headers and venv: required
#   tools/system_packages.sh test           what some tests run: without it those tests are skipped
#   tools/system_packages.sh vm             what `make test-vm` boots a kernel with: required
set -euo pipefail

missing=()
need() { # need PACKAGES COMMAND...: the packages are missing unless the command succeeds
    local packages=$1
    shift
    "$@" >/dev/null 2>&1 || missing+=("$packages")
}

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
    need strace command -v strace
    need faketime command -v faketime
    need tshark command -v tshark
    need iproute2 command -v ip
    need systemd command -v systemd-analyze
    need systemd-container command -v systemd-nspawn
    need mmdebstrap command -v mmdebstrap
    need "clang libclang-rt-dev" sh -c 'command -v clang && echo "int LLVMFuzzerTestOneInput(
        const char *d, unsigned long n) { return d[n - n]; }" |
        clang -fsanitize=fuzzer,address -x c - -o /dev/null'
    ;;
vm)
    need qemu-system-x86 command -v qemu-system-x86_64
    need mmdebstrap command -v mmdebstrap
    need cpio command -v cpio
    ;;
*)
    echo "usage: $0 build PYTHON | test | vm" >&2
    exit 2
    ;;
esac
[ ${#missing[@]} -gt 0 ] || exit 0

# shellcheck disable=SC2206  # one entry may name two packages
packages=(${missing[*]})
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "installing ${packages[*]}"
    export DEBIAN_FRONTEND=noninteractive
    if apt-get update -qq </dev/null >/dev/null && apt-get install -qq -y \
        --no-install-recommends "${packages[@]}" </dev/null >/dev/null; then
        exit 0
    fi
    echo "apt-get could not install ${packages[*]}" >&2
fi
if [ "$1" = test ]; then
    echo "tests that need ${packages[*]} will be skipped; as root: apt-get install ${packages[*]}"
    exit 0
fi
echo "missing here: apt-get install ${packages[*]} (as root), then run make again" >&2
exit 2
