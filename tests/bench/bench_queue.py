#!/usr/bin/python3 -B
"""
How many small jobs a second are leased and finished, durably and one by one, beside graphile-worker and pg-boss on the same
PostgreSQL.

    tests/bench/bench_queue.py [--build-dir build/release] [--peers FOLDER] [--seconds N] [--rounds N]

FOLDER is where the peers of tests/bench/peers/queue are installed: npm install --prefix FOLDER after copying that folder's
files there. Without it only Sluice is measured. A job does nothing; its worker ends it by the call that leases the next one
(ExchangeJob), or where that is said leases by one call and finishes by another one. Ways take turns, each round a fresh database. Prints a table in Markdown, and with it the ratio of each round to
the same peer; fails if Sluice is not twice as fast as each peer that takes its jobs one by one, too.
"""
import argparse
import contextlib
import json
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile

from server import ROOT, start_server
from sluicetest.stack import Stack

BAR = 2

# Bulk imports as CreateTask makes them: two jobs, the second of which waits for the first.
SEED = """
INSERT INTO data_source (name, type, parameters_json)
VALUES ('files', 'FILE', '{"root": "/srv/files"}'), ('db', 'POSTGRES', '{"url": "postgresql://db/app"}')
    ON CONFLICT DO NOTHING;
CREATE TEMP TABLE seed AS
SELECT i, 'proc-' || i || '-' || lpad(to_hex(i), 32, '0') AS id FROM generate_series(%(first)s, %(last)s) i;
INSERT INTO task (id, kind, source, destination, spec, state, stage, create_time, update_time, start_time, end_time)
SELECT id, 'BULKLOAD', 'files', 'db', '\\x2001', '%(state)s', '%(stage)s', at, at, began, ended
  FROM seed, LATERAL (SELECT now() - (%(last)s - i) * interval '10 ms' AS at) t,
       LATERAL (SELECT CASE '%(state)s' WHEN 'PENDING' THEN NULL ELSE at END AS began,
                       CASE '%(state)s' WHEN 'PENDING' THEN NULL ELSE at END AS ended) e
 ORDER BY i;
INSERT INTO job (id, task_id, step, role, state, table_name, capability, lease_end_time, start_time, end_time)
SELECT prefix || '-' || lpad(to_hex(i), 32, '0'), id, step, role,
       CASE '%(state)s' WHEN 'PENDING' THEN first_state ELSE 'SUCCEEDED' END, 'public:t', 'bulkload:file:postgres',
       now() - (%(last)s - i) * interval '10 ms', CASE '%(state)s' WHEN 'PENDING' THEN NULL ELSE now() END,
       CASE '%(state)s' WHEN 'PENDING' THEN NULL ELSE now() END
  FROM seed, (VALUES ('schema', 1, 'SCHEMA', 'READY'), ('fulldata', 3, 'FULL', 'WAITING'))
       AS plan(prefix, step, role, first_state)
 ORDER BY i, step;
INSERT INTO task_event (task_id, actor, state, stage)
SELECT id, 'client', state, stage
  FROM seed, (VALUES ('PENDING', 'WAIT_FOR_START'), ('RUNNING', 'WAIT_FOR_SCHEMA'), ('RUNNING', 'WAIT_FOR_SUCCESS'),
                     ('SUCCEEDED', 'FINISHED')) AS past(state, stage)
 WHERE '%(state)s' <> 'PENDING' OR state = 'PENDING'
 ORDER BY i;
SELECT setval('bulkload_number', greatest(last_value, %(last)s)) FROM bulkload_number;
DROP TABLE seed;
"""


def seed_tasks(database, first, last, ended=False):
    """Tasks first .. last, which wait for workers or have all SUCCEEDED."""
    state, stage = ("SUCCEEDED", "FINISHED") if ended else ("PENDING", "WAIT_FOR_START")
    database.rows(SEED % {"first": first, "last": last, "state": state, "stage": stage})


def run_calls(build, address, kind, in_flight, seconds, ntasks=1):
    """What bench_load says."""
    out = subprocess.run([build / "bench_load", address, kind, str(in_flight), str(seconds), str(ntasks)],
                         check=True, capture_output=True, text=True)
    return json.loads(out.stdout)


class Sluice:
    def __init__(self, args, workers, kind="exchange"):
        self.args = args
        self.workers = workers
        self.kind = kind
        self.name = f"Sluice, {workers} workers" + (", two calls a job" if kind == "finish" else "")
        self.is_bar = False

    def run(self, cluster, folder):
        database = cluster.create_database()
        stack = Stack(self.args.build, database, folder)
        try:
            stack.migrate()
            seed_tasks(database, 1, self.args.jobs // 2)
            database.rows("VACUUM ANALYZE")
            stack.start_gateway()
            address = stack.gateway.address
            run_calls(self.args.build, address, self.kind, self.workers, 1)
            return run_calls(self.args.build, address, self.kind, self.workers, self.args.seconds)["per_s"]
        finally:
            stack.stop()
            database.drop()


class Peer:
    def __init__(self, args, name, script, settings, jobs, is_bar):
        self.args = args
        self.name = name
        self.script = script
        self.settings = settings
        self.jobs = jobs
        self.is_bar = is_bar

    def node(self, *arguments):
        out = subprocess.run(["node", self.args.peers / self.script, *map(str, arguments)], check=True,
                             stdout=subprocess.PIPE, text=True, cwd=self.args.peers)
        return json.loads(out.stdout) if out.stdout else None

    def run(self, cluster, _):
        database = cluster.create_database()
        try:
            self.node(database.url, "prepare", self.jobs)
            workers, *rest = self.settings
            return self.node(database.url, "run", workers, self.args.seconds, *rest)["per_s"]
        finally:
            database.drop()


def make_ways(args):
    ways = [Sluice(args, 16), Sluice(args, 64), Sluice(args, 256), Sluice(args, 256, "finish")]
    if args.peers:
        ways += [
            Peer(args, "graphile-worker, concurrency 24", "graphile.js", [24], args.jobs, True),
            Peer(args, "graphile-worker, concurrency 24, 500 locked at once", "graphile.js", [24, 500],
                 args.jobs, False),
            Peer(args, "pg-boss, 16 loops, 4,000 queued", "boss.js", [16], 4000, True),
            Peer(args, "pg-boss, 16 loops, 100 fetched at once", "boss.js", [16, 100], args.jobs, False),
        ]
    return ways


def report(args, ways, rates):
    best = max((way for way in ways if isinstance(way, Sluice)), key=lambda way: statistics.median(rates[way]))
    print(f"Medians of {args.rounds} rounds of {args.seconds} s:\n")
    print(f"| way | jobs a second | rate of {best.name} against it |")
    print("|---|---|---|")
    failed = []
    for way in ways:
        ratio = statistics.median(ours / rate for ours, rate in zip(rates[best], rates[way]))
        print(f"| {way.name} | {statistics.median(rates[way]):,.0f} | {ratio:.2f} |")
        if way.is_bar and ratio < BAR:
            failed.append(f"{best.name} has {ratio:.2f} times the rate of {way.name}; it should have {BAR}")
    sys.exit("\n".join(failed) or None)


def main():
    summary, _, details = __doc__.strip().partition("\n\n")
    parser = argparse.ArgumentParser(description=summary, epilog=details,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build-dir", default="build/release")
    parser.add_argument("--peers", type=pathlib.Path)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--jobs", type=int, default=100_000)
    args = parser.parse_args()
    args.build = (ROOT / args.build_dir).resolve()
    args.peers = args.peers and args.peers.resolve()
    with contextlib.ExitStack() as cleanup:
        cluster = start_server(cleanup)
        ways = make_ways(args)
        rates = {way: [] for way in ways}
        for _ in range(args.rounds):
            for way in ways:
                folder = pathlib.Path(tempfile.mkdtemp(prefix="sluice-bench-"))
                cleanup.callback(shutil.rmtree, folder, ignore_errors=True)
                rates[way].append(way.run(cluster, folder))
        report(args, ways, rates)


if __name__ == "__main__":
    main()
