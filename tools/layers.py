#!/usr/bin/env python3
"""Checks the rules that hold between files, as layers.txt states them.

    layers.py [ROOT]           all C files below ROOT (the folder above this file)

    room        a quoted include is written from the root, its file is there (or is generated from
                proto/), and its folder is one that the including folder may know
    foreign     a library's header is included in angle brackets, only in the folders named for it
    system      any other header in angle brackets is in the list of the C library's headers
    banned      no call of a function that has a safe twin
    conditional no #if, #ifdef or #ifndef but a header's guard, which spells the header's path
    typedef     no typedef of a struct, union or enum

Prints "file:line: what is wrong" for each breach, then a count. Exit status: 0 none, 1 some,
2 layers.txt or the arguments are wrong.
"""
import os
import re
import sys

import cmetrics

RULES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "layers.txt")
SKIPPED = {".git", "build", "third_party", "node_modules", "var"}
INCLUDE = re.compile(r'\s*#\s*include\s*([<"])([^>"]+)[>"]')
GENERATED = re.compile(r"(sluice|google|grpc)/[\w/]+\.pb-c\.h")
# What is made of a room's own messages, which only that room and those above it may include.
OWN_MESSAGES = re.compile(r"([\w-]+)/[\w-]+\.pb-c\.h")


class RulesError(Exception):
    pass


class Rules:
    def __init__(self, path):
        self.rooms, self.foreign = {}, {}
        self.system, self.banned, self.conditional = set(), set(), set()
        with open(path, encoding="utf-8") as f:
            for number, line in enumerate(f, 1):
                line = line.strip()
                if line and not line.startswith("#"):
                    self.add(line, f"{path}:{number}")

    def add(self, line, where):
        head, colon, tail = line.partition(":")
        words, names = head.split(), set(tail.split())
        if not colon or not words:
            raise RulesError(f"{where}: expected 'KEYWORD [NAME]: NAME ...'")
        if words[0] in ("room", "foreign") and len(words) == 2:
            (self.rooms if words[0] == "room" else self.foreign)[words[1]] = names
        elif words[0] in ("system", "banned", "conditional") and len(words) == 1:
            getattr(self, words[0]).update(names)
        elif words[0] != "global":
            raise RulesError(f"{where}: unknown rule '{head}'")

    def may_know(self, room, other):
        allowed = self.rooms[room]
        return room == other or other in allowed or "*" in allowed


def find_files(root):
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(d for d in folders if d not in SKIPPED)
        for name in sorted(names):
            if name.endswith((".c", ".h")):
                yield os.path.relpath(os.path.join(folder, name), root).replace(os.sep, "/")


def is_below(path, folder):
    return path.startswith(folder + "/")


def check_quoted(rules, root, path, header):
    if header.startswith((".", "/")) or "/../" in header or "/" not in header:
        return f'"{header}" is not written from the root'
    room = "proto" if GENERATED.fullmatch(header) else header.split("/")[0]
    is_made = room == "proto" or OWN_MESSAGES.fullmatch(header)
    if not is_made and not os.path.exists(os.path.join(root, header)):
        return f'"{header}" is not a file of ours'
    own = path.split("/")[0]
    if own not in rules.rooms:
        return f"{own}/ is not a room of layers.txt"
    if not rules.may_know(own, room):
        return f'{own} may not include "{header}"'
    return None


def check_foreign(rules, path, header):
    if GENERATED.fullmatch(header) or OWN_MESSAGES.fullmatch(header):
        return f"<{header}> is ours: include it in quotes"
    for prefix, folders in rules.foreign.items():
        if header.startswith(prefix):
            fits = any(is_below(path, folder) for folder in folders | {"tests"})
            return None if fits else f"<{header}> belongs to {', '.join(sorted(folders))}"
    return None if header in rules.system else f"<{header}> is not in layers.txt"


def check_includes(rules, root, path, lines):
    for number, line in enumerate(lines, 1):
        found = INCLUDE.match(line)
        if not found:
            continue
        mark, header = found.groups()
        wrong = (check_quoted(rules, root, path, header) if mark == '"'
                 else check_foreign(rules, path, header))
        if wrong:
            yield number, wrong


def check_code(rules, lines):
    names = "|".join(sorted(rules.banned))
    call = re.compile(rf"(?<![\w.>])({names})\s*\(")
    for number, line in enumerate(lines, 1):
        for found in call.finditer(line):
            yield number, f"{found[1]}() is banned"
        if re.search(r"\btypedef\s+(struct|union|enum)\b[^(]*[;{]", line):
            yield number, "a typedef of a struct, union or enum"


def check_conditionals(rules, path, lines):
    if path in rules.conditional:
        return
    guard = re.sub(r"\W", "_", path).upper()
    is_header = path.endswith(".h")
    for number, line in enumerate(lines, 1):
        found = re.match(r"\s*#\s*(if|ifdef|ifndef|elif)\b\s*(\S*)", line)
        if found and not (is_header and found.groups() == ("ifndef", guard)):
            yield number, f"#{found[1]} {found[2]} outside {', '.join(sorted(rules.conditional))}"
    if is_header and not any(line.strip() == f"#ifndef {guard}" for line in lines):
        yield 1, f"the guard is not {guard}"


def check_file(rules, root, path):
    with open(os.path.join(root, path), encoding="utf-8") as f:
        text = f.read()
    code = cmetrics.strip(text)[0].split("\n")
    yield from check_includes(rules, root, path, text.split("\n"))
    yield from check_code(rules, code)
    yield from check_conditionals(rules, path, code)


def main(argv):
    if len(argv) > 1 or argv[:1] == ["--help"]:
        print(__doc__)
        return 2
    root = argv[0] if argv else os.path.dirname(os.path.dirname(RULES))
    try:
        rules = Rules(RULES)
    except (OSError, RulesError) as e:
        print(f"layers: {e}", file=sys.stderr)
        return 2
    nfiles = nbreaches = 0
    for path in find_files(root):
        nfiles += 1
        for number, wrong in check_file(rules, root, path):
            nbreaches += 1
            print(f"{path}:{number}: {wrong}")
    print(f"{nfiles} files, {nbreaches} breaches")
    return 1 if nbreaches else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
