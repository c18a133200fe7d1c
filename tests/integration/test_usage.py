"""Command lines that are wrong: what is said, and what is not."""
import subprocess

import pytest

from sluicetest.program import environment

SECRET = "s3cret"


def call(build, name, *options):
    return subprocess.run([build / name, *options], env=environment(), timeout=30,
                          stdin=subprocess.DEVNULL, capture_output=True, text=True)


@pytest.mark.parametrize("name", ["sluice", "sluice-gateway", "sluice-rest"])
def test_a_wrong_log_level_is_named(build, name):
    ended = call(build, name, "--log-level=loud", "--database-url=x", "task", "list")
    assert ended.returncode == 2
    assert "log-level: 'loud' is not a log level" in ended.stderr


@pytest.mark.parametrize("name", ["sluice", "sluice-gateway", "sluice-rest"])
@pytest.mark.parametrize("option", ["--help", "--version"])
def test_help_and_version_are_there_whatever_else_is_wrong(build, name, option):
    ended = call(build, name, "--nonsense", option)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.count("sluice") > 0


@pytest.mark.parametrize("options", [
    ("--databaseurl=postgresql://u:s3cret@h/d",),
    ("--databaseurl", "postgresql://u:s3cret@h/d"),
    ("--database-url=postgresql://u:s3cret@h/d", "--check-config"),
    ("--database-url=postgresql://u:s3cret/x@h/d",),
    ("--database-url=nonsense s3cret",),
])
def test_a_password_is_not_shown(build, options):
    ended = call(build, "sluice-gateway", *options)
    assert SECRET not in ended.stdout + ended.stderr
    assert ended.stdout + ended.stderr
