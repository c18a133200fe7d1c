#!/usr/bin/python3 -B
"""
What calls cost when many tasks are stored: creating a task, reading one, leasing and finishing a job.

    tests/bench/bench_growth.py [--build-dir build/release] [--sizes 1000,100000,10000000] [--seconds N] [--rounds N]

For each size a database of its own is filled with as many tasks that have SUCCEEDED, with their jobs and events, by SQL, and
what reads of tasks ask for is read once. Then the databases take turns, so that what else happens on the machine meets all of
them. Prints a table in Markdown; the rates of each round are compared with those of the smallest size in the same round.
Fails if a rate falls by more than a fifth. Processor times are of all programs but the client, by call.
"""
import argparse
import contextlib
import pathlib
import shutil
import statistics
import sys
import tempfile

from bench_queue import run_calls, seed_tasks
from server import ROOT, start_server
from sluicetest.stack import Stack

KINDS = ("create", "get", "finish")
IN_FLIGHT = 64
MAX_FALL = 0.2
CHUNK = 100_000
CLOCK_TICKS = 100
READ_BY_GET = ("task_pkey", "job_task", "task", "job")


@contextlib.contextmanager
def without_indexes(database):
    """The tables that are filled have none, which takes a fraction of the time; they are made at the end."""
    tables = "('task'::regclass, 'job'::regclass, 'task_event'::regclass)"
    constraints = database.rows(f"""
        SELECT conname, conrelid::regclass::text, pg_get_constraintdef(oid) FROM pg_constraint
         WHERE contype IN ('p', 'u') AND conrelid IN {tables}""")
    for name, table, _ in constraints:
        database.rows(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
    indexes = database.rows(f"""
        SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index WHERE indrelid IN {tables}""")
    for name, _ in indexes:
        database.rows(f"DROP INDEX {name}")
    yield
    made = [f"ALTER TABLE {table} ADD CONSTRAINT {name} {definition}" for name, table, definition in constraints]
    for statement in made + [definition for _, definition in indexes]:
        database.rows(f"SET maintenance_work_mem = '1GB'; {statement}")


class Subject:
    """A database of a size, and the gateway on it."""

    def __init__(self, args, cluster, size, folder):
        self.args = args
        self.cluster = cluster
        self.size = size
        self.database = cluster.create_database()
        self.stack = Stack(args.build, self.database, folder)
        self.stack.migrate()
        self.next_task = size + 1
        with without_indexes(self.database):
            for first in range(1, size + 1, CHUNK):
                seed_tasks(self.database, first, min(first + CHUNK - 1, size), ended=True)
        self.add_waiting()
        self.database.rows("VACUUM ANALYZE")
        self.stack.start_gateway()

    def warm(self):
        """As after some time: the machine has once read what reads of tasks ask for, as far as its memory goes."""
        self.database.rows("CREATE EXTENSION pg_prewarm")
        for name in READ_BY_GET:
            self.database.rows(f"SELECT pg_prewarm('{name}', 'read')")
        for kind in KINDS:
            self.run(kind, 1)

    def add_waiting(self):
        """What there is to lease."""
        seed_tasks(self.database, self.next_task, self.next_task + self.args.waiting - 1)
        self.next_task += self.args.waiting

    def cpu_s(self):
        """Of the gateway, PostgreSQL and all that PostgreSQL has started."""
        return sum(times(pid) for pid in processes(self.cluster.process.pid, self.stack.gateway.process.pid))

    def run(self, kind, seconds):
        before = self.cpu_s()
        found = run_calls(self.args.build, self.stack.gateway.address, kind, IN_FLIGHT, seconds, self.size)
        return {**found, "cpu_us": (self.cpu_s() - before) * 1e6 / found["calls"]}


def read_stat(pid):
    try:
        text = pathlib.Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    return text.rsplit(")", 1)[1].split()


def processes(postmaster, gateway):
    for path in pathlib.Path("/proc").glob("[0-9]*"):
        stat = read_stat(path.name)
        if stat and (int(path.name) in (postmaster, gateway) or int(stat[1]) == postmaster):
            yield int(path.name)


def times(pid):
    """Processor time of a process and of its children that have ended."""
    stat = read_stat(pid)
    return sum(map(int, stat[11:15])) / CLOCK_TICKS if stat else 0


def report(args, found):
    smallest = args.sizes[0]
    failed = []
    print(f"Medians of {args.rounds} rounds of {args.seconds} s, {IN_FLIGHT} calls under way:\n")
    print("| call | tasks stored | calls a second | against the smallest | p50, ms | p99, ms | processor time a call, us |")
    print("|---|---|---|---|---|---|---|")
    for kind in KINDS:
        for size in args.sizes:
            rounds = found[size, kind]
            ratio = statistics.median(now["per_s"] / then["per_s"]
                                      for now, then in zip(rounds, found[smallest, kind]))
            middle = {key: statistics.median(each[key] for each in rounds) for key in rounds[0]}
            print(f"| {kind} | {size:,} | {middle['per_s']:,.0f} | {ratio:.2f} | {middle['p50_ms']:.1f} "
                  f"| {middle['p99_ms']:.1f} | {middle['cpu_us']:.0f} |", flush=True)
            if ratio < 1 - MAX_FALL:
                failed.append(f"{kind}: with {size:,} tasks the rate is {ratio:.2f} of that with {smallest:,}")
    sys.exit("\n".join(failed) or None)


def main():
    summary, _, details = __doc__.strip().partition("\n\n")
    parser = argparse.ArgumentParser(description=summary, epilog=details,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build-dir", default="build/release")
    parser.add_argument("--sizes", default="1000,100000,10000000",
                        type=lambda text: [int(size) for size in text.split(",")])
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--waiting", type=int, default=20_000, help="tasks to lease that are made for each round")
    args = parser.parse_args()
    args.build = (ROOT / args.build_dir).resolve()
    found = {(size, kind): [] for size in args.sizes for kind in KINDS}
    with contextlib.ExitStack() as cleanup:
        cluster = start_server(cleanup)
        subjects = []
        for size in args.sizes:
            folder = pathlib.Path(tempfile.mkdtemp(prefix="sluice-bench-"))
            cleanup.callback(shutil.rmtree, folder, ignore_errors=True)
            subjects.append(Subject(args, cluster, size, folder))
            cleanup.callback(subjects[-1].stack.stop)
        for subject in subjects:
            subject.warm()
        for _ in range(args.rounds):
            for subject in subjects:
                subject.add_waiting()
                for kind in KINDS:
                    found[subject.size, kind].append(subject.run(kind, args.seconds))
        report(args, found)


if __name__ == "__main__":
    main()
