"""ExchangeJob: the end of a job and the lease of the next one, by one call."""
import pytest

from sluicetest.client import Client, Worker
from sluicetest.importer import Importer
from sluicetest.metrics import scrape
from sluicetest.wait import wait_until

COLUMNS = {"id": "ROW||String", "v": "f:v||Int"}
EXCHANGES = {"method": "sluice.worker.v1.WorkerService/ExchangeJob", "code": "OK"}


@pytest.fixture
def client(stack):
    stack.start_gateway("--lease-ms", "600000")  # so nobody waits for the end of a lease
    client = Client(stack.reflected())
    client.add_sources()
    return client


# --- the call

def test_a_worker_goes_from_job_to_job(client):
    first, second = (client.create_task()["id"] for _ in range(2))
    worker = Worker(client, "w1")
    taken = [worker.must_lease()]
    while job := worker.exchange(taken[-1]):
        taken.append(job)
    assert [job["taskId"] for job in taken] == [first, second, first, second]
    assert [client.state(task) for task in (first, second)] == ["SUCCEEDED", "SUCCEEDED"]
    assert taken[1]["attempt"] == 1 and taken[1]["source"]["name"] == "files"


def test_the_end_counts_when_there_is_no_other_job(client):
    made = client.create_task()["id"]
    worker = Worker(client)
    assert worker.exchange(worker.must_lease(), "FAILED", "column age: 'x' is no number") is None
    assert client.task(made)["message"] == "column age: 'x' is no number"


def test_it_waits_for_a_job(client, stack):
    client.create_task()
    worker, other = Worker(client, capabilities=["bulkload:file:postgres"]), Worker(client, "other")
    schema = worker.must_lease()
    request = {"id": schema["id"], "leaseToken": schema["leaseToken"], "outcome": "JOB_OUTCOME_SUCCEEDED",
               "workerId": "w", "waitDuration": "60s", "capabilities": ["full_migration:hbase:hbase"]}
    waiting = client.start("ExchangeJob", request, timeout_s=90)
    full = other.must_lease()  # what follows from the end that is stored by now
    assert not waiting.done()
    waiting.cancel()
    other.finish(full)
    assert client.state(schema["taskId"]) == "SUCCEEDED"


def test_who_has_lost_a_job_gets_no_other(client, stack):
    lost, other = (client.create_task()["id"] for _ in range(2))
    worker = Worker(client)
    job = worker.must_lease()
    client("AbortTask", id=lost)
    failure = client.fails("ExchangeJob", id=job["id"], leaseToken=job["leaseToken"],
                           outcome="JOB_OUTCOME_SUCCEEDED", workerId="w", capabilities=list(worker.capabilities))
    assert (failure.code, failure.reason) == ("ABORTED", "LEASE_LOST")
    assert client.jobs(other) == ["READY", "WAITING"]


def test_a_repeat_is_answered_as_the_first_and_leases_again(client):
    tasks = [client.create_task()["id"] for _ in range(3)]
    worker = Worker(client)
    job = worker.must_lease()
    assert [worker.exchange(job)["taskId"] for _ in range(2)] == tasks[1:]
    assert client.jobs(tasks[0]) == ["SUCCEEDED", "READY"]


def test_what_is_wrong_with_either_half_changes_nothing(client):
    made = client.create_task()["id"]
    job = Worker(client).must_lease()
    failure = client.fails("ExchangeJob", id=job["id"], leaseToken=job["leaseToken"],
                           outcome=99, message="x", workerId="", capabilities=["check:oracle"])
    assert failure.code == "INVALID_ARGUMENT"
    assert set(failure.violations) == {"outcome", "worker_id", "capabilities"}
    assert client.jobs(made) == ["RUNNING", "WAITING"]


# --- sluice-worker

@pytest.fixture
def importer(stack, destination):
    """Imports of one row each, on a gateway whose leases do not end."""
    stack.start_gateway("--lease-ms", "600000", "--metrics-listen", "127.0.0.1:0")
    stack.start_rest()
    stack.add_usual_sources(destination)
    importer = Importer(stack, destination, "small")
    importer.make_table('"ROW" text PRIMARY KEY, "f:v" int')
    importer.write("a.csv", "k,1\n")
    return importer


def test_a_worker_without_a_free_place_exchanges(importer):
    tasks = [importer.submit(COLUMNS, driver="SMALL") for _ in range(10)]
    importer.stack.start_worker("--max-jobs", "1")
    for task in tasks:
        importer.end(task)
    exchanges = scrape(importer.stack.gateway.metrics_port).get("sluice_grpc_calls_total", **EXCHANGES)
    assert exchanges >= len(tasks), "each job but the last has another one behind it"
    assert importer.rows() == [("k", 1)]


def test_a_worker_that_stops_between_two_jobs_keeps_none(importer):
    """A job that came in exchange and was not begun is given back, and no attempt is used up."""
    stack = importer.stack
    tasks = [importer.submit(COLUMNS, driver="SMALL") for _ in range(60)]

    def count_ended():
        return stack.database.value("SELECT count(*) FROM job WHERE state = 'SUCCEEDED'")

    for stops in range(4):
        worker = stack.start_worker("--max-jobs", "2")
        wait_until(lambda stops=stops: count_ended() >= 12 * (stops + 1), what="the worker is in the midst of it")
        worker.stop()
    assert stack.database.value("SELECT count(*) FROM job WHERE state = 'RUNNING'") == 0
    stack.start_worker()
    for task in tasks:
        importer.end(task)
    assert stack.database.value("SELECT max(attempt) FROM job") == 1
