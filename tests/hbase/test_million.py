"""
A large table, copied as a whole, through the write path and by files: 1,000,000 rows with --rows=1000000, and fewer by default. Prints
how long both took, and CopyTable after them. With a sanitizer the worker's memory means nothing, and rates only mean something on a
machine that does nothing else: they are held to with the full size.
"""
import re

import pytest

from hbasetest.harness import FULL_ROWS
from hbasetest.judge import family
from sluicetest.wait import scale
from test_migration import Migrations, states

MAX_WORKER_KB = 300 * 1000
MIN_TIMES_COPYTABLE = 3  # by files
BUSY_SCALE = 2  # of time, on a machine that does other things, too; a build with sanitizers has more
FAMILIES = [family(name, VERSIONS=5) for name in "abc"]
REGIONS = 12


@pytest.fixture
def rows(request):
    return request.config.getoption("--rows")


def peak_kb(program):
    """The most memory that a program has had."""
    with open(f"/proc/{program.process.pid}/status", encoding="ascii") as status:
        return int(re.search(r"VmHWM:\s+(\d+) kB", status.read())[1])


def seconds_of(job):
    """How long a job took, by its own times (milliseconds)."""
    return (job["endTime"] - job["startTime"]) / 1000


def copy(migrations, table, rows, **how):
    """The job that has copied the rows."""
    detail = migrations.wait(migrations.create(table, **how), timeout_s=600)
    job = detail["fullJobs"][0]
    assert states(detail["schemeTasks"]) == ["SUCCEEDED"]
    assert (job["rowsRead"], job["rowsWritten"]) == (rows, rows)
    return job


@pytest.mark.both_versions
def test_a_large_table_arrives_cell_by_cell(sluice, judge, source, target, table, rows, tmp_path, capsys):
    judge.create(source, table, FAMILIES, regions=REGIONS)
    judge.fill(source, table, rows=rows, columns=2, versions=3, deletes=0.05, big=20, value_bytes=40, threads=4)
    migrations = Migrations(sluice)

    def compare(to_table):
        assert len(judge.regions(target, to_table)) == REGIONS
        return judge.assert_equal(source, table, target, to_table)

    written = copy(migrations, table, rows)
    found = compare(table)
    loaded = copy(migrations, f"{table}/{table}_loaded", rows, files=f"file://{tmp_path}")
    used_kb = peak_kb(sluice.worker)
    compare(f"{table}_loaded")

    other = f"{table}_copytable"
    judge.create(target, other, FAMILIES, regions=REGIONS)
    theirs = judge.copytable(source, table, target, to_table=other, options=["--all.cells", "--versions=5"])["seconds"]
    with capsys.disabled():
        print(f"\n{rows} rows, {found['left_cells']} cells, {written['bytesRead'] / 1e6:.0f} MB;"
              f" worker at most {used_kb / 1000:.0f} MB; CopyTable {theirs:.1f} s")
        for how, job in (("written", written), ("by files", loaded)):
            print(f"{how}: {seconds_of(job):.1f} s, {rows / seconds_of(job):,.0f} rows/s,"
                  f" CopyTable {theirs / seconds_of(job):.1f} times as long")
    if scale() <= BUSY_SCALE:
        assert used_kb < MAX_WORKER_KB
        assert rows < FULL_ROWS or theirs > MIN_TIMES_COPYTABLE * seconds_of(loaded)
