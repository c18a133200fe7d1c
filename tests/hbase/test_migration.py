"""
Full migrations between two clusters of HBase, by the calls of the LTS task API as its documentation shows them. What
has arrived is told by the judge.
"""
import base64
import json
import socket
import time
import urllib.parse

import pytest

from hbasetest.cluster import free_port
from hbasetest.judge import cell, family
from sluicetest import lts
from sluicetest.wait import scale, wait_until

ENDED = {"SUCCEEDED", "FAILED", "KILLED"}


class Migrations:
    """Makes full migrations and looks at them, as a script of LTS would."""

    def __init__(self, stack):
        self.stack = stack

    def create(self, *tables, source="source", target="target", create_table=True, bulkload=False, files=None, **attrs):
        """The task's id; what is after the tables is in extraAttrs, and files there as bulkload."""
        if files:
            bulkload, attrs["bulkload"] = True, files
        form = {"src": source, "dst": target, "tableNames": ",".join(tables),
                "bulkload": str(bulkload).lower(), "createTable": str(create_table).lower()}
        if attrs:
            form["extraAttrs"] = json.dumps(attrs)
        return lts.created(lts.post(self.stack, f"{lts.FULL}/create", urllib.parse.urlencode(form)))

    def detail(self, task_id):
        return json.loads(lts.curl(self.stack, f"{lts.FULL}/{task_id}/detail"))["data"]

    def call(self, task_id, verb):
        answer = json.loads(lts.curl(self.stack, "-X", "POST", f"{lts.FULL}/{task_id}/{verb}"))
        assert answer["success"] == "true", answer

    def wait(self, task_id, state="SUCCEEDED", timeout_s=120):
        """Waits until a task has ended, which must be in this state; gives its details."""
        def reached():
            self.stack.check_programs()
            now = self.detail(task_id)
            assert now["state"] == state or now["state"] not in ENDED, json.dumps(now, indent=1)
            return now if now["state"] == state else None
        return wait_until(reached, timeout_s, what=f"{task_id} is {state}")

    def run(self, *tables, **how):
        return self.wait(self.create(*tables, **how))


@pytest.fixture
def migrations(sluice):
    return Migrations(sluice)


def states(jobs):
    return [job["state"] for job in jobs]


def shape(judge, cluster, table):
    """A table's families with their attributes, its own attributes, and where its regions begin."""
    described = judge.describe(cluster, table)
    return described["families"], described["attributes"], [r["start"] for r in judge.regions(cluster, table)]


# --- what is copied

@pytest.mark.both_versions
def test_a_table_is_made_and_copied_as_it_is(migrations, judge, source, target, table):
    judge.create(source, table,
                 [family("a", VERSIONS=5, COMPRESSION="GZ", BLOOMFILTER="ROWCOL", REPLICATION_SCOPE=1),
                  family("b", VERSIONS=3, TTL=10 ** 9, DATA_BLOCK_ENCODING="FAST_DIFF")],
                 splits=[b"\x20", b"\x80\x00", b"\xff"], MAX_FILESIZE=10 ** 9)
    judge.fill(source, table, rows=5000, versions=3, deletes=0.1, big=3)
    detail = migrations.run(table)
    assert states(detail["schemeTasks"]) == ["SUCCEEDED"]
    assert states(detail["fullJobs"]) == ["SUCCEEDED"]
    job = detail["fullJobs"][0]
    assert (job["rowsRead"], job["rowsWritten"], job["progress"]) == (5000, 5000, 1)
    assert shape(judge, target, table) == shape(judge, source, table)
    judge.assert_equal(source, table, target)


@pytest.mark.both_versions
def test_versions_markers_and_odd_bytes_arrive(migrations, judge, source, target, table):
    judge.create(source, table, [family("f", VERSIONS=3)])
    key = b"\x00\xff/"
    judge.write(source, table,
                cell(key, "f", b"", timestamp=9, type="DeleteFamily"),
                cell(key, "f", b"", timestamp=8, type="DeleteFamilyVersion"),
                cell(key, "f", b"", b"", timestamp=7),
                cell(key, "f", b"\x80", timestamp=6, type="DeleteColumn"),
                cell(key, "f", b"\x80", timestamp=5, type="Delete"),
                cell(key, "f", b"\x80", b"\xc3\xa9", timestamp=4),
                cell(key, "f", b"v", b"new", timestamp=12), cell(key, "f", b"v", b"old", timestamp=11),
                cell(b"future", "f", b"q", b"v", timestamp=4_000_000_000_000))
    migrations.run(table)
    assert judge.scan(target, table) == judge.scan(source, table) != []


def test_a_table_gets_another_name_and_a_namespace(migrations, judge, source, target, table):
    judge.create(source, table, splits=[b"m"])
    judge.fill(source, table, rows=100)
    detail = migrations.run(f"{table}/{table}_ns:copy")
    assert detail["tableNames"] == [f"{table}/{table}_ns:copy"]
    judge.assert_equal(source, table, target, f"{table}_ns:copy")


def test_copies_that_want_the_same_new_table_share_it(migrations, judge, source, target, table):
    for n in range(4):
        judge.create(source, f"{table}{n}")
        judge.fill(source, f"{table}{n}", rows=10 * (n + 1))
    tasks = [migrations.create(f"{table}{n}/{table}") for n in range(4)]
    for n, task in enumerate(tasks):
        assert migrations.wait(task)["fullJobs"][0]["rowsWritten"] == 10 * (n + 1)


def test_a_pattern_takes_all_tables_of_a_namespace(migrations, judge, source, target, table):
    judge.ask("namespace", source, namespace=table)
    names = [f"{table}:t{n}" for n in (1, 2, 3)]
    for name in names:
        judge.create(source, name)
        judge.fill(source, name, rows=50)
    detail = migrations.run(f"{table}:*", f"{table}:t2/{table}:other")
    assert sorted(job["table"] for job in detail["fullJobs"]) == [
        names[0], f"{names[1]}/{table}:other", names[2]]
    assert states(detail["schemeTasks"]) == states(detail["fullJobs"]) == ["SUCCEEDED"] * 3
    for name, copied in zip(names, [names[0], f"{table}:other", names[2]]):
        judge.assert_equal(source, name, target, copied)
    assert names[1] not in judge.tables(target)


@pytest.mark.parametrize("attrs, view", [
    ({"startTs": 1_600_000_005_000, "endTs": 1_600_000_015_000},
     {"min_time": 1_600_000_005_000, "max_time": 1_600_000_015_000}),
    ({"startKey": "\\x40", "endKey": "\\xC0\\x00"}, {"start": b"\x40", "stop": b"\xc0\x00"}),
    ({"cols": ["a", "b:q1"]}, {"columns": [{"family": "a"}, {"family": "b", "qualifier": "q1"}]}),
], ids=["time", "keys", "columns"])
def test_what_the_filters_name_arrives_and_nothing_else(migrations, judge, source, target, table, attrs, view):
    judge.create(source, table, ["a", "b", "c"], regions=4)
    judge.fill(source, table, rows=2000)
    detail = migrations.run(table, **attrs)
    found = judge.assert_equal(source, table, target, see="visible", **view)
    assert 0 < found["left_cells"] < judge.count(source, table, see="visible")["cells"]
    assert judge.count(target, table, see="visible")["cells"] == found["left_cells"]
    assert detail["fullJobs"][0]["rowsWritten"] == found["left_rows"]


def test_markers_of_whole_families_stay_when_columns_are_named(migrations, judge, source, target, table):
    judge.create(source, table)
    judge.write(source, table, cell("r", "f", b"", timestamp=9, type="DeleteFamily"),
                cell("r", "f", b"a", timestamp=8, type="DeleteColumn"),
                cell("r", "f", b"b", timestamp=8, type="DeleteColumn"), cell("r", "f", b"a", b"v", timestamp=12))
    migrations.run(table, cols=["f:a"])
    assert judge.scan(target, table) == [c for c in judge.scan(source, table) if c["qualifier"] != b"b"]


# --- tables that are there already, and those that are not

def test_a_table_that_exists_is_left_as_it_is(migrations, judge, source, target, table):
    judge.create(source, table, [family("f", VERSIONS=3)], regions=3)
    judge.fill(source, table, rows=200)
    judge.create(target, table, [family("f", VERSIONS=1), "more"], regions=2)
    was = shape(judge, target, table)
    detail = migrations.run(table, create_table=False)
    assert states(detail["schemeTasks"]) == ["SKIPPED"]
    assert detail["schemeTasks"][0]["message"] == (
        "exists with 2 regions and the column families f, more; f has VERSIONS 1, the source 3")
    assert shape(judge, target, table) == was
    judge.assert_equal(source, table, target, see="visible")


def test_with_bulkload_the_load_is_skipped(migrations, judge, source, target, table):
    judge.create(source, table)
    judge.fill(source, table, rows=50)
    detail = migrations.run(table, bulkload=True)
    assert states(detail["bulkloadJobs"]) == ["SKIPPED"]
    assert detail["bulkloadJobs"][0]["message"] == (
        "the rows went through the destination's write path; there are no files to load"
        " (extraAttrs.bulkload says where to put them)")
    judge.assert_equal(source, table, target)


# --- what goes wrong is told within seconds

WITHIN_S = 10


def tells(migrations, task_id, *words):
    """Waits until the details of a task, and then its events, say all of these words; gives the details."""
    def told():
        detail = migrations.detail(task_id)
        return detail if all(word in json.dumps(detail, ensure_ascii=False) for word in words) else None
    detail = wait_until(told, WITHIN_S, what=f"details that say {words}")
    wait_until(lambda: any(all(word in event.get("message", "") for word in words)
                           for event in migrations.stack.events(task_id)), WITHIN_S, what=f"an event that says {words}")
    return detail


def fails(migrations, table, *words, **how):
    """A task that fails within seconds, and says why."""
    task_id = migrations.create(table, **how)
    tells(migrations, task_id, *words)
    assert migrations.wait(task_id, "FAILED")["schemeTasks"][0]["state"] == "FAILED"


def test_a_wrong_node_of_zookeeper_is_told(migrations, source):
    migrations.stack.add_cluster("wrong", source.key.replace(":/hbase", ":/elsewhere"))
    fails(migrations, "t1", "source", "ZooKeeper has no node '/elsewhere/", source="wrong")
    fails(migrations, "t1", "ZooKeeper has no node '/elsewhere/", source="wrong", create_table=False)


@pytest.mark.parametrize("key", ["127.0.0.1:{port}:/hbase", "hbase+rpc://127.0.0.1:{port}"], ids=["zookeeper", "rpc"])
@pytest.mark.parametrize("side", ["source", "target"])
def test_servers_that_are_away_are_told_and_waited_for(migrations, judge, source, table, key, side):
    judge.create(source, table)
    port = free_port()
    migrations.stack.add_cluster("away", key.format(port=port))
    task_id = migrations.create(table, **{side: "away"})
    words = {"source": "source: ", "target": "destination: "}[side], f"127.0.0.1:{port}", "connection refused"
    tells(migrations, task_id, *words)
    assert migrations.detail(task_id)["state"] == "RUNNING"
    migrations.call(task_id, "abort")


def test_a_port_of_something_else_is_told(migrations, sluice):
    sluice.add_cluster("other", f"127.0.0.1:{sluice.shim.port}:/hbase")
    task_id = migrations.create("t1", source="other")
    tells(migrations, task_id, "source", f"127.0.0.1:{sluice.shim.port}", "no ZooKeeper")
    migrations.call(task_id, "abort")


def test_a_quorum_that_keeps_silent_is_told(migrations):
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        address = "127.0.0.1:%d" % silent.getsockname()[1]
        migrations.stack.add_cluster("silent", f"{address}:2181:/hbase")
        task_id = migrations.create("t1", source="silent")
        tells(migrations, task_id, "source", address, "no answer in time")
        migrations.call(task_id, "abort")


@pytest.mark.both_versions
def test_rights_that_are_missing_are_told(migrations, new_cluster, judge, source, target, table):
    guarded = new_cluster("guarded", access_control=True)
    migrations.stack.add_cluster("guarded", guarded, username="guest")
    for cluster in (source, guarded):
        judge.create(cluster, table)
        judge.fill(cluster, table, rows=20)
    fails(migrations, table, f"source: user 'guest' lacks the right R on table {table}", source="guarded")
    fails(migrations, table, f"destination: user 'guest' lacks the right W on table {table}", target="guarded")
    fails(migrations, f"{table}/{table}_new", "destination: user 'guest' lacks the right C", target="guarded")

    judge.ask("grant", guarded, user="guest", actions="R", table=table)
    fails(migrations, table, f"source: user 'guest' may not see the definition of table {table}", source="guarded")
    judge.ask("grant", guarded, user="guest", actions="RC", table=table)
    migrations.run(table, source="guarded")
    judge.assert_equal(guarded, table, target)
    judge.ask("grant", guarded, user="guest", actions="C")
    migrations.run(f"{table}/{table}_new", target="guarded")
    judge.assert_equal(source, table, guarded, f"{table}_new")


def test_tables_and_families_that_are_missing_are_told(migrations, judge, source, target, table):
    fails(migrations, table, f"source: source has no table {table}")
    judge.create(source, table, ["a", "b"])
    fails(migrations, table, f"destination: target has no table {table}", "createTable", create_table=False)
    fails(migrations, table, f"source: table {table} lacks the column families", "zz", cols=["a", "zz"])
    judge.create(target, table, ["a"])
    fails(migrations, table, f"destination: table {table} lacks the column families b")
    assert migrations.run(table, cols=["a"])["schemeTasks"][0]["state"] == "SKIPPED"


def test_a_destination_that_takes_no_rows_is_told(migrations, judge, source, target, table):
    judge.create(source, table)
    judge.create(target, table, READONLY="true")
    fails(migrations, table, f"destination: table {table} is read-only")
    judge.modify(target, table, READONLY="false")
    judge.ask("disable", target, table=table)
    fails(migrations, table, f"destination: table {table} is not enabled")
    judge.ask("enable", target, table=table)
    judge.ask("disable", source, table=table)
    fails(migrations, table, f"source: table {table} is not enabled")


def test_patterns_without_tables_are_told(migrations, judge, source, table):
    task_id = migrations.create(f"{table}:*")
    tells(migrations, task_id, "source: source has no namespace", table)
    judge.ask("namespace", source, namespace=table)
    task_id = migrations.create(f"{table}:*")
    tells(migrations, task_id, "source: no table matches the patterns")
    migrations.wait(task_id, "FAILED")


# --- while rows are on their way

ROWS = 30_000
SLOW = 100_000  # bytes a second for each of two threads: the copy takes half a minute and more


@pytest.fixture
def slow(migrations, judge, source, table):
    """A copy under way that stays so for a while: its task's id."""
    judge.create(source, table, [family(name, VERSIONS=3) for name in "abc"], regions=6)
    judge.fill(source, table, rows=ROWS, versions=3, deletes=0.05, value_bytes=40, threads=2)
    task_id = migrations.create(table, bandWidth=SLOW, concurrency=2)
    wait_for_rows(migrations, task_id)
    return task_id


def full_job(migrations, task_id):
    return migrations.detail(task_id)["fullJobs"][0]


def wait_for_rows(migrations, task_id, more_than=0):
    """Waits until so many rows are written; gives the job."""
    def written():
        jobs = migrations.detail(task_id)["fullJobs"]
        return jobs[0] if jobs and jobs[0]["rowsWritten"] > more_than else None
    return wait_until(written, 60, what=f"more than {more_than} rows of {task_id}")


def set_bandwidth(migrations, task_id, bandwidth, **attrs):
    """No limit: None. attrs are those that the task has besides."""
    attrs = {"concurrency": 2, **attrs, **({"bandWidth": bandwidth} if bandwidth else {})}
    answer = json.loads(lts.curl(
        migrations.stack, "-X", "PATCH", "-H", "Content-Type: application/json",
        "-d", json.dumps({"fullMigration": {"extraAttrsJson": json.dumps(attrs)}}),
        f"/v1/tasks/{task_id}?updateMask=fullMigration.extraAttrsJson"))
    assert json.loads(answer["fullMigration"]["extraAttrsJson"]) == attrs


def finish_fast(migrations, judge, source, target, table, task_id, timeout_s=120):
    """Lets a slow copy run to its end, which must be right: each row is there, and counted once."""
    set_bandwidth(migrations, task_id, None)
    job = migrations.wait(task_id, timeout_s=timeout_s)["fullJobs"][0]
    assert (job["rowsRead"], job["rowsWritten"]) == (ROWS, ROWS)
    assert job["regionsDone"] == job["regionsTotal"] > 0
    judge.assert_equal(source, table, target)
    return job


def test_progress_is_told_by_regions_and_a_limit_is_changed_while_it_holds(migrations, slow, judge, source, target,
                                                                           table):
    first = full_job(migrations, slow)
    assert first["regionsTotal"] == 6 > first["regionsDone"]
    before, began = first["bytesRead"], time.monotonic()

    def moved():
        return full_job(migrations, slow)["bytesRead"] - before
    wait_until(lambda: time.monotonic() - began > 5 and moved() > 5 * SLOW, 10, what="half of what the limit has room for")
    assert moved() < 2 * SLOW * (time.monotonic() - began + 2 * scale())
    finish_fast(migrations, judge, source, target, table, slow, timeout_s=30)


def checkpoint(migrations):
    return migrations.stack.database.rows("SELECT checkpoint FROM job WHERE checkpoint IS NOT NULL")


def test_a_copy_that_is_aborted_goes_on_where_it_was(migrations, slow, judge, source, target, table):
    wait_for_rows(migrations, slow, more_than=1000)
    saved = checkpoint(migrations)
    wait_until(lambda: checkpoint(migrations) != saved, 30, what="a checkpoint that has them")
    migrations.call(slow, "abort")
    assert migrations.wait(slow, "KILLED")["fullJobs"][0]["state"] == "KILLED"

    # What is copied already is not looked at again: a cell that is new there stays behind.
    first = judge.scan(source, table, limit=1)[0]["row"]
    judge.write(source, table, cell(first, "a", b"late", b"v", timestamp=1))
    migrations.call(slow, "retry")
    set_bandwidth(migrations, slow, None)
    job = migrations.wait(slow)["fullJobs"][0]
    assert (job["rowsRead"], job["rowsWritten"]) == (ROWS, ROWS)
    found = judge.compare(source, table, target)
    assert [(d["row"], d["qualifier"]) for d in found["differences"]] == [(first, b"late")]


def test_regions_that_split_and_move_in_the_middle_lose_nothing(migrations, slow, judge, source, target, table):
    for cluster in (source, target):
        last = judge.regions(cluster, table)[-1]
        judge.ask("split", cluster, region=last["encoded"], at=last["start"] + b"\x80")
    finish_fast(migrations, judge, source, target, table, slow)


@pytest.mark.both_versions
def test_programs_and_servers_that_are_killed_lose_nothing(migrations, slow, judge, source, target, table):
    stack = migrations.stack
    for _ in range(2):
        stack.worker.kill()
        source.kill_region_server()
        stack.gateway.kill()
        stack.gateway.start()
        source.start_region_server()
        target.restart_region_server()
        stack.worker.start(wait_for="started")
        rows = wait_for_rows(migrations, slow)["rowsWritten"]
        wait_for_rows(migrations, slow, more_than=rows)
    finish_fast(migrations, judge, source, target, table, slow)


def test_a_server_that_is_away_for_long_is_told(migrations, slow, judge, source, target, table):
    target.kill_region_server()
    wait_until(lambda: "destination: " in full_job(migrations, slow)["message"], 60, what="what the copy waits for")
    assert migrations.detail(slow)["state"] == "RUNNING"
    target.start_region_server()
    wait_until(lambda: full_job(migrations, slow)["message"] == "", 60, what="a copy that goes on")
    finish_fast(migrations, judge, source, target, table, slow)


# --- rows that the destination refuses

def refusing(judge, source, target, table):
    """Two tables; that of the target takes no cell of more than 1000 bytes, so two rows are refused."""
    judge.create(source, table)
    judge.create(target, table, **{"hbase.server.keyvalue.maxsize": 1000})
    judge.fill(source, table, rows=200)
    judge.write(source, table, cell(b"big\x00", "f", b"q", b"v" * 2000), cell(b"big2", "f", b"q", b"v" * 2000))


def test_a_row_that_is_refused_fails_the_task(migrations, judge, source, target, table):
    refusing(judge, source, target, table)
    task_id = migrations.create(table)
    detail = migrations.wait(task_id, "FAILED")
    message = detail["fullJobs"][0]["message"]
    assert f"table '{table}', row 'big" in message and "column 'f:q'" in message, message


def test_rows_that_are_refused_are_left_out_if_asked_for(migrations, judge, source, target, table):
    refusing(judge, source, target, table)
    task_id = migrations.create(table, onError="skip")
    job = migrations.wait(task_id)["fullJobs"][0]
    assert (job["rowsRead"], job["rowsWritten"]) == (202, 200)
    assert judge.count(target, table)["rows"] == 200
    bad = migrations.stack.client("ListBadRows", id=task_id)["badRows"]
    assert sorted(base64.b64decode(row["raw"]) for row in bad) == [b"big\x00", b"big2"]
    assert {(row["file"], row["column"]) for row in bad} == {(table, "f:q")}
    assert len({row["row"] for row in bad}) == 2
    assert migrations.stack.task(task_id)["progress"]["badRows"] == "2"
