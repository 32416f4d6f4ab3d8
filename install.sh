#!/bin/sh
# Makes the virtual environment .venv, puts the pinned packages in it, and links the page's assets
# from the Perspective wheel. Safe to run again: with nothing to do it takes a second.
set -eu
cd "$(dirname "$0")"

fail() { echo "install.sh: $*" >&2; exit 1; }

if [ ! -x .venv/bin/python ]; then
    for python in "${PYTHON:-python3}" python3.14 python3.13 python3.12 python3.11; do
        if "$python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 15))' 2>/dev/null; then break; fi
        python=
    done
    [ -n "$python" ] || fail "needs Python 3.11 to 3.14, for which there are wheels; set PYTHON to one"
    echo "making .venv with $("$python" --version)"
    "$python" -m venv .venv || fail "python's venv module is missing (Debian: apt-get install python3-venv)"
fi

for file in requirements.txt embedded/requirements.txt "$@"; do
    done=.venv/$(echo "$file" | tr / -) # a copy of what was installed
    if [ -f "$file" ] && ! cmp -s "$file" "$done"; then
        echo "installing $file"
        .venv/bin/python -m pip install --quiet --disable-pip-version-check -r "$file" || fail "pip could not install $file"
        .venv/bin/python -c 'import perspective, pyarrow, taosws, tornado' || fail "a package does not import: delete .venv, try again"
        cp "$file" "$done"
    fi
done

# The page's code comes from the wheel that the server runs, so the two never differ.
if [ ! -e assets/perspective/perspective-anywidget.js ]; then
    mkdir -p assets
    static=$(.venv/bin/python -c 'import os, perspective; print(os.path.relpath(os.path.dirname(perspective.__file__) + "/widget/static", "assets"))')
    ln -sfn "$static" assets/perspective
fi
