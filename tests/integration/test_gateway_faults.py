"""The gateway, when processes die, the database goes away, or it is started wrongly."""
import base64
import random
import socket
import threading

import grpc
import psycopg2
import pytest

from sluicetest.client import Client, Failure, Worker, task
from sluicetest.program import run
from sluicetest.wait import scale, wait_until


@pytest.fixture
def client(stack):
    stack.start_gateway("--lease-ms", "60000")
    client = Client(stack.reflected())
    client.add_sources()
    return client


def kill_and_start(stack, client):
    stack.gateway.kill()
    stack.gateway.start()
    wait_until(client.is_served, what="the client has found the gateway again")


# --- who is faster


def test_a_data_source_that_goes_while_a_task_is_made_is_not_found(client, stack):
    with psycopg2.connect(stack.database.url) as deleting, deleting.cursor() as cursor:
        cursor.execute("DELETE FROM data_source WHERE name = 'files'")
        creating = client.start("CreateTask", {"task": task()})
        wait_until(lambda: stack.database.value(
            "SELECT count(*) FROM pg_locks WHERE NOT granted") > 0, what="the task waits")
        deleting.commit()
    failure = Failure.of(creating.exception())
    assert (failure.code, failure.reason) == ("NOT_FOUND", "DATA_SOURCE_NOT_FOUND")
    assert failure.text == "data source 'files' does not exist"


# --- a database that takes no writes


def test_a_database_that_is_made_read_only_is_read_and_written_again_later(client, stack):
    """As an operator does it, or a service for want of room: sessions that are there take it up."""
    made = client.create_task()
    cluster = stack.database.cluster
    try:
        cluster.set("default_transaction_read_only", "on")
        offset = stack.gateway.log.stat().st_size
        failure = client.fails("CreateTask", task=task())
        assert (failure.code, failure.reason) == ("UNAVAILABLE", "DATABASE_UNAVAILABLE")
        assert failure.retry_s > 0
        line = stack.gateway.wait_for_event("database refuses a statement", offset=offset)
        assert "read-only transaction" in line["error"]
        assert client.task(made["id"])["id"] == made["id"]
    finally:
        cluster.set("default_transaction_read_only", None)
    wait_until(lambda: Failure is not type(try_create(client)), what="tasks are made again")


def try_create(client):
    try:
        return client.create_task()
    except grpc.RpcError as error:
        return Failure.of(error)


# --- a database that is full


def test_a_database_without_room_is_told_to_the_operator(client, stack):
    stack.database.rows("""
        CREATE FUNCTION fill() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN RAISE EXCEPTION 'no room for %', NEW.kind USING ERRCODE = 'disk_full'; END $$;
        CREATE TRIGGER fill BEFORE INSERT ON task FOR EACH ROW EXECUTE FUNCTION fill()""")
    failure = client.fails("CreateTask", task=task())
    assert (failure.code, failure.reason) == ("RESOURCE_EXHAUSTED", "OVERLOADED")
    line = stack.gateway.wait_for_event("database is out of resources")
    assert (line["level"], line["error"]) == ("warn", "no room for BULKLOAD")


# --- a database that is a standby


def test_a_standby_is_no_database(client, stack):
    cluster = stack.database.cluster
    standby = cluster.folder / "data" / "standby.signal"
    cluster.stop()
    standby.touch()
    cluster.start()
    try:
        for _ in range(10):  # each is held back for a moment, so connections have time to be made
            assert client.fails("CreateTask", task=task()).reason == "DATABASE_UNAVAILABLE"
        wait_until(lambda: client.health() == "NOT_SERVING", what="health tells")
    finally:
        cluster.stop()
        standby.unlink()
        cluster.start()
    wait_until(client.is_served, what="the database is back")
    assert client.create_task()["id"]


# --- kill -9 of the gateway


def test_nothing_acknowledged_is_lost_when_the_gateway_dies(client, stack):
    worker = Worker(client)
    made = client.create_task()
    kill_and_start(stack, client)
    assert client.task(made["id"])["etag"] == made["etag"]

    job = worker.must_lease()
    kill_and_start(stack, client)
    assert worker.report(job, checkpoint=b"here", n=5) == "CONTINUE"
    kill_and_start(stack, client)
    assert client.task(made["id"])["progress"]["rowsWritten"] == "5"

    client("AbortTask", id=made["id"])
    kill_and_start(stack, client)
    assert worker.report(job) == "STOP"
    client("RetryTask", id=made["id"])
    kill_and_start(stack, client)
    job = worker.must_lease()
    assert base64.b64decode(job["checkpoint"]) == b"here"

    worker.finish(job)
    kill_and_start(stack, client)
    assert client.jobs(made["id"]) == ["SUCCEEDED", "READY"]


def create_until(client, stop, acknowledged):
    while not stop.is_set():
        try:
            acknowledged.append(client("CreateTask", timeout_s=5, task=task())["id"])
        except grpc.RpcError:
            pass  # its outcome is not known


def test_nothing_acknowledged_is_lost_under_load(client, stack):
    stop, acknowledged = threading.Event(), []
    threads = [threading.Thread(target=create_until, args=(client, stop, acknowledged))
               for _ in range(4)]
    for thread in threads:
        thread.start()
    for _ in range(4):
        enough = len(acknowledged) + random.randint(5, 40)
        wait_until(lambda n=enough: len(acknowledged) >= n, timeout_s=60, what="tasks are made")
        kill_and_start(stack, client)
    stop.set()
    for thread in threads:
        thread.join()
    stored = {row[0] for row in stack.database.rows("SELECT id FROM task")}
    assert set(acknowledged) <= stored
    assert len(acknowledged) == len(set(acknowledged))
    without_jobs = stack.database.value(
        "SELECT count(*) FROM task WHERE 2 <> (SELECT count(*) FROM job WHERE task_id = task.id)")
    assert without_jobs == 0


# --- the database goes away


def test_health_and_errors_follow_the_database(client, stack):
    made = client.create_task()["id"]
    wait = Worker(client).start_lease(wait_s=0)
    assert wait.result().job.task_id == made
    assert client.health() == "SERVING"
    stack.database.cluster.kill()
    try:
        wait_until(lambda: client.health() == "NOT_SERVING", what="health tells")
        for method, request in (("GetTask", {"id": made}), ("CreateTask", {"task": task()}),
                                ("LeaseJob", {"workerId": "w", "waitDuration": "5s",
                                              "capabilities": ["bulkload:file:postgres"]})):
            failure = client.fails(method, **request)
            assert failure.code == "UNAVAILABLE", failure
            assert failure.reason == "DATABASE_UNAVAILABLE"
            assert failure.retry_s == 1
            assert "sluice-pg" not in failure.text  # no addresses of ours
    finally:
        stack.database.cluster.start()
    wait_until(client.is_served, what="the database is back")
    assert client.state(made) == "RUNNING"
    Worker(client).finish(wait_for_job(wait))
    assert client.jobs(made) == ["SUCCEEDED", "READY"]


def wait_for_job(lease):
    job = lease.result().job
    return {"id": job.id, "leaseToken": job.lease_token}


def test_a_waiting_worker_hears_that_the_database_is_gone(client, stack):
    wait = Worker(client).start_lease()
    wait_until(lambda: stack.database.value(
        "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%note/worker%'"
        " AND pid <> pg_backend_pid()"), what="the worker waits")
    stack.database.cluster.kill()
    try:
        assert wait.code() == grpc.StatusCode.UNAVAILABLE
    finally:
        stack.database.cluster.start()
    wait_until(client.is_served, what="the database is back")


def test_a_stop_while_the_database_is_gone(client, stack):
    wait = Worker(client).start_lease()
    stack.database.cluster.kill()
    try:
        wait_until(lambda: client.health() == "NOT_SERVING", what="health tells")
        stack.gateway.stop()
    finally:
        stack.database.cluster.start()
    assert wait.code() == grpc.StatusCode.UNAVAILABLE


# --- starting


def start_alone(build, *options, **env):
    return run(build / "sluice-gateway", *options, check=False, **env)


def events(done):
    return [line for line in done.stderr.splitlines() if line.startswith("{")]


def test_it_refuses_a_schema_that_is_older(build, database):
    done = start_alone(build, "--database-url", database.url, "--listen", "127.0.0.1:0")
    assert done.returncode == 1
    assert "sluice migrate up" in done.stderr
    assert "listening" not in done.stderr


def test_it_gives_up_when_there_is_no_database(stack):
    done = start_alone(stack.build, "--database-url", "postgresql:///none?host=/nonexistent",
                       "--database-wait-ms", "5000")
    assert done.returncode == 1
    assert "waiting for the database" in done.stderr
    assert '"event":"not started"' in events(done)[-1]


def test_it_waits_for_a_database_that_comes(stack):
    stack.migrate()
    stack.database.cluster.kill()
    gateway = stack.program("sluice-gateway", "--database-url", stack.database.url,
                            "--listen", "127.0.0.1:0")
    try:
        gateway.start(wait_for="waiting for the database")
    finally:
        stack.database.cluster.start()
    gateway.wait_for_event("listening")
    gateway.stop()


def test_it_can_be_stopped_while_it_waits(stack):
    gateway = stack.program("sluice-gateway", "--database-url",
                            "postgresql:///none?host=/nonexistent", "--listen", "127.0.0.1:0",
                            "--database-wait-ms", "3600000")
    gateway.start(wait_for="waiting for the database")
    gateway.process.terminate()
    assert gateway.process.wait(timeout=20 * scale()) == 1


def test_it_says_that_the_port_is_taken(stack):
    stack.migrate()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = start_alone(stack.build, "--database-url", stack.database.url,
                           "--listen", f"127.0.0.1:{port}")
    assert done.returncode == 1
    assert any(str(port) in event for event in events(done))


def test_settings_are_checked_and_secrets_hidden(stack):
    done = start_alone(stack.build, "--print-config", "--lease-ms", "2000",
                       SLUICE_DATABASE_URL="postgresql://u:geheim@h/d")
    assert done.returncode == 0
    assert "lease-ms = 2000" in done.stdout and "geheim" not in done.stdout
    for wrong in (["--lease-ms", "999"], ["--lease-ms", "600001"], ["--max-batch", "0"],
                  ["--nonsense"], ["operand"]):
        refused = start_alone(stack.build, "--database-url", "x", "--check-config", *wrong)
        assert refused.returncode == 2, wrong
    assert start_alone(stack.build).returncode == 2  # a database is required
