"""Clients and workers that do anything at any time: what they were told has an explanation."""
import json
import os
import pathlib
import random
import subprocess

from sluicetest import history
from sluicetest.client import Client
from sluicetest.history import Call, Event

# Kinds of tasks, and their share of the steps.
KINDS = {"BULKLOAD": 0.3, "FULL_MIGRATION": 0.4, "INCREMENTAL_SYNC": 0.3}
CLUSTERS = {"HBASE": {"clusterKey": "zk1:2181:/hbase"}, "LINDORM": {"clusterKey": "ld1:30020"},
            "FILE": {"root": "/srv/files"}, "POSTGRES": {"url": "postgresql://db.example/x"}}
SOURCES = {"BULKLOAD": ("FILE", "POSTGRES"), "FULL_MIGRATION": ("HBASE", "LINDORM"),
           "INCREMENTAL_SYNC": ("LINDORM", "HBASE")}

# Steps of programs without sanitizers; those with them are slower and take fewer.
STEPS = 110000
STEPS_SANITIZED = 12000


def test_replies_and_events_have_an_explanation(stack, protos):
    """
    Processes with eight threads each, one process a kind of task; leases end after a second. A seed
    that fails is printed, and SLUICE_TEST_SEED repeats the choices that it makes.
    """
    # What a crash leaves is the matter of other tests.
    stack.database.rows(f"ALTER DATABASE {stack.database.name} SET synchronous_commit = off")
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
        for what in ("abort OK", "retry OK", "delete OK", "finish OK", "finish ABORTED",
                     "report OK", "report ABORTED", "abort ABORTED", "retry FAILED_PRECONDITION"):
            assert told["verbs"].get(what, 0) > 1, (what, told)


# --- what the check finds

JOB = {"id": "j", "role": "SCHEMA", "table": "t", "token": 1, "worker": "w"}
TASK = history.create("FULL_MIGRATION", ("t",), ())
CALLS = [
    Call(0, 1, "lease", JOB, ("OK", 1, 1, ("t",))),
    Call(2, 3, "get", {}, ("OK", "RUNNING", "WAIT_FOR_SCHEMA", 2, "", "",
                           (("FULL", "t", "WAITING", 0), ("SCHEMA", "t", "RUNNING", 1)))),
    Call(4, 9, "abort", {"etag": None}, ("OK", "KILLED", "WAIT_FOR_SCHEMA", 4, "", "x")),
    Call(5, 8, "label", {"etag": 2, "labels": "x"},
         ("OK", "RUNNING", "WAIT_FOR_SCHEMA", 3, "", "x")),
    Call(10, 11, "finish", {**JOB, "outcome": "SUCCEEDED", "message": ""}, ("ABORTED",)),
]
EVENTS = [Event("PENDING", "RUNNING", "WAIT_FOR_SCHEMA", "", "w"),
          Event("RUNNING", "RUNNING", "WAIT_FOR_SCHEMA", "", "client"),
          Event("RUNNING", "KILLED", "WAIT_FOR_SCHEMA", "", "client")]


def changed(number, **change):
    """CALLS with another one in the place of one of them."""
    return [Call(**{**vars(call), **change}) if i == number else call
            for i, call in enumerate(CALLS)]


def test_what_is_wrong_has_no_explanation():
    # The label came first, although the abort began before it.
    assert history.explain(TASK, CALLS, EVENTS) == ""
    assert history.explain(TASK, CALLS, None) == ""
    for calls, events in [
            (CALLS, EVENTS[:2]),  # an event is missing,
            (CALLS, [*EVENTS, EVENTS[2]]),  # or there is one too many
            (CALLS, [EVENTS[0], EVENTS[2], EVENTS[1]]),
            (CALLS, [EVENTS[0]._replace(actor="other"), *EVENTS[1:]]),
            (CALLS[1:], EVENTS),  # a job is running that nobody was given
            ([*CALLS, Call(0.2, 0.9, "lease", JOB, ("OK", 2, 2, ("t",)))], EVENTS),  # leased twice
            (changed(0, about={**JOB, "token": 0}, reply=("OK", 0, 1, ("t",))), EVENTS),  # a token that is not new
            (changed(2, ended=4.5), EVENTS),  # the abort had ended before the label began
            (changed(3, reply=("OK", "RUNNING", "WAIT_FOR_SCHEMA", 2, "", "x")), EVENTS),
            (changed(3, about={"etag": 1, "labels": "x"}), EVENTS),  # an older etag was let through
            (changed(4, reply=("OK",)), EVENTS),  # so was a worker whose job was killed
            (changed(1, reply=("NOT_FOUND",)), EVENTS)]:
        assert history.explain(TASK, calls, events), (calls, events)
