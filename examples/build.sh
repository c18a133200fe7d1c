#!/bin/bash
# examples/build.sh [--out FOLDER] [LANGUAGE ...] - generates the stubs of python, node, go, java and cpp,
# or of the languages that are named, builds their examples, and makes a program
# FOLDER/LANGUAGE/example of each. FOLDER is build/examples; nothing else is written but node_modules.
# What it needs is installed by scripts/deps examples.
set -euo pipefail

name=examples/build.sh
root=$(cd "$(dirname "$0")/.." && pwd)
. "$root/tools/steps.sh"

proto=$root/proto
contracts=$(cd "$proto" && echo sluice/v1/*.proto protobuf-c/*.proto)
details=$(cd "$proto" && echo google/rpc/*.proto) # where there is no package that has them

# protoc_to FOLDER LANGUAGE PLUGIN FILE.. - messages by protoc itself, stubs by a plug-in.
protoc_to() {
    local folder=$1 language=$2 plugin=$3
    shift 3
    mkdir -p "$folder"
    protoc -I "$proto" --"$language"_out="$folder" \
        --plugin=protoc-gen-grpc="$(command -v "$plugin")" --grpc_out="$folder" "$@"
}

# program COMMAND.. - makes the program `example`, which runs the command.
program() {
    printf '#!/bin/sh\nexec %s "$@"\n' "$*" >"$out/example"
    chmod +x "$out/example"
}

build_python() {
    protoc_to "$out/gen" python grpc_python_plugin $contracts $details
    program env "PYTHONPATH='$out/gen'" /usr/bin/python3 -u "'$here/example.py'"
}

build_node() {
    (cd "$here" && npm ci --ignore-scripts --no-audit --no-fund)
    program node "'$here/example.js'"
}

# The plug-ins are of the versions in go.mod. The files get their package in Go here: the contract names none.
build_go() {
    local file options=()
    for file in $contracts; do
        options+=("M$file=sluice-example/gen/$(dirname "$file")")
    done
    options=$(IFS=, && echo "module=sluice-example,${options[*]}")
    cp "$here"/* "$out"
    cd "$out"
    GOBIN=$out/bin go install google.golang.org/protobuf/cmd/protoc-gen-go \
        google.golang.org/grpc/cmd/protoc-gen-go-grpc
    PATH=$out/bin:$PATH protoc -I "$proto" --go_out=. --go_opt="$options" --go-grpc_out=. \
        --go-grpc_opt="$options" $contracts
    go build -o example .
}

build_java() {
    mvn -B -q -f "$here" -Dout="$out" compile
    program java -cp "'$out/classes:$out/lib/*'" Example
}

build_cpp() {
    protoc_to "$out/gen" cpp grpc_cpp_plugin $contracts $details
    find "$out/gen" -name '*.cc' ! -path '*/error_details.grpc.*' -print0 |
        xargs -0 -P "$(nproc)" -I{} sh -c 'g++ -std=c++17 -O1 -I "$1" -c "$2" -o "$2.o"' sh "$out/gen" {}
    g++ -std=c++17 -O1 -Wall -Wextra -I "$out/gen" "$here/example.cc" \
        $(find "$out/gen" -name '*.o') -o "$out/example" $(pkg-config --libs grpc++ protobuf)
}

folder=$root/build/examples
if [ "${1:-}" = --out ]; then
    folder=$(mkdir -p "$2" && cd "$2" && pwd)
    shift 2
fi
[ $# -gt 0 ] || set -- python node go java cpp
for language; do
    here=$root/examples/$language
    out=$folder/$language
    [ -d "$here" ] || die "there is no example in '$language'"
    mkdir -p "$out"
    step "$language" "build_$language" || exit 1
done
