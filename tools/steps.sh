# tools/steps.sh - for the scripts that people run: steps with a name, output only when one fails.
# Source it after setting name, the script's name.

die() {
    echo "$name: $*" >&2
    exit 1
}

# step TEXT COMMAND.. - says what runs; shows its output, and where it is kept, when it fails.
step() {
    local text=$1 log
    shift
    log=$(mktemp "${TMPDIR:-/tmp}/sluice-${name##*/}.XXXXXX")
    echo "$name: $text"
    if ! ("$@") >"$log" 2>&1 </dev/null; then
        tail -n 40 "$log" >&2
        echo "$name: failed: $text" >&2
        echo "$name: the whole output is in $log" >&2
        return 1
    fi
    rm -f "$log"
}
