"""
What each alert tells of is made to happen to real programs, and what they show then fires it. test_alerts.py has the
table that says which test does so for which alert.
"""
import contextlib
import itertools
import resource
import socket

import grpc
import psycopg2
import pytest

from sluicetest import metrics
from sluicetest.alerts import MINUTES, firing, series_of, series_of_lasting, series_of_late
from sluicetest.certificates import Authority
from sluicetest.importer import Importer
from sluicetest.program import run
from sluicetest.sockets import hold_port
from sluicetest.wait import wait_until

LISTEN = ("--metrics-listen", "127.0.0.1:0")
COLUMNS = {"id": "ROW||Int", "name": "f:name||String"}
GROWS = f"0+60x{MINUTES}"
CALLS = "sluice_grpc_calls_total"
CAPABILITY = "bulkload:file:postgres"


@pytest.fixture
def seen(stack, destination):
    stack.start_gateway(*LISTEN)
    stack.add_usual_sources(destination)
    return stack


def scrape(program):
    return metrics.scrape(program.metrics_port)


def try_scrape(program):
    """None: it does not answer."""
    try:
        return scrape(program)
    except OSError:
        return None


def is_ready(program):
    status, _, text = metrics.get(program.metrics_port, "/readyz")
    assert (status == 200) == (text == "ok\n"), text
    return status == 200


@pytest.fixture
def closed_port():
    """One that nobody listens on."""
    with hold_port() as held:
        yield held.getsockname()[1]


def scrape_when_it_counts(gateway):
    """What it shows when it has begun to count tasks that end."""
    return wait_until(lambda: (s := scrape(gateway)).get("sluice_tasks_ended_total") is not None and s,
                      what="tasks that end are counted")


def wait_for_failure(gateway):
    """What it shows once it has counted that a job and its task have failed, which everybody sees in the database before."""
    return wait_until(lambda: (s := scrape(gateway)).get("sluice_job_ends_total", outcome="FAILED") == 1
                      and s.get("sluice_tasks_ended_total", state="FAILED") == 1 and s, what="a task has failed")


def import_into(stack, destination, name, text):
    """An import that waits for a worker: its task's id."""
    importer = Importer(stack, destination, name)
    importer.write("a.csv", text)
    return importer.submit(COLUMNS)


# --- a program is away, or what it needs


def test_a_program_is_gone(seen, tmp_path):
    seen.start_rest(*LISTEN)
    seen.start_worker(*LISTEN)
    for program in seen.programs:
        well = scrape(program)
        assert firing(tmp_path, series_of(program.name, well)) == set()
        program.kill()
        assert firing(tmp_path, series_of(program.name, well, try_scrape(program))) == {"SluiceProgramDown"}


def test_a_gateway_tells_that_it_waits_for_its_database(stack, closed_port):
    with hold_port() as held:
        port = held.getsockname()[1]
        stack.gateway = stack.program(
            "sluice-gateway", "--database-url", f"postgresql://127.0.0.1:{closed_port}/nowhere", "--listen",
            "127.0.0.1:0", "--metrics-listen", f"127.0.0.1:{port}").start(wait_for="waiting for the database")

    assert metrics.get(port, "/healthz")[0] == 200
    assert metrics.get(port, "/readyz")[::2] == (503, "the program is starting\n")
    assert metrics.scrape(port).get("sluice_build_info") == 1
    stack.gateway.kill()


def test_the_database_is_away(seen, cluster, tmp_path):
    gateway = seen.gateway
    well = scrape(gateway)
    assert is_ready(gateway)
    assert firing(tmp_path, series_of("sluice-gateway", well)) == set()

    cluster.kill()
    wait_until(lambda: not is_ready(gateway), what="the gateway is not ready")
    away = wait_until(lambda: (s := scrape(gateway)).get("sluice_database_connections") == 0 and s,
                      what="no connection is up")
    assert away.get("sluice_database_connections_lost_total") >= 4
    assert away.get("sluice_jobs") is None  # what was known is not shown as if it were so still
    assert metrics.get(gateway.metrics_port, "/healthz")[0] == 200
    assert firing(tmp_path, series_of("sluice-gateway", well, away)) >= {"SluiceDatabaseAway"}

    assert not seen.is_served()
    refusing = scrape(gateway)
    assert "SluiceGrpcErrors" in firing(tmp_path, series_of_lasting("sluice-gateway", away, refusing))

    cluster.start()
    wait_until(lambda: is_ready(gateway), what="the gateway is ready again")


def test_the_gateway_behind_rest_is_away(seen, tmp_path):
    shim = seen.start_rest(*LISTEN)
    assert seen.rest.get("/v1/tasks").status == 200
    seen.gateway.kill()
    well = scrape(shim)
    assert seen.rest.get("/v1/tasks").status == 503
    away = wait_until(lambda: (s := scrape(shim)).get("sluice_http_requests_total", status="5xx") and s)
    assert firing(tmp_path, series_of_lasting("sluice-rest", well, away)) == {"SluiceHttpErrors"}


# --- what the database does


def test_the_database_takes_no_writes(seen, cluster, destination, tmp_path):
    """As a standby does, or a service that has no room."""
    well = scrape(seen.gateway)
    names = itertools.count()

    def refused():  # once the sessions know of it
        with contextlib.suppress(grpc.RpcError):
            seen.add_source(f"more{next(names)}", "FILE", {"root": "/"})
        return (s := scrape(seen.gateway)).get("sluice_database_errors_total", **{"class": "25"}) and s
    try:
        cluster.set("default_transaction_read_only", "on")
        ill = wait_until(refused, what="the refusal is counted")
    finally:
        cluster.set("default_transaction_read_only", None)
    assert "read-only" in seen.gateway.wait_for_event("database refuses a statement")["error"]
    assert firing(tmp_path, series_of_late("sluice-gateway", well, ill)) == {"SluiceDatabaseErrors"}


def test_somebody_holds_a_lock_in_the_database(seen, tmp_path):
    well = scrape(seen.gateway)
    connection = psycopg2.connect(seen.database.url)
    with connection.cursor() as cursor:
        cursor.execute("LOCK TABLE task")
        call = seen.api.tasks.GetTask.future(seen.api.task_service.GetTaskRequest(id="proc-1-" + "0" * 32))
        wait_until(lambda: seen.database.value(  # which the runbook looks at
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%with_jobs%'"
            " AND now() - xact_start > interval '1.1 s'"), what="the statement has waited for over a second")
    connection.close()
    with pytest.raises(grpc.RpcError):
        call.result()
    slow = scrape(seen.gateway)
    assert firing(tmp_path, series_of_lasting("sluice-gateway", well, slow)) == {
        "SluiceDatabaseBusy", "SluiceGrpcSlow"}


# --- what workers do


def test_nobody_takes_the_jobs(seen, destination, tmp_path):
    import_into(seen, destination, "waiting", "1,a\n")
    ready = {"capability": CAPABILITY, "role": "SCHEMA", "state": "ready"}
    fresh = wait_until(lambda: (s := scrape(seen.gateway)).get("sluice_jobs", **ready) == 1 and s, what="the job is counted")
    assert fresh.get("sluice_jobs", capability=CAPABILITY, role="SCHEMA", state="leased") == 0
    assert fresh.get("sluice_jobs_oldest_ready_age_seconds", capability=CAPABILITY) > 0
    assert firing(tmp_path, series_of("sluice-gateway", fresh)) == set()

    # As it is 20 minutes later, but for the waiting.
    seen.database.rows("UPDATE job SET lease_end_time = now() - interval '20 min'")
    old = wait_until(
        lambda: ((s := scrape(seen.gateway)).get("sluice_jobs_oldest_ready_age_seconds") or 0) > 1000 and s)
    assert firing(tmp_path, series_of("sluice-gateway", fresh, old)) == {"SluiceNoWorker", "SluiceJobsWait"}


def test_a_worker_dies_and_another_is_cut_off(seen, destination, tmp_path):
    seen.start_worker(*LISTEN)
    worker = seen.worker
    wait_until(lambda: is_ready(worker), what="the worker is ready")
    well = scrape(worker)
    wait_until(lambda: scrape(seen.gateway).get("sluice_grpc_calls_running") == 2, what="its questions for jobs and checks are out")
    worker.pause()
    import_into(seen, destination, "dying", "1,a\n")  # whose job goes to one of them
    wait_until(lambda: seen.database.value("SELECT count(*) FROM job WHERE state = 'RUNNING'") == 1,
               what="the job is leased")
    seen.database.rows("UPDATE job SET lease_end_time = now() - interval '1 s' WHERE state = 'RUNNING'")
    expired = wait_until(lambda: (s := scrape(seen.gateway)).get("sluice_jobs", state="expired") == 1 and s,
                         what="the lease has expired")
    assert firing(tmp_path, series_of("sluice-gateway", expired)) == {"SluiceJobsExpired"}

    seen.gateway.kill()
    worker.resume()
    wait_until(lambda: not is_ready(worker), what="the worker is not ready")
    cut_off = wait_until(lambda: (s := scrape(worker)).get("sluice_worker_leases_failed_total") > 0 and s,
                         what="the worker asks in vain")
    assert firing(tmp_path, series_of("sluice-worker", well, cut_off)) == set()  # it is over
    lasting = series_of_lasting("sluice-worker", well, cut_off)
    lasting['sluice_worker_leases_failed_total{job="sluice-worker",instance="i"}'] = GROWS  # it asks every second
    assert firing(tmp_path, lasting) == {"SluiceWorkerCutOff"}


def test_workers_sleep_and_lose_their_leases(stack, destination, tmp_path):
    """As on a virtual machine that is moved. Others have their jobs when they wake up."""
    stack.start_gateway("--lease-ms", 2000, *LISTEN)
    stack.add_usual_sources(destination)
    sleeper = stack.start_worker("--max-jobs", 4)
    well = scrape(stack.gateway)
    with contextlib.ExitStack() as gates:
        tasks = []
        for number in range(4):
            importer = Importer(stack, destination, f"asleep_{number}")
            importer.write("a.csv", "1,a\n")
            importer.make_table('"ROW" integer PRIMARY KEY, "f:name" text')
            gate = gates.enter_context(importer.gate("ROW"))
            gate.close("1")
            tasks.append(importer.submit(COLUMNS))
            gate.wait_until_reached("1")
        sleeper.pause()
        stack.start_worker("--max-jobs", 4, "--worker-id", "other")
        wait_until(lambda: stack.database.value(
            "SELECT count(*) FROM job WHERE worker_id = 'other' AND state = 'RUNNING'") == 4, what="another has the jobs")
        sleeper.resume()
        lost = wait_until(lambda: ((s := scrape(stack.gateway)).get(CALLS, reason="LEASE_LOST") or 0) > 3 and s,
                          what="the sleeper is told")
        assert firing(tmp_path, series_of_late("sluice-gateway", well, lost)) == {"SluiceLeasesLost"}
        assert sleeper.wait_for_event("job dropped")
        assert lost.get("sluice_job_takeovers_total") >= 4
    for task in tasks:
        stack.wait_for_state(task, "SUCCEEDED")


def test_a_destination_is_away(seen, tmp_path, destination, closed_port):
    seen.add_source("away", "POSTGRES", {"url": f"postgresql://127.0.0.1:{closed_port}/nowhere"})
    well = scrape(seen.gateway)
    seen.start_worker("--max-jobs", 16)
    importer = Importer(seen, destination, "again")
    importer.write("a.csv", "1,a\n")
    for _ in range(11):
        task = importer.submit(COLUMNS, destination="away")
    retried = wait_until(lambda: (s := scrape(seen.gateway)).get("sluice_job_ends_total", outcome="RETRY") > 10 and s,
                         60, "jobs are tried again")
    assert firing(tmp_path, series_of_late("sluice-gateway", well, retried)) == {"SluiceJobsRepeat"}
    wait_until(lambda: "Connection refused" in seen.cli("task", "explain", task).stdout, what="the last one was tried, too")


def test_a_job_is_tried_too_often(seen, tmp_path, destination, closed_port):
    """The worker only says that it is to be tried again; that its task fails instead is counted, too."""
    seen.add_source("away", "POSTGRES", {"url": f"postgresql://127.0.0.1:{closed_port}/nowhere"})
    well = scrape_when_it_counts(seen.gateway)
    importer = Importer(seen, destination, "often")
    importer.write("a.csv", "1,a\n")
    task = importer.submit(COLUMNS, destination="away")
    seen.database.rows("UPDATE job SET tries = 19")  # as after as many tries
    seen.start_worker()
    seen.wait_for_state(task, "FAILED")
    failed = wait_for_failure(seen.gateway)
    assert failed.get("sluice_jobs_given_up_total") == 1
    assert failed.get("sluice_job_takeovers_total") == 0
    assert failed.get("sluice_job_ends_total", outcome="RETRY") == 0
    assert firing(tmp_path, series_of_late("sluice-gateway", well, failed)) == {"SluiceTasksFail"}


def test_a_task_fails_for_its_rows(seen, destination, tmp_path):
    seen.start_worker(*LISTEN)
    importer = Importer(seen, destination, "failing")
    importer.write("good.csv", "1,a\n")
    importer.run(COLUMNS)  # a worker shows a connector from its first job on
    before = [scrape_when_it_counts(seen.gateway), scrape(seen.worker)]
    importer.write("a.csv", "1,a\nx,b\n")
    importer.fail(COLUMNS)
    after = [wait_for_failure(seen.gateway), scrape(seen.worker)]
    series = {**series_of_late("sluice-gateway", before[0], after[0]),
              **series_of_late("sluice-worker", before[1], after[1])}
    assert firing(tmp_path, series) == {"SluiceTasksFail", "SluiceBadRows"}


# --- what runs out, or is missing


def test_a_gateway_lacks_a_key(stack, destination, tmp_path):
    key = tmp_path / "keys"
    run(stack.build / "sluice", "secret", "create", key)
    sealing = stack.start_gateway("--secret-key-file", key)
    stack.add_source("hdfs", "FILE", {"root": str(stack.files)})
    stack.add_source("ld", "POSTGRES", {"url": destination.url, "password": "a secret"})
    task = import_into(stack, destination, "sealed", "1,a\n")
    sealing.stop()

    lacking = stack.start_gateway(*LISTEN)
    well = scrape(lacking)
    stack.start_worker()
    refused = wait_until(lambda: (s := scrape(lacking)).get("sluice_secrets_unopened_total") and s, what="it is refused")
    line = lacking.wait_for_event("job not handed out")
    assert (line["task"], line["level"]) == (task, "error") and "is sealed under key" in line["error"]
    assert firing(tmp_path, series_of_late("sluice-gateway", well, refused)) == {"SluiceSecretsClosed"}


def test_a_file_of_keys_is_spoilt(stack, tmp_path):
    key = tmp_path / "keys"
    run(stack.build / "sluice", "secret", "create", key)
    gateway = stack.start_gateway("--secret-key-file", key, *LISTEN)
    assert firing(tmp_path, series_of("sluice-gateway", scrape(gateway))) == set()
    key.rename(tmp_path / "elsewhere")
    old = wait_until(lambda: (s := scrape(gateway)).get("sluice_secret_keys_current") == 0 and s, 30, "it is noticed")
    assert "cannot be read" in gateway.wait_for_event("new secret keys are not used")["error"]
    assert firing(tmp_path, series_of("sluice-gateway", old)) == {"SluiceSecretKeysOld"}
    (tmp_path / "elsewhere").rename(key)
    wait_until(lambda: scrape(gateway).get("sluice_secret_keys_current") == 1, 30, "it is used again")


def test_certificates_come_to_their_end(stack, tmp_path):
    """All programs take up new ones by themselves."""
    ca = Authority(tmp_path, "ours")
    served, shown = ca.issue("gateway", "IP:127.0.0.1", days=5), ca.issue("worker", "DNS:worker", days=5)
    ending = ["--tls-cert", served.cert, "--tls-key", served.key]
    gateway = stack.start_gateway(*ending, "--tls-client-ca", ca.cert, *LISTEN)
    shim = stack.start_rest(*ending, "--gateway-ca", ca.cert, "--gateway-cert", shown.cert, "--gateway-key", shown.key, *LISTEN)
    worker = stack.start_worker("--gateway-ca", ca.cert, "--gateway-cert", shown.cert, "--gateway-key", shown.key, *LISTEN)

    def days_left(program, option):
        return scrape(program).get("sluice_tls_certificate_remaining_seconds", option=option) / 86400
    for program, option in [(gateway, "tls-cert"), (shim, "tls-cert"), (shim, "gateway-cert"), (worker, "gateway-cert")]:
        assert 4.9 < days_left(program, option) <= 5
        assert firing(tmp_path, series_of(program.name, scrape(program))) == {"SluiceCertificateExpires"}

    ca.issue("next", "IP:127.0.0.1", days=90).copy_to(served)
    ca.issue("later", "DNS:worker", days=90).copy_to(shown)
    assert days_left(gateway, "tls-cert") > 89 and days_left(shim, "tls-cert") > 89
    assert days_left(shim, "gateway-cert") > 89 and days_left(worker, "gateway-cert") > 89
    assert firing(tmp_path, series_of("sluice-gateway", scrape(gateway))) == set()
    served.cert.write_text("broken")
    assert days_left(gateway, "tls-cert") > 89  # which it goes on with


def test_clients_take_all_descriptors(seen, tmp_path):
    well = scrape(seen.gateway)
    limit = int(well.get("process_open_fds")) + 100
    resource.prlimit(seen.gateway.process.pid, resource.RLIMIT_NOFILE, (limit, limit))
    clients = [socket.create_connection(("127.0.0.1", seen.gateway.port)) for _ in range(90)]
    full = wait_until(lambda: (s := scrape(seen.gateway)).get("process_open_fds") > 0.8 * limit and s)
    assert firing(tmp_path, series_of("sluice-gateway", well, full)) == {"SluiceDescriptors"}
    for client in clients:
        client.close()
    wait_until(lambda: scrape(seen.gateway).get("process_open_fds") < 0.8 * limit, what="they are closed again")


def test_the_archive_has_no_folder(stack, tmp_path):
    stack.start_gateway()
    stack.add_usual_sources(stack.database)
    task = import_into(stack, stack.database, "old", "1,a\n")
    stack.api.tasks.AbortTask(stack.api.task_service.AbortTaskRequest(id=task))
    stack.database.rows("UPDATE task SET end_time = now() - interval '8 days'")
    stack.gateway.stop()

    gateway = stack.start_gateway(*LISTEN, "--keep-tasks-days", 7, "--archive-folder", tmp_path / "later")
    well = scrape(gateway)
    stuck = wait_until(lambda: (s := scrape(gateway)).get("sluice_retention_failures_total") and s, what="it fails")
    assert gateway.wait_for_event("what is old is not removed")
    lasting = series_of_lasting("sluice-gateway", well, stuck)
    lasting['sluice_retention_failures_total{job="sluice-gateway",instance="i"}'] = GROWS  # it tries every ten seconds
    assert firing(tmp_path, lasting) == {"SluiceRetentionStuck"}
