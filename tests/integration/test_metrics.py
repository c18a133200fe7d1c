"""What the programs count is what was done, Prometheus' own tool reads it, and readiness tells who can work."""
import pathlib
import subprocess

import grpc
import pytest

from sluicetest import metrics
from sluicetest.client import Client, Worker
from sluicetest.importer import Importer
from sluicetest.stack import Stack
from sluicetest.wait import scale, wait_until

LISTEN = ("--metrics-listen", "127.0.0.1:0")
COLUMNS = {"id": "ROW||Int", "name": "f:name||String"}


@pytest.fixture(scope="module")
def watched(build, protos, shared_cluster, tmp_path_factory):
    """A Stack whose programs all show metrics, with the data sources `hdfs` and `ld`."""
    made = Stack(build, shared_cluster.create_database(), tmp_path_factory.mktemp("watched"))
    try:
        made.start_gateway(*LISTEN)
        made.start_rest(*LISTEN)
        made.start_worker(*LISTEN)
        made.destination = shared_cluster.create_database()
        made.add_usual_sources(made.destination)
        yield made
    finally:
        made.stop()


class Growth:
    """What a program has counted since this was made."""

    def __init__(self, program):
        self.program = program
        self.before = scrape(program)

    def get(self, name, **labels):
        return (scrape(self.program).get(name, **labels) or 0) - (self.before.get(name, **labels) or 0)


def scrape(program):
    return metrics.scrape(program.metrics_port)


def import_rows(stack, name, text, state="SUCCEEDED", **more):
    importer = Importer(stack, stack.destination, name)
    importer.write("a.csv", text)
    return importer.end(importer.submit(COLUMNS, **more), state)


def test_a_gateway_counts_its_calls_and_its_queries(watched):
    grown = Growth(watched.gateway)
    task = import_rows(watched, "counted", "1,a\n2,b\n")

    assert grown.get("sluice_job_leases_total", role="SCHEMA", attempt="first") == 1
    assert grown.get("sluice_job_leases_total", role="FULL", attempt="first") == 1
    assert grown.get("sluice_job_leases_total", attempt="again") == 0
    wait_until(lambda: grown.get("sluice_job_ends_total", outcome="SUCCEEDED") == 2, what="both ends are counted")

    grown = Growth(watched.gateway)
    for _ in range(7):
        watched.task(task.id)
    for _ in range(3):
        with pytest.raises(grpc.RpcError):
            watched.task("proc-1-" + "0" * 32)

    method = "sluice.v1.TaskService/GetTask"
    calls = "sluice_grpc_calls_total"
    assert grown.get(calls, method=method, code="OK", reason="") == 7
    assert grown.get(calls, method=method, code="NOT_FOUND", reason="TASK_NOT_FOUND") == 3
    assert grown.get("sluice_grpc_call_duration_seconds_count", method=method) == 10
    assert grown.get("sluice_grpc_call_duration_seconds_bucket", method=method, le="+Inf") == 10
    assert 0 < grown.get("sluice_grpc_call_duration_seconds_sum", method=method) < 100
    assert grown.get("sluice_database_queries_total", lane="read") >= 10
    assert 1 <= grown.get("sluice_database_batches_total", lane="read") <= grown.get(
        "sluice_database_queries_total", lane="read")
    seen = scrape(watched.gateway)
    assert seen.get("sluice_database_connections", lane="read") == 2
    assert seen.get("sluice_database_connections_made_total", lane="write") == 2
    assert seen.get("sluice_database_batch_duration_seconds_count", lane="read") >= 10
    assert seen.get("sluice_build_info") == 1
    wait_until(lambda: scrape(watched.gateway).get("sluice_grpc_calls_running") >= 1, what="the worker asks for jobs")


def test_rest_counts_its_requests(watched):
    grown = Growth(watched.shim)
    for _ in range(5):
        assert watched.rest.get("/v1/tasks").status == 200
    assert watched.rest.get("/v1/tasks/proc-1-" + "0" * 32).status == 404
    assert watched.rest.get("/nowhere").status == 404

    requests = "sluice_http_requests_total"
    wait_until(lambda: grown.get(requests) == 7, what="7 requests")
    assert grown.get(requests, method="GET", route="/v1/tasks", status="2xx") == 5
    assert grown.get(requests, method="GET", route="/v1/tasks/{id}", status="4xx") == 1
    assert grown.get(requests, method="unknown", route="unknown", status="4xx") == 1
    assert grown.get("sluice_http_request_duration_seconds_count", route="/v1/tasks") == 5
    assert scrape(watched.shim).get("sluice_http_requests_running") == 0


def test_a_worker_counts_its_rows(watched):
    grown = Growth(watched.worker)
    good = import_rows(watched, "good", "1,a\n2,b\n3,c\n").progress
    bad = import_rows(watched, "partly_bad", "1,a\nx,b\n", reader={"maxBadRows": 1}).progress

    ends = "sluice_worker_jobs_total"
    wait_until(lambda: grown.get(ends) == 4, what="4 jobs have ended")
    assert grown.get(ends, kind="BULKLOAD", role="FULL", outcome="SUCCEEDED") == 2
    assert (good.rows_written, bad.rows_written, bad.bad_rows) == (3, 1, 1)
    for metric, field in [("rows_written_total", "rows_written"), ("rows_read_total", "rows_read"),
                          ("read_bytes_total", "bytes_read"), ("bad_rows_total", "bad_rows")]:
        assert grown.get(f"sluice_worker_{metric}") == getattr(good, field) + getattr(bad, field), metric
    seen = scrape(watched.worker)
    assert seen.get("sluice_worker_rows_written_total", connector="POSTGRES") >= 3
    # COPY's binary format: a header and an end for each stream; a row has 2 bytes, and each field 4 and its own.
    assert grown.get("sluice_worker_written_bytes_total", connector="POSTGRES") == 4 * (2 + 4 + 4 + 4 + 1) + 2 * (19 + 2)
    assert seen.get("sluice_worker_hbase_calls_total", outcome="answered") is None  # it has met no HBase
    assert seen.get("sluice_worker_rows_read_total", connector="FILE") >= 3
    assert grown.get("sluice_worker_checkpoint_duration_seconds_count") >= 1
    assert seen.get("sluice_worker_jobs_max") == 2
    wait_until(lambda: scrape(watched.worker).get("sluice_worker_jobs_running") == 0, what="no job runs")
    import_rows(watched, "all_bad", "x,a\n", "FAILED")
    wait_until(lambda: grown.get(ends, kind="BULKLOAD", role="FULL", outcome="FAILED") == 1, what="a job has failed")


def ended(program):
    """The imports that a gateway has seen succeed, fail and be killed, and jobs that were lost; None until it counts."""
    shown = scrape(program)
    return [shown.get("sluice_tasks_ended_total", kind="BULKLOAD", state=state)
            for state in ("SUCCEEDED", "FAILED", "KILLED")] + [shown.get("sluice_jobs_lost_total")]


def test_tasks_that_end_are_counted_by_every_gateway(stack):
    """By whichever gateway they end, and from its own start on."""
    def start_another():
        made = stack.program("sluice-gateway", "--database-url", stack.database.url, "--listen", "127.0.0.1:0", *LISTEN,
                             log=f"sluice-gateway-{len(stack.programs) + 1}").start()
        stack.workers.append(made)  # is stopped with the others
        return made
    one, two = stack.start_gateway(*LISTEN), start_another()
    client = Client(stack.reflected())
    client.add_sources()
    worker = Worker(client)
    for program in (one, two):
        wait_until(lambda program=program: ended(program) == [0, 0, 0, 0], what="it counts")

    for _ in range(2):
        client.create_task()
    worker.run_all()
    client.create_task()
    worker.finish(worker.must_lease(), "FAILED", message="no such file")
    for method in ("AbortTask", "DeleteTask"):
        client(method, id=client.create_task()["id"])
    client.create_task()
    stack.database.rows("UPDATE job SET tries = 20, lease_end_time = now() - interval '1 s' WHERE state = 'READY'")
    for program in (one, two):  # the last one's job was lost too often, which a lease that looks at all jobs sees
        wait_until(lambda program=program: worker.lease() is None and ended(program) == [2, 2, 2, 1],
                   what="all ends are counted")

    later = start_another()
    wait_until(lambda: ended(later) == [0, 0, 0, 0], what="it counts from its start")
    client.create_task()
    worker.run_all()
    wait_until(lambda: (ended(one), ended(later)) == ([3, 2, 2, 1], [1, 0, 0, 0]), what="one more is counted")


def test_promtool_finds_nothing_wrong(watched):
    import_rows(watched, "checked", "1,a\n")
    assert watched.rest.get("/v1/tasks").status == 200
    for program in watched.programs:
        metrics.promtool("check", "metrics", stdin=scrape(program).text)


def test_the_listener_has_three_pages(watched):
    port = watched.gateway.metrics_port
    assert metrics.get(port, "/healthz")[::2] == (200, "ok\n")
    assert metrics.get(port, "/metrics", "HEAD")[0] == 200
    assert metrics.get(port, "/metrics", "POST")[0] == 405
    for path in ["/", "/metrics/", "/v1/tasks", "/readyz2", "/docs"]:
        assert metrics.get(port, path)[0] == 404


def test_a_database_that_does_not_answer_does_not_hold_up_who_asks(stack):
    """Jobs cannot be counted then, and so are not shown; all else is."""
    gateway = stack.start_gateway(*LISTEN)
    client = Client(stack.reflected())
    client.add_sources()
    client.create_task()
    assert scrape(gateway).get("sluice_jobs") == 1

    def shows_no_jobs():
        try:
            return metrics.scrape(gateway.metrics_port, timeout_s=2 * scale()).get("sluice_jobs") is None
        except TimeoutError:
            return False
    with stack.database.standing_still():
        wait_until(shows_no_jobs, timeout_s=12, what="the gateway says how it is without its database")
    wait_until(lambda: scrape(gateway).get("sluice_jobs") == 1, what="jobs are counted again")


def test_nothing_is_shown_unless_it_is_asked_for(client, stack):
    assert stack.gateway.metrics_port == 0


def test_the_page_says_what_the_programs_show(watched):
    """docs/metrics.md; what is shown is in the text itself."""
    addresses = [f"127.0.0.1:{p.metrics_port}" for p in (watched.gateway, watched.shim, watched.worker)]
    tool = pathlib.Path(__file__).parents[2] / "tools" / "metrics.py"
    done = subprocess.run([tool, *addresses], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
