#!/usr/bin/python3 -B
"""
How fast the whole list of full migrations comes over HTTP, beside psql's COPY of the same rows, and what memory that takes.

    tests/bench/bench_lists.py [--build-dir build/release] [--tasks N] [--rounds N]

A row of the list is a task with its jobs, written as JSON. psql copies it twice: as PostgreSQL itself makes such an object,
which is the same rows, and as the columns of tasks and jobs that it is made of, a row for each job. Ways take turns. Prints a
table in Markdown; fails if the list has not half the rate of the COPY of the same rows, or a program more than 64 MB.
"""
import argparse
import contextlib
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

from bench_queue import seed_tasks
from server import ROOT, start_server
from sluicetest.stack import Stack

BAR = 0.5
MAX_MEMORY_KB = 64 * 1024

# What CreateTask makes of a migration of one table.
TURN_INTO_MIGRATIONS = """
INSERT INTO data_source (name, type, parameters_json, address)
VALUES ('hbase1', 'HBASE', '{}', 'zk1a.example'), ('hbase2', 'HBASE', '{}', 'zk2a.example');
UPDATE task SET kind = 'FULL_MIGRATION', source = 'hbase1', destination = 'hbase2', spec = '\\x0a0274311801';
UPDATE job SET table_name = 't1';
"""

JOBS = """(SELECT coalesce(json_agg(json_build_object('{id}', j.id, 'state', j.state, 'table', j.table_name)), '[]')
             FROM job j WHERE j.task_id = t.id AND j.role = '{role}')"""

OBJECTS = f"""
COPY (SELECT json_build_object('jobName', t.id, 'tableNames', json_build_array('t1'), 'dst', d.address,
             'fullJobs', {JOBS.format(id="jobName", role="FULL")},
             'bulkloadJobs', {JOBS.format(id="TaskName", role="BULKLOAD")}, 'src', s.address,
             'mergeTasks', json_build_array(), 'state', t.state, 'inrcJobs', json_build_array(),
             'schemeTasks', {JOBS.format(id="TaskName", role="SCHEMA")}, 'srcName', t.source, 'dstName', t.destination)
        FROM task t JOIN data_source s ON s.name = t.source JOIN data_source d ON d.name = t.destination
       WHERE t.kind = 'FULL_MIGRATION'
       ORDER BY t.create_time, t.seq) TO STDOUT
"""

COLUMNS = """
COPY (SELECT t.id, t.state, t.source, t.destination, t.spec, s.address, d.address, j.id, j.role, j.state, j.table_name
        FROM task t JOIN data_source s ON s.name = t.source JOIN data_source d ON d.name = t.destination
        JOIN job j ON j.task_id = t.id
       WHERE t.kind = 'FULL_MIGRATION'
       ORDER BY t.create_time, t.seq, j.step, j.id) TO STDOUT
"""


def copy(database, sql):
    start = time.monotonic()
    subprocess.run(["psql", "-q", "-d", database.url, "-c", sql], check=True, stdout=subprocess.DEVNULL)
    return time.monotonic() - start


def get_list(stack, ntasks):
    start = time.monotonic()
    body = subprocess.run(["curl", "-sf", f"http://127.0.0.1:{stack.shim.port}/hbase/fulldata"], check=True,
                          capture_output=True).stdout
    took = time.monotonic() - start
    assert body.count(b'"tableNames"') == ntasks and body.endswith(b'"success":"true","message":"ok"}')
    return took


def peak_memory_kb(program):
    status = pathlib.Path(f"/proc/{program.process.pid}/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0])


def run(args, folder, cleanup):
    cluster = start_server(cleanup)
    database = cluster.create_database()
    stack = Stack(args.build, database, folder)
    cleanup.callback(stack.stop)
    stack.migrate()
    seed_tasks(database, 1, args.tasks, ended=True)
    database.rows(TURN_INTO_MIGRATIONS)
    database.rows("VACUUM FULL ANALYZE")
    stack.start_gateway()
    stack.start_rest()
    ways = {
        "GET /hbase/fulldata": lambda: get_list(stack, args.tasks),
        "psql, COPY of the same rows": lambda: copy(database, OBJECTS),
        "psql, COPY of the columns they are made of": lambda: copy(database, COLUMNS),
    }
    found = {name: [] for name in ways}
    for _ in range(args.rounds):
        for name, way in ways.items():
            found[name].append(way())
    ours, same, _ = found.values()
    print(f"{args.tasks:,} tasks of two jobs; medians of {args.rounds} rounds:\n")
    print("| way | seconds | tasks a second | rate of the list against it |")
    print("|---|---|---|---|")
    for name, times in found.items():
        ratio = statistics.median(theirs / our for our, theirs in zip(ours, times))
        print(f"| {name} | {statistics.median(times):.2f} | {args.tasks / statistics.median(times):,.0f} | {ratio:.2f} |")
    memory = {program: peak_memory_kb(getattr(stack, name)) for program, name in
              (("sluice-gateway", "gateway"), ("sluice-rest", "shim"))}
    print("\nMost memory: " + ", ".join(f"{name} {kb / 1024:.0f} MB" for name, kb in memory.items()))
    ratio = statistics.median(theirs / our for our, theirs in zip(ours, same))
    if ratio < BAR or max(memory.values()) > MAX_MEMORY_KB:
        sys.exit(f"the list has {ratio:.2f} of the rate of COPY; it should have {BAR}, in {MAX_MEMORY_KB // 1024} MB")


def main():
    summary, _, details = __doc__.strip().partition("\n\n")
    parser = argparse.ArgumentParser(description=summary, epilog=details,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build-dir", default="build/release")
    parser.add_argument("--tasks", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    args.build = (ROOT / args.build_dir).resolve()
    with contextlib.ExitStack() as cleanup:
        folder = pathlib.Path(tempfile.mkdtemp(prefix="sluice-bench-"))
        cleanup.callback(shutil.rmtree, folder, ignore_errors=True)
        run(args, folder, cleanup)


if __name__ == "__main__":
    main()
