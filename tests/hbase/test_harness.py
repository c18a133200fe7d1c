"""The harness itself: what the judge finds, and that clusters lose nothing when they are killed."""
import collections
import json
import pathlib
import shutil
import subprocess
import sys
import time

import pytest

from hbasetest.judge import JudgeError, cell, family
from sluicetest.postgres import is_alive
from sluicetest.wait import wait_until

FOLDER = pathlib.Path(__file__).parent


def keyed(differences):
    """Differences without values, as a bag."""
    names = ("kind", "row", "family", "qualifier", "timestamp", "type")
    return collections.Counter(tuple(d[n] for n in names) for d in differences)


@pytest.mark.both_versions
def test_the_same_seed_fills_two_tables_alike(judge, source, target, table):
    for cluster in (source, target):
        judge.create(cluster, table, [family("a", VERSIONS=5), family("b", VERSIONS=5)], regions=4)
        judge.fill(cluster, table, rows=3000, versions=3, deletes=0.1, big=2)
    found = judge.assert_equal(source, table, target)
    assert found["left_rows"] == 3000
    assert found["left_cells"] > 3000 * 4
    judge.assert_equal(source, table, target, see="raw")


def test_all_types_of_cells_are_there_as_they_were_written(judge, source, table):
    judge.create(source, table, [family("f", VERSIONS=3)])
    written = [
        cell(b"\x00\xff", "f", b"", timestamp=9, type="DeleteFamily"),
        cell(b"\x00\xff", "f", b"", timestamp=8, type="DeleteFamilyVersion"),
        cell(b"\x00\xff", "f", b"", b"", timestamp=7),
        cell(b"\x00\xff", "f", b"\x80", timestamp=6, type="DeleteColumn"),
        cell(b"\x00\xff", "f", b"\x80", timestamp=5, type="Delete"),
        cell(b"\x00\xff", "f", b"\x80", b"\xc3\xa9", timestamp=4),
    ]
    judge.write(source, table, *written)
    assert judge.scan(source, table) == [
        {**c, "family": c["family"].encode()} for c in written]
    assert judge.scan(source, table, see="visible") == []


@pytest.mark.both_versions
def test_the_judge_finds_just_what_was_injected(judge, source, target, table):
    for cluster in (source, target):
        judge.create(cluster, table, [family("a", VERSIONS=2), "b"], regions=3)
        judge.fill(cluster, table, rows=1000, versions=2, deletes=0.2)
    injected = judge.inject(target, table, 100)
    found = judge.compare(source, table, target)
    expected = injected["visible"] + injected["markers"]
    assert keyed(found["differences"]) == keyed(expected)
    assert found["missing"] + found["extra"] + found["changed"] == len(expected) > 100


@pytest.mark.both_versions
def test_a_killed_region_server_loses_nothing_that_it_had_taken_in(judge, source, target, table):
    for cluster in (source, target):
        judge.create(cluster, table, [family("a", VERSIONS=5)], regions=3)
    judge.fill(target, table, rows=5000, versions=2, deletes=0.1)
    judge.fill(source, table, rows=5000, versions=2, deletes=0.1)
    source.restart_region_server()
    judge.assert_equal(source, table, target)


def test_a_load_goes_on_while_a_region_server_is_killed(judge, source, target, table):
    for cluster in (source, target):
        judge.create(cluster, table, [family("a", VERSIONS=5)], regions=3)
    jobs = [judge.start_load(c, table, 20_000, first_time=1_700_000_000_000) for c in (source, target)]
    source.restart_region_server()
    for job in jobs:
        job.wait()
    judge.assert_equal(source, table, target)


def test_a_whole_cluster_comes_back(judge, source, target, table):
    for cluster in (source, target):
        judge.create(cluster, table)
        judge.fill(cluster, table, rows=2000)
    source.restart()
    judge.assert_equal(source, table, target)


def test_nothing_is_left_of_clusters_whose_tests_were_killed(hbase, tmp_path):
    with open(tmp_path / "log", "wb") as log:
        run = subprocess.Popen(
            [sys.executable, FOLDER / "hbasetest", "--hbase-version", hbase.build.version, "orphan"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log)
    described = json.loads(run.stdout.readline())
    assert len(described["pids"]) == 2
    assert all(is_alive(pid) for pid in described["pids"])
    run.kill()
    run.wait()
    wait_until(lambda: not any(is_alive(pid) for pid in described["pids"]), what="HBase has ended")
    shutil.rmtree(described["folder"])


def test_regions_are_split_merged_and_moved(new_cluster, judge, table):
    cluster = new_cluster("two", region_servers=2)
    judge.create(cluster, table, regions=2)
    judge.fill(cluster, table, rows=1000)
    before = judge.scan(cluster, table)
    first, second = judge.regions(cluster, table)
    judge.ask("split", cluster, region=first["encoded"], at=b"\x20")
    assert [r["start"] for r in judge.regions(cluster, table)] == [b"", b"\x20", second["start"]]
    judge.ask("compact", cluster, table=table)  # a half of a region has no files of its own until then
    parts = [r["encoded"] for r in judge.regions(cluster, table)]
    judge.ask("merge", cluster, regions=parts[1:])
    moved = judge.regions(cluster, table)[1]
    other = next(s for s in judge.status(cluster)["servers"] if s != moved["server"])
    judge.ask("move", cluster, region=moved["encoded"], server=other)
    assert judge.regions(cluster, table)[1] == {**moved, "server": other}
    assert judge.scan(cluster, table) == before


@pytest.mark.both_versions
def test_hbases_own_replication_and_copying_work_between_clusters(judge, source, target, table):
    for cluster in (source, target):
        judge.create(cluster, table, [family("a", VERSIONS=3, REPLICATION_SCOPE=1)], regions=2)
    judge.fill(source, table, rows=500, versions=2)
    judge.copytable(source, table, target, options=["--versions=3"])
    judge.assert_equal(source, table, target)
    judge.ask("add_peer", source, peer="harness", key=target.key, tables=table)
    try:
        assert judge.peers(source)["harness"]["tables"] == {table: []}
        judge.start_load(source, table, 1000, rows=500).wait()
        wait_until(lambda: not judge.compare(source, table, target)["differences"], 30)
        sources = [s for server in judge.status(source)["servers"].values() for s in server["sources"]]
        assert [s["peer"] for s in sources] == ["harness"]
    finally:
        judge.ask("remove_peer", source, peer="harness")


def test_who_has_no_permission_is_refused(new_cluster, judge, table):
    cluster = new_cluster("guarded", access_control=True)
    judge.create(cluster, table)
    with pytest.raises(JudgeError, match="AccessDeniedException"):
        judge.write(cluster, table, cell("r", "f"), as_user="guest")
    judge.ask("grant", cluster, table=table, user="guest", actions="W")
    judge.write(cluster, table, cell("r", "f"), as_user="guest")
    judge.ask("revoke", cluster, table=table, user="guest")
    with pytest.raises(JudgeError, match="AccessDeniedException"):
        judge.write(cluster, table, cell("r", "f"), as_user="guest")


def test_sluice_reaches_the_clusters_by_zookeeper_and_by_rpc(sluice, source):
    sluice.add_cluster("rpc", source.rpc_key)
    for name in ("source", "target", "rpc"):
        reply = sluice.client("CheckDataSource", name=name)
        assert reply.get("ok"), reply


def test_a_clusters_clock_may_go_wrong(new_cluster, judge, table):
    cluster = new_cluster("ahead", settings={"sluice.clock.ahead.ms": "3600000"})
    judge.create(cluster, table)
    judge.write(cluster, table, cell("r", "f"))
    [written] = judge.scan(cluster, table)
    assert 3500 < written["timestamp"] / 1000 - time.time() < 3700


def test_a_master_may_be_away_for_a_while(judge, source, table):
    judge.create(source, table)
    source.master.kill()
    source.master.start()
    source.wait()
    judge.write(source, table, cell("r", "f"))
    assert judge.count(source, table) == {"rows": 1, "cells": 1}
    assert source.region_servers[0].is_running()
