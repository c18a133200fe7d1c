"""
Clusters to try things with, until Enter is pressed or the input ends:

    /usr/bin/python3 tests/hbase/hbasetest [--region-servers N] [--access-control] [--hbase-version V] NAME ...

prints a JSON object for each: its key, its ports, its processes.
"""
import argparse
import pathlib
import sys

TESTS = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(TESTS / "hbase"), str(TESTS / "integration")]

from hbasetest.build import Build  # noqa: E402
from hbasetest.harness import HBase  # noqa: E402


def main():
    parser = argparse.ArgumentParser(prog="hbasetest", description="Starts clusters of HBase.")
    parser.add_argument("--region-servers", type=int, default=1)
    parser.add_argument("--access-control", action="store_true")
    parser.add_argument("--hbase-version")
    parser.add_argument("names", nargs="+", metavar="NAME")
    options = parser.parse_args()
    hbase = HBase(Build(options.hbase_version))
    try:
        for cluster in hbase.start_all(*options.names, region_servers=options.region_servers,
                                       access_control=options.access_control):
            print((cluster.folder / "cluster.json").read_text(), flush=True)
        sys.stdin.readline()
    finally:
        hbase.remove()


main()
