"""
Tests of docker/: its images are built, and its containers run, by an engine that is started for them.

    pytest tests/docker
"""
import pathlib
import sys

import pytest

HERE = pathlib.Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "integration")]

from compose import Compose, Engine  # noqa: E402

pytest_plugins = ["sluicetest.fixtures"]


@pytest.fixture(scope="session")
def engine():
    """A container engine with the images debian:12-slim and postgres:15."""
    with Engine() as made:
        yield made


@pytest.fixture(scope="session")
def compose(engine, tmp_path_factory):
    """docker/compose.yaml, built and up: a Compose. A test that stops it brings it up again."""
    made = Compose(engine, tmp_path_factory.mktemp("compose"))
    try:
        made.remove()  # what a run that was killed has left
        made.build()
        made.up()
        yield made
    finally:
        made.remove()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item):
    """A test that fails shows what the containers say."""
    outcome = yield
    report = outcome.get_result()
    made = item.funcargs.get("compose") if hasattr(item, "funcargs") else None
    if report.failed and made:
        report.sections.append(("containers", made.describe()))
