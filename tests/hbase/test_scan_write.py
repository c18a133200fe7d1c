"""
Scans and writes of Sluice's HBase client, by hbase_probe: what it reads is what HBase's own client reads, and what it
copies is the same table, also while regions split, merge and move and servers are killed.
"""
import signal
import time

import pytest

from hbasetest.judge import cell, family
from hbasetest.probe import ProbeError
from hbasetest.transfer import Transfer
from sluicetest.standstill import stop_process
from sluicetest.wait import wait_until

ALL = [family(name, VERSIONS=5) for name in ("a", "b", "c")]


@pytest.fixture(scope="session")
def probe(build):
    return Transfer(build / "hbase_probe")


# --- scans

# All types of cells; keys, qualifiers and values of any bytes, and empty ones.
ODD = [
    cell(b"\x00", "f", b"", b"", timestamp=7),
    cell(b"\x00\x00", "f", b"", timestamp=9, type="DeleteFamily"),
    cell(b"\x00\x00", "f", b"", timestamp=8, type="DeleteFamilyVersion"),
    cell(b"\x00\x00", "f", b"", b"v", timestamp=10),
    cell(b"\x00\x00", "f", b"\x80", timestamp=6, type="DeleteColumn"),
    cell(b"\x00\x00", "f", b"\x80", timestamp=5, type="Delete"),
    cell(b"\x00\x00", "f", b"\x80", b"\xc3\xa9\x00", timestamp=12),
    cell(b"\x00\x00", "f", b"\x80", b"old", timestamp=4),
    cell(b"m", "f", b"q" * 300, b"v" * 300, timestamp=2**62),
    cell(b"m", "f", b"x", b"1", timestamp=1),
    cell(b"m", "g", b"x", b"2", timestamp=3),
    cell(b"m", "g", b"x", b"1", timestamp=2),
    cell(b"\xff" * 1000, "g", b"\xff", b"last", timestamp=0),
]

VIEWS = [
    ({"raw": True}, {"see": "raw"}),
    ({"raw": True, "page": 1}, {"see": "raw"}),
    ({}, {"see": "visible"}),
    ({"page": 1}, {"see": "visible"}),
    ({"versions": 1}, {"see": "visible", "versions": 1}),
    ({"raw": True, "from": 4, "to": 9}, {"see": "raw", "min_time": 4, "max_time": 9}),
    ({"from": 3, "to": 13}, {"see": "visible", "min_time": 3, "max_time": 13}),
    ({"start": b"\x00\x00", "stop": b"m\x00"}, {"see": "visible", "start": b"\x00\x00", "stop": b"m\x00"}),
    ({"columns": [[b"g"], [b"f", b""]]},
     {"see": "visible", "columns": [{"family": "g"}, {"family": "f", "qualifier": ""}]}),
    ({"raw": True, "columns": [[b"g"]]}, {"see": "raw", "columns": [{"family": "g"}]}),
]


@pytest.mark.both_versions
def test_a_scan_gives_what_hbases_own_client_gives(judge, probe, source, table):
    judge.create(source, table, [family("f", VERSIONS=3), family("g", VERSIONS=3)], splits=[b"\x00\x00", b"m", b"n"])
    judge.write(source, table, *ODD)
    for options, view in VIEWS:
        found = probe.scan(source, table, **options)
        assert found["cells"] == judge.scan(source, table, **view), options
        assert found["cells"], options
        assert found["rows"] == len({c["row"] for c in found["cells"]})
        assert found["next_row"] == options.get("stop", b"").hex()


def test_a_raw_scan_leaves_out_other_columns_but_no_markers_of_their_families(judge, probe, source, table):
    judge.create(source, table, [family("f", VERSIONS=3), family("g", VERSIONS=3)])
    judge.write(source, table, *ODD)
    found = probe.scan(source, table, raw=True, columns=[[b"f", b"x"], [b"g", b"\xff"]])
    assert found["cells"] == [c for c in judge.scan(source, table) if c["qualifier"] in (b"x", b"\xff")
                              and c["family"] + c["qualifier"] != b"gx" or c["type"].startswith("DeleteFamily")]
    assert len(found["cells"]) == 4


def test_a_row_that_is_larger_than_a_page_comes_in_parts(judge, probe, source, table):
    judge.create(source, table)
    judge.write(source, table, *[cell("r", "f", f"{i:05}", b"v" * 100, timestamp=i) for i in range(2000)])
    found = probe.scan(source, table, page=20_000)
    assert found["cells"] == judge.scan(source, table)
    assert found["rows"] == 1
    assert found["pages"] > 10


# --- writes

def create_both(judge, clusters, table, regions=(4, 4), **how):
    for cluster, count in zip(clusters, regions):
        judge.create(cluster, table, ALL, regions=count)
    judge.fill(clusters[0], table, **{"rows": 5000, "versions": 3, "deletes": 0.1, **how})


@pytest.mark.both_versions
def test_a_raw_copy_is_the_same_table(judge, probe, clusters, table):
    create_both(judge, clusters, table, big=5)
    told = probe.copy(clusters[0], table, clusters[1], raw=True)
    found = judge.assert_equal(clusters[0], table, clusters[1], see="raw")
    assert (told["rows"], told["cells"]) == (found["left_rows"], found["left_cells"])


def test_rows_find_their_regions_in_a_table_with_others(judge, probe, clusters, table):
    create_both(judge, clusters, table, regions=(2, 7))
    probe.copy(clusters[0], table, clusters[1], raw=True)
    judge.assert_equal(clusters[0], table, clusters[1])


def test_a_table_that_is_written_faster_than_it_is_flushed_gets_it_all(judge, probe, clusters, table):
    """Regions that hold 300 kB and refuse to hold four times as much (RegionTooBusyException)."""
    judge.create(clusters[0], table, ALL)
    judge.create(clusters[1], table, ALL, MEMSTORE_FLUSHSIZE=300_000, **{"hbase.table.sanity.checks": "false"})
    judge.fill(clusters[0], table, rows=20_000, value_bytes=100)
    probe.copy(clusters[0], table, clusters[1], raw=True)
    judge.assert_equal(clusters[0], table, clusters[1])


def test_what_the_table_does_not_take_is_said_in_its_words(judge, probe, clusters, table):
    source, target = clusters

    def refused():
        with pytest.raises(ProbeError) as error:
            probe.copy(source, table, target)
        return error.value.code, error.value.text

    judge.create(source, table, ["f", "g"])
    judge.write(source, table, cell("r", "f"), cell("r", "g"))
    assert refused() == ("NOT_FOUND", f"there is no table '{table}'")
    judge.create(target, table, ["f"])
    assert refused() == ("FAILED_PRECONDITION", f"table '{table}' has no family 'g'")
    judge.modify(target, table, READONLY="true")
    assert refused() == ("FAILED_PRECONDITION", f"table '{table}' is read-only")
    judge.ask("disable", target, table=table)
    assert refused() == ("FAILED_PRECONDITION", f"table '{table}' is disabled")
    with pytest.raises(ProbeError, match=f"FAILED_PRECONDITION: table '{table}' has no family 'h'"):
        probe.scan(source, table, columns=[[b"h"]])


def test_a_cell_that_the_server_does_not_take_is_told_of(judge, probe, clusters, table):
    judge.create(clusters[0], table, ["f"])
    judge.create(clusters[1], table, ["f"], **{"hbase.server.keyvalue.maxsize": "1000"})
    judge.write(clusters[0], table, *[cell(f"r{i}", "f", value=b"v" * 100 * i) for i in range(20)])
    with pytest.raises(ProbeError, match="INVALID_ARGUMENT: .*exceeds limit of 1000 bytes"):
        probe.copy(clusters[0], table, clusters[1])


# --- while the cluster changes

class Ongoing:
    """A copy from one table to another of a cluster that has two servers; its pages are small. It has begun, and stands still."""

    def __init__(self, judge, probe, cluster, table):
        self.judge = judge
        self.cluster = cluster
        self.table = table
        self.copy = table + "_copy"
        for name in (self.table, self.copy):
            judge.create(cluster, name, ALL, regions=4)
        judge.fill(cluster, table, rows=20_000, versions=2, deletes=0.1, big=3)
        self.run = probe.start_copy(cluster, table, cluster, self.copy, raw=True, page=6000)
        self.turn_s = 0.05
        wait_until(self._stands_in_the_middle, 60, what="a row is copied")
        assert self.run.is_running()

    def _stands_in_the_middle(self):
        """It has turns, each twice as long as the one before: to ask whether it has begun may take longer than all of it."""
        until = time.monotonic() + self.turn_s
        wait_until(lambda: time.monotonic() > until, what="a turn")
        self.turn_s *= 2
        stop_process(self.run.process.pid)
        has_begun = self.judge.count(self.cluster, self.copy, limit=1)["rows"] > 0
        if not has_begun:
            self.go_on()
        return has_begun

    def regions(self, table):
        return self.judge.regions(self.cluster, table)

    def finish(self):
        """What was changed meanwhile it finds now."""
        self.go_on()
        self.run.wait()
        self.judge.assert_equal(self.cluster, self.table, self.cluster, self.copy)

    def go_on(self):
        self.run.process.send_signal(signal.SIGCONT)


@pytest.fixture(scope="module")
def two_servers(hbase):
    cluster = hbase.make("two", region_servers=2)
    yield cluster.start()
    hbase.discard(cluster)


@pytest.fixture
def copy(judge, probe, two_servers, table):
    return Ongoing(judge, probe, two_servers, table)


def test_regions_split_on_both_sides_of_a_copy(judge, copy):
    for name in (copy.table, copy.copy):
        for region in (copy.regions(name)[-1], copy.regions(name)[0]):
            judge.ask("split", copy.cluster, region=region["encoded"], at=region["start"] + b"\x10")
    copy.finish()
    assert len(copy.regions(copy.copy)) == 6


def test_regions_move_and_merge_on_both_sides_of_a_copy(judge, copy):
    servers = judge.status(copy.cluster)["servers"]
    for name in (copy.table, copy.copy):
        for region in copy.regions(name):
            other = next(s for s in servers if s != region["server"])
            judge.ask("move", copy.cluster, region=region["encoded"], server=other)
        judge.ask("merge", copy.cluster, regions=[r["encoded"] for r in copy.regions(name)[:2]])
    copy.finish()
    assert len(copy.regions(copy.copy)) == 3


def test_a_region_server_is_killed_under_a_copy(copy):
    copy.cluster.kill_region_server(0)
    copy.go_on()
    copy.cluster.start_region_server(0)
    copy.finish()
