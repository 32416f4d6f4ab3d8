#!/bin/sh
# Runs the linter and every test, after installing what they need: packages, and Chromium, nginx and openssl where they
# are missing.
# TDENGINE_DSN=... sh test.sh runs the integration tests against that TDengine. Arguments go to pytest.
set -eu
cd "$(dirname "$0")"

sh install.sh tests/requirements.txt
PATH=$PATH:/usr/sbin # where Debian has nginx
missing=
for program in chromium nginx openssl; do
    command -v "$program" >/dev/null || missing="$missing $program"
done
if [ "$missing" ]; then
    if ! command -v apt-get >/dev/null || [ "$(id -u)" != 0 ]; then
        echo "test.sh: needs$missing; install them (Debian: sudo apt-get install$missing) and try again" >&2
        exit 1
    fi
    apt-get update -qq
    # shellcheck disable=SC2086 # these are several words
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq $missing >/dev/null
fi
.venv/bin/ruff check .
# The tests start hundreds of programs: none compiles the demo anew, or starts a thread of NumPy for each processor.
.venv/bin/python -m compileall -q bridge embedded ./*.py
export OPENBLAS_NUM_THREADS=1
# Four tests at a time, also on two cores: most of them wait for something.
exec .venv/bin/python -m pytest -n 4 "$@"
