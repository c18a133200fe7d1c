"""
Random calls by many clients and workers at once, checked against a model of what tasks may do
(sluicetest/model.py).

A failing run prints its seed: with SLUICE_MODEL_SEED=<seed> each client asks for the same again.
"""
import collections
import multiprocessing
import os
import random

from google.protobuf import json_format

from sluicetest import model
from sluicetest.client import ALL_JOBS, Client, task

NPROCESSES = 8
NTHREADS = 1
NSTEPS = 100_000
TABLES = {"tableNames": ["t1", "t2"]}


def templates(api):
    made = [task(), {"source": "hb1", "destination": "hb2", "fullMigration": TABLES},
            {"source": "hb1", "destination": "hb2", "incrementalSync": TABLES}]
    return [json_format.ParseDict(one, api.task.Task()).SerializeToString() for one in made]


def read_tasks(database):
    """Events, state, etag, name and the states of the jobs of all tasks that there are."""
    events, jobs = collections.defaultdict(list), collections.defaultdict(list)
    for task_id, *event in database.rows(
            "SELECT task_id, actor, state, stage FROM task_event ORDER BY seq"):
        events[task_id].append(model.Event(*event))
    for task_id, state in database.rows("SELECT task_id, state FROM job"):
        jobs[task_id].append(state)
    return {task_id: (events[task_id], row, jobs[task_id]) for task_id, *row in
            database.rows("SELECT id, state, version, display_name FROM task")}


def test_tasks_do_what_the_model_says(stack, protos):
    seed = os.environ.get("SLUICE_MODEL_SEED") or str(random.randrange(10**9))
    print(f"SLUICE_MODEL_SEED={seed}")
    # What a crash leaves is the matter of other tests.
    stack.database.rows(f"ALTER DATABASE {stack.database.name} SET synchronous_commit = off")
    stack.start_gateway("--lease-ms", "1000")
    client = Client(stack.reflected())
    client.add_sources(hb1=("HBASE", {"clusterKey": "zk1:2181:/hbase"}),
                       hb2=("HBASE", {"clusterKey": "zk2:2181:/hbase"}))
    context = multiprocessing.get_context("spawn")
    with context.Pool(NPROCESSES) as pool:
        done = pool.starmap(model.run_clients, [
            (protos, stack.gateway.address, [f"{p}-{t}" for t in range(NTHREADS)], seed,
             NSTEPS // NPROCESSES // NTHREADS + 1, ALL_JOBS, templates(stack.api))
            for p in range(NPROCESSES)])
    records = [model.Record(*r) for found, _, _ in done for r in found]
    assert not [failure for _, _, failures in done for failure in failures]
    assert sum(ncalls for _, ncalls, _ in done) >= NSTEPS
    wrong = model.check_history(records, read_tasks(stack.database))
    assert not wrong, f"SLUICE_MODEL_SEED={seed}, {len(wrong)} in all:\n" + "\n".join(wrong[:5])


# --- what the check finds

EVENTS = [model.Event("client", "PENDING", "WAIT_FOR_START"),
          model.Event("w", "RUNNING", "WAIT_FOR_SUCCESS"),
          model.Event("client", "RUNNING", "WAIT_FOR_SUCCESS"),
          model.Event("client", "KILLED", "WAIT_FOR_SUCCESS")]
HISTORY = [("create", 1, "OK", 1, "PENDING", ()), ("lease", 2, "OK", 0, "", ("j", 5)),
           ("report", 3, "OK", 0, "", ("j", 5, "")), ("update", 4, "OK", 3, "RUNNING", ()),
           ("get", 5, "OK", 3, "RUNNING", ()), ("abort", 6, "OK", 4, "KILLED", ()),
           ("retry", 7, "FAILED_PRECONDITION", 0, "", ()), ("report", 8, "STOP", 0, "", ("j", 5, ""))]


def complaints(history=HISTORY, events=EVENTS, row=("KILLED", 4, "n"), jobs=("KILLED",)):
    records = [model.Record("w", at, at + 0.5, op, "t", (0, "n"), code, etag, state, extra)
               for op, at, code, etag, state, extra in history]
    return model.check_history(records, {"t": (events, row, list(jobs))} if row else {})


def without(*ops):
    return [step for step in HISTORY if step[0] not in ops]


def test_the_check_finds_what_is_wrong():
    legal = without("retry")
    assert complaints(legal) == []
    for wrong in [
            {"history": HISTORY},  # a retry of a killed task is refused
            {"history": legal, "events": EVENTS[:2] + EVENTS[3:]},  # an update is not in the history
            {"history": without("retry", "update")},  # or nobody was told of it
            {"history": [*legal, ("update", 9, "OK", 4, "KILLED", ())]},  # two changes, one etag
            {"history": [*legal, ("get", 9, "OK", 3, "RUNNING", ())]},  # what was told is forgotten
            {"history": [*legal, ("get", 9, "NOT_FOUND", 0, "", ())]},
            {"history": [*legal, ("report", 9, "OK", 0, "", ("j", 5, ""))]},  # of a stopped job
            {"history": [*legal, ("lease", 9, "OK", 0, "", ("j", 5))]},  # a token twice
            {"history": [*legal, ("lease", 9, "OK", 0, "", ("j", 6)),
                         ("report", 10, "OK", 0, "", ("j", 5, ""))]},
            {"history": [*legal, ("finish", 9, "OK", 0, "", ("j", 5, "FAILED"))]},
            {"history": legal, "jobs": ["RUNNING"]}, {"history": legal, "row": ("KILLED", 5, "n")},
            {"history": legal, "row": ("KILLED", 4, "other")}, {"history": legal, "row": None},
            {"history": legal, "events": [EVENTS[0], *EVENTS[2:]]}]:
        assert complaints(**wrong), wrong
