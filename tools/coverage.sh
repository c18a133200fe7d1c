#!/bin/sh
# tools/coverage.sh [BUILD_DIR] - which lines of the parsers the unit tests and the corpora of the fuzz targets run.
#
# Builds with gcc's counters in BUILD_DIR (build/coverage), runs them, and prints a table; fails if a file of
# tools/parsers.txt has less than 90 %.
set -eu

cd "$(dirname "$0")/.."
build=${1:-build/coverage}
cmake --preset release -B "$build" -DCMAKE_BUILD_TYPE=Debug -DCMAKE_C_FLAGS="--coverage -O0" \
    -DCMAKE_EXE_LINKER_FLAGS=--coverage >/dev/null
targets=$(ninja -C "$build" -t targets all | sed -n 's/^\(unit_[a-z_0-9]*\|fuzz_[a-z_0-9]*\): C_EXECUTABLE.*/\1/p')
# shellcheck disable=SC2086
cmake --build "$build" --target $targets >/dev/null
find "$build" -name '*.gcda' -delete
ctest --test-dir "$build" -L 'unit|fuzz' --output-on-failure -Q
exec /usr/bin/python3 -B tools/coverage.py "$build" tools/parsers.txt
