"""
Fixtures of all tests that run the programs. A test that takes `stack` gets a fresh database and programs on
free ports; all that ran must end cleanly, or the test has failed.
"""
import os
import pathlib

import pytest

from . import grpc_client, postgres
from .client import Client
from .importer import Importer
from .program import run
from .stack import Stack

ROOT = pathlib.Path(__file__).resolve().parents[3]


def pytest_addoption(parser):
    parser.addoption("--build-dir", default="build/dev",
                     help="where the programs are, relative to the project's root")
    parser.addoption("--previous-build-dir", help="where those of the version before are, for test_upgrade.py")


@pytest.fixture(scope="session")
def build(request):
    """The folder of the programs under test."""
    folder = (ROOT / request.config.getoption("--build-dir")).resolve()
    cache = folder / "CMakeCache.txt"
    assert cache.exists(), f"{folder} is no build folder"
    if "SLUICE_SANITIZE:STRING=\n" not in cache.read_text() + "\n":
        os.environ.setdefault("SLUICE_TEST_TIME_SCALE", "4")
        os.environ["SLUICE_TEST_SANITIZED"] = "yes"
    return folder


@pytest.fixture(scope="session")
def protos(tmp_path_factory):
    """Generated Python code is on the path."""
    folder = tmp_path_factory.mktemp("protos")
    grpc_client.compile_protos(folder)
    return folder


@pytest.fixture(scope="session")
def shared_cluster():
    cluster = postgres.Cluster()
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.remove()


@pytest.fixture
def cluster(shared_cluster):
    """A PostgreSQL that is up. A test may kill it."""
    if shared_cluster.process.poll() is not None:
        shared_cluster.start()
    yield shared_cluster


@pytest.fixture
def database(cluster):
    """A fresh, empty database for Sluice."""
    made = cluster.create_database()
    yield made
    discard(made)


@pytest.fixture(scope="session")
def schema(build, shared_cluster):
    """A database with Sluice's schema, to be copied: that takes a third of the time of making it. Nobody connects to it."""
    made = shared_cluster.create_database()
    run(build / "sluice", "--database-url", made.url, "migrate", "up")
    shared_cluster.execute("postgres", f"ALTER DATABASE {made.name} ALLOW_CONNECTIONS false")
    return made


@pytest.fixture
def destination(cluster):
    """A fresh, empty database to import into."""
    made = cluster.create_database()
    yield made
    discard(made)


def discard(database):
    if database.cluster.process.poll() is None:
        database.drop()


@pytest.fixture
def stack(request, build, protos, cluster, schema, tmp_path):
    """A Stack, not started, whose database has its schema."""
    made = Stack(build, cluster.create_database(like=schema), tmp_path)
    request.node.sluice_stack = made
    yield made
    try:
        made.stop()
    finally:
        discard(made.database)


@pytest.fixture
def client(stack):
    """A Client of a gateway that is up, with the sources `files` and `ld`. A file may have its own."""
    stack.start_gateway()
    client = Client(stack.reflected())
    client.add_sources()
    return client


@pytest.fixture
def running(stack, destination):
    """A Stack with all programs up and the data sources `hdfs` and `ld`."""
    stack.start()
    stack.add_usual_sources(destination)
    return stack


@pytest.fixture(scope="module")
def module_stack(build, protos, shared_cluster, tmp_path_factory):
    """A Stack as `running` has it, shared by all tests of a module; they leave it as it is."""
    if shared_cluster.process.poll() is not None:
        shared_cluster.start()
    made = Stack(build, shared_cluster.create_database(), tmp_path_factory.mktemp("stack"))
    try:
        made.start()
        made.destination = shared_cluster.create_database()
        made.add_usual_sources(made.destination)
        yield made
    finally:
        made.stop()


@pytest.fixture
def importer(request, module_stack):
    """An Importer on module_stack with a name of its own."""
    request.node.sluice_stack = module_stack
    return Importer(module_stack, module_stack.destination, name_of(request))


def name_of(request):
    """The test's name as one that folders and tables may have."""
    return "".join(c if c.isalnum() else "_" for c in request.node.name)[-50:].strip("_").lower()


@pytest.fixture(scope="module")
def second_cluster():
    """Another PostgreSQL, which a test may kill while Sluice's own goes on."""
    cluster = postgres.Cluster()
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.remove()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item):
    """A test that fails shows the ends of the programs' logs."""
    outcome = yield
    report = outcome.get_result()
    stack = getattr(item, "sluice_stack", None)
    if report.failed and stack:
        for program in stack.programs:
            report.sections.append((f"{program.log}", program.log_tail()))
