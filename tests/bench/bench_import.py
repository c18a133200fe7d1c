#!/usr/bin/python3 -B
"""
How fast a bulk import is, against psql's \\copy of the same CSV into the same table, in turns.

    tests/bench/bench_import.py [--rows N] [--runs N] [--build-dir build/release] [--folder D]

Starts a PostgreSQL and the programs of its own, makes the rows, and then does each way of loading once a run. The table
is empty before each and checked after it. Prints a table in Markdown: medians, also of each run's ratio to its \\copy.
"""
import argparse
import contextlib
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time

from server import ROOT, start_server
from sluicetest import grpc_client, seed
from sluicetest.stack import ENDED, Stack

TABLE = '"default".bulkload_test'
TICKS = os.sysconf("SC_CLK_TCK")
WAYS = {"psql \\copy, CSV": None, "import, CSV": ("csv/", "CSV"),
        "import, Parquet": ("parquet/", "Parquet"),
        "import, Parquet, large row groups": ("large/", "Parquet")}


def cpu_seconds(pid):
    """What a process and its threads have used."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def resident_mb(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        return next(int(line.split()[1]) / 1024 for line in f if line.startswith("VmRSS"))


class Sampler:
    """Watches a process's memory every 20 ms: peak_mb while it is entered."""

    def __init__(self, pid):
        self.pid = pid
        self.peak_mb = 0.0
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def _run(self):
        while not self._done.wait(0.02):
            self.peak_mb = max(self.peak_mb, resident_mb(self.pid))

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._done.set()
        self._thread.join()


# Six columns of as many types as usual tables have; every tenth row has a null.
SAMPLE = """
    SELECT printf('row%010d', i) AS id,
           ((i * 2654435761) % 2000000000)::INTEGER AS intcol,
           (i * 1.0000001 / 7)::DOUBLE AS doublecol,
           'string value number ' || (i % 100000) AS stringcol,
           CASE WHEN i % 10 <> 0 THEN md5(i::VARCHAR) END AS string1col,
           ((i * 7919) % 10000000000 / 100.0)::DECIMAL(18, 2) AS decimalcol
      FROM range({rows}) AS numbers(i)"""


class Bench:
    def __init__(self, args, folder, stack, destination):
        self.rows = args.rows
        self.stack = stack
        self.destination = destination
        self.files = stack.files
        self.results = {way: [] for way in WAYS}
        self.psql = destination.cluster.bin / "psql"
        self.duckdb_sql = args.build / "duckdb_sql"
        self.folder = folder

    def make_files(self):
        for name in ("csv", "parquet", "large"):
            (self.files / name).mkdir()
        rows = SAMPLE.format(rows=self.rows)
        subprocess.run([self.duckdb_sql] + [
            f"COPY ({rows}) TO '{self.files}/{name}' ({form})" for name, form in (
                ("csv/sample.csv", "FORMAT csv, HEADER false"),
                ("parquet/sample.parquet", "FORMAT parquet, COMPRESSION zstd"),
                ("large/sample.parquet",
                 "FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 1000000"))], check=True)

    def make_table(self):
        """As an import makes it: by importing one row."""
        (self.files / "one").mkdir()
        (self.files / "one" / "one.csv").write_text("a,1,1,a,a,1\n", encoding="ascii")
        self.run_import("one/", "CSV")

    def run_import(self, folder, file_type):
        reply = self.stack.rest.post_form(seed.CREATE, seed.form(folder, file_type))
        assert reply.status == 200, reply.text
        task_id = reply.json()["message"]
        while (state := self.stack.state(task_id)) not in ENDED:
            time.sleep(0.02)
        assert state == "SUCCEEDED", self.stack.task(task_id).message

    def run_copy(self):
        command = f"\\copy {TABLE} FROM '{self.files}/csv/sample.csv' WITH (FORMAT csv)"
        subprocess.run([self.psql, "-X", "-q", "-d", self.destination.url, "-c", command],
                       check=True)

    def measure(self, way):
        self.destination.rows(f"TRUNCATE {TABLE}")
        self.destination.rows("CHECKPOINT")
        worker = self.stack.worker.process.pid
        used = cpu_seconds(worker)
        start = time.monotonic()
        with Sampler(worker) as sampler:
            if WAYS[way]:
                self.run_import(*WAYS[way])
            else:
                self.run_copy()
        seconds = time.monotonic() - start
        found = self.destination.value(f"SELECT count(*) FROM {TABLE}")
        assert found == self.rows, f"{way}: {found} rows"
        self.results[way].append((seconds, sampler.peak_mb, cpu_seconds(worker) - used))
        print(f"{way}: {seconds:.2f} s, {self.rows / seconds / 1e6:.2f} million rows/s, "
              f"worker {sampler.peak_mb:.0f} MB", file=sys.stderr)

    def print_table(self):
        base = [s for s, _, _ in self.results["psql \\copy, CSV"]]
        nruns = len(base)
        print(f"{self.rows:,} rows, medians of {nruns} runs on {os.cpu_count()} cores, everything "
              "on one machine:\n")
        print("| way | seconds | million rows/s | rate against `\\copy` | worker's processor time |"
              " worker's peak memory |")
        print("|---|---|---|---|---|---|")
        for way, results in self.results.items():
            seconds = statistics.median(s for s, _, _ in results)
            ratio = statistics.median(b / s for b, (s, _, _) in zip(base, results))
            cpu = statistics.median(c for _, _, c in results)
            peak = max(mb for _, mb, _ in results)
            worker = f"{cpu:.1f} s | {peak:.0f} MB" if WAYS[way] else "- | -"
            print(f"| {way} | {seconds:.2f} | {self.rows / seconds / 1e6:.2f} | "
                  f"{ratio:.2f} | {worker} |")


def parse_args():
    summary, _, details = __doc__.strip().partition("\n")
    parser = argparse.ArgumentParser(description=summary, epilog=details,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=5_000_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--build-dir", default="build/release")
    parser.add_argument("--folder", help="where files and logs are kept; default: a temporary one")
    parser.add_argument("--only", action="append", choices=list(WAYS), help="besides \\copy")
    args = parser.parse_args()
    args.build = (ROOT / args.build_dir).resolve()
    return args


def run(args, folder, cleanup):
    grpc_client.compile_protos(folder / "protos")
    cluster = start_server(cleanup)
    destination = cluster.create_database()
    stack = Stack(args.build, cluster.create_database(), folder)
    cleanup.callback(stack.stop)
    stack.start()
    stack.add_usual_sources(destination)
    bench = Bench(args, folder, stack, destination)
    bench.make_files()
    bench.make_table()
    for _ in range(args.runs):
        for way in WAYS:
            if not args.only or way in args.only or not WAYS[way]:
                bench.measure(way)
    bench.results = {way: found for way, found in bench.results.items() if found}
    bench.print_table()


def main():
    args = parse_args()
    with contextlib.ExitStack() as cleanup:
        folder = pathlib.Path(args.folder or tempfile.mkdtemp(prefix="sluice-bench-"))
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "protos").mkdir(exist_ok=True)
        if not args.folder:
            cleanup.callback(shutil.rmtree, folder, ignore_errors=True)
        run(args, folder, cleanup)


if __name__ == "__main__":
    main()
