#!/bin/bash
# tests/docker/engine.sh - a container engine for tests, of which nothing stays: no registry is asked, and the machine's
# firewall, routing and own engine are left alone. Debian 12, root.
#
# Says "ready FOLDER" when the engine listens on FOLDER/docker.sock, its plug-ins are in FOLDER/config and the images
# debian:12-slim and postgres:15 are there; ends, with all that it started, when its standard input does.
#
#   SLUICE_ENGINE_DIR   where engine, images and logs are kept, so that the next run is faster; short, as it holds a
#                       socket (/var/tmp/sluice-engine)
#   SLUICE_ENGINE_APT   the file of apt's sources to take (the machine's own)
#
# Debian 12's Compose is too old: that of Debian 13 is unpacked into FOLDER, not installed. debian:12-slim is made by
# mmdebstrap, and postgres:15 of Debian's PostgreSQL 15 by tests/docker/postgres.
set -euo pipefail

name=tests/docker/engine.sh
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../../tools/steps.sh"

folder=${SLUICE_ENGINE_DIR:-/var/tmp/sluice-engine}
[ "$(id -u)" = 0 ] || die "an engine needs root"
[[ $folder = /* && ${#folder} -le 80 ]] || die "SLUICE_ENGINE_DIR is to be an absolute path of 80 bytes at most"

engine=
finish() {
    local status=$?
    trap - EXIT
    if [ -n "$engine" ]; then
        kill -TERM "$engine" 2>/dev/null || true
        wait "$engine" 2>/dev/null || true
    fi
    umount "$folder/exec/netns/default" 2>/dev/null || true
    exit $status
}
trap finish EXIT
trap 'exit 143' INT TERM HUP

# What is in the folder of somebody else is not ours to overwrite.
claim_folder() {
    mkdir -p "$folder"
    [ -e "$folder/.sluice-engine" ] || [ -z "$(ls -A "$folder")" ] ||
        die "$folder is not empty, and not of this script"
    : >"$folder/.sluice-engine"
    exec 9>"$folder/lock"
    flock -n 9 || die "another one works in $folder"
}

find_sources() {
    local file
    sources=${SLUICE_ENGINE_APT:-}
    for file in /etc/apt/sources.list.d/debian.sources /etc/apt/sources.list; do
        if [ -z "$sources" ] && grep -qs '^[^#]*bookworm' "$file"; then
            sources=$file
        fi
    done
    [ -n "$sources" ] || die "apt has no source of Debian 12 (bookworm); name a file by SLUICE_ENGINE_APT"
}

# Packages of the next Debian, unpacked: they need nothing but libc.
fetch_plugins() {
    local work=$folder/apt plugins=$folder/config/cli-plugins next
    [ ! -x "$plugins/docker-compose" ] || return 0
    rm -rf "$work"
    mkdir -p "$work"/{src,lists/partial,cache/archives/partial,unpacked} "$plugins"
    next=$work/src/next.list
    [[ $sources != *.sources ]] || next=$work/src/next.sources
    sed 's/bookworm/trixie/g' "$sources" >"$next"
    local apt=(apt-get -qq -o Dir::Etc::sourcelist=/dev/null -o "Dir::Etc::sourceparts=$work/src"
        -o "Dir::State::lists=$work/lists" -o "Dir::Cache=$work/cache" -o APT::Sandbox::User=root)
    "${apt[@]}" update || return
    (cd "$work" && "${apt[@]}" download docker-compose docker-buildx) || return
    local package
    for package in "$work"/*.deb; do
        dpkg-deb -x "$package" "$work/unpacked" || return
    done
    cp "$work"/unpacked/usr/libexec/docker/cli-plugins/* "$plugins/" && rm -rf "$work"
}

# Containers get networks between them, and no way out: no rule of the firewall is needed for that.
start_engine() {
    rm -f "$folder/dockerd.pid" # the lock is ours, so nobody else's
    setsid dockerd --host "$DOCKER_HOST" --data-root "$folder/data" --exec-root "$folder/exec" \
        --pidfile "$folder/dockerd.pid" --bridge=none --iptables=false --ip6tables=false --ip-forward=false \
        --ip-masq=false >"$folder/dockerd.log" 2>&1 </dev/null 9>&- &
    engine=$!
    until curl -sf --unix-socket "$folder/docker.sock" http://docker/_ping >/dev/null; do
        kill -0 "$engine" 2>/dev/null || {
            tail -n 20 "$folder/dockerd.log" >&2
            die "the engine did not start"
        }
        sleep 0.2
    done
}

make_base() {
    ! docker image inspect debian:12-slim >/dev/null 2>&1 || return 0
    mmdebstrap --quiet --variant=minbase --mode=root --include=usr-is-merged --dpkgopt=force-unsafe-io \
        --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
        --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-include=/usr/share/doc/*/copyright' \
        bookworm - "$sources" |
        docker import -c 'CMD ["bash"]' \
            -c 'ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' - debian:12-slim
}

claim_folder
find_sources
export DOCKER_HOST=unix://$folder/docker.sock DOCKER_CONFIG=$folder/config DOCKER_BUILDKIT=1
step "Compose and buildx of Debian 13, into $folder" fetch_plugins || die "apt's source does not have them"
echo "$name: start an engine in $folder"
start_engine
step "the image debian:12-slim" make_base || die "mmdebstrap could not make it"
step "the image postgres:15" docker build -q --network=host -t postgres:15 "$here/postgres" ||
    die "the image could not be built"
echo "ready $folder"
cat >/dev/null
