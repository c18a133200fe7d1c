#!/usr/bin/env python3
"""Checks that there are no writable global variables but where layers.txt allows them.

    globals.py BUILD           all libsluice_*.a below the folder BUILD, but the generated code

Looks at the compiled code, by objdump, so that nothing hides in a macro or a function.  Prints
"library(file): variable" for each one, then a count. Exit status: 0 none, 1 some, 2 nothing to
check.
"""
import glob
import os
import re
import subprocess
import sys

RULES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "layers.txt")
SKIPPED = {"libsluice_proto.a", "libsluice_testing.a", "libsluice_testing_postgres.a"}
MEMBER = re.compile(r"^(\S+)\.o:\s+file format")
WRITABLE = re.compile(r"^[0-9a-f]+ .{6}O (\.(?:data|bss)\S*|\*COM\*)\s+[0-9a-f]+\s+(?:\.hidden )?(\S+)$")
OF_SANITIZERS = re.compile(r"^(__asan|__ubsan|__tsan|__odr_asan|\.L|\*)")


def allowed_files():
    with open(RULES, encoding="utf-8") as f:
        found = [line.split(":")[1].split() for line in f if line.startswith("global:")]
    return {name for names in found for name in names}


def find_globals(library):
    """Yields (source file, variable)."""
    out = subprocess.run(["objdump", "-t", library], capture_output=True, text=True, check=True)
    source = ""
    for line in out.stdout.splitlines():
        member = MEMBER.match(line)
        if member:
            source = member[1]
        found = WRITABLE.match(line)
        if found and not found[1].startswith(".data.rel.ro") and not OF_SANITIZERS.match(found[2]):
            yield source, found[2]


def main(argv):
    libraries = sorted(glob.glob(os.path.join(argv[0], "libsluice_*.a"))) if argv else []
    libraries = [lib for lib in libraries if os.path.basename(lib) not in SKIPPED]
    if not libraries:
        print("globals: no library to check", file=sys.stderr)
        return 2
    allowed = allowed_files()
    nbreaches = 0
    for library in libraries:
        room = os.path.basename(library)[len("libsluice_"):-len(".a")].replace("_", "-")
        for source, variable in find_globals(library):
            if f"{room}/{source}" not in allowed:
                nbreaches += 1
                print(f"{os.path.basename(library)}({source}): {variable}")
    print(f"{len(libraries)} libraries, {nbreaches} breaches")
    return 1 if nbreaches else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
