#!/bin/sh
# tools/buf.sh ARGUMENTS - runs buf as tools/node/package-lock.json pins it: lint, breaking, curl.
set -eu

for buf in "$(dirname "$0")"/node/node_modules/@bufbuild/*/bin/buf; do
    [ -x "$buf" ] && exec "$buf" "$@"
done
echo "buf is missing. Run: scripts/deps test" >&2
exit 1
