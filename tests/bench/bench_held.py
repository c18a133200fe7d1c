#!/usr/bin/python3 -B
"""
What a transaction that stays open costs those who lease and finish jobs: its snapshot keeps all that was updated and deleted since.

    tests/bench/bench_held.py [--build-dir build/release] [--seconds N] [--window N]

Two gateways on two databases of one PostgreSQL take turns; a transaction is held open in the first database alone, for
--seconds of the time in which that one is called. Prints a table in Markdown: both rates and their ratio, before and while it is open.
Fails if the ratio falls by more than 10 %.
"""
import statistics
import sys
import time

import psycopg2

from bench_queue import seed_tasks
from steady import Bench, in_turns, parse, rate

BAR = 0.9
DEAD = "SELECT sum(n_dead_tup) FROM pg_stat_user_tables WHERE relname IN ('task', 'job')"
WORK = """
SELECT (SELECT blks_hit + blks_read FROM pg_stat_database WHERE datname = current_database()),
       (SELECT idx_tup_read FROM pg_stat_user_indexes WHERE indexrelname = 'job_leasable'),
       (SELECT count(*) FROM job WHERE state = 'SUCCEEDED')
"""
SPARE = 1.5  # jobs, so that there are some to the end


def work_of(stack):
    """What the database has done so far; it tells its statistics when sessions fall idle for a moment."""
    time.sleep(2)
    return stack.database.rows(WORK)[0]


def run(what, held, control, seconds, rounds):
    """The ratios of the rates and of the blocks that a job takes."""
    first = [work_of(stack) for stack in (held, control)]
    pairs, ratio = in_turns(held, control, "finish", seconds, rounds)
    last = [work_of(stack) for stack in (held, control)]
    rates = [statistics.median(column) for column in zip(*pairs)]
    blocks, entries = ([(b[at] - a[at]) / (b[2] - a[2]) for a, b in zip(first, last)] for at in (0, 1))
    dead = held.database.value(DEAD)
    print(f"| {what} | {rates[0]:.0f} | {rates[1]:.0f} | {ratio:.2f} | {blocks[0]:.0f} | {blocks[1]:.0f} "
          f"| {entries[0]:.1f} | {entries[1]:.1f} | {dead} |", flush=True)
    return ratio, blocks[0] / blocks[1]


def main():
    args = parse(__doc__, seconds=60, window=2, in_flight=64)
    with Bench(args.build) as bench:
        cluster = bench.add_cluster()
        held, control = (bench.add_gateway(cluster, name) for name in ("held", "control"))
        for stack in (held, control):
            seed_tasks(stack.database, 1, 20000)
        per_s = max(rate(held, "finish", args.window), rate(control, "finish", args.window))
        ntasks = int(per_s * (args.seconds + 20 * args.window) / 2 * SPARE)
        for stack in (held, control):
            seed_tasks(stack.database, 20001, 20000 + ntasks)
            stack.database.rows("VACUUM ANALYZE")
        print("| | jobs a second: held | the other | ratio | blocks a job: held | the other "
              "| entries of job_leasable a job: held | the other | dead rows |")
        print("|---|---|---|---|---|---|---|---|---|")
        in_turns(held, control, "finish", args.window, 1)
        before, _ = run("before", held, control, args.window, 5)
        session = psycopg2.connect(held.database.url)
        session.set_session(isolation_level="REPEATABLE READ")
        session.cursor().execute("SELECT count(*), txid_current() FROM data_source")
        rounds = max(4, args.seconds // args.window)
        for part in range(4):
            after, _ = run(f"open, part {part + 1} of 4", held, control, args.window, rounds // 4)
        session.close()
    sys.exit(after / before < BAR)


if __name__ == "__main__":
    main()
