#!/bin/sh
# Runs the linter and every test, after installing what they need: the packages, and Chromium where there is none.
# TDENGINE_DSN=... sh test.sh runs the integration tests against that TDengine. Arguments go to pytest.
set -eu
cd "$(dirname "$0")"

sh install.sh tests/requirements.txt
if ! command -v chromium >/dev/null; then
    if ! command -v apt-get >/dev/null || [ "$(id -u)" != 0 ]; then
        echo "test.sh: needs Chromium; install it (Debian: sudo apt-get install chromium) and try again" >&2
        exit 1
    fi
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium >/dev/null
fi
.venv/bin/ruff check .
# Four tests at a time, also on two cores: most of them wait for something.
exec .venv/bin/python -m pytest -n 4 "$@"
