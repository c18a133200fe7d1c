#!/bin/sh
# tools/fetch_npm.sh [--check] FOLDER PACKAGE SHA512 FILE ... - puts files of a package of npm's into a
# folder. Does nothing when they are there; refuses a package with another checksum. --check changes
# nothing; its exit status says whether they are there.
set -eu

check=
if [ "$1" = --check ]; then
    check=yes
    shift
fi
folder=$1 package=$2 sha512=$3
shift 3

if [ "$(cat "$folder/.version" 2>/dev/null)" = "$package" ] && [ -s "$folder/$1" ]; then
    exit 0
fi
if [ "$check" ]; then
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
for file; do
    tar xzf "$new"/*.tgz -C "$new" --strip-components=1 "package/$file"
    mv "$new/$file" "$folder/"
done
echo "$package" >"$folder/.version"
