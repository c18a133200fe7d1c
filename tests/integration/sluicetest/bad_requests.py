"""
For each field of each request: values that are wrong, and how they are answered. A field that has none
says why. A field of the contract that is not here fails test_bad_input_grpc.py.
"""
import dataclasses
import json

from .client import READER, WRITER, task

ABSENT = object()  # the field is not set
TASK, LOST_TASK = "proc-1-" + "0" * 32, "task"  # TASK is none; the word LOST_TASK is replaced by one that is there
NO_CHECK = "00112233-4455-4677-8899-aabbccddeeff"
INT32, INT64 = 2 ** 31 - 1, 2 ** 63 - 1


@dataclasses.dataclass
class Wrong:
    """A value and its answer; field None: the path of the row."""
    value: object
    field: str = None
    code: str = "INVALID_ARGUMENT"
    reason: str = "INVALID_FIELD"


def wrong(*values, **answer):
    return [Wrong(value, **answer) for value in values]


def missing(field=None):
    return wrong(ABSENT, field=field)


def why(text):
    """No value is wrong, because."""
    return text


SET_BY_SERVER = why("set by the server: what a client sends is ignored")
A_BOOL = why("a bool: every number on the wire is true or false")
IN_ITS_FIELDS = why("its fields are what can be wrong")

UNKNOWN_ENUM = wrong(99, -1, INT32)
NAMES = wrong("", "-x", ".x", "a b", "a/b", "é", "a" * 129, "a\tb", "x" * 100_000, "' OR true --")
NO_SOURCE = wrong("nope", code="NOT_FOUND", reason="DATA_SOURCE_NOT_FOUND")
IDS = wrong("", "x1", TASK, "proc-1-0", "' OR true --", "x" * 100_000, "é", "a\nb",
            code="NOT_FOUND",
            reason="TASK_NOT_FOUND")
ETAG = wrong("x", "0", "-1", "x" * 100_000, "é", code="ABORTED", reason="ETAG_MISMATCH")
PAGE_SIZE = wrong(-1, -INT32 - 1)
PAGE_TOKEN = wrong("x", "AAAA", "W10", "*", "é", "WyJ0YXNrcyAwIDAiLCItMSJd",
                   "WyJ0YXNrcyAwIDAiLCIxIl1d", "WyJ0YXNrcyAwIDAiLCIxIl0", "x" * 100_000,
                   reason="PAGE_TOKEN")
CURSOR = wrong("x", "AAAA", "W10", "*", "é", "x" * 100_000, field="cursor")
ORDER = wrong("id", "create_time sideways", "create_time desc, id", "desc", "x" * 100_000)
FILTER = wrong("state", "state =", "state = GONE", "nope = 1", "(", "(" * 100, "NOT",
               "labels. = \"a\"",
               "state = \"a", "create_time > \"yesterday\"", "state = FAILED AND", "=", "\"",
               "kind = BULKLOAD kind = BULKLOAD", "state = FAILED " * 300, "é = 1", "\x01",
               " OR ".join(["state = FAILED"] * 65))
REQUEST_ID = wrong("x", "proc-1", "0" * 36, "0" * 100_000, "{00112233-4455-4677-8899-aabbccddeef}",
                   "00112233-4455-4677-8899-aabbccddeefg", "é")
DISPLAY_NAME = wrong("a" * 129, "a\nb", "\x7f", "é" * 65, "a\tb", "x" * 100_000)
LABELS = wrong({"": "a"}, {"A": "a"}, {"1a": "a"}, {"a" * 64: "a"}, {"a.b": "a"}, {"é": "a"},
               {"a": "b" * 64},
               {"a": "b\nc"}, {"a b": "a"}, {f"l{n}": "x" for n in range(65)})
TABLES = wrong([], ["a"] * 2, [""], ["a,b"], ["a b"], ["a:b:c"], ["a/b/c"], [":a"], ["a:"], ["-a"],
               ["a/"],
               ["/a"], ["a" * 100_000], [f"t{n}" for n in range(1001)])
ATTRIBUTES = wrong("{", "[]", "1", '{"nope":1}', '{"bandWidth":"x"}', '{"bandWidth":-1}',
                   '{"bandWidth":1.5}', '{"mode":"x"}', '{"mode":"VERIFY_ONLY","verify":"none"}',
                   '{"repair":true}', '{"repair":1,"verify":"full"}',
                   '{"bandWidth":1,"bandWidth":2}', "{" + " " * 65536 + "}", '{"bandWidth":null}')
CONFIG = wrong("", "{", "[]", "1", "null", "[" * 100, '"x"', '{"nope":1}', '{"a":1,"a":1}', "{} {}",
               '{"a":' * 70 + "1" + "}" * 70, json.dumps({"filePath": "x" * 262145}))


def config(base, **changes):
    """The configuration with members changed, or without those that are ABSENT."""
    members = {**base, **changes}
    return json.dumps({key: value for key, value in members.items() if value is not ABSENT})


READERS = CONFIG + [Wrong(config(READER, **change)) for change in (
    {"filePath": ABSENT}, {"filePath": ""}, {"filePath": "../x"}, {"filePath": "/etc"}, {"filePath": 1},
    {"filePath": "a\nb" * 2000}, {"column": ABSENT}, {"column": []}, {"column": "id"}, {"column": [1]}, {"column": [""]},
    {"header": "maybe"}, {"header": 1}, {"delimiter": ""}, {"delimiter": "ab"},
    {"delimiter": "\""}, {"maxBadRows": -1}, {"maxBadRows": "x"}, {"maxBadRows": 1.5}, {"duplicates": "both"},
    {"duplicates": 1}, {"table": "t"}, {"partition": "p"})]
WRITERS = CONFIG + [Wrong(config(WRITER, **change)) for change in (
    {"columns": ABSENT}, {"columns": []}, {"columns": ["ROW||String"]}, {"columns": "ROW"},
    {"columns": ["ROW||String", 1]}, {"columns": ["ROW||String", "f:a||Nope"]},
    {"columns": ["f:a||Int", "f:b||Int"]}, {"columns": ["ROW||String", "ROW||String"]},
    {"columns": ["ROW||String",
                 ":a||Int"]}, {"lindormTable": ABSENT}, {"lindormTable": ""}, {"lindormTable": 1},
    {"lindormTable": "x" * 5000}, {"namespace": ""}, {"namespace": 1}, {"compression": "lzma"}, {"compression": 1},
    {"timestamp": "yesterday"}, {"timestamp": True}, {"timestamp": -1})]
SPARK = wrong("a", "spark.a", "a=b", "=", "spark.master=x", "spark.jars=x", "{", '{"spark.a":1}',
              '{"a":"b"}',
              '{"spark.a":"b","spark.a":"c"}', "spark.a=b;c", "x" * 262145,
              "spark.driver.extraJavaOptions=-Dx", ";".join(f"spark.a{n}=b" for n in range(257)))

PARAMETERS = wrong("", "{", "[]", "{}", '{"url":1}', '{"url":""}', '{"url":"mysql://h"}',
                   '{"url":"postgresql://h","port":1}',
                   '{"url":"postgresql://h","password":1}', '{"url":"postgresql://u:p@q@h"}',
                   '{"url":"postgresql://h:99999"}', '{"url":"postgresql://h?password=x"}',
                   '{"url":"postgresql://h","password":"***"}', '{"url":"postgresql://h","url":"postgresql://h"}',
                   '{"url":"postgresql://h","password":"a\\nb"}', json.dumps({"url": "postgresql://" + "h" * 4096}),
                   "{" + " " * 65536 + "}")

MASK = wrong(["type"], ["name"], ["nope"], [""], ["parameters_json", "etag"], ["a" * 100_000])
TASK_MASK = wrong(["id"], ["state"], ["source"], ["nope"], [""], ["bulkload.instances"],
                  ["display_name", "etag"],
                  ["labels.a"], ["a" * 100_000])

WORKER_ID = wrong("", "x" * 129, "café", "a\nb", "a b\x7f")
CAPABILITIES = wrong([], ["bulkload:file:postgres"] * 257, ["bulkload:file:oracle"], [""],
                     ["bulkload"], ["check"],
                     ["check:oracle"], ["bulkload:file"], ["bulkload:file:postgres:x"], ["x" * 100_000],
                     ["BULKLOAD:FILE:POSTGRES"], ["bulkload:unspecified:file"])
DURATION = [Wrong(value) for value in ((-1, 0), (60, 10 ** 6), (3600, 0), (INT64, 0), (-INT64 - 1,
                                                                                       0), (0, -1),
                                                                                       (1, -1),
                                       (0, 10 ** 9), (0, INT32))]
TIMESTAMP = [Wrong(value) for value in ((253402300800, 0), (-62135596801, 0), (INT64, 0),
                                        (-INT64 - 1, 0), (0, -1),
                                        (0, 10 ** 9), (0, INT32))]
LAG = [Wrong(value) for value in ((-1, 0), (253402300800, 0), (INT64, 0), (-INT64 - 1, 0), (0, -1),
                                  (0, 10 ** 9), (0, INT32))]
JOB_ID = wrong("", "x" * 64, "x" * 100_000) + wrong("none", "é", code="ABORTED",
                                                    reason="LEASE_LOST")
TOKEN = wrong(0, -1, -INT64 - 1) + wrong(INT64, code="ABORTED", reason="LEASE_LOST")
COUNT = wrong(-1, 2 ** 53 + 1, INT64, -INT64 - 1)
FRACTION = wrong(1.01, -0.01, float("nan"), float("inf"), float("-inf"), 1e308)
MESSAGE = wrong("x" * 1025, "x" * 100_000)

PROGRESS = {
    "progress.rows_read": COUNT, "progress.rows_written": COUNT, "progress.bad_rows": COUNT,
    "progress.bytes_read": COUNT, "progress.bytes_total": COUNT, "progress.fraction": FRACTION,
    "progress.checkpoint_time": TIMESTAMP, "progress.sync_time": TIMESTAMP,
    "progress.regions_done": COUNT, "progress.regions_total": COUNT, "progress.queued_logs": COUNT,
    "progress.lag": LAG, "progress.comparison": IN_ITS_FIELDS,
    **{f"progress.comparison.{name}": COUNT for name in (
        "cells", "missing", "extra", "changed_values", "changed_timestamps", "repaired")},
}
TASK_BY_SERVER = {f"task.{name}": SET_BY_SERVER for name in (
    "kind", "state", "stage", "message", "create_time", "update_time", "start_time", "end_time", "progress", "jobs",
    "source_address", "destination_address", "delete_time", "trace_id")}
SOURCE_BY_SERVER = {f"data_source.{name}": SET_BY_SERVER for name in ("create_time", "update_time")}
NEVER_CHANGES = why("no update changes it: a mask that names it is refused, and what is sent is ignored")

MIGRATION = {"source": "hbase1", "destination": "hbase2", "fullMigration": {"tableNames": ["t1"]}}
SYNC = {"source": "hbase1", "destination": "hbase2", "incrementalSync": {"tableNames": ["t1"]}}
PROGRESS_NOW = {"rowsRead": 1}
LEASED = {"id": "none", "leaseToken": 1}
DIFFERENCE = {"number": 1, "type": "DIFFERENCE_TYPE_MISSING", "row": "cg=="}

# Requests that are right but for the one field, by method, or by the longest beginning of the field's path.
BASES = {
    "CreateTask": {"task": task()},
    "CreateTask task.full_migration": {"task": MIGRATION},
    "CreateTask task.incremental_sync": {"task": SYNC},
    "GetTask": {"id": LOST_TASK},
    "ListTasks": {},
    "WatchTask": {"id": LOST_TASK},
    "WatchTasks": {},
    "UpdateTask": {"task": {"id": LOST_TASK, "displayName": "new"}},
    "UpdateTask task.incremental_sync": {"task": {"id": "wal",
                                                  "incrementalSync": {"tableNames": ["t1"]}}},
    "UpdateTask task.full_migration": {"task": {
        "id": "workflow", "fullMigration": {"extraAttrsJson": '{"bandWidth":1}'}}},
    "ExplainTask": {"id": LOST_TASK},
    "AbortTask": {"id": LOST_TASK},
    "RetryTask": {"id": LOST_TASK},
    "DeleteTask": {"id": LOST_TASK},
    "ListTaskEvents": {"id": LOST_TASK},
    "ListBadRows": {"id": LOST_TASK},
    "ListDifferences": {"id": LOST_TASK},
    "CreateDataSource": {"dataSource": {"name": "new", "type": "DATA_SOURCE_TYPE_POSTGRES",
                                        "parametersJson": '{"url":"postgresql://h/d"}'}},
    "GetDataSource": {"name": "ld"},
    "ListDataSources": {},
    "UpdateDataSource": {"dataSource": {"name": "ld",
                                        "parametersJson": '{"url":"postgresql://h/d"}'}},
    "DeleteDataSource": {"name": "spare"},
    "CheckDataSource": {"name": "ld"},
    "LeaseJob": {"workerId": "w", "waitDuration": "0s", "capabilities": ["check:file"]},
    "ReportJob": {**LEASED, "progress": PROGRESS_NOW},
    "ReportBadRows": {**LEASED, "badRows": [{"file": "f", "row": 1}]},
    "ReportDifferences": {**LEASED, "differences": [DIFFERENCE]},
    "FinishJob": {**LEASED, "outcome": "JOB_OUTCOME_SUCCEEDED", "progress": PROGRESS_NOW},
    "ExchangeJob": {**LEASED, "outcome": "JOB_OUTCOME_SUCCEEDED", "workerId": "w", "capabilities": ["check:file"]},
    "FinishCheck": {"id": NO_CHECK, "workerId": "w", "steps": [{"name": "connect", "ok": True}]},
}

ENDS = {
    "id": JOB_ID, "lease_token": TOKEN, "outcome": UNKNOWN_ENUM + wrong(0),
    "message": MESSAGE, "progress": IN_ITS_FIELDS, **PROGRESS,
    "table_names": wrong(["a"] * 2, [""], ["a b"], ["ns:*"], ["*"], ["a/b/c"], [f"t{n}" for n in range(1001)]),
}

TABLE = {
    "CreateTask": {
        "task": missing(),
        **TASK_BY_SERVER, "task.id": SET_BY_SERVER, "task.etag": SET_BY_SERVER,
        "task.source": NAMES + NO_SOURCE + wrong("ld"), "task.destination": NAMES + NO_SOURCE + wrong("files"),
        "task.display_name": DISPLAY_NAME, "task.labels": LABELS,
        "task.bulkload": missing(field="task.spec"),
        "task.bulkload.reader_config_json": READERS, "task.bulkload.writer_config_json": WRITERS,
        "task.bulkload.driver_spec": UNKNOWN_ENUM + wrong(0),
        "task.bulkload.instances": wrong(0, -1, 1001, INT32, -INT32 - 1),
        "task.bulkload.file_type": UNKNOWN_ENUM + wrong(0),
        "task.bulkload.spark_additional_params": SPARK,
        "task.full_migration": missing(field="task.spec"),
        "task.full_migration.table_names": TABLES, "task.full_migration.bulkload": A_BOOL,
        "task.full_migration.create_table": A_BOOL,
        "task.full_migration.extra_attrs_json": ATTRIBUTES,
        "task.incremental_sync": missing(field="task.spec"),
        "task.incremental_sync.table_names": TABLES, "task.incremental_sync.create_table": A_BOOL,
        "task.incremental_sync.extra_attrs_json": ATTRIBUTES,
        "request_id": REQUEST_ID, "validate_only": A_BOOL,
    },
    "GetTask": {"id": IDS, "view": UNKNOWN_ENUM},
    "ExplainTask": {"id": IDS},
    "ListTasks": {"page_size": PAGE_SIZE, "page_token": PAGE_TOKEN, "kind": UNKNOWN_ENUM,
                  "state": UNKNOWN_ENUM,
                  "order_by": ORDER, "filter": FILTER, "view": UNKNOWN_ENUM},
    "WatchTask": {"id": IDS, "cursor": CURSOR},
    "WatchTasks": {"filter": FILTER, "cursor": CURSOR},
    "UpdateTask": {
        "task": missing(), **TASK_BY_SERVER, "task.id": IDS, "task.etag": ETAG,
        "task.source": NEVER_CHANGES, "task.destination": NEVER_CHANGES, "task.bulkload": NEVER_CHANGES,
        "task.full_migration": IN_ITS_FIELDS, "task.full_migration.table_names": NEVER_CHANGES,
        "task.full_migration.bulkload": NEVER_CHANGES, "task.full_migration.create_table": NEVER_CHANGES,
        "task.full_migration.extra_attrs_json": ATTRIBUTES,
        "task.display_name": DISPLAY_NAME, "task.labels": LABELS,
        "task.incremental_sync": IN_ITS_FIELDS, "task.incremental_sync.table_names": TABLES[1:],
        "task.incremental_sync.create_table": NEVER_CHANGES, "task.incremental_sync.extra_attrs_json": ATTRIBUTES,
        "update_mask": TASK_MASK,
    },
    "AbortTask": {"id": IDS, "etag": ETAG},
    "RetryTask": {"id": IDS, "from_start": A_BOOL, "etag": ETAG},
    "DeleteTask": {"id": IDS, "etag": ETAG},
    "ListTaskEvents": {"id": IDS, "page_size": PAGE_SIZE, "page_token": PAGE_TOKEN},
    "ListBadRows": {"id": IDS, "page_size": PAGE_SIZE, "page_token": PAGE_TOKEN},
    "ListDifferences": {"id": IDS, "page_size": PAGE_SIZE, "page_token": PAGE_TOKEN},
    "CreateDataSource": {
        "data_source": missing(), **SOURCE_BY_SERVER, "data_source.etag": SET_BY_SERVER,
        "data_source.name": NAMES + wrong("ld", code="ALREADY_EXISTS", reason="DATA_SOURCE_EXISTS"),
        "data_source.type": UNKNOWN_ENUM + wrong(0), "data_source.parameters_json": PARAMETERS},
    "GetDataSource": {"name": NAMES + NO_SOURCE},
    "ListDataSources": {"page_size": PAGE_SIZE, "page_token": PAGE_TOKEN},
    "UpdateDataSource": {
        "data_source": missing(), **SOURCE_BY_SERVER, "data_source.name": NAMES + NO_SOURCE,
        "data_source.type": UNKNOWN_ENUM + wrong(1), "data_source.parameters_json": PARAMETERS,
        "data_source.etag": ETAG, "update_mask": MASK},
    "DeleteDataSource": {
        "name": NAMES + NO_SOURCE + wrong("ld", code="FAILED_PRECONDITION",
                                          reason="DATA_SOURCE_IN_USE"), "etag": ETAG},
    "CheckDataSource": {"name": NAMES + NO_SOURCE},
    "LeaseJob": {"worker_id": WORKER_ID, "wait_duration": DURATION, "capabilities": CAPABILITIES},
    # Who has lost a job is told to stop: no error.
    "ReportJob": {"id": JOB_ID[:3], "lease_token": TOKEN[:3], "progress": missing(), **PROGRESS,
                  "message": MESSAGE,
                  "checkpoint": IN_ITS_FIELDS, "checkpoint.data": wrong(b"x" * (512 * 1024 + 1))},
    "ReportBadRows": {
        "id": JOB_ID, "lease_token": TOKEN, "bad_rows": wrong([{"file": "f", "row": 1}] * 257),
        "bad_rows.file": wrong("x" * 2049), "bad_rows.row": wrong(-1, -INT64 - 1, field="bad_rows"),
        "bad_rows.byte_offset": wrong(-1, -INT64 - 1,
                                      field="bad_rows"), "bad_rows.column": wrong("x" * 513),
        "bad_rows.reason": wrong("x" * 1025), "bad_rows.raw": wrong(b"x" * 1025)},
    "ReportDifferences": {
        "id": JOB_ID, "lease_token": TOKEN, "differences": wrong([DIFFERENCE] * 257),
        "differences.table": why("it is the job's: what a worker sends is ignored"),
        "differences.number": wrong(0, -1, 1001, INT64, -INT64 - 1),
        "differences.type": UNKNOWN_ENUM + wrong(0),
        "differences.row": wrong(b"x" * 32768), "differences.family": wrong(b"x" * 256),
        "differences.qualifier": wrong(b"x" * 1025),
        "differences.source_timestamp": wrong(-1, -INT64 - 1, field="differences"),
        "differences.destination_timestamp": wrong(-1, -INT64 - 1, field="differences"),
        "differences.source_value": wrong(b"x" * 257),
        "differences.destination_value": wrong(b"x" * 257),
        "differences.is_repaired": A_BOOL},
    "FinishJob": ENDS,
    "ExchangeJob": {**ENDS, "worker_id": WORKER_ID, "wait_duration": DURATION, "capabilities": CAPABILITIES},
    "FinishCheck": {
        "id": wrong("", "none", "x" * 100_000) +
              wrong(NO_CHECK, code="ABORTED", reason="LEASE_LOST"),
        "worker_id": WORKER_ID, "steps": wrong([], [{"name": "connect"}] * 257),
        "steps.name": wrong("", "x" * 100_000), "steps.target": wrong("x" * 100_000),
        "steps.ok": A_BOOL, "steps.duration": DURATION[0:1] + DURATION[3:], "steps.message": MESSAGE[1:]},
}

# What must be there for the requests above, besides `files` and `ld`.
MORE_SOURCES = {
    "spare": ("FILE", {"root": "/srv/spare"}),
    "hbase1": ("HBASE", {"clusterKey": "zk1:2181:/hbase"}),
    "hbase2": ("HBASE", {"clusterKey": "zk2:2181:/hbase"}),
}


def add_tasks(client):
    """{word that a request has for an id: the id}: a task of each kind."""
    return {LOST_TASK: client("CreateTask", task=task())["id"],
            "wal": client("CreateTask", task=SYNC)["id"],
            "workflow": client("CreateTask", task=MIGRATION)["id"]}


def stored(stack):
    """What is in Sluice's database, in short."""
    return stack.database.rows("""
        SELECT 'task', id, state || version FROM task UNION ALL
        SELECT 'job', id, state || attempt FROM job UNION ALL
        SELECT 'data source', name, version || parameters_json FROM data_source UNION ALL
        SELECT 'events', count(*)::text, '' FROM task_event UNION ALL
        SELECT 'bad rows', count(*)::text, '' FROM bad_row ORDER BY 1, 2""")
