#!/bin/sh
# tools/format.sh [--fix] [FILE ...] - compares C files (all of ours) with the layout of
# .clang-format; --fix rewrites them.
set -eu

cd "$(dirname "$0")/.."
formatter=$(command -v clang-format-19) || {
    echo "clang-format-19 is missing. Run: scripts/deps test" >&2
    exit 1
}
mode="--dry-run -Werror"
if [ "${1:-}" = --fix ]; then
    mode=-i
    shift
fi
if [ $# -eq 0 ]; then
    # Untracked files count too, but not what git ignores.
    set -- $(git ls-files --cached --others --exclude-standard -- '*.c' '*.h' ':!third_party')
fi
for file; do
    # A file that is listed may be gone from the work tree.
    [ ! -e "$file" ] || echo "$file"
done | xargs -r "$formatter" $mode --ferror-limit=3
