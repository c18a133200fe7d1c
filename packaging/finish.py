#!/usr/bin/python3
"""
packaging/finish.py FOLDER VERSION - brings each package of FOLDER, which has one folder a component, into Debian's form:
copyright, changelog, compressed documents, and sbom.spdx.json, the list of what is in it and what it links.
"""
import email.utils
import gzip
import os
import pathlib
import shutil
import subprocess
import sys

import sbom

ROOT = pathlib.Path(__file__).resolve().parents[1]
PACKAGES = {"gateway": "sluice-gateway", "rest": "sluice-rest", "worker": "sluice-worker", "cli": "sluice-cli",
            "sluice": "sluice"}


def compress(file):
    """As gzip -9n: neither a name nor a time is kept."""
    packed = file.with_name(file.name + ".gz")
    packed.write_bytes(gzip.compress(file.read_bytes(), 9, mtime=0))
    packed.chmod(0o644)
    file.unlink()


def print_changelog(package, version, time):
    return (f"{package} ({version}) stable; urgency=medium\n\n  * See /usr/share/doc/sluice/changelog.gz of the package sluice.\n\n"
            f" -- The Sluice authors <sluice@localhost>  {email.utils.formatdate(time)}\n")


def print_copyright(component):
    """Ours, and the licences of what the package brings along."""
    text = (ROOT / "packaging/debian/copyright").read_text()
    for bundle in sbom.bundles_of(component):
        text += bundle.copyright()
    return text


def finish(folder, component, version, time):
    package = PACKAGES[component]
    docs = folder / "usr/share/doc" / package
    docs.mkdir(parents=True, exist_ok=True)
    (docs / "copyright").write_text(print_copyright(component), encoding="utf-8")
    (docs / "changelog.Debian").write_text(print_changelog(package, version, time), encoding="utf-8")
    if component == "sluice":
        (docs / "LICENSE").unlink()  # Debian has it, and copyright says where
        (docs / "CHANGELOG.md").rename(docs / "changelog")  # as policy calls it
        compress(docs / "changelog")
    else:
        (docs / "sbom.spdx.json").write_text(sbom.describe(folder, component, package, version, time), encoding="utf-8")
    for file in [docs / "changelog.Debian", *folder.glob("usr/share/man/man*/*.[18]")]:
        compress(file)
    for file in folder.glob("usr/lib/sluice/*.so"):
        subprocess.run(["strip", "--strip-unneeded", "--remove-section=.comment", file], check=True)
        file.chmod(0o644)


def main():
    folder, version = sys.argv[1:]
    time = int(os.environ.get("SOURCE_DATE_EPOCH") or email.utils.time.time())
    found = [child for child in sorted(pathlib.Path(folder).iterdir()) if child.name in PACKAGES]
    assert found, f"{folder} has no component"
    for child in found:
        finish(child, child.name, version, time)


if __name__ == "__main__":
    os.umask(0o022)
    main()
