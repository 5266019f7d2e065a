#!/bin/sh
# Prints the first interpreter on PATH that the project supports: python3 if it will do.
for python in python3 python3.14 python3.13 python3.12 python3.11; do
    if "$python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))' \
        2>/dev/null; then
        command -v "$python"
        exit 0
    fi
done
echo "no Python 3.11 to 3.14 on PATH; name one: make PYTHON=..." >&2
exit 2
