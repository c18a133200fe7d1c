"""
What jobs between clusters leave behind and tell: releases, messages, limits and differences; the test
plays the worker.
"""
import base64
import json

import pytest

from sluicetest.client import Client, Worker
from sluicetest.watch import Watch


@pytest.fixture
def client(stack):
    stack.start_gateway("--lease-ms", "60000")
    client = Client(stack.reflected())
    client.add_sources(src=("HBASE", {"clusterKey": "zk1:2181:/hbase"}),
                       dst=("LINDORM", {"clusterKey": "ld1:30020", "username": "u",
                                        "password": "p"}))
    return client


@pytest.fixture
def worker(client):
    return Worker(client)


def create(client, arm, tables=("t1",), attrs=None, **more):
    return client("CreateTask", task={"source": "src", "destination": "dst", arm: {
        "tableNames": list(tables), "extraAttrsJson": json.dumps(attrs) if attrs else "",
        **more}})["id"]


def create_sync(client, **more):
    return create(client, "incrementalSync", **more)


def jobs(client, task_id):
    """The state of each job by its role; of one role the last one's."""
    return {job["role"].removeprefix("JOB_ROLE_"): job["state"].removeprefix("JOB_STATE_")
            for job in client.task(task_id)["jobs"]}


def say(client, job, message, **progress):
    return client("ReportJob", id=job["id"], leaseToken=job["leaseToken"], progress=progress,
                  message=message)


def messages(client, task_id):
    return [event.get("message", "")
            for event in client("ListTaskEvents", id=task_id)["events"]]


# --- what is left to do at the source

def stop(client, worker, verb, task_id, job):
    """Aborts or deletes a sync whose job the worker has, which hears of it and stops."""
    client(verb, id=task_id)
    assert worker.report(job) == "STOP"
    worker.finish(job, "RELEASED")


def test_an_aborted_sync_lets_go_of_its_source(client, worker):
    made = create_sync(client)
    stop(client, worker, "AbortTask", made, worker.must_lease())
    release = worker.must_lease()
    assert release["role"] == "JOB_ROLE_RELEASE" and release["id"].startswith("release-")
    assert release["task"]["state"] == "TASK_STATE_KILLED" and "deleteTime" not in release["task"]
    assert release["task"]["incrementalSync"]["tableNames"] == ["t1"]
    assert release["source"]["name"] == "src"
    assert release["destination"]["parametersJson"].endswith('"p"}')
    worker.finish(release)
    assert jobs(client, made) == {"INCR": "KILLED", "RELEASE": "SUCCEEDED"}
    assert client.state(made) == "KILLED" and worker.lease() is None


def test_a_waiting_worker_is_given_the_release_at_once(client, worker):
    for verb in ("AbortTask", "DeleteTask"):
        made = create_sync(client)
        job = worker.must_lease()
        waiting = Worker(client, "w2").start_lease(wait_s=50)
        stop(client, worker, verb, made, job)
        release = waiting.result(timeout=60).job
        assert release.id.startswith("release-"), verb
        client("FinishJob", id=release.id, leaseToken=release.lease_token,
               outcome="JOB_OUTCOME_SUCCEEDED")


def test_a_sync_that_no_worker_had_has_nothing_at_its_source(client, worker):
    made = create_sync(client)
    client("AbortTask", id=made)
    assert worker.lease() is None
    client("DeleteTask", id=made)
    assert client.fails("GetTask", id=made).code == "NOT_FOUND"


def test_a_retry_is_faster_than_the_release(client, worker):
    made = create_sync(client)
    stop(client, worker, "AbortTask", made, worker.must_lease())
    release = worker.must_lease()
    assert client("RetryTask", id=made)["state"] == "TASK_STATE_PENDING"
    assert worker.report(release) == "STOP"
    assert worker.finish_fails(release).reason == "LEASE_LOST"
    assert jobs(client, made) == {"INCR": "READY"}
    assert worker.must_lease()["role"] == "JOB_ROLE_INCR"


def test_a_deleted_sync_stays_until_its_peer_is_removed(stack, client, worker):
    made = create_sync(client)
    job = worker.must_lease()
    watch = Watch(stack.api, made).wait_for("SYNCED")
    client("DeleteTask", id=made)
    assert worker.lease() is None, "the worker may still make the peer"
    worker.finish(job, "RELEASED")
    listed = client("ListTasks", filter="state = KILLED")["tasks"]
    assert [task["id"] for task in listed] == [made] and listed[0]["deleteTime"]
    watch.wait_for("CHANGED", state="KILLED")
    release = worker.must_lease()
    assert release["task"]["deleteTime"] == listed[0]["deleteTime"]
    say(client, release, "the source does not answer")
    assert client.task(made)["message"] == "the source does not answer"
    watch.wait_for("CHANGED", state="KILLED")
    worker.finish(release)
    watch.wait_for("DELETED").close()
    assert client.fails("GetTask", id=made).code == "NOT_FOUND"
    assert "tasks" not in client("ListTasks")


def test_a_sync_that_is_deleted_twice_goes_at_once(client, worker):
    made = create_sync(client)
    stop(client, worker, "DeleteTask", made, worker.must_lease())
    release = worker.must_lease()
    client("DeleteTask", id=made)
    assert client.fails("GetTask", id=made).code == "NOT_FOUND"
    assert worker.report(release) == "STOP"


def test_a_task_to_be_deleted_is_neither_changed_nor_retried(client, worker):
    made = create_sync(client)
    worker.must_lease()
    client("DeleteTask", id=made)
    label = {"id": made, "labels": {"a": "b"}}
    tables = {"id": made, "incrementalSync": {"tableNames": ["t2"]}}
    for failure in (client.fails("RetryTask", id=made), client.fails("UpdateTask", task=label),
                    client.fails("UpdateTask", task=tables)):
        assert (failure.code, failure.reason) == ("FAILED_PRECONDITION", "TASK_STATE"), failure
        assert "is to be deleted" in failure.text
    assert client("AbortTask", id=made)["state"] == "TASK_STATE_KILLED"


def test_a_release_that_cannot_be_done_tells_why(client, worker):
    made = create_sync(client)
    stop(client, worker, "AbortTask", made, worker.must_lease())
    release = worker.must_lease()
    worker.finish(release, "FAILED", "no permission to disable peer sluice_1")
    task = client.task(made)
    assert task["state"] == "TASK_STATE_KILLED"
    assert task["message"] == "no permission to disable peer sluice_1"
    assert messages(client, made).count(task["message"]) == 1


def test_a_sync_with_what_there_is_copies_behind_its_peer(client, worker):
    made = create_sync(client, tables=["t1", "t2"], attrs={"full": True}, createTable=True)
    stages = []
    for _ in range(6):
        job = worker.must_lease()
        stages.append((job["role"][9:], job["table"], client.task(made)["stage"][11:]))
        worker.finish(job)
    assert [stage[::2] for stage in stages] == [
        ("SCHEMA", "WAIT_FOR_SCHEMA"), ("SCHEMA", "WAIT_FOR_SCHEMA"), ("PEER", "WAIT_FOR_SCHEMA"),
        ("FULL", "WAIT_FOR_SUCCESS"), ("FULL", "WAIT_FOR_SUCCESS"), ("INCR", "WAIT_FOR_SUCCESS")]
    assert {stages[2][1], stages[5][1]} == {"t1,t2"}
    assert client.state(made) == "SUCCEEDED"


# --- what jobs say

def test_what_a_job_says_is_seen_and_is_an_event(stack, client, worker):
    made = create_sync(client)
    job = worker.must_lease()
    etag = client.task(made)["etag"]
    watch = Watch(stack.api, made).wait_for("SYNCED")
    for _ in range(2):
        say(client, job, "the destination lacks family 'g' of table t1; password=hidden")
    task = client.task(made)
    assert "family 'g'" in task["message"] and "hidden" not in task["message"]
    assert task["jobs"][0]["message"] == task["message"]
    watch.wait_for("CHANGED", state="RUNNING")
    say(client, job, "")
    task = client.task(made)
    assert "message" not in task and "message" not in task["jobs"][0] and task["etag"] == etag
    assert [bool(text) for text in messages(client, made)] == [False, False, True, False]
    watch.close()


def test_progress_of_clusters_is_told(client, worker):
    made = create(client, "fullMigration", ["t1", "t2"], {"mode": "VERIFY_ONLY", "verify": "full"})
    first, second = worker.must_lease(), worker.must_lease()
    assert first["role"] == second["role"] == "JOB_ROLE_CHECK"
    assert "comparison" not in client.task(made)["progress"]
    found = {"cells": "10", "missing": "1", "extra": "2", "changedValues": "3",
             "changedTimestamps": "4", "repaired": "5"}
    told = {"regionsDone": "1", "regionsTotal": "3", "lag": "86401.500s", "queuedLogs": "2",
            "comparison": found}
    say(client, first, "", **told)
    say(client, second, "", regionsDone=2, regionsTotal=2, lag="1s", comparison={"cells": 1})
    task = client.task(made)
    job = next(job for job in task["jobs"] if job["id"] == first["id"])
    assert told.items() <= job["progress"].items()
    assert task["progress"]["comparison"] == {**found, "cells": "11"}
    assert task["progress"]["regionsDone"] == "3" and task["progress"]["lag"] == "86401.500s"
    # What was found is kept by a comparison that fails because of it.
    worker.finish(first, "FAILED", "10 cells differ")
    assert client.task(made)["progress"]["comparison"] == {**found, "cells": "11"}


def test_the_cli_shows_what_is_told_of_a_task(stack, client, worker):
    made = create_sync(client)
    job = worker.must_lease()
    say(client, job, "", regionsDone=1, regionsTotal=3, lag="61.250s", queuedLogs=2,
        comparison={"cells": 7, "extra": 1})
    client("DeleteTask", id=made)
    shown = dict(line.split(None, 1) for line in
                 stack.cli("task", "get", made).stdout.splitlines() if line)
    assert shown["regions"] == "1 of 3" and shown["behind"] == "61.2 s, 2 logs queued"
    assert shown["compared"].startswith("7 cells: 0 missing, 1 extra,")
    assert shown["deleted"].endswith("Z; it goes when its peer is removed from the source")


# --- the limit of bytes

def limit(client, job):
    return int(client("ReportJob", id=job["id"], leaseToken=job["leaseToken"],
                      progress={}).get("bytesPerSecond", 0))


def set_attrs(client, task_id, arm, attrs, **more):
    return client("UpdateTask", task={"id": task_id, arm: {"extraAttrsJson": json.dumps(attrs)},
                                      **more}, updateMask=f"{arm}.extraAttrsJson")


@pytest.mark.parametrize("arm", ["fullMigration", "incrementalSync"])
def test_the_bandwidth_of_a_task_that_runs_is_changed(client, worker, arm):
    attrs = {"full": True} if arm == "incrementalSync" else {"verify": "count"}
    made = create(client, arm, attrs={**attrs, "bandWidth": 1000})
    job = worker.must_lease()
    assert limit(client, job) == 1000
    before = client.task(made)
    changed = set_attrs(client, made, arm, {"bandWidth": 5, **attrs}, etag=before["etag"])
    assert changed["etag"] != before["etag"]
    assert json.loads(changed[arm]["extraAttrsJson"]) == {**attrs, "bandWidth": 5}
    assert client.task(made)[arm] == changed[arm] and limit(client, job) == 5
    set_attrs(client, made, arm, attrs)
    assert limit(client, job) == 0
    client("AbortTask", id=made)
    set_attrs(client, made, arm, {**attrs, "bandWidth": 7})
    client("RetryTask", id=made)
    assert limit(client, worker.must_lease()) == 7


@pytest.mark.parametrize("attrs, text", [
    ({"bandWidth": 5}, "extraAttrs.full: cannot be changed; of a task that exists only bandWidth can"),
    ({"full": False}, "extraAttrs.full: cannot be changed"),
    ({"full": True, "bandWidth": -1}, "extraAttrs.bandWidth"),
    ({"full": True, "nope": 1}, "extraAttrs.nope: cannot be changed")])
def test_other_settings_stay(client, attrs, text):
    made = create_sync(client, attrs={"full": True})
    failure = client.fails("UpdateTask", task={
        "id": made, "incrementalSync": {"extraAttrsJson": json.dumps(attrs)}})
    assert failure.code == "INVALID_ARGUMENT"
    assert failure.violations["task.incremental_sync.extra_attrs_json"].startswith(text), failure
    assert client.task(made)["incrementalSync"]["extraAttrsJson"] == '{"full": true}'


def test_settings_are_of_one_kind_of_task_that_has_not_ended_well(client, worker):
    made = create(client, "fullMigration")
    failure = client.fails("UpdateTask", task={
        "id": made, "incrementalSync": {"extraAttrsJson": '{"bandWidth":1}'}})
    assert failure.reason == "TASK_KIND" and "is no incremental sync" in failure.text
    worker.run_all()
    failure = client.fails("UpdateTask", task={
        "id": made, "fullMigration": {"extraAttrsJson": '{"bandWidth":1}'}})
    assert failure.reason == "TASK_STATE" and "is SUCCEEDED" in failure.text


def test_tables_and_bandwidth_change_together(client, worker):
    made = create_sync(client)
    changed = client("UpdateTask", task={"id": made, "incrementalSync": {
        "tableNames": ["t1", "t2"], "extraAttrsJson": '{"bandWidth":9}'}})
    assert changed["incrementalSync"] == {"tableNames": ["t1", "t2"],
                                          "extraAttrsJson": '{"bandWidth":9}'}
    job = worker.must_lease()
    assert job["table"] == "t1,t2" and limit(client, job) == 9


# --- differences

def encoded(data):
    return base64.b64encode(data).decode()


def difference(number, row=b"r\x00", **more):
    return {"number": number, "type": "DIFFERENCE_TYPE_CHANGED_VALUE", "row": encoded(row),
            "family": encoded(b"f"), "qualifier": encoded(b"q"), "sourceTimestamp": "5",
            "destinationTimestamp": "6", "sourceValue": encoded(b"v"),
            "destinationValue": encoded(b"w"), "isRepaired": True, **more}


def start_check(client, worker, tables=("t1",)):
    made = create(client, "fullMigration", tables, {"mode": "VERIFY_ONLY", "verify": "full"})
    return made, worker.must_lease()


def report_differences(client, job, differences):
    client("ReportDifferences", id=job["id"], leaseToken=job["leaseToken"], differences=differences)


def test_differences_are_listed_over_grpc_rest_and_by_the_cli(stack, client, worker):
    made, job = start_check(client, worker)
    assert client("ListDifferences", id=made) == {}
    sent = [difference(n) for n in (1, 2, 3)]
    report_differences(client, job, sent)
    report_differences(client, job, [difference(2, b"again", table="ignored")])
    report_differences(client, job, [])
    expected = [{**each, "table": "t1", "number": str(each["number"])} for each in sent]
    expected[1]["row"] = encoded(b"again")
    got, token = [], ""
    for _ in range(2):
        page = client("ListDifferences", id=made, pageSize=2, pageToken=token)
        got += page["differences"]
        token = page.get("nextPageToken", "")
    assert got == expected and not token

    stack.start_rest()
    first = stack.rest.get(f"/v1/tasks/{made}/differences?page_size=2").json()
    assert [row["number"] for row in first["differences"]] == ["1", "2"]
    rest = stack.rest.get(f"/v1/tasks/{made}/differences?pageToken={first['nextPageToken']}").json()
    assert [row["type"] for row in rest["differences"]] == ["DIFFERENCE_TYPE_CHANGED_VALUE"]
    assert stack.rest.get("/v1/tasks/proc-1-" + "0" * 32 + "/differences").status == 404

    lines = stack.cli("task", "differences", made).stdout.splitlines()
    assert lines[0].split() == ["TABLE", "DIFFERENCE", "ROW", "COLUMN", "SOURCE", "DESTINATION",
                                "REPAIRED"]
    assert lines[1].split() == ["t1", "CHANGED_VALUE", r"r\x00", "f:q", "5", "6", "yes"]
    assert len(stack.cli("task", "differences", made, "-o", "json").stdout.splitlines()) == 3


def test_a_page_of_large_differences_is_short(client, worker):
    made, job = start_check(client, worker)
    for n in range(1, 97, 12):
        report_differences(client, job,
                           [difference(number, b"x" * 32767) for number in range(n, n + 12)])
    sizes, token = [], ""
    while True:
        page = client("ListDifferences", id=made, pageSize=1000, pageToken=token)
        sizes.append(len(page["differences"]))
        token = page.get("nextPageToken", "")
        if not token:
            break
    assert sum(sizes) == 96 and len(sizes) == 2


@pytest.mark.parametrize("differences, field", [
    ([difference(1, b"x" * 32767) for _ in range(17)], "differences"),
    ([difference(n % 1000 + 1) for n in range(257)], "differences"),
    ([difference(1001)], "differences.number")])
def test_differences_have_limits(client, worker, differences, field):
    made, job = start_check(client, worker)
    failure = client.fails("ReportDifferences", id=job["id"], leaseToken=job["leaseToken"],
                           differences=differences)
    assert failure.code == "INVALID_ARGUMENT" and list(failure.violations) == [field]
    assert client("ListDifferences", id=made) == {}


def test_differences_are_of_comparisons_under_their_lease(client, worker):
    made, job = start_check(client, worker)
    lost = {**job, "leaseToken": str(int(job["leaseToken"]) + 1)}
    failure = client.fails("ReportDifferences", id=lost["id"], leaseToken=lost["leaseToken"],
                           differences=[difference(1)])
    assert (failure.code, failure.reason) == ("ABORTED", "LEASE_LOST")
    client("AbortTask", id=made)
    create_sync(client)
    other = worker.must_lease()
    failure = client.fails("ReportDifferences", id=other["id"], leaseToken=other["leaseToken"],
                           differences=[difference(1)])
    assert failure.violations == {"id": "only a job of role CHECK has differences"}


def test_a_token_of_differences_is_of_one_task(client, worker):
    made, job = start_check(client, worker)
    report_differences(client, job, [difference(1), difference(2)])
    token = client("ListDifferences", id=made, pageSize=1)["nextPageToken"]
    other = create(client, "fullMigration")
    assert client.fails("ListDifferences", id=other, pageToken=token).reason == "PAGE_TOKEN"
    assert client.fails("ListBadRows", id=made, pageToken=token).reason == "PAGE_TOKEN"
