"""
Sluice under strikes: what was acknowledged holds.

    pytest tests/chaos --build-dir build/dev [--strikes 1000] [--seed N]
"""
import pathlib
import random
import sys

import pytest

HERE = pathlib.Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "integration")]

pytest_plugins = ["sluicetest.fixtures"]


def pytest_addoption(parser):
    parser.addoption("--strikes", type=int, default=100, help="how often the storm's killer strikes")
    parser.addoption("--seed", type=int, help="repeats the choices of the run that printed it")


@pytest.fixture
def seed(request):
    """In the report of a test that fails."""
    chosen = request.config.getoption("--seed")
    chosen = random.randrange(2**32) if chosen is None else chosen
    print(f"--seed {chosen}")
    return chosen


@pytest.fixture(scope="session")
def has_failpoints(build):
    """Builds for tests have them."""
    return "SLUICE_FAILPOINTS:BOOL=ON" in (build / "CMakeCache.txt").read_text()
