"""
Comparisons of tables of two clusters: what is found, what is not taken for a difference, and what a repair leaves. What differs
is told by the judge.
"""
import collections

import pytest

from hbasetest.judge import cell, family
from sluicetest.wait import wait_until

KINDS = ["missing", "extra", "value", "timestamp"]


@pytest.fixture
def fill(judge, source, target, table):
    """Makes the table with the same rows at both sides."""
    def run(rows=2000, families=None, regions=4, **how):
        for cluster in (source, target):
            judge.drop(cluster, table)
            judge.create(cluster, table, families or [family("a", VERSIONS=5), family("b", VERSIONS=5)],
                         regions=regions)
            judge.fill(cluster, table, rows=rows, **how)
    yield run
    for cluster in (source, target):
        judge.drop(cluster, table)


class Check:
    """A task that compares a table and copies nothing."""

    def __init__(self, sluice, table, **attrs):
        self.sluice = sluice
        self.table = table
        self.id = sluice.copy([table], create_table=False, mode="VERIFY_ONLY", **attrs)

    def wait(self, state="SUCCEEDED", timeout_s=120):
        self.task = self.sluice.wait(self.id, state, timeout_s)
        return self

    @property
    def progress(self):
        return self.sluice.jobs(self.id)["CHECK", self.table].get("progress", {})

    @property
    def counts(self):
        found = self.progress.get("comparison", {})
        return {name: int(found.get(name, 0)) for name in
                ("cells", "missing", "extra", "changedValues", "changedTimestamps", "repaired")}

    @property
    def differences(self):
        """As a bag of what the judge says of them, too."""
        return collections.Counter(
            (d["type"].removeprefix("DIFFERENCE_TYPE_"), d["row"], d["family"], d.get("qualifier", b""),
             int(d.get("sourceTimestamp", 0)), int(d.get("destinationTimestamp", 0)))
            for d in map(decode, self.sluice.differences(self.id)))


def decode(difference):
    """With its bytes."""
    import base64  # pylint: disable=import-outside-toplevel
    return {name: base64.b64decode(value) if name in ("row", "family", "qualifier") else value
            for name, value in difference.items()}


def expected(visible):
    """What a comparison says of what the judge has injected at the destination."""
    cells = {(d["kind"], d["row"], d["family"], d["qualifier"]): d["timestamp"] for d in visible}
    found = []
    for (kind, *column), time in cells.items():
        if kind == "changed":
            found.append(("CHANGED_VALUE", *column, time, time))
        elif kind == "missing" and ("extra", *column) in cells:
            found.append(("CHANGED_TIMESTAMP", *column, time, cells["extra", *column]))
        elif kind == "missing":
            found.append(("MISSING", *column, time, 0))
        elif ("missing", *column) not in cells:
            found.append(("EXTRA", *column, 0, time))
    return collections.Counter(found)


# --- what is found

def test_equal_tables_are_equal_to_the_last_cell(sluice, judge, source, target, table, fill):
    fill(20_000, versions=3, deletes=0.1, big=3)
    there = judge.count(source, table, see="visible")
    done = Check(sluice, table).wait()
    assert done.counts == {"cells": there["cells"], "missing": 0, "extra": 0, "changedValues": 0,
                           "changedTimestamps": 0, "repaired": 0}
    assert int(done.progress["rowsRead"]) == there["rows"]
    assert int(done.progress["regionsDone"]) == int(done.progress["regionsTotal"]) == 4
    assert [job["role"] for job in done.task["jobs"]] == ["JOB_ROLE_CHECK"]
    judge.assert_equal(source, table, target)


def test_a_copy_is_compared_at_its_end(sluice, judge, source, target, table):
    judge.create(source, table, [family("a", VERSIONS=3), family("b", TTL=10 ** 8)], regions=3)
    judge.fill(source, table, rows=3000, versions=3, deletes=0.1)
    task = sluice.copy([table], verify="full")
    sluice.wait(task)
    compared = sluice.jobs(task)["CHECK", table]["progress"]["comparison"]
    assert compared == {"cells": str(judge.count(source, table, see="visible")["cells"])}
    judge.assert_equal(source, table, target)


def test_all_injected_differences_are_found_and_nothing_is_written(sluice, judge, source, target, table, fill):
    fill(5000, versions=3, deletes=0.1)
    injected = judge.inject(target, table, 200, kinds=KINDS)
    there = judge.count(target, table)
    done = Check(sluice, table).wait("FAILED")
    assert done.differences == expected(injected["visible"])
    assert done.counts == {"cells": judge.count(source, table, see="visible")["cells"], "missing": 50, "extra": 50,
                           "changedValues": 50, "changedTimestamps": 50, "repaired": 0}
    assert done.task["message"] == (
        "cells missing: 50, extra: 50, of another value: 50, of another timestamp: 50, repaired of these: 0 "
        f"(see the task's differences); table {table}")
    assert judge.count(target, table) == there
    found = judge.compare(source, table, target, see="visible")
    assert found["missing"] + found["extra"] + found["changed"] == len(injected["visible"])


def test_a_difference_is_told_with_its_values(sluice, judge, source, target, table, fill):
    fill(10)
    judge.write(source, table, cell(b"\x00\xff", "a", b"\x80", b"here", 7))
    judge.write(target, table, cell(b"\x00\xff", "a", b"\x80", b"there" * 100, 7))
    done = Check(sluice, table).wait("FAILED")
    found, = sluice.differences(done.id)
    assert decode(found) | {"sourceValue": "", "destinationValue": ""} == {
        "table": table, "number": "1", "type": "DIFFERENCE_TYPE_CHANGED_VALUE", "row": b"\x00\xff", "family": b"a",
        "qualifier": b"\x80", "sourceTimestamp": "7", "destinationTimestamp": "7", "sourceValue": "",
        "destinationValue": ""}
    assert found["sourceValue"] == "aGVyZQ=="
    assert len(found["destinationValue"]) == 344  # 256 bytes


def test_an_empty_destination_lacks_everything(sluice, judge, source, target, table, fill):
    fill(3000)
    judge.drop(target, table)
    judge.create(target, table, ["a", "b"])
    done = Check(sluice, table).wait("FAILED")
    assert done.counts["missing"] == done.counts["cells"] == judge.count(source, table, see="visible")["cells"]
    assert len(sluice.differences(done.id)) == 1000


def test_a_count_finds_cells_that_are_missing_or_extra_without_reading_values(sluice, judge, target, table, fill):
    fill(2000, value_bytes=1000)
    judge.inject(target, table, 20, kinds=["value"])
    done = Check(sluice, table, verify="count").wait()
    assert done.counts["cells"] > 2000
    assert int(done.progress["bytesRead"]) < 100 * done.counts["cells"]
    judge.inject(target, table, 20, kinds=["missing", "extra"], seed=2)
    done = Check(sluice, table, verify="count").wait("FAILED")
    assert (done.counts["missing"], done.counts["extra"], done.counts["changedValues"]) == (10, 10, 0)


def test_a_retry_compares_anew(sluice, judge, source, target, table, fill):
    fill(1000)
    judge.write(target, table, cell("extra", "a", "q", "v", 5))
    done = Check(sluice, table).wait("FAILED")
    judge.write(source, table, cell("extra", "a", "q", "v", 5))
    sluice.retry(done.id)
    assert done.wait().counts["extra"] == 0
    assert not sluice.differences(done.id)


# --- what is none

def test_only_what_the_task_is_about_is_compared(sluice, judge, target, table, fill):
    fill(10)
    judge.write(target, table, cell("m", "a", "q", "v", 50), cell("m", "a", "other", "v", 150),
                cell("z", "a", "q", "v", 150))
    attrs = {"startKey": "l", "endKey": "n", "cols": ["a:q"], "startTs": 100, "endTs": 200}
    Check(sluice, table, **attrs).wait()
    judge.write(target, table, cell("m", "a", "q", "v", 150))
    assert Check(sluice, table, **attrs).wait("FAILED").counts["extra"] == 1


def test_what_a_side_does_not_keep_is_no_difference(sluice, judge, source, target, table):
    judge.create(source, table, [family("v", VERSIONS=3), "t", family("s", TTL=3600)])
    judge.create(target, table, [family("v", VERSIONS=1), family("t", TTL=3600), "s"])
    for cluster in (source, target):
        judge.write(cluster, table, *[cell("r", "v", "q", f"{n}", n) for n in (1, 2, 3)],
                    cell("r", "t", "q", "old", 1000), cell("r", "s", "q", "old", 1000))
    assert len(judge.scan(source, table, see="visible")) == 4
    assert len(judge.scan(target, table, see="visible")) == 2
    assert Check(sluice, table).wait().counts["cells"] == 4


def test_rows_that_change_raise_no_alarm(sluice, judge, source, target, table):
    """A sync follows a load while both tables are compared, again and again."""
    judge.create(source, table, [family("a", VERSIONS=5)], regions=3)
    judge.fill(source, table, rows=3000)
    sync = sluice.sync([table], full=True)
    wait_until(lambda: sluice.jobs(sync)["FULL", table]["state"] == "JOB_STATE_SUCCEEDED", 60, what="the rows are copied")
    load = judge.start_load(source, table, 10_000, rows=3000, rate=400)
    while load.progress() < 10_000:
        done = Check(sluice, table).wait()
        assert done.counts["cells"] > 0
    load.wait()


# --- repairs

def test_a_repair_makes_the_destination_as_the_source_is(sluice, judge, source, target, table, fill):
    fill(5000, versions=3)
    # At the source, so that no delete marker of the destination hides what is put there.
    judge.inject(source, table, 200, kinds=KINDS)
    done = Check(sluice, table, repair=True).wait()
    assert done.counts | {"cells": 0} == {"cells": 0, "missing": 50, "extra": 50, "changedValues": 50,
                                          "changedTimestamps": 50, "repaired": 200}
    assert all(d["isRepaired"] for d in sluice.differences(done.id))
    judge.assert_equal(source, table, target, see="visible")
    assert Check(sluice, table).wait().counts["repaired"] == 0


def test_what_a_repair_brings_to_light_is_repaired(sluice, judge, source, target, table):
    """An extra cell hides an older one where one version is kept."""
    for cluster in (source, target):
        judge.create(cluster, table, [family("a", VERSIONS=1)])
        judge.write(cluster, table, cell("r", "a", "kept", "v", 5))
    judge.write(target, table, cell("r", "a", "q", "old", 5), cell("r", "a", "q", "new", 9))
    done = Check(sluice, table, repair=True).wait()
    assert (done.counts["extra"], done.counts["repaired"]) == (2, 2)
    judge.assert_equal(source, table, target, see="visible")


def test_what_cannot_be_repaired_is_told(sluice, judge, target, table, fill):
    """A marker at the destination hides all that is put below it."""
    fill(100)
    judge.inject(target, table, 3, kinds=["missing", "extra"])
    done = Check(sluice, table, repair=True).wait("FAILED")
    assert (done.counts["missing"], done.counts["extra"], done.counts["repaired"]) == (2, 1, 1)
    assert sorted(d.get("isRepaired", False) for d in sluice.differences(done.id)) == [False, False, True]


# --- what goes wrong

def test_a_worker_that_is_killed_loses_and_repeats_no_count(sluice, judge, source, target, table, fill):
    fill(20_000, versions=2)
    judge.inject(target, table, 40, kinds=KINDS)
    there = judge.count(source, table, see="visible")
    check = Check(sluice, table, bandWidth=300_000, concurrency=2)
    for _ in range(2):
        rows = int(check.progress.get("rowsRead", 0))
        wait_until(lambda seen=rows: int(check.progress.get("rowsRead", 0)) > seen, 60, what="rows are compared")
        sluice.workers.pop().kill()
        sluice.start_worker()
    check.wait("FAILED")
    assert check.counts == {"cells": there["cells"], "missing": 10, "extra": 10, "changedValues": 10,
                            "changedTimestamps": 10, "repaired": 0}
    assert int(check.progress["rowsRead"]) == there["rows"]
    assert sum(check.differences.values()) == len(check.differences) == 40


def test_a_table_or_family_that_is_missing_is_named(sluice, judge, source, target, table):
    judge.create(source, table, ["a", "b"])
    check = Check(sluice, table).wait("FAILED", 20)
    assert "destination: " in check.task["message"] and table in check.task["message"]
    judge.create(target, table, ["a"])
    check = Check(sluice, table).wait("FAILED", 20)
    assert check.task["message"] == f"destination: table {table} lacks the column families b"
