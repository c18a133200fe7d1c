"""The harness itself: what the judge finds, and that clusters lose nothing when they are killed."""
import collections

import pytest

from hbasetest.judge import cell, family


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
    judge.assert_equal(source, table, target, raw=False)


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
    assert judge.scan(source, table, raw=False) == []


@pytest.mark.both_versions
@pytest.mark.parametrize("raw, expected", [(True, "raw"), (False, "visible")])
def test_the_judge_finds_just_what_was_injected(judge, source, target, table, raw, expected):
    for cluster in (source, target):
        judge.create(cluster, table, [family("a", VERSIONS=2), "b"], regions=3)
        judge.fill(cluster, table, rows=1000, versions=2, deletes=0.2)
    injected = judge.inject(target, table, 100)
    found = judge.compare(source, table, target, raw=raw)
    assert keyed(found["differences"]) == keyed(injected[expected])
    assert found["missing"] + found["extra"] + found["changed"] == len(injected[expected]) >= 100


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
