#!/bin/sh
# tools/fetch_promtool.sh [--check] - puts promtool, which the tests of metrics and alerts run, into third_party/prometheus.
# It is taken out of Debian's package prometheus, which apt verifies; installing that would start a server. Needs package
# lists (apt-get update). --check only tells, by its status, whether it is there.
set -eu

folder=$(dirname "$0")/../third_party/prometheus
[ "${1:-}" != --check ] || exec test -x "$folder/promtool"
! test -x "$folder/promtool" || exit 0
! found=$(command -v promtool) || {
    mkdir -p "$folder"
    ln -sf "$found" "$folder/promtool"
    exit 0
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
chmod 755 "$work"
cd "$work"
apt-get -q download prometheus
dpkg-deb --fsys-tarfile prometheus_*.deb | tar -xf - ./usr/bin/promtool
cd - >/dev/null
mkdir -p "$folder"
mv "$work/usr/bin/promtool" "$folder/promtool"
