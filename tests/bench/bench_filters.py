#!/usr/bin/python3 -B
"""
How fast ListTasks finds a page of 100 among many tasks, by all kinds of filters, while others create tasks.

    tests/bench/bench_filters.py [--tasks N] [--calls N] [--creates-per-s N] [--build-dir build/release]

Starts a PostgreSQL and a gateway of its own, puts the tasks into the database, and then asks for each filter's first page,
again and again, all filters in turns. Prints a table in Markdown: times as a client sees them.
"""
import argparse
import contextlib
import json
import multiprocessing
import pathlib
import shutil
import tempfile
import time

from server import ROOT, start_server
from sluicetest import client as clients, grpc_client
from sluicetest.stack import Stack

# Of {n} tasks: nearly all have ended well; sources and destinations are used unevenly, src50 by ten tasks; each task has
# three labels, of which env is "prod" but once, team one of twenty, run its own.
SEED = """
INSERT INTO data_source (name, type, parameters_json)
SELECT kind || i, CASE kind WHEN 'src' THEN 'FILE' ELSE 'POSTGRES' END, '{{}}'
  FROM generate_series(0, 50) i, unnest('{{src,dst}}'::text[]) kind;
INSERT INTO task (id, kind, source, destination, spec, state, stage, create_time, end_time,
                  display_name, labels)
SELECT 'proc-' || i || '-' || md5(i::text),
       CASE WHEN i % 10 < 7 THEN 'BULKLOAD' WHEN i % 10 < 9 THEN 'FULL_MIGRATION'
            ELSE 'INCREMENTAL_SYNC' END,
       CASE WHEN i % ({n} / 10) = 77 THEN 'src50'
            ELSE 'src' || floor(50 * power(random(), 3))::int END,
       'dst' || floor(50 * power(random(), 3))::int, '\\x', state, 'WAIT_FOR_SUCCESS',
       now() - ({n} - i) * interval '10 s',
       CASE WHEN state NOT IN ('PENDING', 'RUNNING') THEN now() END,
       CASE WHEN i % 2 = 0 THEN 'nightly ' || i % 10000 ELSE '' END,
       jsonb_build_object('env', CASE WHEN i = {n} / 2 THEN 'test' ELSE 'prod' END,
                          'team', 't' || i % 20, 'run', 'r' || i)
  FROM (SELECT i, CASE WHEN i > {n} - 500 THEN 'RUNNING'
                       WHEN i > {n} - 1000 THEN 'PENDING'
                       WHEN random() < 0.95 THEN 'SUCCEEDED'
                       WHEN random() < 0.9 THEN 'FAILED'
                       ELSE 'KILLED' END AS state
          FROM generate_series(1, {n}) i) seeds;
"""

FILTERS = [
    "", "state = RUNNING", "state = FAILED", "state != SUCCEEDED", "kind = INCREMENTAL_SYNC AND state = KILLED",
    "source = src0", "source = src50", "source = src50 OR destination = dst49", "source != src0",
    "labels.run = r123456", "labels.env = test", "labels.env = prod", "labels.team = t7",
    "labels.team = t7 AND state = FAILED", "source = src4 AND destination = dst7",
    "source = src4 AND destination = dst7 AND labels.team = t7",
    "labels.run = r1 OR labels.run = r2 OR labels.run = r3", 'display_name = "nightly 42"',
    'display_name = "nightly 999*"', 'display_name = "nightly *"', "labels:run AND -labels:nope",
    "create_time < {old}", "create_time > {old} AND create_time < {later}",
    "NOT (state = SUCCEEDED OR state = FAILED)", "labels.env != prod", "labels.team = t7 AND labels.env = test",
    "(state = FAILED OR labels.env = test) AND (source = src9 OR destination = dst9)",
]


def open_client(stack_address):
    return clients.Client(grpc_client.Reflected(stack_address))


def create_steadily(address, per_s, stop):
    client = open_client(address)
    marks = {"displayName": "made meanwhile", "labels": {"env": "prod", "team": "t7"}}
    wanted = {**clients.task("src0", "dst0"), **marks}
    due = time.monotonic()
    while not stop.is_set():
        client("CreateTask", task=wanted)
        due += 1 / per_s
        time.sleep(max(0, due - time.monotonic()))


def measure(client, filters, ncalls):
    """The times of all calls in ms and the size of the page, by filter."""
    found = {text: ([], [0]) for text in filters}
    for _ in range(ncalls):
        for text in filters:
            start = time.monotonic()
            reply = client.start("ListTasks", {"filter": text, "pageSize": 100}).result()
            found[text][0].append((time.monotonic() - start) * 1000)
            found[text][1][0] = len(reply.tasks)
    return found


def at(times, share):
    return sorted(times)[int(len(times) * share)]


def run(args, folder, cleanup):
    grpc_client.compile_protos(folder / "protos")
    cluster = start_server(cleanup)
    database = cluster.create_database()
    stack = Stack(args.build, database, folder)
    cleanup.callback(stack.stop)
    stack.start_gateway()
    database.rows(SEED.format(n=args.tasks))
    database.rows("VACUUM ANALYZE")
    size = database.value("SELECT pg_size_pretty(pg_database_size(current_database()))")
    days = args.tasks * 10 / 86400
    old, later = (time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 86400 * days * share))
                  for share in (0.9, 0.8))
    filters = [text.format(old=old, later=later) if "{" in text else text for text in FILTERS]
    stop = multiprocessing.Event()
    creator = multiprocessing.Process(
        target=create_steadily, args=(stack.gateway.address, args.creates_per_s, stop))
    creator.start()
    found = measure(open_client(stack.gateway.address), filters, args.calls)
    stop.set()
    creator.join()
    ntasks = database.value("SELECT count(*) FROM task")
    print(f"{args.tasks:,} tasks at first, {ntasks:,} at the end, a database of {size}, "
          f"{args.calls} calls a filter:\n")
    print("| filter | tasks | p50, ms | p99, ms | most, ms |")
    print("|---|---|---|---|---|")
    for text, (times, (npage,)) in found.items():
        print(f"| `{text}` | {npage} | {at(times, 0.5):.1f} | {at(times, 0.99):.1f} | {max(times):.1f} |")
    print(json.dumps({"p99 of all": round(at(sum((t for t, _ in found.values()), []), 0.99), 1)}))


def main():
    summary, _, details = __doc__.strip().partition("\n")
    parser = argparse.ArgumentParser(description=summary, epilog=details,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", type=int, default=1_000_000)
    parser.add_argument("--calls", type=int, default=200)
    parser.add_argument("--creates-per-s", type=float, default=100)
    parser.add_argument("--build-dir", default="build/release")
    args = parser.parse_args()
    args.build = (ROOT / args.build_dir).resolve()
    with contextlib.ExitStack() as cleanup:
        folder = pathlib.Path(tempfile.mkdtemp(prefix="sluice-bench-"))
        (folder / "protos").mkdir()
        cleanup.callback(shutil.rmtree, folder, ignore_errors=True)
        run(args, folder, cleanup)


if __name__ == "__main__":
    main()
