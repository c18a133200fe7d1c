"""What the benchmarks of steadiness share: gateways on databases of their own, and rates that are taken in turns."""
import argparse
import contextlib
import pathlib
import shutil
import statistics
import subprocess
import tempfile

from bench_queue import run_calls
from server import ROOT, start_server
from sluicetest.stack import Stack

SOURCES = """
INSERT INTO data_source (name, type, parameters_json)
VALUES ('files', 'FILE', '{"root": "/srv/files"}'), ('db', 'POSTGRES', '{"url": "postgresql://db/app"}')
    ON CONFLICT DO NOTHING
"""


class Bench:
    """Everything that a benchmark starts; all is gone at the end."""

    def __init__(self, build):
        self.build = build
        self.cleanup = contextlib.ExitStack()
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="sluice-bench-"))
        self.cleanup.callback(shutil.rmtree, self.folder, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.cleanup.close()

    def add_cluster(self):
        return start_server(self.cleanup)

    def add_gateway(self, cluster, name):
        """A gateway on a fresh database, which has two data sources."""
        folder = self.folder / name
        folder.mkdir()
        stack = Stack(self.build, cluster.create_database(), folder)
        self.cleanup.callback(stack.stop)
        stack.start_gateway()
        stack.database.rows(SOURCES)
        return stack


def parse(description, **options):
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--build-dir", default="build/release")
    for name, default in options.items():
        parser.add_argument(f"--{name}", type=type(default), default=default)
    args = parser.parse_args()
    args.build = (ROOT / args.build_dir).resolve()
    return args


def rate(stack, kind, seconds, in_flight=64):
    """Calls a second, or 0 if one has failed."""
    try:
        return run_calls(stack.build, stack.gateway.address, kind, in_flight, seconds)["per_s"]
    except subprocess.CalledProcessError:
        return 0


def in_turns(one, other, kind, seconds, rounds):
    """The rates of both, round by round, and the median of the ratios."""
    pairs = [(rate(one, kind, seconds), rate(other, kind, seconds)) for _ in range(rounds)]
    return pairs, statistics.median(a / b for a, b in pairs if b)
