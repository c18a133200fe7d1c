#!/bin/sh
# tools/fetch_duckdb.sh [--check] - puts libduckdb.so, which reads and writes Parquet, into
# third_party/duckdb/lib. Does nothing when it is there; refuses a package with another checksum.
# --check changes nothing; its exit status says whether the library is there.
set -eu

case $(uname -m) in
    x86_64)
        package=@duckdb/node-bindings-linux-x64@1.5.6-r.1
        sha512=IXcrZJE6kEqM0Z4wwdVnGBHX/frOS33VPNAwDXQ/Q+Fs84b058Qe94chrCCIcNJlG8Y3UHIUU4eBeCQxW5mN1Q==
        ;;
    aarch64)
        package=@duckdb/node-bindings-linux-arm64@1.5.5-r.5
        sha512=CafH2AIvXtpwDynG3KB/4uEOHRGlFoB7auCRMIwH3BKNIobsANV5LSpDJ3tfyRCFIsK6e8AT1eseWVnu2Dv3cw==
        ;;
    *)
        echo "no libduckdb is known for $(uname -m)" >&2
        exit 1
        ;;
esac

folder=$(dirname "$0")/../third_party/duckdb/lib
if [ "$(cat "$folder/.version" 2>/dev/null)" = "$package" ] && [ -s "$folder/libduckdb.so" ]; then
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
tar xzf "$new"/*.tgz -C "$new" --strip-components=1 package/libduckdb.so package/LICENSE
mv "$new/libduckdb.so" "$new/LICENSE" "$folder/"
echo "$package" >"$folder/.version"
