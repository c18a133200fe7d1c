"""
The calls of the LTS task API about incremental syncs, as its documentation shows them: sent by curl as
there, and answered with these keys in this order. Workers are played by the tests.
"""
import json
import re
import subprocess

import pytest

from sluicetest import lts
from sluicetest.client import Client, Worker
from sluicetest.lts import (INCR, NOBODY, OK, check_refused, create_incr, created, curl, listed, post)


@pytest.fixture
def lts_stack(stack):
    return lts.start(stack)


@pytest.fixture
def rest(lts_stack):
    return lts_stack.rest


@pytest.fixture
def client(lts_stack):
    return Client(lts_stack.reflected())


@pytest.fixture
def worker(client):
    return Worker(client)


def test_an_incremental_sync_is_created(lts_stack, client):
    body = post(lts_stack, f"{INCR}/create",
                "name=test1&src=hbase1&dst=hbase2&tableNames=t1,t2,t3&createTable=true")
    task_id = created(body)
    assert re.fullmatch("wal-[0-9a-f]{32}", task_id)
    task = client.task(task_id)
    assert task["displayName"] == "test1"
    assert task["incrementalSync"] == {"tableNames": ["t1", "t2", "t3"], "createTable": True}


def report_times(client, job, checkpoint, sync):
    client("ReportJob", id=job["id"], leaseToken=job["leaseToken"],
           progress={"checkpointTime": checkpoint, "syncTime": sync})


def incr_tunnel(task_id, tables, state, offset=0, name=None, date="", synctime=0):
    return {"jobId": task_id, "tableNames": tables, "dst": "zk2a.example", "offset": offset,
            "src": "zk1a.example", "name": name or task_id, "syncDate": date, "state": state,
            "synctime": synctime, "srcName": "hbase1", "dstName": "hbase2"}


def test_incremental_syncs_are_listed_as_documented(lts_stack, client, worker):
    assert curl(lts_stack, INCR) == listed()
    first = create_incr(lts_stack)
    job = worker.must_lease()
    report_times(client, job, "2023-11-14T22:13:20.123Z", "2023-11-14T22:13:21Z")
    assert curl(lts_stack, f"{INCR}/{first}/abort") == OK
    worker.finish(job, "RELEASED")
    assert worker.run_all() == ["RELEASE"]
    second = create_incr(lts_stack, "t1,ns:t2", name="test1")
    report_times(client, worker.must_lease(), "2023-11-14T22:13:20Z", "2023-11-14T22:14:59.999Z")
    third = create_incr(lts_stack)
    expected = [
        incr_tunnel(first, ["default:t1"], "KILLED", 1700000000123, None, "2023-11-15 06:13:21",
                    1700000001000),
        incr_tunnel(second, ["default:t1", "ns:t2"], "RUNNING", 1700000000000, "test1",
                    "2023-11-15 06:14:59", 1700000099999),
        incr_tunnel(third, ["default:t1"], "RUNNING"),
    ]
    assert [list(tunnel) for tunnel in expected] == [lts.INCR_KEYS] * 3
    assert curl(lts_stack, INCR) == listed(*expected)


@pytest.mark.parametrize("zone, date", [("+00:00", "2023-11-14 22:13:21"),
                                        ("-03:30", "2023-11-14 18:43:21")])
def test_the_zone_of_sync_date_is_an_option(lts_stack, client, worker, zone, date):
    create_incr(lts_stack)
    report_times(client, worker.must_lease(), "2023-11-14T22:13:20Z", "2023-11-14T22:13:21Z")
    lts_stack.shim.stop()
    lts_stack.start_rest("--sync-date-zone", zone)
    assert json.loads(curl(lts_stack, INCR))["tunnels"][0]["syncDate"] == date


@pytest.mark.parametrize("word", ["detai", "detail"])
def test_an_incremental_sync_in_detail(lts_stack, worker, word):
    task_id = create_incr(lts_stack)
    worker.must_lease()
    answer = json.loads(curl(lts_stack, f"{INCR}/{task_id}/{word}"))
    assert list(answer) == ["data", "success", "message"]
    data = answer["data"]
    assert list(data) == [*lts.INCR_KEYS, "fullJobs", "inrcJobs", "schemeTasks", "planJobs",
                          "checkJobs", "stage", "message", "peerJobs", "releaseJobs", "regionsDone",
                          "regionsTotal", "lag", "queuedLogs", "isDeleting"]
    assert list(data["inrcJobs"][0]) == ["jobName", "state", "table", *lts.JOB_KEYS,
                                         *lts.REGION_KEYS]
    assert data["inrcJobs"][0]["state"] == "RUNNING"


def test_a_deleted_sync_stays_until_its_source_is_free(lts_stack, rest, client, worker):
    task_id = create_incr(lts_stack)
    job = worker.must_lease()
    client("ReportJob", id=job["id"], leaseToken=job["leaseToken"], message="the source is slow",
           progress={"lag": "1.500s", "queuedLogs": 4})
    data = json.loads(curl(lts_stack, f"{INCR}/{task_id}/detail"))["data"]
    assert (data["lag"], data["queuedLogs"], data["message"]) == (1500, 4, "the source is slow")
    assert curl(lts_stack, f"{INCR}/{task_id}/del") == OK
    data = json.loads(curl(lts_stack, f"{INCR}/{task_id}/detail"))["data"]
    assert data["isDeleting"] and data["state"] == "KILLED"
    assert data["releaseJobs"][0]["state"] == "WAITING"
    check_refused(rest.get(f"{INCR}/{task_id}/retry"), 409, "is to be deleted")
    worker.finish(job, "RELEASED")
    assert worker.run_all() == ["RELEASE"]
    assert curl(lts_stack, INCR) == listed()


def test_the_tables_of_a_sync_are_replaced(lts_stack):
    task_id = create_incr(lts_stack)
    assert post(lts_stack, f"{INCR}/update", f"jobId={task_id}&tableNames=t1,t2,t3") == OK
    tunnel = json.loads(curl(lts_stack, INCR))["tunnels"][0]
    assert tunnel["tableNames"] == ["default:t1", "default:t2", "default:t3"]


def test_updates_that_are_refused(lts_stack, rest):
    task_id = create_incr(lts_stack)
    for tables in ["t1,t1", "t1,,t2", "a b"]:
        check_refused(rest.post_form(f"{INCR}/update", f"jobId={task_id}&tableNames={tables}"),
                      400, "tableNames")
    assert json.loads(curl(lts_stack, INCR))["tunnels"][0]["tableNames"] == ["default:t1"]


@pytest.mark.parametrize("task_id, words", [
    ("x", ["'x'"]), (NOBODY[INCR], [NOBODY[INCR]]), (NOBODY[lts.FULL], ["a full migration"])])
def test_an_update_of_what_is_not_there(rest, task_id, words):
    check_refused(rest.post_form(f"{INCR}/update", f"jobId={task_id}&tableNames=t1"), 404, *words)


def test_a_sync_that_was_aborted_takes_other_tables(lts_stack):
    """It would go on with them."""
    task_id = create_incr(lts_stack)
    assert curl(lts_stack, f"{INCR}/{task_id}/abort") == OK
    assert post(lts_stack, f"{INCR}/update", f"jobId={task_id}&tableNames=t2") == OK


@pytest.mark.parametrize("zone", ["8", "+8:00", "+15:00", "Asia/Shanghai"])
def test_a_zone_that_is_none_is_refused(build, zone):
    done = subprocess.run([build / "sluice-rest", "--sync-date-zone", zone], capture_output=True,
                          text=True, timeout=30)
    assert done.returncode == 2 and "sync-date-zone" in done.stderr and zone in done.stderr
