#!/usr/bin/env bash
# Builds the source distribution and, from it, the wheel; looks into both; installs the wheel in a
# fresh environment and runs both commands and a short demonstration there. PYTHON needs `build`.
set -euo pipefail
cd "$(dirname "$0")/.."
: "${PYTHON:?the interpreter to build with}"

rm -rf dist build/dist-check
"$PYTHON" -m build --outdir dist . >/dev/null
ls -l dist

has() { # has LIST PATTERN
    grep -qE "$2" <<<"$1" || { echo "missing: $2" >&2; exit 1; }
}
has_not() {
    ! grep -E "$2" <<<"$1" || { echo "should not be in it: $2" >&2; exit 1; }
}

wheel=$("$PYTHON" -m zipfile -l dist/*.whl | awk '{print $1}')
has "$wheel" '^ironcore/base/counters\.[^/]*\.so$'
has "$wheel" '^ironcore/base/counters\.pxd$'
has "$wheel" '^ironcore/base/counters\.pyi$'
has "$wheel" '^ironcore/include/iron_atomics\.h$'
has "$wheel" '^ironcore/py\.typed$'
has "$wheel" '^ironpit/py\.typed$'
has "$wheel" '^host_tuning/cli\.py$'
has "$wheel" '^host_tuning/jitter/probe\.[^/]*\.so$'
has "$wheel" '^host_tuning/profiles/bare-metal\.yaml$'
has "$wheel" '^host_tuning/schema/check-1\.json$'
has "$wheel" '^ironpit/onload/profiles/latency\.yaml$'
has "$wheel" '^ironpit/operate/doctor/schema/doctor-1\.json$'
has "$wheel" 'LICENSE$'
has_not "$wheel" '\.c$|^tests/|^tools/|\.pyc$'

sdist=$(tar -tzf dist/*.tar.gz)
has "$sdist" '/pyx/ironcore/base/counters\.pyx$'
has "$sdist" '/host-tuning/host_tuning/jitter/probe\.pyx$'
has "$sdist" '/Makefile$'
has "$sdist" '/tests/conftest\.py$'
has "$sdist" '/configs/venues/laptop\.yaml$'
has_not "$sdist" '\.so$|\.pyc$|/build/|/pyx/.*\.c$'

"$PYTHON" -m venv build/dist-check
build/dist-check/bin/python -m pip --disable-pip-version-check install -q dist/*.whl
cd /
check=$OLDPWD/build/dist-check/bin
"$check/ironpit" --version
"$check/tune-host" --version
"$check/tune-host" --list >/dev/null
"$check/tune-host" --explain thp >/dev/null
"$check/ironpit" doctor >/dev/null
"$check/ironpit" demo --messages 5000 >/dev/null
"$check/python" - <<'PYTHON'
import ironcore.base.counters, ironcore.base.histogram, ironpit, host_tuning
assert "dist-check" in ironcore.base.counters.__file__
h = ironcore.base.histogram.LatencyHistogram()
h.record(5)
assert h.percentile_ns(50) == 5
print("the wheel works")
PYTHON
