#!/bin/sh
# tools/fetch_swagger_ui.sh [--check] - puts the files of Swagger UI, which sluice-rest shows at /docs,
# into third_party/swagger-ui. Does nothing when they are there; refuses a package with another
# checksum. --check changes nothing; its exit status says whether they are there.
set -eu

package=swagger-ui-dist@5.35.0
sha512=U06rpMtW9V3XPGOBeamTUSr0Z09jMX4IJuANpE/EZbAhw0G8CgwrzU4YmXkn/h0wCDNsXdGarTNNHC3sU8yVUQ==
files="swagger-ui.css swagger-ui-bundle.js LICENSE NOTICE"

folder=$(dirname "$0")/../third_party/swagger-ui
if [ "$(cat "$folder/.version" 2>/dev/null)" = "$package" ] && [ -s "$folder/swagger-ui-bundle.js" ]; then
    exit 0
fi
if [ "${1:-}" = --check ]; then
    exit 1
fi

mkdir -p "$folder"
new=$(mktemp -d "$folder/.new.XXXXXX")
trap 'rm -rf "$new"' EXIT
(cd "$new" && npm pack --silent --ignore-scripts "$package" >/dev/null)
got=$(openssl dgst -sha512 -binary "$new"/*.tgz | openssl base64 -A)
if [ "$got" != "$sha512" ]; then
    echo "$package has the checksum $got, expected $sha512" >&2
    exit 1
fi
for file in $files; do
    tar xzf "$new"/*.tgz -C "$new" --strip-components=1 "package/$file"
    mv "$new/$file" "$folder/"
done
echo "$package" >"$folder/.version"
