#!/usr/bin/python3
"""
tools/metrics.py GATEWAY REST WORKER [--fix] - the metrics in docs/metrics.md are those that the programs show: what they
serve at --metrics-listen, whose three addresses are given, is printed there as tables, between the marks. Tells what differs;
--fix writes it.
"""
import pathlib
import re
import sys
import urllib.request

PAGE = pathlib.Path(__file__).resolve().parents[1] / "docs" / "metrics.md"
PROGRAMS = ["sluice-gateway", "sluice-rest", "sluice-worker"]
FAMILY = re.compile(r"# HELP (\w+) (.*?\.)(?: Labels: ([a-z_, ]+)\.)?\n# TYPE \w+ (\w+)\n")


def print_table(text):
    head = "| metric | type | labels | |\n|---|---|---|---|\n"
    rows = [f"| `{name}` | {kind} | {', '.join(f'`{x}`' for x in labels.split(', ') if x)} | {said} |\n"
            for name, said, labels, kind in FAMILY.findall(text)]
    assert rows, "nothing is shown"
    return head + "".join(rows)


def main():
    text = PAGE.read_text(encoding="utf-8")
    printed = text
    addresses = [a for a in sys.argv[1:] if a != "--fix"]
    for program, address in zip(PROGRAMS, addresses, strict=True):
        with urllib.request.urlopen(f"http://{address}/metrics", timeout=20) as reply:
            shown = print_table(reply.read().decode())
        marks = re.compile(rf"(<!-- {program} -->\n).*?(<!-- end -->\n)", re.DOTALL)
        assert marks.search(printed), f"{PAGE.name} has no marks of {program}"
        printed = marks.sub(lambda m, shown=shown: m[1] + shown + m[2], printed)
    if printed == text:
        return 0
    if "--fix" in sys.argv[1:]:
        PAGE.write_text(printed, encoding="utf-8")
        return 0
    print(f"docs/metrics.md is not what the programs show; run: tools/metrics.py {' '.join(addresses)} --fix")
    return 1


if __name__ == "__main__":
    sys.exit(main())
