#!/bin/sh
# tools/fetch_duckdb.sh [--check] - puts libduckdb.so, which reads and writes Parquet, into
# third_party/duckdb/lib. As tools/fetch_npm.sh.
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

here=$(dirname "$0")
exec "$here/fetch_npm.sh" "$@" "$here/../third_party/duckdb/lib" "$package" "$sha512" libduckdb.so LICENSE
