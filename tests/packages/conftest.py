"""
Tests of the Debian packages: they are made of what was built, and installed in a Debian system of their own, booted by
systemd. Needs root, mmdebstrap (scripts/deps packages) and apt's sources.

    pytest tests/packages --build-dir build/release
"""
import os
import pathlib
import shutil
import sys

import pytest

HERE = pathlib.Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "integration")]

from machine import Machine, make_older, pack, run  # noqa: E402
from sluicetest import postgres  # noqa: E402

pytest_plugins = ["sluicetest.fixtures"]


def pytest_sessionstart():
    missing = [tool for tool in ("cpack", "lintian", "mandoc", "mmdebstrap", "systemd-analyze") if not shutil.which(tool)]
    if os.geteuid() != 0:
        pytest.exit("tests/packages boot a system, which needs root", returncode=1)
    if missing:
        pytest.exit(f"tests/packages need {', '.join(missing)}: run scripts/deps packages", returncode=1)


@pytest.fixture(scope="session")
def packages(build, tmp_path_factory):
    """The packages of this version: files by name."""
    return pack(build, tmp_path_factory.mktemp("packages"))


@pytest.fixture(scope="session")
def older_packages(packages, tmp_path_factory):
    """The same as a version before this one."""
    return make_older(packages, tmp_path_factory.mktemp("older"), "0.0.9-1")


@pytest.fixture(scope="session")
def unpacked(packages, tmp_path_factory):
    """All that is in the packages, in one folder."""
    folder = tmp_path_factory.mktemp("unpacked")
    for file in packages.values():
        run("dpkg-deb", "-x", file, folder)
    return folder


@pytest.fixture(scope="session")
def machine():
    made = Machine()
    try:
        made.boot()
        yield made
    finally:
        made.remove()


@pytest.fixture(scope="session")
def server(machine):
    """A PostgreSQL outside of the machine, whose socket is in a folder of it; its user sluice has a password."""
    folder = machine.root / "srv/postgres"
    folder.mkdir()
    cluster = postgres.Cluster(folder)
    folder.chmod(0o755)
    rules = folder / "data/pg_hba.conf"
    rules.write_text("local all sluice scram-sha-256\n" + rules.read_text())
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.remove()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item):
    """A test that fails shows what the machine's journal says."""
    outcome = yield
    report = outcome.get_result()
    made = item.funcargs.get("machine") if hasattr(item, "funcargs") else None
    if report.failed and made:
        report.sections.append(("journal", made.describe()))
