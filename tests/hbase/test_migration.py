"""
Full migrations between two clusters of HBase, by the calls of the LTS task API as its documentation shows them. What
has arrived is told by the judge.
"""
import json
import urllib.parse

import pytest

from hbasetest.cluster import free_port
from hbasetest.judge import cell, family
from sluicetest import lts
from sluicetest.wait import wait_until

ENDED = {"SUCCEEDED", "FAILED", "KILLED"}


class Migrations:
    """Makes full migrations and looks at them, as a script of LTS would."""

    def __init__(self, stack):
        self.stack = stack

    def create(self, *tables, source="source", target="target", create_table=True, bulkload=False, **attrs):
        """The task's id; what is after the tables is in extraAttrs."""
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
        "the rows went through the destination's write path; there are no files to load")
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
