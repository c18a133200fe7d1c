"""
The calls of the LTS task API about HBase, as its documentation shows them: sent by curl as there, and
answered with these keys in this order. Workers are played by the tests.
"""
import json
import re

import pytest

from sluicetest import lts
from sluicetest.client import Client, Worker
from sluicetest.lts import (FULL, INCR, NOBODY, OK, check_refused, create_full, create_incr, created,
                           curl, listed, post, state_of)


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


def run_full(worker):
    """Does all jobs there are; the tables were there already."""
    while job := worker.lease():
        if job["role"] == "JOB_ROLE_SCHEMA":
            worker.finish(job, "SKIPPED", "the table is there")
        else:
            worker.finish(job)


def jobs_of(client, task_id, role, *keys):
    """The jobs of a role, each with these of the keys that LTS has."""
    shown = []
    for job in client.task(task_id).get("jobs", []):
        if job["role"] == f"JOB_ROLE_{role}":
            state = job["state"].removeprefix("JOB_STATE_").replace("READY", "WAITING")
            values = {"jobName": job["id"], "TaskName": job["id"], "state": state,
                      "table": job.get("table", "")}
            shown.append({key: values[key] for key in keys})
    return shown


def full_tunnel(client, task_id, tables, state):
    """What the documentation shows of a full migration, with srcName and dstName of ours."""
    return {
        "jobName": task_id, "tableNames": tables, "dst": "zk2a.example",
        "fullJobs": jobs_of(client, task_id, "FULL", "jobName", "state", "table"),
        "bulkloadJobs": jobs_of(client, task_id, "BULKLOAD", "TaskName", "state"),
        "src": "zk1a.example", "mergeTasks": [], "state": state, "inrcJobs": [],
        "schemeTasks": jobs_of(client, task_id, "SCHEMA", "TaskName", "state", "table"),
        "srcName": "hbase1", "dstName": "hbase2"}


# --- full migrations, as documented

def test_a_full_migration_is_created(lts_stack, client):
    body = post(lts_stack, f"{FULL}/create",
                "src=hbase1&dst=hbase2&tableNames=t1,t2,t3&bulkload=true&createTable=true")
    task_id = created(body)
    assert re.fullmatch("workflow-[0-9a-f]{32}", task_id)
    task = client.task(task_id)
    assert task["fullMigration"] == {"tableNames": ["t1", "t2", "t3"], "bulkload": True,
                                     "createTable": True}
    assert (task["source"], task["destination"]) == ("hbase1", "hbase2")


def test_full_migrations_are_listed_as_documented(lts_stack, client, worker):
    assert curl(lts_stack, FULL) == listed()
    first = create_full(lts_stack, "t1")
    run_full(worker)
    second = create_full(lts_stack, "t1,t2")
    run_full(worker)
    expected = [full_tunnel(client, first, ["t1"], "SUCCEEDED"),
                full_tunnel(client, second, ["t1", "t2"], "SUCCEEDED")]
    assert curl(lts_stack, FULL) == listed(*expected)
    # What the jobs above are made of, so that nothing is compared with itself alone.
    assert [list(tunnel) for tunnel in expected] == [lts.FULL_KEYS] * 2
    assert [job["table"] for job in expected[0]["fullJobs"]] == ["t1"]
    assert {job["table"] for job in expected[1]["fullJobs"]} == {"t1", "t2"}
    assert [len(tunnel["bulkloadJobs"]) for tunnel in expected] == [1, 2]
    assert {job["state"] for job in expected[1]["schemeTasks"]} == {"SKIPPED"}
    assert all(re.fullmatch("fulldata-[0-9a-f]{32}", job["jobName"])
               for job in expected[1]["fullJobs"])
    assert all(re.fullmatch("bulkload-[0-9a-f]{32}", job["TaskName"])
               for job in expected[1]["bulkloadJobs"])
    assert all(re.fullmatch("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", job["TaskName"])
               for job in expected[1]["schemeTasks"])


def test_a_full_migration_that_waits_is_running(lts_stack, client):
    task_id = create_full(lts_stack)
    assert curl(lts_stack, FULL) == listed(full_tunnel(client, task_id, ["t1"], "RUNNING"))
    tunnel = json.loads(curl(lts_stack, FULL))["tunnels"][0]
    assert {job["state"] for job in tunnel["fullJobs"] + tunnel["schemeTasks"]} == {"WAITING"}


def test_a_full_migration_in_detail(lts_stack, client, worker):
    task_id = create_full(lts_stack)
    worker.finish(worker.must_lease(), "SKIPPED", "it is there")
    worker.report(worker.must_lease(), n=7, fraction=0.5)
    answer = json.loads(curl(lts_stack, f"{FULL}/{task_id}/detail"))
    assert list(answer) == ["data", "success", "message"]
    assert (answer["success"], answer["message"]) == ("true", "ok")
    data = answer["data"]
    assert list(data) == [*lts.FULL_KEYS, "planJobs", "checkJobs", "stage", "message",
                          "regionsDone", "regionsTotal", "comparison"]
    job = data["fullJobs"][0]
    assert list(job) == ["jobName", "state", "table", *lts.JOB_KEYS, *lts.REGION_KEYS]
    assert (job["state"], job["rowsRead"], job["progress"], job["attempt"]) == ("RUNNING", 7, 0.5, 1)
    scheme = data["schemeTasks"][0]
    assert list(scheme) == ["TaskName", "state", "table", *lts.JOB_KEYS, *lts.REGION_KEYS]
    assert (scheme["state"], scheme["message"]) == ("SKIPPED", "it is there")
    assert list(data["bulkloadJobs"][0]) == ["TaskName", "state", "table", *lts.JOB_KEYS,
                                             *lts.REGION_KEYS]
    assert data["stage"] == "WAIT_FOR_SUCCESS"


# --- what both kinds have

BOTH = pytest.mark.parametrize("base, create", [(FULL, create_full), (INCR, create_incr)])


@BOTH
@pytest.mark.parametrize("options", [[], ["-X", "POST"]], ids=["GET", "POST"])
def test_abort_retry_and_del(lts_stack, base, create, options):
    task_id = create(lts_stack)
    assert curl(lts_stack, *options, f"{base}/{task_id}/abort") == OK
    assert curl(lts_stack, *options, f"{base}/{task_id}/abort") == OK
    assert state_of(lts_stack, base, task_id) == "KILLED"
    assert curl(lts_stack, *options, f"{base}/{task_id}/retry") == OK
    assert state_of(lts_stack, base, task_id) == "RUNNING"
    assert curl(lts_stack, *options, f"{base}/{task_id}/del") == OK
    assert curl(lts_stack, base) == listed()


CALLS = {FULL: ["detail", "abort", "retry", "del"],
         INCR: ["detai", "detail", "abort", "retry", "del"],
         "/pro/proc": ["info", "abort", "retry", "delete"]}


@pytest.mark.parametrize("base", CALLS)
def test_unknown_ids_and_those_of_other_kinds_are_not_found(lts_stack, rest, base):
    ids = {FULL: create_full(lts_stack), INCR: create_incr(lts_stack)}
    ids.pop(base, None)
    for word in CALLS[base]:
        for task_id in [*ids.values(), NOBODY[base], "x", "%2e%2e"]:
            check_refused(rest.get(f"{base}/{task_id}/{word}"), 404)
    for other, task_id in ids.items():
        assert state_of(lts_stack, other, task_id) == "RUNNING"


@BOTH
def test_states_that_do_not_allow_a_call(lts_stack, rest, base, create):
    task_id = create(lts_stack)
    check_refused(rest.get(f"{base}/{task_id}/retry"), 409, task_id)
    assert rest.get(f"{base}/{task_id}/del").status == 200
    check_refused(rest.get(f"{base}/{task_id}/del"), 404, task_id)


def test_an_ended_migration_is_not_aborted(lts_stack, rest, worker):
    task_id = create_full(lts_stack)
    run_full(worker)
    check_refused(rest.get(f"{FULL}/{task_id}/abort"), 409, "SUCCEEDED")


@BOTH
def test_links_and_other_sites_change_nothing(lts_stack, rest, base, create):
    task_id = create(lts_stack)
    for header in [{"Purpose": "prefetch"}, {"Sec-Purpose": "prefetch;prerender"},
                   {"Sec-Fetch-Site": "cross-site"}]:
        for word in ["abort", "retry", "del"]:
            check_refused(rest.request("GET", f"{base}/{task_id}/{word}", headers=header), 403)
        check_refused(rest.request("POST", f"{base}/create", b"", {**lts.FORM, **header}), 403)
        assert rest.request("GET", base, headers=header).status == 200
    for verb in ["HEAD", "OPTIONS"]:
        rest.request(verb, f"{base}/{task_id}/abort")
    assert state_of(lts_stack, base, task_id) == "RUNNING"


@pytest.mark.parametrize("path, form, status, words", [
    (f"{FULL}/create", "", 400, ["missing: src, dst, tableNames"]),
    (f"{FULL}/create", "src=hbase1&dst=hbase2&tableNames=", 400, ["missing: tableNames"]),
    (f"{FULL}/create", "src=hbase1&dst=hbase2&tableNames=t1,t1", 400, ["tableNames", "t1"]),
    (f"{FULL}/create", "src=hbase1&dst=hbase2&tableNames=t1,default:t1", 400, ["tableNames"]),
    (f"{FULL}/create", "src=hbase1&dst=hbase2&tableNames=t1,,t2", 400, ["tableNames", "empty"]),
    (f"{FULL}/create", "src=hbase1&dst=hbase2&tableNames=a b", 400, ["tableNames"]),
    (f"{FULL}/create", "src=hbase1&dst=hbase2&tableNames=t1&bulkload=1", 400, ["bulkload", "'1'"]),
    (f"{FULL}/create", "src=hbase1&dst=hbase2&tableNames=t1&extraAttrs={", 400, ["extraAttrs"]),
    (f"{FULL}/create", 'src=hbase1&dst=hbase2&tableNames=t1&extraAttrs={"bandwidth":1}', 400,
     ["extraAttrs", "bandwidth"]),
    (f"{FULL}/create", "src=hbase1&dst=nowhere&tableNames=t1", 404, ["nowhere"]),
    (f"{FULL}/create", "src=hbase1&dst=files&tableNames=t1", 400, ["dst", "FILE"]),
    (f"{FULL}/create", "src=hbase1&src=hbase1&dst=hbase2&tableNames=t1", 400, ["src", "twice"]),
    (f"{INCR}/create", "name=x", 400, ["missing: src, dst, tableNames"]),
    (f"{INCR}/create", "src=files&dst=hbase2&tableNames=t1", 400, ["src", "FILE"]),
    (f"{INCR}/create", "src=hbase1&dst=hbase2&tableNames=t1&name=" + "n" * 129, 400,
     ["name", "128"]),
    (f"{INCR}/update", "jobId=x", 400, ["missing: tableNames"]),

    (f"{INCR}/update", f"jobId={NOBODY[FULL]}&tableNames=t1", 404, ["a full migration"]),
])
def test_forms_that_are_refused(lts_stack, rest, path, form, status, words):
    lts_stack.add_source("files", "FILE", {"root": "/srv/files"})
    check_refused(rest.post_form(path, form), status, *words)
    assert lts_stack.database.value("SELECT count(*) FROM task") == 0


def test_an_unknown_field_is_passed_over_with_a_warning(lts_stack):
    create_full(lts_stack, color="red")
    line = lts_stack.shim.wait_for_event("unknown form field ignored")
    assert (line["field"], line["path"]) == ("color", f"{FULL}/create")


@pytest.mark.parametrize("base, form", [
    (FULL, b"src=hbase1&dst=hbase2&tableNames=t1"),
    (INCR, b"src=hbase1&dst=hbase2&tableNames=t1&name=once")])
def test_a_create_with_a_key_is_done_once(rest, base, form):
    def create(key, body=form):
        return rest.request("POST", f"{base}/create", body, {**lts.FORM, "Idempotency-Key": key})
    first = create("a")
    assert first.status == 200
    assert create("a").body == first.body
    assert create("b").body != first.body
    check_refused(create("a", form.replace(b"t1", b"t2")), 409)


def test_errors_come_with_status_200_for_those_who_want_it(lts_stack):
    lts_stack.shim.stop()
    lts_stack.start_rest("--legacy-error-status", "200")
    for reply in [lts_stack.rest.get(f"{FULL}/{NOBODY[FULL]}/detail"),
                  lts_stack.rest.get(f"{FULL}?pageSize=x"),
                  lts_stack.rest.get(f"{INCR}/{NOBODY[FULL]}/abort"),
                  lts_stack.rest.post_form(f"{INCR}/create", "")]:
        check_refused(reply, 200)
