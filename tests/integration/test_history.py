"""Clients and workers that do anything at any time: what they were told has an explanation."""
import json
import os
import pathlib
import random
import subprocess

from sluicetest.client import Client

KINDS = {"BULKLOAD": 0.3, "FULL_MIGRATION": 0.4, "INCREMENTAL_SYNC": 0.3}  # and their share of steps
CLUSTERS = {"HBASE": {"clusterKey": "zk1:2181:/hbase"}, "LINDORM": {"clusterKey": "ld1:30020"},
            "FILE": {"root": "/srv/files"}, "POSTGRES": {"url": "postgresql://db.example/x"}}
SOURCES = {"BULKLOAD": ("FILE", "POSTGRES"), "FULL_MIGRATION": ("HBASE", "LINDORM"),
           "INCREMENTAL_SYNC": ("LINDORM", "HBASE")}

# Steps of programs without sanitizers; those with them are slower and take fewer.
STEPS = 110000
STEPS_SANITIZED = 12000


def test_replies_and_events_have_an_explanation(stack, protos):
    """
    Processes with eight threads each, one process a kind of task; leases end after a second. A seed that fails is printed, and
    SLUICE_TEST_SEED repeats the choices that it makes.
    """
    stack.start_gateway("--lease-ms", "1000")
    client = Client(stack.reflected())
    for kind, ends in SOURCES.items():
        for end, source_type in zip(("from", "to"), ends):
            client.add_source(f"{kind}-{end}", source_type, CLUSTERS[source_type])

    seed = os.environ.get("SLUICE_TEST_SEED") or str(random.getrandbits(32))
    nsteps = STEPS_SANITIZED if "SLUICE_TEST_TIME_SCALE" in os.environ else STEPS
    programs = [subprocess.Popen(
        ["/usr/bin/python3", "-B", "-m", "sluicetest.history_client", protos, stack.gateway.address,
         seed, str(int(nsteps * share)), kind],
        cwd=pathlib.Path(__file__).parent, stdout=subprocess.PIPE, text=True)
        for kind, share in KINDS.items()]
    found = [program.communicate()[0] for program in programs]
    for program, text in zip(programs, found):
        assert program.returncode == 0, f"seed {seed}: {text}"
    sums = [json.loads(text.splitlines()[-1]) for text in found]
    print(sums)
    for told, text in zip(sums, found):
        assert told["wrong"] == 0, f"seed {seed}: {text}"
    assert sum(told["steps"] for told in sums) >= nsteps - len(KINDS)
    # All was met, and more than once.
    for told in sums:
        for what in ("abort OK", "retry OK", "delete OK", "finish OK", "finish ABORTED", "report OK",
                     "report ABORTED", "abort ABORTED", "retry FAILED_PRECONDITION"):
            assert told["verbs"].get(what, 0) > 1, (what, told)
