#!/usr/bin/python3 -B
"""
Whether the tables stay as small as what is kept, while tasks come, run, end and are removed as old.

    tests/bench/bench_soak.py [--build-dir build/release] [--tasks N] [--waiting N] [--minutes N]
                              [--settings RELATION=SETTING=VALUE,...]

As many tasks wait at the beginning of each slice of time; workers lease and finish their jobs as fast as they can. Triggers make
each end, and each trace of a removed task, look days old, so the gateway removes all of it at once. Prints a line for each slice:
what there is, how large tables and indexes are, how many jobs ended a second, and the processor time of all programs but the client
for a job. Fails if the last third of the slices has tables half as large again as the second, or a job takes a fourth more
processor time: unlike the rate, it hardly depends on what else the machine does. It ends after --minutes with as many tasks as
there were. --settings tries others of autovacuum.
"""
import argparse
import contextlib
import pathlib
import shutil
import statistics
import sys
import tempfile
import time

from bench_growth import processes, times
from bench_queue import run_calls, seed_tasks
from server import ROOT, start_server
from sluicetest.stack import Stack

SLICE_S = 10
WORKERS = 256
MAX_GROWTH = 1.5
MAX_COST = 1.25
TABLES = ("task", "job", "task_event", "task_tombstone")
AGING = """
CREATE FUNCTION soak_age_task() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    NEW.end_time := NEW.end_time - interval '8 days'; RETURN NEW; END $$;
CREATE TRIGGER soak_age BEFORE UPDATE ON task FOR EACH ROW
    WHEN (OLD.end_time IS NULL AND NEW.end_time IS NOT NULL) EXECUTE FUNCTION soak_age_task();
CREATE FUNCTION soak_age_tombstone() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    NEW.time := NEW.time - interval '8 days'; RETURN NEW; END $$;
CREATE TRIGGER soak_age BEFORE INSERT ON task_tombstone FOR EACH ROW EXECUTE FUNCTION soak_age_tombstone();
"""


def sizes(database):
    """{table: (bytes of it, bytes of its indexes)}."""
    return {name: database.rows("SELECT pg_table_size(%s::regclass), pg_indexes_size(%s::regclass)", name, name)[0]
            for name in TABLES}


def cpu_s(cluster, stack):
    """Of the gateway, PostgreSQL and all that PostgreSQL has started."""
    return sum(map(times, processes(cluster.process.pid, stack.gateway.process.pid)))


def soak(args, cluster, stack):
    database = stack.database
    slices = []
    made = 0
    begin = time.monotonic()
    print("| seconds | tasks made | there are | ended | tables, MB | indexes, MB | jobs a second | processor time a job, us |")
    print("|---|---|---|---|---|---|---|---|")
    while made < args.tasks and time.monotonic() - begin < args.minutes * 60:
        waiting = database.value("SELECT count(*) FROM task WHERE end_time IS NULL")
        seed_tasks(database, made + 1, made + args.waiting - waiting)
        made += args.waiting - waiting
        before = cpu_s(cluster, stack)
        run = run_calls(args.build, stack.gateway.address, "finish", WORKERS, SLICE_S)
        cost = (cpu_s(cluster, stack) - before) * 1e6 / run["calls"]
        there, ended = database.rows("SELECT count(*), count(end_time) FROM task")[0]
        found = sizes(database)
        tables, indexes = (sum(pair[i] for pair in found.values()) for i in (0, 1))
        slices.append((tables + indexes, cost, found))
        print(f"| {time.monotonic() - begin:.0f} | {made:,} | {there:,} | {ended:,} | {tables / 1e6:.0f} "
              f"| {indexes / 1e6:.0f} | {run['per_s']:,.0f} | {cost:.0f} |", flush=True)
    return slices


def judge(slices):
    third = max(len(slices) // 3, 1)
    second, last = slices[third:2 * third] or slices, slices[-third:]
    size = max(now[0] for now in last) / max(now[0] for now in second)
    cost = statistics.median(now[1] for now in last) / statistics.median(now[1] for now in second)
    print("\nAt the end, MB of tables and indexes: " + ", ".join(
        f"{name} {table / 1e6:.1f} + {index / 1e6:.1f}" for name, (table, index) in slices[-1][2].items()))
    print(f"The last third against the second: size {size:.2f}, processor time a job {cost:.2f}")
    if size > MAX_GROWTH:
        return "tables grow although what is old goes"
    return "a job costs more than before" if cost > MAX_COST else None


def main():
    summary, _, details = __doc__.strip().partition("\n\n")
    parser = argparse.ArgumentParser(description=summary, epilog=details,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build-dir", default="build/release")
    parser.add_argument("--tasks", type=int, default=1_000_000)
    parser.add_argument("--waiting", type=int, default=20_000)
    parser.add_argument("--minutes", type=float, default=120, help="where it ends although there were fewer tasks")
    parser.add_argument("--settings", default="", help="RELATION=SETTING=VALUE, between commas")
    args = parser.parse_args()
    args.build = (ROOT / args.build_dir).resolve()
    with contextlib.ExitStack() as cleanup:
        cluster = start_server(cleanup)
        folder = pathlib.Path(tempfile.mkdtemp(prefix="sluice-bench-"))
        cleanup.callback(shutil.rmtree, folder, ignore_errors=True)
        database = cluster.create_database()
        stack = Stack(args.build, database, folder)
        stack.migrate()
        database.rows(AGING)
        for setting in filter(None, args.settings.split(",")):
            relation, name, value = setting.split("=")
            database.rows(f"ALTER TABLE {relation} SET ({name} = {value})")
        cleanup.callback(stack.stop)
        stack.start_gateway("--keep-tasks-days", 7)
        sys.exit(judge(soak(args, cluster, stack)))


if __name__ == "__main__":
    main()
