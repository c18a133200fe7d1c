#!/usr/bin/python3
"""
tools/manuals.py PROGRAM FOLDER VERSION DATE CONFIG_DIR - what is installed beside a program and says what it says: its
manual page (NAME.8), bash completion (completion) and, for a service, a file of all settings (gateway.conf), made of its
own --help and --print-config. DATE is that of the page, as 2026-01-31.
"""
import pathlib
import re
import subprocess
import sys
import textwrap

from configuration import PROGRAMS, read_rows

SECTIONS = {name: 1 if name == "sluice" else 8 for name in PROGRAMS}
COMMAND = re.compile(r"  (?P<words>[a-z][a-z-]*(?: [a-z][a-z-]*)?)(?P<operands>(?: [A-Z]+)*) {2,}(?P<help>.*)")
REQUIRED = re.compile(r"^--[a-z-]+ or (SLUICE_\w+) must be given$", re.MULTILINE)
SETTING = re.compile(r"^(?:# )?([a-z][a-z-]*) = ", re.MULTILINE)
# An option whose value is a path has one of these.
PATHS = {"PATH", "FILE", "FOLDER"}


class Program:
    """One of the programs, and what it says of itself."""

    def __init__(self, path):
        self.path = pathlib.Path(path).resolve()
        name = self.name = self.path.name
        self.short = name.removeprefix("sluice-")
        self.is_service = name != "sluice"
        self.help = self._run("--help").stdout
        self.rows = list(read_rows(self.help))
        self.usage, self.summary = self.help.splitlines()[:2]
        self.usage = self.usage.removeprefix(f"Usage: {name} ")
        self.commands = [match.groupdict() for match in map(COMMAND.fullmatch, self.help.splitlines()) if match]
        # What follows the options and the commands: where settings come from, and exit codes.
        self.remarks = [line for line in self.help.splitlines()[2:]
                        if line and not line.startswith(" ") and line != "Commands:"]
        assert self.rows, f"{name} --help has no options"

    def _run(self, *options, **environment):
        return subprocess.run([self.path, *options], capture_output=True, text=True, check=False,
                              env={"LC_ALL": "C.UTF-8", **environment})

    def settings(self):
        """The names that a file may have. What must be given is made up, as there is no file yet."""
        missing = REQUIRED.findall(self._run("--print-config").stderr)
        printed = self._run("--print-config", **{name: "x" for name in missing})
        assert printed.returncode == 0, f"{self.name} --print-config: {printed.stderr}"
        return SETTING.findall(printed.stdout)


def wrap(text, width=100):
    return textwrap.wrap(text, width, break_long_words=False, break_on_hyphens=False)


def escape(text):
    """As roff takes it, within a line."""
    for char, name in ("\\", "e"), ("-", "-"), ("'", "(aq"), ("~", "(ti"), ("^", "(ha"):
        text = text.replace(char, "\\" + name)
    return text


def paragraph(text):
    """Lines of a page; a point at the start of one would be a request."""
    for line in wrap(text, 64):
        yield ("\\&" if line.startswith(".") else "") + escape(line)


def bold(text):
    return f"\\fB{escape(text)}\\fR"


def italic(text):
    return f"\\fI{escape(text)}\\fR"


def print_item(head, text):
    return [".TP", head, *paragraph(text)]


def print_option(row):
    head = (bold(f"-{row['letter']}") + ", " if row["letter"] else "") + bold(f"--{row['name']}")
    lines = print_item(head + (" " + italic(row["value"]) if row["value"] else ""), row["help"])
    for title, key in ("Default", "default"), ("Environment", "variable"):
        if row[key]:
            lines += [".br", *paragraph(f"{title}: {row[key]}")]
    return lines


def print_service(program, config_dir):
    return [".SH SIGNALS", *print_item(bold("SIGHUP"), "Settings are read again."),
            *print_item(bold("SIGTERM") + ", " + bold("SIGINT"), "The program ends what is under way, and then itself."),
            ".SH EXIT STATUS", *print_item("0", "It has ended as it was asked to."),
            *print_item("1", "It could not start; the log says why."),
            *print_item("2", "Its settings are wrong; all that is wrong is on standard error."),
            ".SH FILES", *print_item(italic(f"{config_dir}/{program.short}.conf"),
                                     "Settings of the service, in the form that --print-config prints."),
            *print_item(italic(f"{config_dir}/{program.short}.secrets/"),
                        "Files that only root reads, and that the service gets as credentials.")]


def print_page(program, version, date, config_dir):
    section = SECTIONS[program.name]
    summary = program.summary[0].lower() + program.summary[1:].rstrip(".")
    lines = [f'.TH {program.name.upper()} {section} "{date}" "Sluice {version}" "Sluice"',
             ".SH NAME", *paragraph(f"{program.name} - {summary}"),
             ".SH SYNOPSIS", bold(program.name) + " " + escape(program.usage),
             ".SH DESCRIPTION", *paragraph(program.summary)]
    for remark in program.remarks:
        lines += [".PP", *paragraph(remark)]
    if program.commands:
        lines.append(".SH COMMANDS")
        for command in program.commands:
            lines += print_item(bold(command["words"]) + italic(command["operands"]), command["help"])
    lines.append(".SH OPTIONS")
    for row in program.rows:
        lines += print_option(row)
    if program.is_service:
        lines += print_service(program, config_dir)
    others = [f".BR {escape(name)} ({number})" for name, number in SECTIONS.items() if name != program.name]
    lines += [".SH SEE ALSO", *[f"{other} ," for other in others[:-1]], others[-1]]
    return "\n".join(lines) + "\n"


def print_words(pattern, words):
    return f"""        {pattern}) mapfile -t COMPREPLY < <(compgen -W "{' '.join(words)}" -- "$word") ;;"""


def print_commands(program, takes_value):
    """Nouns, and the verbs of each, wherever options stand between them."""
    verbs = {}
    for command in program.commands:
        noun, *verb = command["words"].split()
        verbs.setdefault(noun, []).extend(verb)
    return ["    for ((i = 1; i < COMP_CWORD; i++)); do", "        case ${COMP_WORDS[i]} in",
            f"            {takes_value}) i=$((i + 1)) ;;", "            -*) ;;",
            '            *) words+=("${COMP_WORDS[i]}") ;;', "        esac", "    done", '    case "${words[*]}" in',
            print_words("''", verbs), *[print_words(noun, found) for noun, found in verbs.items()], "    esac"]


def print_completion(program):
    """For bash alone: it needs no functions of others."""
    function = "_" + program.name.replace("-", "_")
    rows = [row for row in program.rows if row["value"]]
    paths = " | ".join(f"--{row['name']}" for row in rows if row["value"] in PATHS)
    takes_value = " | ".join([f"--{row['name']}" for row in rows] + [f"-{row['letter']}" for row in rows if row["letter"]])
    options = [f"--{row['name']}" for row in program.rows]
    lines = [f"# bash completion for {program.name}({SECTIONS[program.name]}); made of its --help", f"{function}() {{",
             "    local word=${COMP_WORDS[COMP_CWORD]} words=() i", "    COMPREPLY=()",
             "    case ${COMP_WORDS[COMP_CWORD - 1]} in", f"        {paths}) compopt -o default && return ;;",
             f"        {takes_value}) return ;;", "    esac", "    case $word in", print_words("-*", options) + " return", "    esac"]
    lines[-2] = lines[-2].replace(" ;; return", " && return ;;")
    if program.commands:
        lines += print_commands(program, takes_value)
    return "\n".join([*lines, "}", f"complete -F {function} {program.name}"]) + "\n"


def print_settings(program):
    head = (f"Settings of {program.name}, one a line: NAME = VALUE. All are here; a line behind '# ' shows a default, or what is not "
            f"set. {program.name} --config FILE --check-config checks them, systemctl reload {program.name} has them read again. "
            f"Passwords and keys go to files of their own in {program.short}.secrets/.")
    lines = [f"# {line}" for line in wrap(head)]
    rows = {row["name"]: row for row in program.rows}
    for name in program.settings():
        lines += ["", *(f"# {line}" for line in wrap(rows[name]["help"])), f"# {name} = {rows[name]['default'] or ''}".rstrip()]
    return "\n".join(lines) + "\n"


def main():
    path, folder, version, date, config_dir = sys.argv[1:]
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    program = Program(path)
    made = {f"{program.name}.{SECTIONS[program.name]}": print_page(program, version, date, config_dir),
            "completion": print_completion(program)}
    if program.is_service:
        made[f"{program.short}.conf"] = print_settings(program)
    for name, text in made.items():
        (folder / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
