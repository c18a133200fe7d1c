#!/usr/bin/python3 -B
"""
Prints which part of the lines of some files was run, as gcov has counted; fails below the least part.

    tools/coverage.py BUILD_DIR LIST

LIST has a file a line, and its fuzz target or "-" with the reason why it has none.
"""
import collections
import json
import pathlib
import subprocess
import sys

LEAST = 0.9


def read_list(path):
    rows = (line.split(None, 2) for line in path.read_text().splitlines())
    return [row for row in rows if row and not row[0].startswith("#")]


def count(build, files):
    """{file: {line: how often it was run}}; tests/ have objects of their own for none of them."""
    counts = {file: collections.Counter() for file in files}
    stems = {file: f"{file}.gcda" for file in files}
    for data in build.rglob("*.gcda"):
        if not any(str(data).endswith("/" + stem) for stem in stems.values()):
            continue
        told = subprocess.run(["gcov", "--json-format", "--stdout", str(data.resolve())], check=True,
                              capture_output=True, cwd=build).stdout
        for unit in told.splitlines():
            for file in json.loads(unit)["files"]:
                name = next((f for f in files if file["file"].endswith("/" + f) or file["file"] == f), None)
                if name:
                    for line in file["lines"]:
                        counts[name][line["line_number"]] += line["count"]
    return counts


def main():
    build, rows = pathlib.Path(sys.argv[1]), read_list(pathlib.Path(sys.argv[2]))
    counts = count(build, [row[0] for row in rows])
    few, nlines, nrun = [], 0, 0
    print(f"{'file':44} {'lines':>6} {'run':>7}  {'fuzz target':20} lines that are not run")
    for file, target, *_ in rows:
        lines = counts[file]
        run = sum(1 for n in lines.values() if n)
        part = run / len(lines) if lines else 0
        nlines, nrun = nlines + len(lines), nrun + run
        left = " ".join(str(line) for line, n in sorted(lines.items()) if not n)
        print(f"{file:44} {len(lines):6} {part:7.1%}  {target:20} {left[:60]}")
        if part < LEAST:
            few.append(file)
    print(f"{'all':44} {nlines:6} {nrun / max(nlines, 1):7.1%}")
    if few:
        sys.exit(f"below {LEAST:.0%}: {' '.join(few)}")


if __name__ == "__main__":
    main()
