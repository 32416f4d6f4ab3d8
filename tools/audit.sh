#!/bin/sh
# Looks every pinned package up in the database of known vulnerabilities, by pip-audit in an environment of its own.
# Exit status 1 where one is vulnerable; what cannot be looked up is skipped, with a word.
set -eu
cd "$(dirname "$0")/.."

sh install.sh
audit=.venv/audit
report=$audit/report
if ! cmp -s tools/audit-requirements.txt "$audit/requirements.txt"; then
    .venv/bin/python -m venv "$audit"
    if ! "$audit/bin/python" -m pip install --quiet --disable-pip-version-check -r tools/audit-requirements.txt; then
        echo "audit.sh: skipped: pip-audit cannot be installed" >&2
        exit 0
    fi
    cp tools/audit-requirements.txt "$audit/requirements.txt"
fi

for file in requirements.txt embedded/requirements.txt tests/requirements.txt; do
    set -- "$@" --requirement "$file"
done
code=0
"$audit/bin/pip-audit" --no-deps --disable-pip --progress-spinner=off "$@" >"$report" 2>"$report.errors" || code=$?
cat "$report"
if grep -q "^Found .* known vulnerabilit" "$report.errors"; then
    exit 1
elif [ "$code" != 0 ]; then
    tail -n 1 "$report.errors" >&2
    echo "audit.sh: skipped: the database cannot be reached" >&2
elif grep -q "could not be audited" "$report"; then
    echo "audit.sh: skipped $(grep -c 'could not be audited' "$report") packages: they cannot be looked up" >&2
fi
