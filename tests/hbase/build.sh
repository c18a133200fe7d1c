#!/bin/bash
# tests/hbase/build.sh [VERSION] - builds the judge and the servers of the tests with HBase VERSION, by default the
# one in pom.xml, into a folder whose path it prints: classes, and the file classpath. Done once: without a change,
# and when Maven's local repository still has all of it, nothing is read from the network. A change is built into
# another folder, so that programs that run keep their classes. Needs scripts/deps hbase.
set -euo pipefail

name=tests/hbase/build.sh
root=$(cd "$(dirname "$0")/../.." && pwd)
. "$root/tools/steps.sh"

here=$root/tests/hbase
version=${1:-$(sed -n 's:.*<hbase.version>\(.*\)</hbase.version>.*:\1:p' "$here/pom.xml")}
# What is built depends on these alone.
sum=$(cd "$here" && find pom.xml src -type f -print0 | sort -z | xargs -0 sha256sum | sha256sum | cut -c 1-12)
out=$root/build/hbase/$version/$sum

is_built() {
    local jar
    [ -f "$out/done" ] || return 1
    for jar in $(tr : ' ' <"$out/classpath"); do
        [ -f "$jar" ] || return 1
    done
}

maven() {
    mvn -B -q "$@" -f "$here" -Dhbase.version="$version" -Dout="$out" compile
}

# Maven remembers for a day what a registry did not have a moment ago, so a second try asks again.
maven_online() {
    maven || maven -U
}

command -v mvn >/dev/null && command -v javac >/dev/null ||
    die "there is no Maven or no compiler for Java; run: scripts/deps hbase"
mkdir -p "$out"
exec 9>"$out/lock"
flock 9
if ! is_built; then
    # Offline first: Maven asks its registry for things that it has, and that takes long or fails.
    maven -o >/dev/null 2>&1 ||
        step "HBase $version by Maven, about 120 MB when it is new" maven_online >&2 ||
        die "HBase $version could not be built: either it does not compile, or Maven cannot reach Maven Central (or" \
            "the mirror that ~/.m2/settings.xml names) and the local repository ~/.m2 lacks it"
    touch "$out/done"
fi
echo "$out"
