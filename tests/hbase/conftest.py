"""
Tests with a real HBase, and the fixtures that only they have. Clusters cost seconds and memory, so tests share
them and call their tables by names of their own; a test that changes more than its tables makes its own cluster.

    pytest tests/hbase --build-dir build/dev
"""
import pathlib
import signal
import sys

import pytest

HERE = pathlib.Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "integration")]

from hbasetest.build import Build  # noqa: E402
from hbasetest.harness import FULL_ROWS, HBase  # noqa: E402
from hbasetest.sluice import Sluice  # noqa: E402

pytest_plugins = ["sluicetest.fixtures"]


def pytest_addoption(parser):
    parser.addoption("--hbase-version", help="of HBase's artifacts; by default the one in pom.xml")
    parser.addoption("--rows", type=int, default=100_000, help=f"of the large table that is copied; {FULL_ROWS} is the full one")


def pytest_configure(config):
    config.addinivalue_line("markers", "both_versions: what HBase's versions may do differently")
    # A run that is told to end, by its time limit say, ends in order: what it has started goes with it.
    signal.signal(signal.SIGTERM, signal.default_int_handler)


@pytest.fixture(scope="session")
def hbase(request):
    """Makes clusters; has the judge."""
    option = request.config.getoption
    made = HBase(Build(option("--hbase-version")), is_quick=option("--rows") < FULL_ROWS)
    try:
        yield made
    finally:
        made.remove()


@pytest.fixture(scope="session")
def judge(hbase):
    """Says what is in a cluster."""
    return hbase.judge


@pytest.fixture(scope="session")
def shared_clusters(hbase):
    return hbase.start_all("source", "target")


@pytest.fixture
def clusters(shared_clusters):
    """Two clusters that are up, source and target, which all tests share. A test may kill region servers."""
    for cluster in shared_clusters:
        cluster.revive()
    return shared_clusters


@pytest.fixture
def source(clusters):
    return clusters[0]


@pytest.fixture
def target(clusters):
    return clusters[1]


@pytest.fixture
def new_cluster(hbase):
    """Starts a cluster that only this test has: new_cluster("name", region_servers=2)."""
    made = []

    def start(name, **how):
        made.append(hbase.make(name, **how))
        return made[-1].start()
    yield start
    for cluster in made:
        hbase.discard(cluster)


@pytest.fixture
def table(request):
    """A name for a table that no other test has."""
    return "".join(c if c.isalnum() else "_" for c in request.node.name)[:80].strip("_").lower()


@pytest.fixture
def sluice(stack, clusters):
    """Sluice with all its programs, and both clusters."""
    stack.start()
    made = Sluice(stack)
    made.add_cluster("source", clusters[0])
    made.add_cluster("target", clusters[1])
    return made


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item):
    """A test that fails says where the logs of HBase are, and keeps them."""
    outcome = yield
    report = outcome.get_result()
    made = getattr(item, "funcargs", {}).get("hbase")
    if report.failed and made:
        made.keep_logs = True
        report.sections.append(("HBase", "\n".join(str(f) for f in made.logs())))
