"""
Workers that sleep for longer than their leases, with rows in hand, and wake up when others have their jobs: none of
what they do then counts. 200 jobs and more, many at once, with short leases.
"""
import json

import pytest

from chaostest.held import Held
from sluicetest.wait import wait_until

ROUNDS, SLEEPERS, JOBS = 6, 3, 12
LEASE_MS = 1000


@pytest.fixture
def held(stack, destination):
    stack.start_gateway("--lease-ms", LEASE_MS)
    stack.add_usual_sources(destination)
    return Held(stack, destination)


def start_worker(stack, name):
    return stack.start_worker("--worker-id", name, "--max-jobs", JOBS)


def refusals(worker, offset, tasks):
    """
    {task: how the worker has heard that its lease is lost}. tasks are those that it had; it may lease jobs of others,
    and the same ones anew.
    """
    found = {}
    for line in worker.events(offset):
        if line.get("task") not in tasks or line["task"] in found:
            continue
        if line["event"] == "job dropped":
            found[line["task"]] = line["reason"]
        elif line["event"] == "job finished":
            assert not line["is_accepted"], line
            found[line["task"]] = f"finish refused: {line['outcome']}"
    return found


def test_whoever_wakes_up_late_is_refused(stack, held):
    nrefused, reasons = 0, {}
    for number in range(ROUNDS):
        sleepers = [start_worker(stack, f"sleeper-{number}-{n}") for n in range(SLEEPERS)]
        held.start(SLEEPERS * JOBS, number)
        held.wait_until_held()
        owners = held.held_by()
        assert len(owners) == SLEEPERS * JOBS
        for sleeper in sleepers:
            sleeper.pause()
        # Every second time what they have sent to the server goes on while they sleep.
        if number % 2:
            held.open()
        others = [start_worker(stack, f"other-{number}-{n}") for n in range(SLEEPERS)]
        wait_until(lambda: not set(held.held_by().items()) & set(owners.items()), 30,
                   what="all jobs have been taken over")
        if number % 2:
            held.wait_for_end()
        asleep = [(sleeper, sleeper.log.stat().st_size,
                   {task for task, owner in owners.items() if owner == sleeper.options[3]})
                  for sleeper in sleepers]
        for sleeper in sleepers:
            sleeper.resume()

        def all_refused():
            return all(len(refusals(*one)) == len(one[2]) for one in asleep)
        wait_until(all_refused, 30, what="each sleeper drops each of its jobs")
        if not number % 2:
            held.open()
            held.wait_for_end()
        for one in asleep:
            for reason in refusals(*one).values():
                nrefused += 1
                reasons[reason] = reasons.get(reason, 0) + 1
        assert held.sinks() == []
        for worker in [*sleepers, *others]:
            worker.stop()
    print(json.dumps({"refused": nrefused, "reasons": reasons}))
    assert nrefused >= 200
