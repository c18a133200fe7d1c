"""
docs/upgrading.md: the schema first, then one gateway after the other, while clients go on.

    pytest tests/integration/test_upgrade.py --build-dir build/dev --previous-build-dir ../before/build/dev

With programs of the version before both versions run side by side. Without them the version after this one is a
migration that adds to every table.
"""
import pathlib

import pytest

from sluicetest.client import Client, Worker, task
from sluicetest.grpc_client import Reflected
from sluicetest.program import run
from sluicetest.wait import wait_until

NEXT = 9999


def add_next_migration(database):
    """What a next version may do: it adds columns, an index, a table."""
    tables = [name for name, in database.rows("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")]
    assert len(tables) > 8
    for table in tables:
        database.rows(f"ALTER TABLE {table} ADD COLUMN of_the_next_version text NOT NULL DEFAULT ''")
    database.rows("CREATE TABLE next_version (id text PRIMARY KEY)")
    database.rows("CREATE INDEX next_version_job ON job (of_the_next_version)")
    database.rows("INSERT INTO schema_migrations (version, name, checksum, duration_ms) VALUES (%s, '9999_next', 'x', 1)",
                  NEXT)


def run_tasks(client, name, count=3):
    """Tasks from their beginning to their end, some of which are aborted and retried."""
    ids = [client("CreateTask", task=task())["id"] for _ in range(count)]
    client("AbortTask", id=ids[0])
    client("RetryTask", id=ids[0])
    worker = Worker(client, name)
    worker.run_all()
    for made in ids:
        wait_until(lambda made=made: client.task(made)["state"] == "TASK_STATE_SUCCEEDED", what=f"{made} has succeeded")
    return ids


def test_an_older_gateway_goes_on_and_starts_on_a_newer_schema(client, stack):
    first = run_tasks(client, "before")
    add_next_migration(stack.database)
    run_tasks(client, "while it runs")
    stack.gateway.stop()
    stack.gateway.options += ["--keep-tasks-days", "7"]
    stack.gateway.start()
    wait_until(stack.is_served, what="the gateway serves")
    assert any(line["event"] == "the schema is newer than this program, which may run on it"
               and line["migration"] == NEXT for line in stack.gateway.events())
    wait_until(client.is_served, what="the client has found the gateway again")
    run_tasks(client, "after a restart")
    stack.database.rows("UPDATE task SET end_time = end_time - interval '8 days' WHERE id LIKE 'proc-1-%%'")
    wait_until(lambda: stack.database.value("SELECT count(*) FROM task") == 8, 30, what="an old task is removed")


def test_a_gateway_that_is_too_old_is_told_so(stack, build):
    stack.migrate()
    add_next_migration(stack.database)
    stack.database.rows("UPDATE schema_support SET oldest = %s", NEXT)
    done = run(build / "sluice-gateway", "--database-url", stack.database.url, check=False)
    assert done.returncode == 1 and f"migration {NEXT}" in done.stderr and "too old" in done.stderr


@pytest.fixture
def previous(request):
    folder = request.config.getoption("--previous-build-dir")
    if not folder:
        pytest.skip("needs --previous-build-dir, programs of the version before")
    return pathlib.Path(folder).resolve()


def start_gateway(stack, folder, name):
    """A gateway of that build and a client of it."""
    gateway = stack.program("sluice-gateway", "--database-url", stack.database.url, "--listen", "127.0.0.1:0",
                            "--lease-ms", 60000, log=name)
    gateway.path = folder / "sluice-gateway"
    stack.workers.append(gateway.start())  # is stopped with the others
    return gateway, Client(Reflected(gateway.address, "v1"))


def test_two_versions_run_side_by_side(stack, build, previous):
    """Both gateways serve clients and workers on one schema, the newer one; then the older one is stopped."""
    run(previous / "sluice", "--database-url", stack.database.url, "migrate", "up")
    old, old_client = start_gateway(stack, previous, "old")
    old_client.add_sources()
    run_tasks(old_client, "old schema")
    made = old_client("CreateTask", task=task())["id"]
    running = Worker(old_client, "over the upgrade")
    job = running.must_lease()

    stack.migrate()
    run_tasks(old_client, "old gateway, new schema")
    _, client = start_gateway(stack, build, "new")
    for n in range(3):
        run_tasks(client, f"new {n}")
        run_tasks(old_client, f"old {n}")
    running.finish(job)
    Worker(client, "at last").run_all()
    assert client.task(made)["state"] == "TASK_STATE_SUCCEEDED"
    old.stop()
    run_tasks(client, "new alone")
    assert stack.database.value("SELECT count(*) FROM task WHERE state <> 'SUCCEEDED'") == 0
