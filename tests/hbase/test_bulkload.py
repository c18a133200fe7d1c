"""
Full migrations by files: those that Sluice writes are loaded by a real HBase, read by its own reader, and what has arrived is told by
the judge.
"""
import json
import os
import signal

import pytest

from hbasetest.judge import JudgeError, cell, family
from sluicetest.wait import wait_until
from test_migration import Migrations, checkpoint, full_job, set_bandwidth, states, wait_for_rows

# HBase reads what it loads from end to end, and refuses what is not in order.
VERIFIED = {"hbase.hstore.bulkload.verify": "true"}


@pytest.fixture
def migrations(sluice):
    return Migrations(sluice)


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "bulkload"
    made.mkdir()
    return made


@pytest.fixture
def files(folder):
    """What a task is given."""
    return f"file://{folder}"


def loaded_files(cluster, table):
    """The files of a table that came by a load: HBase calls them so."""
    return sorted(cluster.folder.glob(f"root/data/default/{table}/*/*/*_SeqId_*"))


def check_files(judge, cluster, table):
    """Has HBase's own reader look at what was loaded; gives how many files there are."""
    found = loaded_files(cluster, table)
    for path in found:
        assert judge.ask("hfile", path=str(path))["cells"] > 0
    return len(found)


def same_settings(judge, cluster, table, regions=None, splits=None, **attributes):
    judge.create(cluster, table, [family("a", VERSIONS=5), family("b", VERSIONS=3)], regions=regions, splits=splits,
                 **attributes)


@pytest.mark.both_versions
def test_a_table_is_loaded_cell_by_cell(migrations, judge, source, target, table, folder, files):
    same_settings(judge, source, table, regions=4)
    same_settings(judge, target, table, splits=[b"\x20", b"\x80\x00", b"\xf0"], **VERIFIED)
    judge.fill(source, table, rows=5000, versions=3, deletes=0.1, big=3)
    judge.write(source, table,
                cell(b"\x00", "a", b"", b"", 7), cell(b"\x00\xff\x00", "b", b"\x00", b"\xff" * 3, 8),
                cell(b"\xff\xff", "a", b"q", b"v" * (1 << 20), 9), cell(b"\xff\xff", "b", b"q" * 3000, b"v", 10),
                cell(b"k" * 30000, "a", b"long", b"key", 11),
                cell(b"gone", "a", b"q", b"v", 5), cell(b"gone", "a", timestamp=6, type="DeleteFamily"),
                cell(b"gone2", "b", b"q", b"v", 5), cell(b"gone2", "b", timestamp=5, type="DeleteFamilyVersion"),
                cell(b"gone3", "b", b"q", b"v", 5), cell(b"gone3", "b", b"q", timestamp=5, type="Delete"),
                cell(b"gone4", "b", b"q", b"v", 5), cell(b"gone4", "b", b"q", timestamp=9, type="DeleteColumn"))
    detail = migrations.run(table, files=files)
    job = detail["fullJobs"][0]
    assert job["rowsRead"] == job["rowsWritten"] == judge.count(source, table)["rows"]
    assert states(detail["bulkloadJobs"]) == ["SUCCEEDED"]
    assert detail["bulkloadJobs"][0]["message"] == "the files were loaded as they were written, by the job of role FULL"
    judge.assert_equal(source, table, target)
    judge.assert_equal(source, table, target, see="raw")
    nfiles = check_files(judge, target, table)
    assert nfiles >= 8 and job["message"] == f"this attempt had {nfiles} files loaded"
    assert not list(folder.iterdir())
    for region in judge.regions(target, table):
        assert judge.scan(target, table, start=region["start"], limit=1)


def test_what_is_loaded_is_read_compacted_and_written_over(migrations, judge, source, target, table, files):
    same_settings(judge, source, table)
    judge.fill(source, table, rows=2000, versions=3, deletes=0.1, columns=3)
    migrations.run(table, files=files)
    judge.write(target, table, cell(b"new", "a", b"q", b"v", 5))
    judge.write(source, table, cell(b"new", "a", b"q", b"v", 5))
    judge.ask("flush", target, table=table)
    judge.ask("compact", target, table=table, major=True)
    judge.assert_equal(source, table, target)


def test_a_second_load_changes_nothing(migrations, judge, source, target, table, files):
    same_settings(judge, source, table)
    judge.fill(source, table, rows=500, versions=3, deletes=0.1)
    migrations.run(table, files=files)
    once = judge.scan(target, table)
    nfiles = len(loaded_files(target, table))
    migrations.run(table, files=files)
    assert len(loaded_files(target, table)) == 2 * nfiles
    assert judge.scan(target, table) == once
    judge.assert_equal(source, table, target)


def test_filters_and_new_names_hold(migrations, judge, source, target, table, files):
    same_settings(judge, source, table, regions=3)
    judge.fill(source, table, rows=1000, versions=2)
    rows = [c["row"] for c in judge.scan(source, table)]
    start, end = rows[len(rows) // 4], rows[len(rows) // 2]
    escape = lambda key: "".join(f"\\x{byte:02x}" for byte in key)  # noqa: E731
    migrations.run(f"{table}/{table}_new", files=files, startKey=escape(start), endKey=escape(end), cols=["a"])
    expected = [c for c in judge.scan(source, table, start=start, stop=end) if c["family"] == b"a"]
    assert judge.scan(target, f"{table}_new") == expected != []
    assert loaded_files(target, f"{table}_new")


def test_an_empty_table_needs_no_files(migrations, judge, source, target, table, folder, files):
    judge.create(source, table)
    assert migrations.run(table, files=files)["fullJobs"][0]["message"] == "this attempt had 0 files loaded"
    assert judge.count(target, table)["cells"] == 0
    assert not list(folder.iterdir())


def test_a_sync_goes_on_where_its_files_end(sluice, judge, source, target, table, files):
    judge.create(source, table, [family("f", REPLICATION_SCOPE=1)])
    judge.fill(source, table, rows=500)
    task = sluice.sync([table], full=True, bulkload=files)
    try:
        wait_until(lambda: sluice.jobs(task)["FULL", table]["state"] == "JOB_STATE_SUCCEEDED", 60, what="what was there")
        judge.write(source, table, cell(b"later", "f", b"q", b"v", 5))
        wait_until(lambda: not judge.compare(source, table, target)["differences"], 60, what="what came later")
        assert loaded_files(target, table)
    finally:
        for peer in judge.peers(source):
            judge.ask("remove_peer", source, peer=peer)


# --- what goes wrong is told before rows are moved

def fails(migrations, table, *words, **how):
    job = migrations.wait(migrations.create(table, **how), "FAILED")["fullJobs"][0]
    assert all(word in job["message"] for word in words), job["message"]
    assert job["rowsRead"] == 0


def test_a_folder_that_is_missing_is_told(migrations, judge, source, table, folder, files):
    judge.create(source, table)
    judge.fill(source, table, rows=20)
    fails(migrations, table, f"{files}/elsewhere", "No such file or directory", "the worker must be able to write",
          files=f"{files}/elsewhere")
    (folder / "file").write_text("")
    fails(migrations, table, f"{files}/file", "Not a directory", files=f"{files}/file")


def test_a_folder_that_takes_no_files_is_told(migrations, judge, source, table):
    judge.create(source, table)
    judge.fill(source, table, rows=20)
    fails(migrations, table, "file:///proc", "a folder cannot be made in it", files="file:///proc")


def test_a_user_without_rights_is_told(migrations, new_cluster, judge, source, table, files):
    guarded = new_cluster("guarded", access_control=True)
    migrations.stack.add_cluster("guarded", guarded, username="guest")
    for cluster in (source, guarded):
        judge.create(cluster, table)
        judge.fill(cluster, table, rows=20)
    judge.ask("grant", guarded, user="guest", actions="RW", table=table)
    task_id = migrations.create(table, target="guarded", files=files)
    assert "takes the right C" in json.dumps(migrations.wait(task_id, "FAILED"))
    judge.ask("grant", guarded, user="guest", actions="RWC", table=table)
    migrations.run(table, target="guarded", files=files)
    judge.assert_equal(source, table, guarded)


# --- while rows are on their way

ROWS = 30_000
SLOW = 200_000


@pytest.fixture
def slow(migrations, judge, source, table, files):
    """A copy by files that is under way for a while, and has loaded some: its task's id."""
    judge.create(source, table, [family(name, VERSIONS=3) for name in "abc"], regions=12)
    judge.fill(source, table, rows=ROWS, versions=3, deletes=0.05, value_bytes=40, threads=2)
    task_id = migrations.create(table, bandWidth=SLOW, concurrency=2, files=files)
    wait_for_rows(migrations, task_id)
    return task_id


def finish(migrations, judge, source, target, table, task_id, files, timeout_s=120):
    """Lets a slow copy run to its end, which must be right: each row is there, and counted once."""
    set_bandwidth(migrations, task_id, None, bulkload=files)
    job = migrations.wait(task_id, timeout_s=timeout_s)["fullJobs"][0]
    assert (job["rowsRead"], job["rowsWritten"]) == (ROWS, ROWS)
    judge.assert_equal(source, table, target)
    check_files(judge, target, table)


def staged(folder):
    return [path for path in folder.glob("*/*") if path.is_file()]


def stands_with_files(worker, folder):
    """The files that are not loaded yet, when there are some; the worker stands still then."""
    worker.pause()
    left = staged(folder)
    if not left:
        worker.resume()
    return left


def test_programs_and_servers_that_are_killed_lose_nothing(migrations, slow, judge, source, target, table, folder,
                                                           files):
    stack = migrations.stack
    for _ in range(2):
        left = wait_until(lambda: stands_with_files(stack.worker, folder), 30, what="files that are not loaded yet")
        stack.worker.kill()
        target.restart_region_server()
        stack.worker.start(wait_for="started")
        rows = full_job(migrations, slow)["rowsWritten"]
        wait_for_rows(migrations, slow, more_than=rows)
        assert not set(left) & set(staged(folder))
    finish(migrations, judge, source, target, table, slow, files)
    assert not list(folder.iterdir())


def splits(judge, cluster, region):
    """Whether the region is split now: one that is being opened is not."""
    try:
        judge.ask("split", cluster, region=region["encoded"], at=region["start"] + b"\x80")
    except JudgeError as e:
        assert "is not OPEN" in str(e), e
        return False
    return True


def test_a_destination_that_is_killed_and_split_in_the_middle_loses_nothing(migrations, slow, judge, source, target,
                                                                            table, folder, files):
    target.kill_region_server()
    wait_until(lambda: "destination: " in full_job(migrations, slow)["message"], 60, what="what the copy waits for")
    target.start_region_server()
    wait_for_rows(migrations, slow, more_than=full_job(migrations, slow)["rowsWritten"])
    wait_until(lambda: staged(folder), 60, what="files for the regions as they are")
    for region in judge.regions(target, table)[-4:]:
        wait_until(lambda r=region: splits(judge, target, r), 60, what="a region that is split")
    finish(migrations, judge, source, target, table, slow, files)


def test_a_copy_that_is_aborted_leaves_no_files_and_goes_on_where_it_was(migrations, slow, judge, source, target, table,
                                                                         folder, files):
    first = judge.scan(source, table, limit=1)[0]["row"]
    wait_until(lambda: [c["row"] for c in judge.scan(target, table, limit=1)] == [first], 60, what="the first region")
    saved = checkpoint(migrations)
    wait_until(lambda: checkpoint(migrations) != saved, 60, what="a checkpoint that has it")
    migrations.call(slow, "abort")
    migrations.wait(slow, "KILLED")
    wait_until(lambda: not list(folder.iterdir()), 10, what="a folder without files")
    judge.write(source, table, cell(first, "a", b"late", b"v", timestamp=1))
    migrations.call(slow, "retry")
    set_bandwidth(migrations, slow, None, bulkload=files)
    job = migrations.wait(slow)["fullJobs"][0]
    assert (job["rowsRead"], job["rowsWritten"]) == (ROWS, ROWS)
    found = judge.compare(source, table, target)
    assert [(d["row"], d["qualifier"]) for d in found["differences"]] == [(first, b"late")]
