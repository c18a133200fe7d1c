#!/usr/bin/env python3
"""Checks that programs of the version before can go on while the schema is newer: migrations only add.

    migrations.py [ROOT]       all files ROOT/migrations/NNNN_name.sql behind the last one that no older program knows

    A statement may not drop or rename a table, column, view, type, or a function that others call; not change a column's type;
    not make a column NOT NULL, or add one that is, without a default; and not TRUNCATE. A migration that has to do so, and
    behind which programs of the version before cannot go on, says so: UPDATE schema_support SET oldest = <its number>.

    Functions' bodies and comments are not looked at.

Prints "file:line: what is wrong" for each breach, then a count. Exit status: 0 none, 1 some.
"""
import pathlib
import re
import sys

FIRST = 12  # those before were made before there was a version that could go on
RULES = [
    (r"DROP\s+(TABLE|VIEW|TYPE|FUNCTION|SEQUENCE|SCHEMA)\b", "drops what an older program may use"),
    (r"\bDROP\s+COLUMN\b", "drops a column that an older program may use"),
    (r"\bDROP\s+(?!CONSTRAINT|INDEX|COLUMN|NOT\s+NULL|DEFAULT|TABLE|VIEW|TYPE|FUNCTION|SEQUENCE|SCHEMA|TRIGGER)\w+",
     "drops what an older program may use"),
    (r"\bRENAME\b", "renames what an older program calls by its name"),
    (r"\bALTER\s+COLUMN\s+\w+\s+(SET\s+DATA\s+)?TYPE\b", "changes the type of a column that an older program reads"),
    (r"\bSET\s+NOT\s+NULL\b", "an older program may leave the column out"),
    (r"\bTRUNCATE\b", "removes what an older program has written"),
]
ADDED = re.compile(r"\bADD\s+COLUMN\s+(?:IF\s+NOT\s+EXISTS\s+)?(\w+)((?:[^,;()]|\([^()]*\))*)", re.I)
BREAKS = re.compile(r"\bUPDATE\s+schema_support\s+SET\s+oldest\s*=\s*(\d+)", re.I)
SKIPPED = re.compile(r"\$\$.*?\$\$|--[^\n]*|'(?:[^']|'')*'", re.S)


def blank(match):
    """Keeps lines where they are."""
    return re.sub(r"[^\n]", " ", match[0])


def breaches(number, text):
    code = SKIPPED.sub(blank, text)
    if any(int(oldest) == number for oldest in BREAKS.findall(code)):
        return
    for pattern, why in RULES:
        for match in re.finditer(pattern, code, re.I):
            yield match.start(), why
    for match in ADDED.finditer(code):
        rest = match[2].upper()
        if re.search(r"\bNOT\s+NULL\b", rest) and not re.search(r"\b(DEFAULT|GENERATED)\b", rest):
            yield match.start(), f"column {match[1]} is NOT NULL and has no default: an older program leaves it out"


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parents[1])
    files = sorted((root / "migrations").glob("[0-9][0-9][0-9][0-9]_*.sql"))
    count = 0
    for path in files:
        number = int(path.name[:4])
        if number < FIRST:
            continue
        text = path.read_text(encoding="utf-8")
        for place, why in sorted(breaches(number, text)):
            print(f"{path.relative_to(root)}:{text.count(chr(10), 0, place) + 1}: {why}")
            count += 1
    print(f"{len(files)} files, {count} breaches")
    return count > 0


if __name__ == "__main__":
    sys.exit(main())
