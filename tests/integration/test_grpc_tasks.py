"""TaskService, by a client that knows nothing but the server's reflection."""
import json
import re

import pytest

from sluicetest.client import READER, WRITER, Worker, task

ID = re.compile(r"proc-[1-9][0-9]*-[0-9a-f]{32}")
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
UNKNOWN = "proc-1-" + "0" * 32


# --- CreateTask, GetTask


def test_create_plans_the_jobs(client):
    made = client("CreateTask", task=task())
    assert ID.fullmatch(made["id"])
    assert made["kind"] == "TASK_KIND_BULKLOAD"
    assert made["state"] == "TASK_STATE_PENDING"
    assert made["stage"] == "TASK_STAGE_WAIT_FOR_START"
    assert made["etag"] and made["createTime"] and "startTime" not in made
    schema, full = made["jobs"]
    assert (schema["role"], schema["state"]) == ("JOB_ROLE_SCHEMA", "JOB_STATE_READY")
    assert (full["role"], full["state"]) == ("JOB_ROLE_FULL", "JOB_STATE_WAITING")
    assert UUID.fullmatch(schema["id"])
    assert re.fullmatch(r"fulldata-[0-9a-f]{32}", full["id"])
    assert schema["table"] == full["table"] == "ns:people"


def test_secrets_among_the_settings_of_spark_are_for_workers_alone(client):
    settings = "spark.a=1;spark.hadoop.fs.oss.accessKeySecret=s3cret"
    asked = task(sparkAdditionalParams=settings)
    made = client("CreateTask", task=asked)
    shown = [
        made,
        client("CreateTask", task=asked, validateOnly=True),
        client.task(made["id"]),
        client("ListTasks")["tasks"][0],
        client("AbortTask", id=made["id"]),
        client("RetryTask", id=made["id"]),
        client("UpdateTask", task={"id": made["id"], "displayName": "x"}),
    ]
    for one in shown:
        assert one["bulkload"]["sparkAdditionalParams"] == \
            "spark.a=1;spark.hadoop.fs.oss.accessKeySecret=***"
    job = Worker(client).must_lease()
    assert job["task"]["bulkload"]["sparkAdditionalParams"] == settings


def test_get_returns_what_was_created(client):
    made = client("CreateTask", task=task())
    got = client.task(made["id"])
    assert [(j["id"], j["role"], j["state"], j["table"]) for j in got["jobs"]] == [
        (j["id"], j["role"], j["state"], j["table"]) for j in made["jobs"]]
    for reply in (made, got):
        reply.pop("jobs")
        reply.pop("progress", None)
    assert got == made


def test_progress_is_the_same_with_and_without_jobs(client, stack):
    """With its jobs a task's progress is summed up by the gateway, without them by the database."""
    ids = [client("CreateTask", task=task())["id"] for _ in range(6)]
    stack.database.rows("DELETE FROM job WHERE task_id = ANY (%s)", ids[:1])
    stack.database.rows(
        "INSERT INTO job (id, task_id, step, role, state, rows_read, rows_written, bad_rows,"
        "  bytes_read, bytes_total, fraction, checkpoint_time, sync_time, regions_done,"
        "  regions_total, lag, queued_logs, cells, missing, extra, changed_values,"
        "  changed_timestamps, repaired, end_time)"
        " SELECT t.id || '-' || n, t.id, 1, role, state, 3 * n, 2 * n, n, 10 * n,"
        "   CASE WHEN i > 3 THEN 8 * n + i ELSE 0 END, n / 9.0,"
        "   CASE WHEN mod(n, 2) = mod(i, 2) THEN now() - n * interval '1.5 s' END,"
        "   CASE WHEN i = 4 THEN now() - n * interval '1.25 s' END, n, 2 * n,"
        "   CASE WHEN i > 1 THEN n * interval '1.5 s' END, n,"
        "   c, c + 1, c + 2, c + 3, c + 4, c + 5,"
        "   CASE WHEN state IN ('SUCCEEDED', 'SKIPPED', 'KILLED') THEN now() END"
        "  FROM unnest(%s::text[]) WITH ORDINALITY AS t(id, i),"
        "    unnest('{FULL,FULL,CHECK,INCR,PLAN,PEER,RELEASE}'::text[],"
        "    '{SUCCEEDED,RUNNING,SKIPPED,WAITING,SUCCEEDED,KILLED,READY}'::text[])"
        "    WITH ORDINALITY AS j(role, state, n),"
        "    (VALUES (5)) AS five(c)"
        " WHERE i > 1 AND (i > 2 OR n > 4) AND (i <> 4 OR n = 2)", ids)
    stack.database.rows("UPDATE job SET cells = NULL, missing = NULL, extra = NULL,"
                        " changed_values = NULL, changed_timestamps = NULL, repaired = NULL"
                        " WHERE role <> 'CHECK'")
    stack.database.rows("UPDATE job SET bytes_total = 7 WHERE task_id = ANY (%s)"
                        " AND role NOT IN ('PLAN', 'SCHEMA')", ids[4:])
    stack.database.rows("UPDATE task SET state = 'SUCCEEDED', end_time = now() WHERE id = %s", ids[5])
    alone = {t["id"]: t["progress"] for t in client("ListTasks", view="TASK_VIEW_BASIC")["tasks"]}
    listed = {t["id"]: t for t in client("ListTasks", view="TASK_VIEW_FULL")["tasks"]}
    fractions = set()
    for task_id in ids:
        assert client("GetTask", id=task_id, view="TASK_VIEW_BASIC")["progress"] == alone[task_id]
        for shown in (listed[task_id], client.task(task_id)):
            fraction = shown["progress"].pop("fraction", 0)
            assert fraction == pytest.approx(alone[task_id].get("fraction", 0))
            assert shown["progress"] == {k: v for k, v in alone[task_id].items() if k != "fraction"}
            assert len(shown.get("jobs", [])) == {ids[0]: 0, ids[1]: 5, ids[3]: 3}.get(task_id, 9)
        fractions.add(fraction)
    assert len(fractions) > 3 and listed[ids[5]]["progress"]["comparison"]


def test_tasks_are_counted(client):
    numbers = [client("CreateTask", task=task())["id"].split("-")[1] for _ in range(3)]
    assert numbers == ["1", "2", "3"]


def test_texts_are_kept_as_they_were_sent(client):
    reader = json.dumps(READER, indent=3) + "\n"
    made = client("CreateTask", task=task(reader=reader, sparkAdditionalParams="spark.a=1;spark.b=2"))
    spec = client.task(made["id"])["bulkload"]
    assert spec["readerConfigJson"] == reader
    assert spec["sparkAdditionalParams"] == "spark.a=1;spark.b=2"
    assert spec["driverSpec"] == "DRIVER_SPEC_SMALL"


def test_create_names_all_that_is_wrong(client):
    failure = client.fails("CreateTask", task=task(source="?", reader="x", instances=0))
    assert {"task.source", "task.bulkload.reader_config_json",
            "task.bulkload.instances"} <= set(failure.violations)


@pytest.mark.parametrize("end", ["source", "destination"])
def test_create_names_a_data_source_that_is_missing(client, end):
    failure = client.fails("CreateTask", task=task(**{end: "nope"}))
    assert failure.code == "NOT_FOUND"
    assert failure.reason == "DATA_SOURCE_NOT_FOUND"
    assert failure.resource == ("sluice.v1.DataSource", "nope")
    assert "'nope'" in failure.text


@pytest.mark.parametrize("end, name, kind", [("source", "ld", "POSTGRES"),
                                             ("destination", "files", "FILE")])
def test_create_names_a_data_source_of_the_wrong_type(client, end, name, kind):
    failure = client.fails("CreateTask", task=task(**{end: name}))
    assert failure.code == "INVALID_ARGUMENT"
    assert list(failure.violations) == [f"task.{end}"]
    assert f"'{name}'" in failure.text and kind in failure.text


def test_create_takes_odd_names_of_tables(client):
    made = client("CreateTask", task=task(writer={**WRITER, "lindormTable": 'a"b\\c,{d} é'}))
    assert client.task(made["id"])["jobs"][0]["table"] == 'ns:a"b\\c,{d} é'


@pytest.mark.parametrize("method", ["GetTask", "AbortTask", "RetryTask", "DeleteTask",
                                    "ListBadRows", "ListDifferences"])
@pytest.mark.parametrize("task_id", [UNKNOWN, "", "x1", "proc-1-0", "' OR true --"])
def test_an_id_that_names_no_task(client, method, task_id):
    failure = client.fails(method, id=task_id)
    assert failure.code == "NOT_FOUND"
    assert failure.reason == "TASK_NOT_FOUND"
    assert failure.resource == ("sluice.v1.Task", task_id)


def test_a_name_that_is_too_long_is_shown_in_part(client):
    failure = client.fails("GetTask", id="x" * 500_000)
    assert failure.code == "NOT_FOUND"
    assert failure.resource == ("sluice.v1.Task", "x" * 128)
    assert len(failure.text) < 250


# --- ListTasks


def list_ids(client, **request):
    """The ids of all pages, and how many pages there were."""
    ids, npages, token = [], 0, ""
    while True:
        reply = client("ListTasks", pageToken=token, **request)
        assert not any("jobs" in listed for listed in reply.get("tasks", []))
        ids += [listed["id"] for listed in reply.get("tasks", [])]
        npages += 1
        token = reply.get("nextPageToken", "")
        if not token:
            return ids, npages


def test_list_is_newest_first_in_pages(client):
    made = [client("CreateTask", task=task())["id"] for _ in range(7)]
    assert list_ids(client, pageSize=3) == (made[::-1], 3)
    assert list_ids(client, pageSize=7) == (made[::-1], 1)
    assert list_ids(client) == (made[::-1], 1)


def test_pages_stand_still_while_tasks_come(client):
    made = [client("CreateTask", task=task())["id"] for _ in range(4)]
    first = client("ListTasks", pageSize=2)
    client("CreateTask", task=task())
    second = client("ListTasks", pageSize=2, pageToken=first["nextPageToken"])
    assert [t["id"] for t in second["tasks"]] == made[1::-1]


def test_list_filters(client):
    made = [client("CreateTask", task=task())["id"] for _ in range(3)]
    client("AbortTask", id=made[1])
    assert list_ids(client, state="TASK_STATE_KILLED")[0] == [made[1]]
    assert list_ids(client, state="TASK_STATE_PENDING", pageSize=1) == ([made[2], made[0]], 2)
    assert list_ids(client, kind="TASK_KIND_BULKLOAD", state="TASK_STATE_KILLED")[0] == [made[1]]
    assert list_ids(client, kind="TASK_KIND_BULKLOAD")[0] == made[::-1]
    assert list_ids(client, state="TASK_STATE_FAILED") == ([], 1)


def test_a_token_belongs_to_its_filter(client):
    for _ in range(2):
        client("CreateTask", task=task())
    token = client("ListTasks", pageSize=1)["nextPageToken"]
    failure = client.fails("ListTasks", pageToken=token, state="TASK_STATE_PENDING")
    assert failure.code == "INVALID_ARGUMENT"
    assert failure.reason == "PAGE_TOKEN"


def test_pages_are_cut_where_specs_are_large(client):
    padded = json.dumps(READER) + " " * 200_000
    made = [client("CreateTask", task=task(reader=padded))["id"] for _ in range(25)]
    ids, npages = list_ids(client)
    assert ids == made[::-1]
    assert npages > 1


# --- AbortTask, RetryTask, DeleteTask


def test_abort_kills_and_may_be_repeated(client):
    made = client("CreateTask", task=task())
    killed = client("AbortTask", id=made["id"])
    assert killed["state"] == "TASK_STATE_KILLED"
    assert killed["endTime"] and killed["etag"] != made["etag"]
    assert client.jobs(made["id"]) == ["KILLED", "KILLED"]
    assert client("AbortTask", id=made["id"])["etag"] == killed["etag"]
    assert Worker(client).lease() is None


def test_retry_makes_pending_again(client):
    made = client("CreateTask", task=task())
    client("AbortTask", id=made["id"])
    assert client("RetryTask", id=made["id"])["state"] == "TASK_STATE_PENDING"
    assert client.jobs(made["id"]) == ["READY", "WAITING"]
    assert "endTime" not in client.task(made["id"])
    assert Worker(client).run_all() == ["SCHEMA", "FULL"]
    assert client.state(made["id"]) == "SUCCEEDED"


def test_verbs_are_refused_in_the_wrong_state(client):
    made = client("CreateTask", task=task())["id"]
    failures = [client.fails("RetryTask", id=made)]
    Worker(client).run_all()
    failures += [client.fails("AbortTask", id=made), client.fails("RetryTask", id=made)]
    for failure, state in zip(failures, ["PENDING", "SUCCEEDED", "SUCCEEDED"]):
        assert failure.code == "FAILED_PRECONDITION"
        assert failure.reason == "TASK_STATE"
        assert failure.about == {"task": made}
        assert made in failure.text and state in failure.text
    assert client.state(made) == "SUCCEEDED"


def test_delete_removes_in_any_state(client):
    pending, killed, done = (client("CreateTask", task=task())["id"] for _ in range(3))
    client("AbortTask", id=killed)
    for task_id in (pending, killed, done):
        client("DeleteTask", id=task_id)
        assert client.fails("GetTask", id=task_id).code == "NOT_FOUND"
        assert client.fails("DeleteTask", id=task_id).code == "NOT_FOUND"
    assert client("ListTasks") == {}
    assert Worker(client).lease() is None


def test_the_history_has_each_change(client, stack):
    made = client("CreateTask", task=task())["id"]
    client("AbortTask", id=made)
    client("RetryTask", id=made)
    assert [row[0] for row in stack.database.rows(
        "SELECT state FROM task_event WHERE task_id = %s ORDER BY seq", made)] == [
            "PENDING", "KILLED", "PENDING"]


# --- ListBadRows


def bad_row(n, file="a.csv"):
    return {"file": file, "row": n, "byteOffset": n * 10, "column": "age", "reason": f"bad {n}",
            "raw": "eA=="}


def test_bad_rows_are_listed_by_file_and_row_in_pages(client):
    made = client("CreateTask", task=task())["id"]
    worker = Worker(client)
    job = worker.must_lease()
    rows = [bad_row(n) for n in range(1, 6)] + [bad_row(n, "b.csv") for n in range(1, 3)]
    for part in (rows[4:], rows[:5]):  # in any order, and a repeat changes nothing
        client("ReportBadRows", id=job["id"], leaseToken=job["leaseToken"], badRows=part)
    got, token = [], ""
    while True:
        reply = client("ListBadRows", id=made, pageSize=3, pageToken=token)
        assert len(reply["badRows"]) <= 3
        got += reply["badRows"]
        token = reply.get("nextPageToken", "")
        if not token:
            break
    as_numbers = [{**r, "row": int(r["row"]), "byteOffset": int(r["byteOffset"])} for r in got]
    assert as_numbers == rows


def test_a_task_without_bad_rows(client):
    made = client("CreateTask", task=task())["id"]
    assert client("ListBadRows", id=made) == {}


def test_bad_rows_refuse_the_token_of_another_task(client):
    ids = [client("CreateTask", task=task())["id"] for _ in range(2)]
    worker = Worker(client)
    job = worker.must_lease()
    client("ReportBadRows", id=job["id"], leaseToken=job["leaseToken"],
           badRows=[bad_row(1), bad_row(2)])
    owner, other = (ids if job["taskId"] == ids[0] else ids[::-1])
    token = client("ListBadRows", id=owner, pageSize=1)["nextPageToken"]
    assert client.fails("ListBadRows", id=other, pageToken=token).reason == "PAGE_TOKEN"
