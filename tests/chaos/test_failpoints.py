"""
A program dies, or fails, at each of its named places in turn, and what there is in the end is as if nothing had
happened. Other builds have none of the places.
"""
import re
import subprocess
import uuid

import grpc
import pytest

from chaostest.imports import COUNT, FOLDER, ROWS, write_files
from chaostest.killer import PLACES
from sluicetest.fixtures import ROOT
from sluicetest.wait import scale, wait_until

PROGRAMS = ("sluice-gateway", "sluice-rest", "sluice-worker", "sluice")
SOURCES = ("base", "connectors", "gateway", "hbase", "rest-shim", "rpc", "store", "worker")


def test_each_place_of_the_table_is_in_the_sources_once():
    used = [name for folder in SOURCES for path in (ROOT / folder).rglob("*.c")
            for name in re.findall(r'FAILPOINT\("([^"]+)"\)', path.read_text())]
    assert sorted(used) == sorted(PLACES) and len(PLACES) >= 12


@pytest.mark.parametrize("program", PROGRAMS)
def test_only_builds_for_tests_have_the_places(build, has_failpoints, program):
    strings = subprocess.run(["strings", "-a", build / program], capture_output=True, text=True,
                             check=True).stdout.splitlines()
    found = [name for name in [*PLACES, "SLUICE_FAILPOINTS"] if name in strings]
    if not has_failpoints:
        assert found == []
    elif program in ("sluice-gateway", "sluice-worker"):
        assert found  # that is how they would be seen


class Struck:
    """One import, and one program that is told what to do at a place while it goes on."""

    def __init__(self, stack, destination):
        self.stack = stack
        self.destination = destination
        write_files(stack.files / FOLDER)

    def start(self, place, action, table):
        """The place is met by the import: it is created only when all is up."""
        is_worker = place.split(".")[0] in ("worker", "postgres")
        # A gateway writes once when it starts; the next write is the import's create.
        hit = 2 if place.startswith("store.") else 1
        rule = {"SLUICE_FAILPOINTS": f"{place}={action}@{hit}"}
        stack = self.stack
        stack.start_gateway("--lease-ms", 1000)
        stack.add_usual_sources(self.destination)
        self.destination.rows(table)
        self.struck = stack.gateway
        if not is_worker:
            stack.gateway.stop()
            stack.gateway.env = rule
            stack.gateway.start()
            stack.gateway.env = {}
        if is_worker or place.startswith("gateway."):
            self.start_worker(rule if is_worker else {})

    def start_worker(self, env):
        stack = self.stack
        worker = stack.program("sluice-worker", "--gateway", stack.gateway.address)
        worker.env = env
        stack.workers.append(worker.start(wait_for="started"))
        worker.env = {}
        if env:
            self.struck = worker

    def create(self):
        """Repeated under one request id until it is answered, as clients do."""
        api = self.stack.api
        task = api.task.Task(source="hdfs", destination="ld", bulkload=api.task.BulkloadSpec(
            reader_config_json=f'{{"filePath":"{FOLDER}","column":["id","text"]}}',
            writer_config_json='{"namespace":"public","lindormTable":"t","columns":["id","text"]}',
            driver_spec=api.task.DRIVER_SPEC_SMALL, instances=1,
            file_type=api.task.FILE_TYPE_CSV))
        request = api.task_service.CreateTaskRequest(task=task, request_id=str(uuid.uuid4()))

        def is_answered():
            self.revive()
            try:
                return api.tasks.CreateTask(request, timeout=5 * scale()).id
            except grpc.RpcError as error:
                assert error.code().name in ("UNAVAILABLE", "UNKNOWN"), error
                return None
        return wait_until(is_answered, 30, what="the create is answered")

    def is_met(self):
        return any(line.get("event") == "failpoint" for line in self.struck.events())

    def revive(self):
        """Who has died at its place is started again."""
        struck = self.struck
        if not struck.is_running():
            assert struck.process.returncode == -9 and self.is_met(), struck.log_tail()
            struck.start(wait_for="started" if struck in self.stack.workers else "listening")

    def is_over(self, task):
        self.revive()
        try:
            return self.stack.state(task) in ("SUCCEEDED", "FAILED")
        except grpc.RpcError as error:
            assert error.code().name in ("UNAVAILABLE", "UNKNOWN"), error
            return False


@pytest.mark.parametrize("table", ["CREATE TABLE public.t (id int, text text)",
                                   "CREATE TABLE public.t (id int PRIMARY KEY, text text)"],
                         ids=["keyless", "keyed"])
@pytest.mark.parametrize("action", ["crash", "error", "hang:1500"])
@pytest.mark.parametrize("place", PLACES)
def test_a_strike_at_a_place_leaves_no_trace(stack, destination, has_failpoints, place, action, table):
    """The hang is longer than the lease: a thread wakes up when another has its job."""
    if not has_failpoints:
        pytest.skip("a build without failpoints")
    if "KEY" in table and not place.startswith("postgres."):
        pytest.skip("nothing there knows of keys")
    struck = Struck(stack, destination)
    struck.start(place, action, table)
    task = struck.create()
    if not stack.workers:
        struck.start_worker({})
    wait_until(lambda: struck.is_over(task), 60, what="the import ends")

    assert struck.is_met()
    assert stack.state(task) == "SUCCEEDED", stack.task(task).message
    assert destination.rows(COUNT % "t") == [(0, 0, 0)]
    progress = stack.task(task).progress
    assert (progress.rows_read, progress.rows_written) == (ROWS, ROWS)
    assert stack.database.value("SELECT count(*) FROM task") == 1
    states = [row[0] for row in stack.database.rows(
        "SELECT state FROM task_event WHERE task_id = %s ORDER BY seq", task)]
    assert states[0] == "PENDING" and states.count("SUCCEEDED") == 1 and states[-1] == "SUCCEEDED"
