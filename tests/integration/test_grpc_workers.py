"""WorkerService, with the test as worker, by a client that knows nothing but the server's reflection."""
import base64
import contextlib
import json
import time

import grpc
import psycopg2
import pytest

from sluicetest.client import ALL_JOBS, Client, Worker, progress
from sluicetest.grpc_client import Reflected
from sluicetest.wait import wait_until


@pytest.fixture
def client(stack):
    stack.start_gateway("--lease-ms", "60000")
    client = Client(stack.reflected())
    client.add_sources()
    return client


@pytest.fixture
def hasty(stack):
    """A client of a gateway whose leases end soon."""
    stack.start_gateway("--lease-ms", "1000")
    client = Client(stack.reflected())
    client.add_sources()
    return client


def attempts(stack, task_id):
    return [row[0] for row in stack.database.rows(
        "SELECT attempt FROM job WHERE task_id = %s ORDER BY step", task_id)]


# --- leases


def test_a_lease_has_all_that_a_worker_needs(client):
    made = client.create_task()
    job = Worker(client).must_lease()
    assert job["id"] == made["jobs"][0]["id"]
    assert job["taskId"] == made["id"]
    assert job["role"] == "JOB_ROLE_SCHEMA"
    assert job["table"] == "ns:people"
    assert job["attempt"] == 1
    assert int(job["leaseToken"]) > 0
    assert job["leaseDuration"] == "60s"
    assert "checkpoint" not in job
    assert job["task"]["bulkload"] == made["bulkload"]
    assert job["task"]["createTime"] == made["createTime"]
    assert (job["source"]["name"], job["destination"]["name"]) == ("files", "ld")


def test_secrets_go_to_workers_only(client):
    client.create_task()
    job = Worker(client).must_lease()
    assert ":secret@" in json.loads(job["destination"]["parametersJson"])["url"]
    assert "secret" not in json.dumps(client("GetDataSource", name="ld"))


def test_a_lease_makes_the_task_run(client):
    made = client.create_task()
    job = Worker(client, "w1").must_lease()
    got = client.task(made["id"])
    assert got["state"] == "TASK_STATE_RUNNING"
    assert got["stage"] == "TASK_STAGE_WAIT_FOR_SCHEMA"
    assert got["startTime"] and got["etag"] != made["etag"]
    assert got["jobs"][0]["state"] == "JOB_STATE_RUNNING"
    assert got["jobs"][0]["workerId"] == "w1" and got["jobs"][0]["leaseEndTime"]
    assert job["attempt"] == got["jobs"][0]["attempt"] == 1


def test_without_a_job_the_reply_is_empty(client):
    assert Worker(client).lease(wait_s=0) is None
    assert Worker(client).lease(wait_s=0.2) is None


def test_a_job_has_one_worker(client):
    client.create_task()
    assert Worker(client, "a").lease()
    assert Worker(client, "b").lease() is None


def test_the_oldest_job_goes_first(client):
    made = [client.create_task()["id"] for _ in range(4)]
    worker = Worker(client)
    assert [worker.must_lease()["taskId"] for _ in made] == made


def test_many_workers_share_what_there_is(client):
    workers = [Worker(client, f"w{i}") for i in range(12)]
    waits = [worker.start_lease() for worker in workers]
    made = {client.create_task()["id"] for _ in workers}
    assert {wait.result().job.task_id for wait in waits} == made


def leasable_reads(stack):
    """Scans of the index of what is leasable, and the entries that they have read."""
    return stack.database.rows("SELECT idx_scan, idx_tup_read FROM pg_stat_user_indexes"
                               " WHERE indexrelname = 'job_leasable'")[0]


def test_a_transaction_that_stays_open_makes_no_lease_read_what_was_leased_before(client, stack):
    """Its entries stay in the index, one for each lease. Here one worker asks, so nobody waits between two leases."""
    worker = Worker(client, capabilities=["bulkload:file:postgres"])
    for _ in range(300):
        client.create_task()
    stack.database.rows("ANALYZE job, task")  # as autovacuum does by and by
    with contextlib.closing(psycopg2.connect(stack.database.url)) as other:
        other.set_session(isolation_level="REPEATABLE READ")
        other.cursor().execute("SELECT count(*) FROM job")
        for _ in range(250):
            worker.must_lease()
        wait_until(lambda: leasable_reads(stack)[0] >= 250, what="statistics are there")
        before = leasable_reads(stack)
        began = time.monotonic()
        for _ in range(50):
            worker.must_lease()
        nseconds = int(time.monotonic() - began) + 1  # in each of which all entries may be looked at once
        wait_until(lambda: leasable_reads(stack)[0] >= before[0] + 50, what="statistics are there")
        nscans, nread = (new - old for new, old in zip(leasable_reads(stack), before))
    assert nread - nseconds * 300 < nscans * 50


IMPORTS = ["bulkload:file:postgres"]


@pytest.mark.parametrize("wrong, field", [
    ({"workerId": ""}, "worker_id"),
    ({"workerId": "x" * 129}, "worker_id"),
    ({"workerId": "caf\u00e9"}, "worker_id"),
    ({"workerId": "a\nb"}, "worker_id"),
    ({"waitDuration": "-1s"}, "wait_duration"),
    ({"waitDuration": "60.001s"}, "wait_duration"),
    ({"waitDuration": "3600s"}, "wait_duration"),
    ({"capabilities": []}, "capabilities"),
    ({"capabilities": IMPORTS * 257}, "capabilities"),
    ({"capabilities": ["bulkload:file:postgres", "bulkload:file:oracle"]}, "capabilities"),
])
def test_lease_refuses(client, wrong, field):
    failure = client.fails("LeaseJob", **{"workerId": "w", "capabilities": IMPORTS, **wrong})
    assert failure.code == "INVALID_ARGUMENT"
    assert list(failure.violations) == [field]


def test_a_capability_that_is_none_is_named(client):
    failure = client.fails("LeaseJob", workerId="w", capabilities=["check:file", "check:oracle"])
    assert "capabilities[1]: 'check:oracle'" in failure.violations["capabilities"]


def test_a_job_that_no_worker_can_do_waits(client):
    made = client.create_task()["id"]
    other = Worker(client, "other", ["full_migration:hbase:hbase", "check:postgres"])
    wait = other.start_lease(wait_s=60)
    assert other.lease(wait_s=0) is None
    assert client.state(made) == "PENDING"
    assert Worker(client, "able", IMPORTS * 2).must_lease()["taskId"] == made
    assert not wait.done()
    wait.cancel()


def test_no_job_for_one_worker_says_nothing_to_another(client):
    """They wait side by side, and each is asked for by itself."""
    unable = [Worker(client, f"unable-{i}", [f"full_migration:hbase:{kind}"])
              for i, kind in enumerate(("hbase", "lindorm", "hdfs"))]
    waits = [worker.start_lease(wait_s=60) for worker in unable]
    able = Worker(client, "able", IMPORTS).start_lease(wait_s=60)
    made = client.create_task()["id"]
    assert able.result().job.task_id == made
    assert not any(wait.done() for wait in waits)
    for wait in waits:
        wait.cancel()


def test_sets_of_capabilities_that_wait_are_bounded(client):
    sets = [[job, "check:s3"] for job in ALL_JOBS][:65]
    waits = [Worker(client, f"w{i}", one).start_lease(wait_s=60) for i, one in enumerate(sets)]
    refused = wait_until(lambda: [wait for wait in waits if wait.done()], what="one is refused")
    assert [wait.code() for wait in refused] == [grpc.StatusCode.RESOURCE_EXHAUSTED]
    known = sets[(waits.index(refused[0]) + 1) % len(sets)]
    assert Worker(client, "same", reversed(known)).lease(wait_s=0) is None
    waits.remove(refused[0])
    waits.pop().cancel()
    wait_until(lambda: client.start("LeaseJob", {
        "workerId": "w", "capabilities": ["check:spark"]}).code() == grpc.StatusCode.OK,
               what="a set that nobody waits with any more makes room")
    for wait in waits:
        assert not wait.done()
        wait.cancel()


def test_the_longest_worker_id(client):
    client.create_task()
    assert Worker(client, "~" * 128).lease()


# --- waiting for a job


def questions(stack):
    """How many connections have asked for a job: then a worker waits."""
    return stack.database.value("SELECT count(*) FROM pg_stat_activity "
                                "WHERE query LIKE '%note/worker%' AND pid <> pg_backend_pid()")


def test_a_waiting_worker_is_woken_by_a_new_task(client, stack):
    wait = Worker(client).start_lease()
    wait_until(lambda: questions(stack), what="the worker waits")
    made = client.create_task()
    assert wait.result().job.task_id == made["id"]


def test_a_waiting_worker_is_woken_by_a_retry(client, stack):
    made = client.create_task()["id"]
    client("AbortTask", id=made)
    wait = Worker(client).start_lease()
    wait_until(lambda: questions(stack), what="the worker waits")
    client("RetryTask", id=made)
    assert wait.result().job.task_id == made


def test_a_waiting_worker_is_woken_by_the_next_step(client):
    client.create_task()
    worker = Worker(client)
    job = worker.must_lease()
    wait = Worker(client, "other").start_lease()
    worker.finish(job)
    assert wait.result().job.role == 2


def test_a_waiting_worker_takes_what_another_gateway_has_made_ready(client, stack):
    other = stack.program("sluice-gateway", "--database-url", stack.database.url,
                          "--listen", "127.0.0.1:0", log="other-gateway").start()
    try:
        wait = Worker(client).start_lease()
        elsewhere = Reflected(other.address)
        made = Client(elsewhere).create_task()
        assert wait.result().job.task_id == made["id"]
        elsewhere.close()
    finally:
        other.stop()


def test_a_worker_that_goes_away_takes_no_job_with_it(client, stack):
    waits = [Worker(client, f"gone-{i}").start_lease() for i in range(5)]
    wait_until(lambda: questions(stack), what="the workers wait")
    for wait in waits:
        wait.cancel()
    made = client.create_task()
    job = Worker(client, "here").must_lease()
    assert job["taskId"] == made["id"] and job["attempt"] == 1


def test_a_call_that_is_cancelled_at_any_moment_loses_no_job(client, stack):
    worker = Worker(client, "flaky")
    made = [client.create_task()["id"] for _ in range(10)]
    for _ in range(60):
        worker.start_lease(wait_s=1).cancel()
    # What was leased for a call that was answered before it was cancelled ends with its lease.
    here = Worker(client, "here")
    got = set()

    def has_lost_none():  # which may be on its way back
        while job := here.lease(wait_s=1):
            got.add(job["taskId"])
        held = {row[0] for row in stack.database.rows(
            "SELECT task_id FROM job WHERE state = 'RUNNING' AND worker_id = 'flaky'")}
        return got | held == set(made)
    wait_until(has_lost_none, what="all jobs are somebody's")


def test_waiting_workers_do_not_hold_up_a_stop(stack):
    stack.start_gateway("--grace-ms", "600000")
    client = Client(stack.reflected())
    waits = [Worker(client, f"w{i}").start_lease() for i in range(3)]
    wait_until(lambda: questions(stack), what="the workers wait")
    stack.gateway.stop()
    assert {wait.code() for wait in waits} == {grpc.StatusCode.UNAVAILABLE}


# --- reports


def test_a_report_shows_progress_and_renews(client, stack):
    made = client.create_task()["id"]
    worker = Worker(client)
    job = worker.must_lease()
    before = client.task(made)["jobs"][0]["leaseEndTime"]
    assert worker.report(job, n=42, fraction=0.5) == "CONTINUE"
    shown = client.task(made)
    assert shown["jobs"][0]["leaseEndTime"] > before
    assert shown["jobs"][0]["progress"] == {
        "rowsRead": "42", "rowsWritten": "42", "bytesRead": "42", "bytesTotal": "42",
        "fraction": 0.5}
    assert shown["progress"]["rowsWritten"] == "42"


def test_the_largest_counts_of_all_jobs_can_be_summed(client, stack):
    made = client.create_task()["id"]
    worker = Worker(client)
    for _ in range(2):
        worker.finish(worker.must_lease(), n=2**53)
    assert client.task(made)["progress"]["rowsRead"] == str(2**54)


@pytest.mark.parametrize("wrong, field", [
    ({"id": ""}, "id"),
    ({"id": "x" * 64}, "id"),
    ({"leaseToken": 0}, "lease_token"),
    ({"leaseToken": -1}, "lease_token"),
    ({"progress": None}, "progress"),
    ({"progress": {"rowsRead": -1}}, "progress.rows_read"),
    ({"progress": {"badRows": -1}}, "progress.bad_rows"),
    ({"progress": {"bytesTotal": 2**53 + 1}}, "progress.bytes_total"),
    ({"progress": {"fraction": 1.01}}, "progress.fraction"),
    ({"progress": {"fraction": -0.1}}, "progress.fraction"),
    ({"progress": {"fraction": "NaN"}}, "progress.fraction"),
    ({"checkpoint": {"data": base64.b64encode(b"x" * (512 * 1024 + 1)).decode()}},
     "checkpoint.data"),
])
def test_report_refuses(client, wrong, field):
    request = {"id": "j", "leaseToken": 1, "progress": progress(), **wrong}
    failure = client.fails("ReportJob", **{k: v for k, v in request.items() if v is not None})
    assert failure.code == "INVALID_ARGUMENT"
    assert field in failure.violations


def test_a_checkpoint_may_be_large(client, stack):
    client.create_task()
    worker = Worker(client)
    job = worker.must_lease()
    worker.report(job, checkpoint=b"x" * (512 * 1024))
    assert stack.database.value("SELECT max(length(checkpoint)) FROM job") == 512 * 1024


def test_a_report_without_checkpoint_keeps_the_old_one(client, stack):
    client.create_task()
    worker = Worker(client)
    job = worker.must_lease()
    worker.report(job, checkpoint=b"\0one")
    worker.report(job, n=1)
    worker.finish(job, "RELEASED")
    assert base64.b64decode(worker.must_lease()["checkpoint"]) == b"\0one"


def test_abort_tells_the_worker_to_stop(client):
    made = client.create_task()["id"]
    worker = Worker(client)
    job = worker.must_lease()
    client("AbortTask", id=made)
    assert worker.report(job) == "STOP"
    assert worker.finish_fails(job).reason == "LEASE_LOST"
    assert client.state(made) == "KILLED"


def test_delete_tells_the_worker_to_stop(client):
    made = client.create_task()["id"]
    worker = Worker(client)
    job = worker.must_lease()
    client("DeleteTask", id=made)
    assert worker.report(job) == "STOP"
    assert worker.finish_fails(job).reason == "LEASE_LOST"


# --- the end of a lease


def test_an_old_token_is_refused(hasty):
    made = hasty.create_task()["id"]
    slow, quick = Worker(hasty, "slow"), Worker(hasty, "quick")
    old = slow.must_lease()
    new = quick.must_lease()  # once the lease has ended
    assert new["id"] == old["id"] and new["attempt"] == 2
    assert int(new["leaseToken"]) > int(old["leaseToken"])
    for failure in (slow.report_fails(old), slow.finish_fails(old),
                    slow.finish_fails(old, "FAILED", "no"),
                    hasty.fails("ReportBadRows", id=old["id"], leaseToken=old["leaseToken"],
                                badRows=[{"file": "f", "row": 1}])):
        assert failure.code == "ABORTED"
        assert failure.reason == "LEASE_LOST"
        assert failure.about == {"job": old["id"]}
    assert hasty.state(made) == "RUNNING"
    assert "badRows" not in hasty("ListBadRows", id=made)
    assert quick.report(new) == "CONTINUE"


def test_a_report_keeps_a_lease(stack):
    stack.start_gateway("--lease-ms", "4000")
    client = Client(stack.reflected())
    client.add_sources()
    client.create_task()
    worker = Worker(client)
    job = worker.must_lease()
    other = Worker(client, "other").start_lease(wait_s=10)  # more than twice as long as a lease
    while not other.done():
        assert worker.report(job) == "CONTINUE"
    assert not other.result().HasField("job")


def test_a_retry_fences_the_worker_off(client):
    made = client.create_task()["id"]
    worker = Worker(client)
    job = worker.must_lease()
    client("AbortTask", id=made)
    client("RetryTask", id=made)
    assert worker.report_fails(job).reason == "LEASE_LOST"
    assert Worker(client, "other").must_lease()["id"] == job["id"]


# --- the end of a job


def test_steps_run_one_after_the_other(client):
    made = client.create_task()["id"]
    worker = Worker(client)
    first = worker.must_lease()
    assert worker.lease() is None
    worker.finish(first)
    assert client.jobs(made) == ["SUCCEEDED", "READY"]
    second = worker.must_lease()
    assert second["role"] == "JOB_ROLE_FULL"
    assert client.task(made)["stage"] == "TASK_STAGE_WAIT_FOR_SUCCESS"
    worker.finish(second, n=7, fraction=1.0)
    done = client.task(made)
    assert done["state"] == "TASK_STATE_SUCCEEDED"
    assert done["stage"] == "TASK_STAGE_FINISHED"
    assert done["endTime"]
    assert done["progress"]["rowsWritten"] == "7" and done["progress"]["fraction"] == 1


def test_a_job_with_nothing_to_do_is_skipped(client):
    made = client.create_task()["id"]
    worker = Worker(client)
    worker.finish(worker.must_lease())
    worker.finish(worker.must_lease(), "SKIPPED", "there are no files")
    job = client.task(made)["jobs"][1]
    assert job["state"] == "JOB_STATE_SKIPPED" and job["message"] == "there are no files"
    assert client.state(made) == "SUCCEEDED"


def test_a_repeated_finish_is_answered_as_the_first(client):
    made = client.create_task()["id"]
    worker = Worker(client)
    job = worker.must_lease()
    worker.finish(job)
    worker.finish(job)
    assert client.jobs(made) == ["SUCCEEDED", "READY"]


def test_a_failure_fails_the_task(client):
    made = client.create_task()["id"]
    worker = Worker(client)
    worker.finish(worker.must_lease(), "FAILED", "column age: 'x' is no number")
    failed = client.task(made)
    assert failed["state"] == "TASK_STATE_FAILED"
    assert failed["message"] == "column age: 'x' is no number"
    assert [j["state"] for j in failed["jobs"]] == ["JOB_STATE_FAILED", "JOB_STATE_KILLED"]
    assert worker.lease() is None


def test_a_passing_failure_is_tried_again_after_a_while(client, stack):
    made = client.create_task()["id"]
    worker = Worker(client)
    job = worker.must_lease()
    stack.database.rows("UPDATE job SET tries = 6")  # so that the while is a long one
    worker.finish(job, "RETRY", "the destination is down")
    assert worker.lease() is None
    assert client.task(made)["message"] == "the destination is down"
    assert client.task(made)["jobs"][0]["state"] == "JOB_STATE_READY"
    stack.database.rows("UPDATE job SET lease_end_time = lease_end_time - interval '32 s' WHERE state = 'READY'")
    again = worker.must_lease()
    assert again["id"] == job["id"] and again["attempt"] == 2


def test_a_passing_failure_without_end_fails_the_task(client, stack):
    made = client.create_task()["id"]
    stack.database.rows("UPDATE job SET tries = 19")
    worker = Worker(client)
    worker.finish(worker.must_lease(), "RETRY", "still down")
    assert client.state(made) == "FAILED"
    assert "still down" in client.task(made)["message"]


def test_a_worker_that_stops_gives_its_job_back(client, stack):
    made = client.create_task()["id"]
    worker, other = Worker(client), Worker(client, "other")
    job = worker.must_lease()
    wait = other.start_lease()
    worker.finish(job, "RELEASED", "the worker is stopping")
    given = wait.result().job
    assert given.id == job["id"] and given.attempt == 1
    assert attempts(stack, made) == [1, 0]


@pytest.mark.parametrize("wrong, field", [
    ({"outcome": 0}, "outcome"),
    ({"outcome": 99}, "outcome"),
    ({"outcome": "JOB_OUTCOME_FAILED"}, "message"),
    ({"outcome": "JOB_OUTCOME_RETRY"}, "message"),
    ({"outcome": "JOB_OUTCOME_SKIPPED"}, "message"),
    ({"message": "x" * 1025}, "message"),
    ({"id": ""}, "id"),
    ({"leaseToken": 0}, "lease_token"),
    ({"progress": {"bytesRead": -1}}, "progress.bytes_read"),
])
def test_finish_refuses(client, wrong, field):
    request = {"id": "j", "leaseToken": 1, "outcome": "JOB_OUTCOME_SUCCEEDED", **wrong}
    failure = client.fails("FinishJob", **request)
    assert failure.code == "INVALID_ARGUMENT"
    assert field in failure.violations


def bad_row(**more):
    return {"file": "f", "row": 1, **more}


@pytest.mark.parametrize("rows, field", [
    ([bad_row()] * 257, "bad_rows"),
    ([bad_row(file="x" * 2049)], "bad_rows.file"),
    ([bad_row(column="x" * 513)], "bad_rows.column"),
    ([bad_row(reason="x" * 1025)], "bad_rows.reason"),
    ([bad_row(raw=base64.b64encode(b"x" * 1025).decode())], "bad_rows.raw"),
    ([bad_row(row=-1)], "bad_rows"),
    ([bad_row(byteOffset=-1)], "bad_rows"),
])
def test_bad_rows_refuse(client, rows, field):
    failure = client.fails("ReportBadRows", id="j", leaseToken=1, badRows=rows)
    assert failure.code == "INVALID_ARGUMENT"
    assert field in failure.violations


def test_as_many_bad_rows_as_may_be(client):
    made = client.create_task()["id"]
    job = Worker(client).must_lease()
    rows = [bad_row(row=n, file="x" * 2048, raw=base64.b64encode(bytes([n % 256]) * 1024).decode())
            for n in range(256)]
    client("ReportBadRows", id=job["id"], leaseToken=job["leaseToken"], badRows=rows)
    got = client("ListBadRows", id=made, pageSize=1000)
    assert len(got["badRows"]) == 256


# --- taking up again


def test_retry_continues_from_the_checkpoint(client):
    made = client.create_task()["id"]
    worker = Worker(client)
    worker.finish(worker.must_lease())
    job = worker.must_lease()
    worker.report(job, checkpoint=b"at 7", n=7, fraction=0.7)
    client("AbortTask", id=made)
    assert client("RetryTask", id=made)["state"] == "TASK_STATE_PENDING"
    assert client.jobs(made) == ["SUCCEEDED", "READY"]
    again = worker.must_lease()
    assert again["id"] == job["id"] and again["attempt"] == 2
    assert base64.b64decode(again["checkpoint"]) == b"at 7"
    assert client.task(made)["progress"]["rowsWritten"] == "7"


def test_retry_from_the_start_drops_all(client):
    made = client.create_task()["id"]
    worker = Worker(client)
    worker.finish(worker.must_lease())
    job = worker.must_lease()
    worker.report(job, checkpoint=b"at 7", n=7)
    client("ReportBadRows", id=job["id"], leaseToken=job["leaseToken"], badRows=[bad_row()])
    worker.finish(job, "FAILED", "no")
    client("RetryTask", id=made, fromStart=True)
    assert client.jobs(made) == ["READY", "WAITING"]
    assert client("ListBadRows", id=made) == {}
    first = worker.must_lease()
    assert first["role"] == "JOB_ROLE_SCHEMA" and first["attempt"] == 1
    worker.finish(first)
    assert "checkpoint" not in worker.must_lease()
    assert client.task(made).get("progress", {}).get("rowsWritten", "0") == "0"
