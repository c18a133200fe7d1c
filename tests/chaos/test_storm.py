"""
A killer strikes while clients, workers and imports go on. Afterwards what they were told is held against what there
is. `--strikes 1000` is the long form.
"""
import collections
import json
import time

import pytest

from chaostest.check import check
from chaostest.imports import Importer
from chaostest.killer import Killer
from chaostest.recorder import Client, Recorder, Watcher, Worker
from chaostest.world import World
from sluicetest.rest import Rest
from sluicetest.wait import wait_until

CLIENTS, WORKERS, IMPORTERS, WATCHERS = 3, 2, 2, 2


@pytest.fixture
def world(request, build, protos, tmp_path):
    made = World(build, tmp_path)
    request.node.sluice_stack = made.stack
    try:
        made.start()
        yield made
    finally:
        made.stop()


class Storm:
    """All threads of one run."""

    def __init__(self, world, seed):
        self.world = world
        self.recorder = recorder = Recorder(world.make_apis(), Rest(world.stack.shim.port, timeout_s=3))
        self.watchers = [Watcher(recorder, f"watcher-{n}", seed) for n in range(WATCHERS)]
        self.importers = [Importer(recorder, f"import-{n}", seed, world.destination)
                          for n in range(IMPORTERS)]
        self.others = [Client(recorder, f"client-{n}", seed) for n in range(CLIENTS)] + \
            [Worker(recorder, f"worker-{n}", seed) for n in range(WORKERS)]

    @property
    def actors(self):
        return [*self.watchers, *self.importers, *self.others]

    def start(self):
        for watcher in self.watchers:
            watcher.start()
        wait_until(lambda: all(w.is_synced.is_set() for w in self.watchers), what="watches begin")
        for actor in self.actors[len(self.watchers):]:
            actor.start()

    def check_actors(self):
        for actor in self.actors:
            if actor.failure:
                raise AssertionError(f"{actor.name} failed") from actor.failure

    def nopen(self):
        return self.world.database.value(
            "SELECT count(*) FROM task WHERE state IN ('PENDING', 'RUNNING')")

    def settle(self):
        """Nothing new is begun, and all that is open ends; then nothing happens any more."""
        self.recorder.is_ending.set()

        def is_settled():
            self.check_actors()
            self.world.stack.check_programs()
            return not any(i.is_alive() for i in self.importers) and self.nopen() == 0
        wait_until(is_settled, 60, what="all tasks end")
        api = self.world.stack.api
        last = self.world.database.value("SELECT max(seq) FROM task_event")
        wait_until(lambda: self.check_actors() or all(
            last in {seq for _, seq in watcher.told} for watcher in self.watchers), 20,
            what="watches tell the last event")
        self.recorder.is_over.set()
        for watcher in self.watchers:
            watcher.call.cancel()
        for actor in self.actors:
            actor.join(timeout=30)
        self.check_actors()
        wait_until(self.world.stack.is_served, what="the gateway answers us, too")
        history = self.recorder.history
        self.recorder.read_end(api, self.world.database)
        history.sinks = [sink for importer in self.importers for sink in importer.sinks()]
        return history


def test_what_was_acknowledged_holds(request, world, seed, has_failpoints):
    nstrikes = request.config.getoption("--strikes")
    killer = Killer(world, seed, has_failpoints)
    storm = Storm(world, seed)
    storm.start()
    began = time.monotonic()
    while len(killer.told) < nstrikes:
        killer.strike()
        storm.check_actors()
    struck = time.monotonic() - began
    history = storm.settle()

    wrong = check(history)
    kinds = collections.Counter(what.split()[0] for what, _ in killer.told)
    failed = [message for importer in storm.importers for message in importer.messages]
    print(json.dumps({
        "strikes": kinds, "strikes_s": round(struck), "failpoints_met": killer.nfailpoints_met,
        "creates": len(history.creates), "calls": len(history.calls),
        "calls_without_answer": sum(call.reply is None for call in history.calls),
        "leases": len(history.leases), "works": len(history.works),
        "late_works_refused": sum(work.is_taken is False for work in history.works),
        "events": sum(map(len, history.events.values())), "sinks": len(history.sinks),
        "codes": storm.recorder.codes, "failed_imports": failed}, indent=1))
    assert not wrong, f"seed {seed}: {len(wrong)} violations, the first:\n" + "\n".join(
        f"{kind}: {text}" for kind, text in wrong[:10])
    assert not failed
    assert len(history.sinks) >= nstrikes / 20 and len(history.creates) >= nstrikes
