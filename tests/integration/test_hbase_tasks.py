"""Full migrations and incremental syncs, created, driven to each end and changed; the test plays the worker."""
import concurrent.futures
import json

import pytest

from sluicetest.client import Client, Worker


@pytest.fixture
def client(stack):
    stack.start_gateway("--lease-ms", "60000")
    client = Client(stack.reflected())
    client.add_sources(src=("HBASE", {"clusterKey": "zk1,zk2:2181:/hbase"}),
                       dst=("HBASE", {"clusterKey": "zk9:2181:/hbase"}),
                       wide=("LINDORM", {"clusterKey": "ld.example:30020", "username": "u",
                                         "password": "p"}))
    return client


@pytest.fixture
def worker(client):
    return Worker(client)


def migration(tables, source="src", destination="dst", attrs=None, **more):
    return {"source": source, "destination": destination, "fullMigration": {
        "tableNames": tables, "extraAttrsJson": json.dumps(attrs) if attrs else "", **more}}


def sync(tables, source="src", destination="dst", attrs=None, **more):
    return {"source": source, "destination": destination, "incrementalSync": {
        "tableNames": tables, "extraAttrsJson": json.dumps(attrs) if attrs else "", **more}}


def create(client, wanted):
    return client("CreateTask", task=wanted)


def jobs(task):
    """Role, table and state of each job; those of one step by their tables."""
    return [(job["role"].removeprefix("JOB_ROLE_"), job.get("table", ""),
             job["state"].removeprefix("JOB_STATE_")) for job in sorted(
                 task["jobs"], key=lambda job: (ROLES.index(job["role"][9:]), job.get("table", "")))]


ROLES = ["PLAN", "SCHEMA", "PEER", "FULL", "BULKLOAD", "INCR", "CHECK", "RELEASE"]


def finish_plan(client, job, tables):
    client("FinishJob", id=job["id"], leaseToken=job["leaseToken"], outcome="JOB_OUTCOME_SUCCEEDED",
           tableNames=tables)


def finish_plan_fails(client, job, tables, outcome="SUCCEEDED", message=""):
    return client.fails("FinishJob", id=job["id"], leaseToken=job["leaseToken"],
                        outcome=f"JOB_OUTCOME_{outcome}", message=message, tableNames=tables)


def update(client, task, tables, **more):
    return client("UpdateTask", task={"id": task["id"], "incrementalSync": {"tableNames": tables},
                                      **more},
                  updateMask="incrementalSync.tableNames")


def update_fails(client, task, tables, **more):
    return client.fails("UpdateTask", task={
        "id": task["id"], "incrementalSync": {"tableNames": tables}, **more},
                        updateMask="incrementalSync.tableNames")


def lease_role(worker, role):
    """Finishes what comes before, and leases the first job of that role."""
    while (job := worker.must_lease())["role"] != f"JOB_ROLE_{role}":
        worker.finish(job)
    return job


# --- full migrations


def test_a_migration_goes_through_its_steps(client, worker):
    made = create(client, migration(["t1", "ns:t2/t3"], bulkload=True, attrs={"verify": "count"}))
    assert made["id"].startswith("workflow-") and made["kind"] == "TASK_KIND_FULL_MIGRATION"
    assert (made["sourceAddress"], made["destinationAddress"]) == ("zk1", "zk9")
    assert [(role, table) for role, table, _ in jobs(made)] == [
        (role, table) for role in ("SCHEMA", "FULL", "BULKLOAD", "CHECK")
        for table in ("ns:t2/t3", "t1")]
    assert client.task(made["id"])["fullMigration"] == made["fullMigration"]
    listed = client("ListTasks", kind="TASK_KIND_FULL_MIGRATION")["tasks"]
    assert [task["fullMigration"] for task in listed] == [made["fullMigration"]]
    assert listed[0]["sourceAddress"] == "zk1"

    stages = []
    while job := worker.lease():
        assert job["task"]["fullMigration"] == made["fullMigration"]
        stages.append((job["role"][9:], client.task(made["id"])["stage"][11:]))
        worker.finish(job)
    assert sorted(set(stages), key=stages.index) == [
        ("SCHEMA", "WAIT_FOR_SCHEMA"), ("FULL", "WAIT_FOR_SUCCESS"), ("BULKLOAD", "WAIT_FOR_SUCCESS"),
        ("CHECK", "WAIT_FOR_CHECK")]
    assert len(stages) == 8
    ended = client.task(made["id"])
    assert ended["state"] == "TASK_STATE_SUCCEEDED" and ended["progress"]["fraction"] == 1


def test_a_step_begins_when_all_tables_have_done_the_one_before(client, worker):
    create(client, migration(["t1", "t2"]))
    first, second = worker.must_lease(), worker.must_lease()
    assert {first["role"], second["role"]} == {"JOB_ROLE_SCHEMA"}
    worker.finish(first)
    assert worker.lease() is None
    worker.finish(second, "SKIPPED", "it is there")
    assert worker.must_lease()["role"] == "JOB_ROLE_FULL"


def test_a_table_that_fails_fails_the_migration_and_retry_goes_on(client, worker):
    made = create(client, migration(["t1", "t2"]))
    first, second = worker.must_lease(), worker.must_lease()
    worker.finish(first)
    worker.finish(second, "FAILED", "no such table")
    failed = client.task(made["id"])
    assert failed["state"] == "TASK_STATE_FAILED" and failed["message"] == "no such table"
    client("RetryTask", id=made["id"])
    again = worker.must_lease()
    assert again["id"] == second["id"]
    worker.finish(again)
    assert worker.run_all() == ["FULL", "FULL"]
    assert client.state(made["id"]) == "SUCCEEDED"


def test_progress_of_tables_whose_bytes_are_unknown_counts_jobs(client, worker):
    made = create(client, migration(["t1", "t2", "t3", "t4"]))
    job = lease_role(worker, "FULL")
    assert client.task(made["id"]).get("progress", {}).get("fraction", 0) == 0
    worker.finish(job)
    other = worker.must_lease()
    client("ReportJob", id=other["id"], leaseToken=other["leaseToken"],
           progress={"rowsRead": 7, "rowsWritten": 7, "fraction": 0.5})
    assert client.task(made["id"])["progress"]["fraction"] == 0.375


# --- patterns


def test_a_pattern_is_planned_by_a_worker(client, worker):
    made = create(client, migration(["ns:*", "t1/t2"], createTable=True))
    assert jobs(made) == [("PLAN", "", "READY")]
    job = worker.must_lease()
    assert job["role"] == "JOB_ROLE_PLAN"
    assert client.task(made["id"])["stage"] == "TASK_STAGE_WAIT_FOR_SCHEMA"
    tables = ["ns:a", "ns:b", "t1/t2"]
    finish_plan(client, job, tables)
    planned = client.task(made["id"])
    assert jobs(planned) == [("PLAN", "", "SUCCEEDED")] + [
        ("SCHEMA", table, "READY") for table in tables] + [
        ("FULL", table, "WAITING") for table in tables]
    finish_plan(client, job, tables)  # a repeat
    assert jobs(client.task(made["id"])) == jobs(planned)
    assert worker.run_all() == ["SCHEMA"] * 3 + ["FULL"] * 3
    assert client.state(made["id"]) == "SUCCEEDED"


def test_a_pattern_that_means_nothing_fails_the_task(client, worker):
    made = create(client, migration(["ns:*"]))
    worker.finish(worker.must_lease(), "FAILED", "ns:* matches no table")
    assert client.task(made["id"])["message"] == "ns:* matches no table"


@pytest.mark.parametrize("tables, text", [
    ([], "a job of role PLAN names the tables that it found; it fails if there are none"),
    (["*"], "'*' is a pattern; names of tables are expected"),
    (["a", "default:a"], "'default:a' names the same as 'a'; each table is expected once"),
    (["a/b", "b"], "'a/b' and 'b' go to the same table; each needs one of its own"),
    (["a b"], "'a b' has ' ' in its table at byte 2"),
    ([f"t{i}" for i in range(1001)], "more than 1000 tables are named"),
])
def test_what_a_plan_must_not_name(client, worker, tables, text):
    made = create(client, migration(["*"]))
    job = worker.must_lease()
    failure = finish_plan_fails(client, job, tables)
    assert failure.code == "INVALID_ARGUMENT" and text in failure.violations["table_names"]
    assert jobs(client.task(made["id"])) == [("PLAN", "", "RUNNING")]
    finish_plan(client, job, ["t1"])


def test_a_plan_is_not_skipped(client, worker):
    create(client, migration(["*"]))
    failure = worker.finish_fails(worker.must_lease(), "SKIPPED", "nothing to do")
    assert "table_names" in failure.violations


def test_only_a_plan_that_succeeded_names_tables(client, worker):
    create(client, migration(["t1"]))
    schema = worker.must_lease()
    failure = finish_plan_fails(client, schema, ["t1"])
    assert failure.violations == {"table_names": "only a job of role PLAN names tables"}
    failure = finish_plan_fails(client, schema, ["t1"], "FAILED", "why")
    assert failure.violations == {"table_names": "only a job that succeeded names tables"}


def test_a_plan_is_under_its_lease(client, worker):
    made = create(client, migration(["*"]))
    job = worker.must_lease()
    client("AbortTask", id=made["id"])
    assert finish_plan_fails(client, job, ["t1"]).reason == "LEASE_LOST"
    client("RetryTask", id=made["id"])
    assert finish_plan_fails(client, job, ["t1"]).reason == "LEASE_LOST"
    again = worker.must_lease()
    client("DeleteTask", id=made["id"])
    assert finish_plan_fails(client, again, ["t1"]).reason == "LEASE_LOST"


def test_a_thousand_tables_are_planned_at_once(client, worker):
    made = create(client, migration(["*"], bulkload=True, attrs={"verify": "full"}))
    finish_plan(client, worker.must_lease(), [f"t{i}" for i in range(1000)])
    assert len(client.task(made["id"])["jobs"]) == 4001


def test_from_the_start_a_pattern_is_planned_anew(client, worker):
    made = create(client, migration(["ns:*"]))
    finish_plan(client, worker.must_lease(), ["ns:a", "ns:b"])
    worker.finish(worker.must_lease())
    client("AbortTask", id=made["id"])

    client("RetryTask", id=made["id"])
    assert [job[0] for job in jobs(client.task(made["id"]))] == [
        "PLAN", "SCHEMA", "SCHEMA", "FULL", "FULL"]
    client("AbortTask", id=made["id"])

    client("RetryTask", id=made["id"], fromStart=True)
    assert jobs(client.task(made["id"])) == [("PLAN", "", "READY")]
    finish_plan(client, worker.must_lease(), ["ns:c"])
    assert worker.run_all() == ["SCHEMA", "FULL"]
    assert client.state(made["id"]) == "SUCCEEDED"


# --- what is refused


@pytest.mark.parametrize("wanted, field, text", [
    (migration([]), "task.full_migration.table_names", "no table is named; 1 to 1000 are expected"),
    (migration(["t1", "default:t1"]), "task.full_migration.table_names",
     "'default:t1' names the same as 't1'; each table is expected once"),
    (migration(["t1"], destination="src"), "task.full_migration.table_names",
     "'t1' would be copied onto itself"),
    (migration(["*"], destination="src"), "task.full_migration.table_names",
     "'*' would be copied onto itself"),
    (migration(["t1"], attrs={"bandwidth": 1}), "task.full_migration.extra_attrs_json",
     "extraAttrs: 'bandwidth' is not known; there are bandWidth, concurrency"),
    (migration(["t1"], createTable=True, attrs={"mode": "VERIFY_ONLY"}),
     "task.full_migration.extra_attrs_json", "mode: is VERIFY_ONLY, which copies nothing"),
    (sync(["t1", ""]), "task.incremental_sync.table_names",
     "a table has an empty name; names such as t1 or ns:t1 are expected"),
    (migration(["t1/t2", "t2/t3"], destination="src"), "task.full_migration.table_names",
     "'t1/t2' goes to a table that 't2/t3' copies"),
    (sync(["t1/t2"]), "task.incremental_sync.table_names",
     "'t1/t2' has another name at the destination; a sync keeps names"),
    (sync(["t1"], attrs={"full": 1}), "task.incremental_sync.extra_attrs_json",
     "extraAttrs.full: is a number; true or false is expected"),
    (migration(["t1"], source="files"), "task.source",
     "data source 'files' is of type FILE; HBASE or LINDORM is expected"),
    (migration(["t1"], destination="ld"), "task.destination",
     "data source 'ld' is of type POSTGRES; HBASE or LINDORM is expected"),
    (sync(["t1"], destination="files"), "task.destination",
     "data source 'files' is of type FILE; HBASE or LINDORM is expected"),
    ({"source": "src", "destination": "dst"}, "task.spec",
     "the task's spec is missing: bulkload, full_migration or incremental_sync is expected"),
])
def test_create_refuses(client, wanted, field, text):
    failure = client.fails("CreateTask", task=wanted)
    assert failure.code == "INVALID_ARGUMENT" and list(failure.violations) == [field]
    assert text in failure.violations[field]


def test_an_import_goes_into_hbase_and_lindorm_too(client):
    for destination in ("ld", "dst", "wide"):
        made = client.create_task()
        wanted = {key: made[key] for key in ("source", "bulkload")} | {"destination": destination}
        assert create(client, wanted)["destination"] == destination
    failure = client.fails("CreateTask", task=wanted | {"source": "src"})
    assert failure.violations == {
        "task.source": "data source 'src' is of type HBASE; FILE, HDFS or S3 is expected"}


def test_a_table_is_copied_within_a_source_under_another_name(client):
    made = create(client, migration(["t1/t2"], destination="src"))
    assert [table for _, table, _ in jobs(made)] == ["t1/t2"] * 2


def test_a_capability_is_of_kind_and_types(client):
    create(client, migration(["t1"], destination="wide"))
    create(client, sync(["t1"], source="wide"))
    able = [Worker(client, capabilities=[name])
            for name in ("full_migration:hbase:lindorm", "incremental_sync:lindorm:hbase")]
    other = Worker(client, capabilities=["full_migration:hbase:hbase", "bulkload:file:postgres"])
    assert other.lease() is None
    assert [worker.must_lease()["task"]["kind"] for worker in able] == [
        "TASK_KIND_FULL_MIGRATION", "TASK_KIND_INCREMENTAL_SYNC"]


def test_validate_only_shows_what_would_be(client):
    shown = client("CreateTask", task=migration(["*"]), validateOnly=True)
    assert jobs(shown) == [("PLAN", "", "READY")] and "id" not in shown
    assert shown["sourceAddress"] == "zk1" and shown["fullMigration"]["tableNames"] == ["*"]
    assert "tasks" not in client("ListTasks")


def test_a_request_comes_again(client):
    request = "6f2b8f0e-6f0a-4e0c-9d1e-1f6f5a0c7b11"
    made = client("CreateTask", task=sync(["t1"]), requestId=request)
    assert client("CreateTask", task=sync(["t1"]), requestId=request)["id"] == made["id"]
    assert client.fails("CreateTask", task=sync(["t2"]), requestId=request).code == "ALREADY_EXISTS"


# --- incremental syncs


def test_a_sync_makes_tables_and_follows_them_all_in_one_job(client, worker):
    made = create(client, sync(["t1", "ns:t2"], createTable=True))
    assert made["id"].startswith("wal-") and made["kind"] == "TASK_KIND_INCREMENTAL_SYNC"
    assert jobs(made) == [("SCHEMA", "ns:t2", "READY"), ("SCHEMA", "t1", "READY"),
                          ("INCR", "t1,ns:t2", "WAITING")]
    job = lease_role(worker, "INCR")
    assert job["table"] == "t1,ns:t2" and job["task"]["incrementalSync"] == made["incrementalSync"]
    client("ReportJob", id=job["id"], leaseToken=job["leaseToken"], progress={
        "checkpointTime": "2026-11-20T10:00:00.5Z", "syncTime": "2026-11-20T10:00:01.25Z"})
    client("ReportJob", id=job["id"], leaseToken=job["leaseToken"], progress={"rowsRead": 1})
    got = client.task(made["id"])
    for where in (got, got["jobs"][-1]):
        assert where["progress"]["checkpointTime"] == "2026-11-20T10:00:00.500Z"
        assert where["progress"]["syncTime"] == "2026-11-20T10:00:01.250Z"
    client("FinishJob", id=job["id"], leaseToken=job["leaseToken"], outcome="JOB_OUTCOME_RELEASED",
           progress={"syncTime": "2026-11-20T10:00:02Z"})
    assert client.task(made["id"])["progress"]["syncTime"] == "2026-11-20T10:00:02Z"
    client("AbortTask", id=made["id"])
    assert client.task(made["id"])["progress"]["syncTime"] == "2026-11-20T10:00:02Z"
    client("RetryTask", id=made["id"], fromStart=True)
    assert "syncTime" not in client.task(made["id"]).get("progress", {})


@pytest.mark.parametrize("time", ["1969-12-31T23:59:59Z", "0001-01-01T00:00:00Z"])
def test_a_time_before_1970_is_refused(client, worker, time):
    create(client, sync(["t1"]))
    job = worker.must_lease()
    failure = client.fails("ReportJob", id=job["id"], leaseToken=job["leaseToken"],
                           progress={"syncTime": time})
    assert failure.violations == {
        "progress.sync_time": "progress.sync_time is not from 1970 to 9999"}


# --- other tables


def test_other_tables_fence_off_the_worker_and_keep_the_checkpoint(client, worker):
    made = create(client, sync(["t1", "t2"], createTable=True))
    job = lease_role(worker, "INCR")
    worker.report(job, checkpoint=b"here")
    changed = update(client, made, ["t2", "t3"])
    assert changed["incrementalSync"]["tableNames"] == ["t2", "t3"]
    assert worker.report_fails(job).reason == "LEASE_LOST"
    assert jobs(client.task(made["id"])) == [
        ("SCHEMA", "t2", "SUCCEEDED"), ("SCHEMA", "t3", "READY"), ("INCR", "t2,t3", "WAITING")]
    schema = worker.must_lease()
    assert (schema["role"], schema["table"]) == ("JOB_ROLE_SCHEMA", "t3")
    worker.finish(schema)
    again = worker.must_lease()
    assert again["id"] == job["id"] and again["table"] == "t2,t3"
    assert again["checkpoint"] == "aGVyZQ=="
    assert again["task"]["incrementalSync"]["tableNames"] == ["t2", "t3"]
    assert client.state(made["id"]) == "RUNNING"


def test_other_tables_are_an_event_and_the_same_ones_are_not(client, worker):
    made = create(client, sync(["t1"]))
    running = worker.must_lease()
    before = client.task(made["id"])
    assert update(client, made, ["t1"])["etag"] == before["etag"]
    worker.report(running)
    changed = update(client, made, ["t2"], etag=before["etag"])
    assert changed["etag"] != before["etag"]
    assert update_fails(client, made, ["t3"], etag=before["etag"]).reason == "ETAG_MISMATCH"
    events = client("ListTaskEvents", id=made["id"])["events"]
    assert [(event["actor"], event["state"][11:]) for event in events] == [
        ("client", "PENDING"), ("test-worker", "RUNNING"), ("client", "RUNNING")]


def test_other_tables_come_with_other_marks(client):
    made = create(client, sync(["t1"]))
    changed = client("UpdateTask", task={"id": made["id"], "displayName": "both",
                                         "incrementalSync": {"tableNames": ["t2"]}})
    assert changed["displayName"] == "both"
    assert changed["incrementalSync"]["tableNames"] == ["t2"]
    named = client("UpdateTask", task={"id": made["id"], "displayName": "one",
                                       "incrementalSync": {"tableNames": ["t2"]}}, updateMask="*")
    assert named["displayName"] == "one" and "labels" not in named


@pytest.mark.parametrize("end", ["AbortTask", "FAILED"])
def test_other_tables_of_a_sync_that_ended_are_taken_up_by_retry(client, worker, end):
    made = create(client, sync(["t1"], createTable=True))
    job = lease_role(worker, "INCR")
    worker.report(job, checkpoint=b"here")
    if end == "FAILED":
        worker.finish(job, "FAILED", "why")
    else:
        client(end, id=made["id"])
        worker.finish(job, "RELEASED")
    state = client.state(made["id"])
    update(client, made, ["t2"])
    assert client.state(made["id"]) == state
    assert worker.must_lease()["role"] == "JOB_ROLE_RELEASE" and worker.lease() is None
    assert [job[:2] for job in jobs(client.task(made["id"]))] == [
        ("SCHEMA", "t2"), ("INCR", "t2"), ("RELEASE", "")]
    client("RetryTask", id=made["id"])
    worker.finish(worker.must_lease())
    again = worker.must_lease()
    assert (again["table"], again["checkpoint"]) == ("t2", "aGVyZQ==")


def test_a_pattern_among_other_tables_is_planned_while_the_sync_waits(client, worker):
    made = create(client, sync(["t1"], createTable=True))
    job = lease_role(worker, "INCR")
    worker.report(job, checkpoint=b"here")
    update(client, made, ["t1", "ns:*"])
    assert jobs(client.task(made["id"])) == [
        ("PLAN", "", "READY"), ("SCHEMA", "t1", "SUCCEEDED"), ("INCR", "t1", "WAITING")]
    plan = worker.must_lease()
    update(client, made, ["t1", "ns2:*"])
    assert finish_plan_fails(client, plan, ["t1", "ns:a"]).reason == "LEASE_LOST"
    finish_plan(client, worker.must_lease(), ["t1", "ns2:a"])
    assert jobs(client.task(made["id"])) == [
        ("PLAN", "", "SUCCEEDED"), ("SCHEMA", "ns2:a", "READY"), ("SCHEMA", "t1", "SUCCEEDED"),
        ("INCR", "t1,ns2:a", "WAITING")]
    worker.finish(worker.must_lease())
    again = worker.must_lease()
    assert (again["id"], again["checkpoint"]) == (job["id"], "aGVyZQ==")
    assert again["table"] == "t1,ns2:a"
    update(client, made, ["t1"])
    assert jobs(client.task(made["id"])) == [("SCHEMA", "t1", "SUCCEEDED"), ("INCR", "t1", "READY")]


@pytest.mark.parametrize("tables, text", [
    ([], "no table is named; 1 to 1000 are expected"),
    (["t1", "t1"], "'t1' names the same as 't1'; each table is expected once"),
    (["a/t1", "t2"], "'a/t1' has another name at the destination; a sync keeps names, only a full"
                     " migration changes them"),
])
def test_update_refuses_tables(client, tables, text):
    made = create(client, sync(["t1"]))
    failure = update_fails(client, made, tables)
    assert failure.violations == {"task.incremental_sync.table_names": text}
    assert client.task(made["id"])["etag"] == made["etag"]


def test_update_refuses_what_has_no_tables_to_change(client, worker):
    failure = update_fails(client, create(client, migration(["t1"])), ["t2"])
    assert (failure.code, failure.reason) == ("FAILED_PRECONDITION", "TASK_KIND")
    assert "is no incremental sync" in failure.text
    worker.run_all()
    made = create(client, sync(["t1"]))
    worker.finish(worker.must_lease())
    failure = update_fails(client, made, ["t2"])
    assert (failure.code, failure.reason) == ("FAILED_PRECONDITION", "TASK_STATE")
    assert "is SUCCEEDED" in failure.text
    unknown = {"id": "wal-" + "0" * 32}
    assert update_fails(client, unknown, ["t2"]).reason == "TASK_NOT_FOUND"
    failure = client.fails("UpdateTask", task={"id": made["id"]}, updateMask="incrementalSync")
    assert failure.violations == {
        "update_mask": "'incremental_sync' cannot be updated; display_name, labels,"
                       " incremental_sync.table_names, and extra_attrs_json of both can"}
    failure = client.fails("UpdateTask", task={"id": made["id"]},
                           updateMask="incrementalSync.tableNames")
    assert list(failure.violations) == ["task.incremental_sync.table_names"]


def test_updates_at_once_all_count_and_none_is_lost(client, worker):
    """Whichever is last, the jobs are those of the list that is stored."""
    made = create(client, sync(["t0"], createTable=True))
    lease_role(worker, "INCR")
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda i: update(client, made, [f"t{i}", f"u{i}"]), range(1, 25)))
    got = client.task(made["id"])
    tables = got["incrementalSync"]["tableNames"]
    assert [(role, table) for role, table, _ in jobs(got)] == [
        ("SCHEMA", table) for table in sorted(tables)] + [("INCR", ",".join(tables))]
    assert len(client("ListTaskEvents", id=made["id"])["events"]) >= 24


def test_verbs_beside_updates_leave_a_task_whole(client, worker):
    """Aborts, retries and plans race with updates; in the end it can be run."""
    made = create(client, sync(["ns:*"], createTable=True))

    def change(i):
        wanted = ["ns:*"] if i % 3 == 0 else [f"t{i}"]
        calls = [lambda: update(client, made, wanted),
                 lambda: client("AbortTask", id=made["id"]),
                 lambda: client("RetryTask", id=made["id"], fromStart=i % 2 == 0),
                 lambda: (job := worker.lease()) and finish_plan(client, job, ["ns:a"])]
        try:
            calls[i % 4]()
        except Exception as error:  # pylint: disable=broad-except
            assert error.code().name in ("FAILED_PRECONDITION", "ABORTED", "INVALID_ARGUMENT")

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(change, range(120)))
    client("AbortTask", id=made["id"])
    update(client, made, ["last"])
    client("RetryTask", id=made["id"])
    assert lease_role(worker, "INCR")["table"] == "last"


def test_tables_change_over_http(client, stack):
    stack.start_rest()
    rest = stack.rest
    made = rest.send_json("POST", "/v1/tasks", sync(["t1"])).json()
    reply = rest.send_json("PATCH", f"/v1/tasks/{made['id']}?updateMask=incrementalSync.tableNames",
                           {"incrementalSync": {"tableNames": ["t1", "ns:t2"]}})
    assert reply.status == 200, reply.text
    assert reply.json()["incrementalSync"]["tableNames"] == ["t1", "ns:t2"]
    assert jobs(client.task(made["id"])) == [("INCR", "t1,ns:t2", "READY")]
