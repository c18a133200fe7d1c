"""What is in the packages, and in an installation without them."""
import json
import os
import re
import shutil

import pytest

from machine import EPOCH, ROOT, pack, run

PROGRAMS = {"sluice-gateway": "sluice-gateway", "sluice-rest": "sluice-rest", "sluice-worker": "sluice-worker", "sluice": "sluice-cli"}
SERVICES = [name for name in PROGRAMS if name != "sluice"]
# What lintian finds and we mean: settings may have passwords, secrets are for root, and this is no upload to Debian.
MEANT = {"non-standard-dir-perm", "non-standard-file-perm", "initial-upload-closes-no-bugs", "bogus-mail-host",
         "bogus-mail-host-in-debian-changelog"}
# What an installation has, below its prefix.
INSTALLED = """
    bin/sluice bin/sluice-gateway bin/sluice-rest bin/sluice-worker lib/sluice/libduckdb.so
    lib/systemd/system/sluice-gateway.service lib/systemd/system/sluice-rest.service lib/systemd/system/sluice-worker.service
    share/bash-completion/completions/sluice share/bash-completion/completions/sluice-gateway
    share/bash-completion/completions/sluice-rest share/bash-completion/completions/sluice-worker
    share/doc/sluice/LICENSE share/doc/sluice/NOTICE share/doc/sluice/CHANGELOG.md share/doc/sluice/packages.md
    share/man/man1/sluice.1 share/man/man8/sluice-gateway.8 share/man/man8/sluice-rest.8 share/man/man8/sluice-worker.8
    share/sluice/docs/index.html share/sluice/docs/swagger-ui-bundle.js
""".split()


def field(file, name):
    return run("dpkg-deb", "-f", file, name).strip()


def names_of(file, name):
    """The packages that a field names, without versions."""
    return {part.split()[0] for part in field(file, name).split(",")}


@pytest.mark.parametrize(("prefix", "config"), [("/usr", "/etc"), ("/usr/local", "/usr/local/etc")])
def test_an_installation_has_its_places(build, tmp_path, prefix, config):
    install = ["cmake", "--install", build, "--strip", "--prefix", prefix]
    environment = {**os.environ, "DESTDIR": str(tmp_path)}
    run(*install, env=environment)
    for name in INSTALLED:
        assert (tmp_path / prefix[1:] / name).is_file(), name
    unit = (tmp_path / prefix[1:] / "lib/systemd/system/sluice-rest.service").read_text()
    assert f"ExecStart={prefix}/bin/sluice-rest --config {config}/sluice/rest.conf" in unit
    settings = tmp_path / config[1:] / "sluice/rest.conf"
    assert settings.stat().st_mode & 0o777 == 0o640
    settings.write_text("max-event-streams = 7\n")
    run(*install, env=environment)
    assert settings.read_text() == "max-event-streams = 7\n"  # what somebody has set stays


def test_programs_know_nothing_of_where_they_were_built(build, unpacked):
    for program in PROGRAMS:
        content = (unpacked / "usr/bin" / program).read_bytes()
        assert str(ROOT).encode() not in content and str(build).encode() not in content
        found = re.findall(r"\((?:RPATH|RUNPATH)\).*\[(.*)\]", run("readelf", "-dW", unpacked / "usr/bin" / program))
        assert found == (["$ORIGIN/../lib/sluice"] if program == "sluice-worker" else [])


def test_packages_name_what_they_need_and_have_one_version(build, packages):
    version = re.search(r"CMAKE_PROJECT_VERSION:STATIC=(.*)", (build / "CMakeCache.txt").read_text())[1]
    assert set(packages) == {"sluice", *PROGRAMS.values()} | set(SERVICES)
    for name, file in packages.items():
        assert field(file, "Package") == name and field(file, "Version") == f"{version}-1"
    assert {"adduser", "libgrpc29", "libpq5", "libc6"} <= names_of(packages["sluice-gateway"], "Depends")
    assert {"libh2o-evloop0.13", "libgrpc29"} <= names_of(packages["sluice-rest"], "Depends")
    assert "libpq5" not in names_of(packages["sluice-rest"], "Depends")
    assert {"libpq5", "libstdc++6"} <= names_of(packages["sluice-worker"], "Depends")  # the last is of libduckdb alone
    assert names_of(packages["sluice"], "Depends") == {*SERVICES, "sluice-cli"}


def test_two_packings_make_the_same_bytes(build, packages, tmp_path):
    """But for the worker's, which would take longer than all others and is packed as they are."""
    again = pack(build, tmp_path, "CPACK_COMPONENTS_ALL=gateway;rest;cli;sluice")
    assert len(again) == 4
    for name, file in again.items():
        assert file.read_bytes() == packages[name].read_bytes(), name


def test_lintian_finds_nothing_that_is_not_meant(packages):
    said = run("lintian", "--allow-root", "--tag-display-limit", "0", *packages.values(), check=False)
    found = re.findall(r"^[EW]: (\S+): (\S+)(.*)$", said, re.MULTILINE)
    assert {tag for _, tag, _ in found} <= MEANT, said
    assert "non-standard-dir-perm" in {tag for _, tag, _ in found}, said  # it has looked


@pytest.mark.parametrize("program", PROGRAMS)
def test_manual_pages_tell_every_option(build, unpacked, program):
    (page,) = unpacked.glob(f"usr/share/man/man*/{program}.[18].gz")
    assert run("mandoc", "-T", "lint", page) == ""
    shown = run("mandoc", "-T", "ascii", page)
    shown = re.sub(".\b", "", shown)
    options = re.findall(r"^  (?:-\w,|   ) (--[a-z-]+)", run(build / program, "--help"), re.MULTILINE)
    assert len(options) > 5
    for option in options:
        assert re.search(rf"^ +(?:-\w, )?{option}\b", shown, re.MULTILINE), option
    if program == "sluice":
        assert "task explain ID" in shown and "task watch ID" in shown


@pytest.mark.parametrize(("words", "expected"), [
    ("sluice ta", ["task"]), ("sluice task wa", ["watch"]), ("sluice --gateway h:1 -o json task ab", ["abort"]),
    ("sluice --from-st", ["--from-start"]), ("sluice --gateway ta", []), ("sluice-gateway --database-pass", ["--database-password-file"]),
    ("sluice-rest --legacy", ["--legacy-error-status"]), ("sluice-worker --max-j", ["--max-jobs"])])
def test_bash_completes(unpacked, words, expected):
    program = words.split()[0]
    script = (f"compopt() {{ :; }}; source {unpacked}/usr/share/bash-completion/completions/{program}\n"
              f"COMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))\n"
              f"_{program.replace('-', '_')}; printf '%s\\n' \"${{COMPREPLY[@]}}\"")
    assert run("bash", "-c", script).split() == expected


@pytest.mark.parametrize("program", SERVICES)
def test_a_file_of_settings_has_all_of_them_as_they_are_by_default(build, unpacked, tmp_path, program):
    shipped = unpacked / "etc/sluice" / f"{program.removeprefix('sluice-')}.conf"
    needed = {"SLUICE_DATABASE_URL": "postgresql://h/d"} if program == "sluice-gateway" else {}
    with_file = run(build / program, "--config", shipped, "--print-config", env=needed)
    assert with_file == run(build / program, "--print-config", env=needed)
    names = re.findall(r"^(?:# )?([a-z-]+) =", with_file, re.MULTILINE)
    assert re.findall(r"^# ([a-z-]+) =", shipped.read_text(), re.MULTILINE) == names and len(names) > 4
    # What is shown is also taken, once it is no comment any more.
    defaults = tmp_path / "defaults.conf"
    defaults.write_text("".join(f"{line}\n" for line in re.findall(r"^# ([a-z-]+ = .+)$", shipped.read_text(), re.MULTILINE)))
    run(build / program, "--config", defaults, "--check-config", env=needed)


@pytest.mark.parametrize("name", PROGRAMS.values())
def test_what_a_package_is_made_of_is_listed(packages, unpacked, name):
    """By SPDX 2.3: what its clauses ask of a document, a package and a relationship."""
    listed = json.loads((unpacked / "usr/share/doc" / name / "sbom.spdx.json").read_text())
    assert (listed["spdxVersion"], listed["dataLicense"], listed["SPDXID"]) == ("SPDX-2.3", "CC0-1.0", "SPDXRef-DOCUMENT")
    assert re.fullmatch(r"[a-z]+:[^#\s]+", listed["documentNamespace"]) and listed["name"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", listed["creationInfo"]["created"])
    assert all(re.match(r"(Person|Organization|Tool): ", creator) for creator in listed["creationInfo"]["creators"])
    parts = {part["SPDXID"]: part for part in listed["packages"]}
    assert len(parts) == len(listed["packages"])
    for identifier, part in parts.items():
        assert re.fullmatch(r"SPDXRef-[A-Za-z0-9.-]+", identifier)
        assert part["name"] and part["versionInfo"] and part["downloadLocation"] and part["filesAnalyzed"] is False
        assert part["supplier"] == "NOASSERTION" or re.match(r"(Person|Organization): ", part["supplier"])
    for link in listed["relationships"]:
        assert link["relationshipType"] in {"DESCRIBES", "CONTAINS", "DYNAMIC_LINK", "DEPENDS_ON"}
        assert link["relatedSpdxElement"] in parts and link["spdxElementId"] in {*parts, "SPDXRef-DOCUMENT"}
    versions = {part["name"]: part["versionInfo"] for part in parts.values()}
    for needed in names_of(packages[name], "Depends") - {"adduser", "init-system-helpers"}:
        assert versions[needed] == run("dpkg-query", "-W", "-f", "${Version}\n", needed).split()[0], needed
    brought = {"sluice-worker": "libduckdb", "sluice-rest": "swagger-ui"}.get(name)
    contained = [parts[link["relatedSpdxElement"]] for link in listed["relationships"] if link["relationshipType"] == "CONTAINS"]
    assert [part["name"] for part in contained] == ([brought] if brought else [])
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", part["versionInfo"]) and part["licenseDeclared"] in ("MIT", "Apache-2.0")
               for part in contained)


def test_licences_of_what_is_brought_along_are_there(unpacked):
    assert "Permission is hereby granted" in (unpacked / "usr/share/doc/sluice-worker/copyright").read_text()
    assert "SmartBear" in (unpacked / "usr/share/doc/sluice-rest/copyright").read_text()


@pytest.mark.parametrize("program", SERVICES)
def test_units_are_right_and_hardened(unpacked, tmp_path, program):
    unit = unpacked / "lib/systemd/system" / f"{program}.service"
    if not unit.exists():
        unit = unpacked / "usr/lib/systemd/system" / f"{program}.service"
    root = tmp_path / "root"
    shutil.copytree(unpacked / "usr/bin", root / "usr/bin")
    shutil.copytree(unit.parent, root / "usr/lib/systemd/system")
    said = run("systemd-analyze", "security", "--offline=true", "--threshold=20", unit)
    assert "OK" in said
    text = unit.read_text()
    for line in ("User=sluice", "NoNewPrivileges=yes", "CapabilityBoundingSet=", "ProtectSystem=strict", "MemoryDenyWriteExecute=yes"):
        assert re.search(rf"^{line}$", text, re.MULTILINE), line


def test_the_time_of_what_is_packed_is_given(packages):
    listed = run("dpkg-deb", "-c", packages["sluice-cli"], env={**os.environ, "TZ": "UTC"})
    assert set(re.findall(r" (\d{4}-\d\d-\d\d \d\d:\d\d) ", listed)) == {"2023-11-14 22:13"} and EPOCH == "1700000000"
