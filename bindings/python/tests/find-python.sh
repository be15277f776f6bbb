#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
# Prints the Python that has what the tests need: $PYTHON, the first on the path, or the system's own. Says what is missing if none has.
set -eu

for python in "${PYTHON:-python3}" /usr/bin/python3; do
  if "$python" -c 'import sys, cffi, pytest; sys.exit(sys.version_info < (3, 9))' 2> /dev/null; then
    command -v "$python"
    exit 0
  fi
done
echo "no Python of 3.9 or later has cffi and pytest: on Debian, apt-get install python3-cffi python3-pytest; elsewhere," \
  "python3 -m pip install cffi pytest; or name one by PYTHON" >&2
exit 1
