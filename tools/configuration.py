#!/usr/bin/python3
"""
tools/configuration.py BUILD_DIR [--fix] - the settings in docs/configuration.md are those that the programs have: their
own --help is printed there as tables, between the marks. Tells what differs; --fix writes it.
"""
import pathlib
import re
import subprocess
import sys

PAGE = pathlib.Path(__file__).resolve().parents[1] / "docs" / "configuration.md"
PROGRAMS = ["sluice-gateway", "sluice-rest", "sluice-worker", "sluice"]
ROW = re.compile(r"  (?:-(?P<letter>\w),| {3}) --(?P<name>[a-z-]+)(?: (?P<value>[A-Z:=]+))? +(?P<help>.*)")
TAIL = re.compile(r"^(?P<help>.*?)(?: \(default (?P<default>[^)]+)\))?(?: \[(?P<variable>\w+)\])?$")


def read_rows(help_text):
    """A dict for each option, in the order of --help."""
    for line in help_text.splitlines():
        row = ROW.fullmatch(line)
        if row:
            yield {**row.groupdict(), **TAIL.fullmatch(row["help"]).groupdict()}


def print_row(row):
    name = f"--{row['name']}" + (f" {row['value']}" if row["value"] else "")
    short = f", `-{row['letter']}`" if row["letter"] else ""
    default = f"`{row['default']}`" if row["default"] else ""
    variable = f"`{row['variable']}`" if row["variable"] else ""
    return f"| `{name}`{short} | {variable} | {default} | {row['help'].replace('|', chr(92) + '|')} |\n"


def print_table(help_text):
    head = "| option | environment | default | |\n|---|---|---|---|\n"
    return head + "".join(print_row(row) for row in read_rows(help_text))


def main():
    build = pathlib.Path(sys.argv[1])
    text = PAGE.read_text(encoding="utf-8")
    printed = text
    for program in PROGRAMS:
        shown = subprocess.run([build / program, "--help"], check=True, capture_output=True, text=True).stdout
        marks = re.compile(rf"(<!-- {program} -->\n).*?(<!-- end -->\n)", re.DOTALL)
        assert marks.search(printed), f"{PAGE.name} has no marks of {program}"
        printed = marks.sub(lambda m, shown=shown: m[1] + print_table(shown) + m[2], printed)
    if printed == text:
        return 0
    if "--fix" in sys.argv[2:]:
        PAGE.write_text(printed, encoding="utf-8")
        return 0
    print(f"docs/configuration.md is not what the programs say; run: tools/configuration.py {build} --fix")
    return 1


if __name__ == "__main__":
    sys.exit(main())
