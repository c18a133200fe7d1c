"""
Two gateways are restarted in turns, again and again, under load. Clients with the retry policy of docs/clients.md and
sluice-rest see no error, whether the two have an address each or stand behind one, and no task is made twice.
"""
import json
import re
import threading
import time
import uuid

import grpc
import pytest
from google.protobuf import json_format

from sluicetest.balancer import Balancer
from sluicetest.client import Client, task
from sluicetest.rest import Rest
from sluicetest.fixtures import ROOT
from sluicetest.wait import scale, wait_until

RESTARTS = 6
CALLS_BETWEEN = 60


def policy_of_the_docs():
    """The service config that docs/clients.md gives to clients."""
    text = (ROOT / "docs" / "clients.md").read_text(encoding="utf-8")
    return json.dumps(json.loads(re.search(r"```json\n(\{\n.*?retryPolicy.*?)```", text, re.S)[1]))


@pytest.fixture
def pair(stack):
    """Two gateways on one database."""
    stack.start_gateway()
    other = stack.program("sluice-gateway", "--database-url", stack.database.url, "--listen",
                          "127.0.0.1:0", log="sluice-gateway-2").start()
    stack.workers.append(other)  # is stopped with the others
    Client(stack.reflected()).add_sources()
    yield [stack.gateway, other]


@pytest.fixture
def balancer(pair):
    made = Balancer([gateway.port for gateway in pair])
    yield made
    made.close()


class Load:
    """Threads that do one thing after the other; nothing may fail."""

    def __init__(self, workers):
        self.made = []
        self.failures = []
        self.is_over = False
        self.threads = [threading.Thread(target=self._run, args=(work,), daemon=True)
                        for work in workers]
        for thread in self.threads:
            thread.start()

    def _run(self, work):
        while not self.is_over:
            try:
                self.made.append(work())
            except (grpc.RpcError, AssertionError, OSError) as error:
                self.failures.append(error)
                return

    def wait_for_more(self):
        """Each way is alive, and calls go on."""
        goal = len(self.made) + CALLS_BETWEEN
        wait_until(lambda: len(self.made) >= goal or self.failures, timeout_s=30, what="calls go on")
        assert not self.failures, self.failures[0]

    def stop(self):
        self.is_over = True
        for thread in self.threads:
            thread.join()
        assert not self.failures, self.failures[0]


def grpc_work(stack, channel):
    """Creates a task under a request id of its own and reads it back."""
    api = stack.api
    create = channel.unary_unary(
        "/sluice.v1.TaskService/CreateTask",
        request_serializer=api.task_service.CreateTaskRequest.SerializeToString,
        response_deserializer=api.task.Task.FromString)
    read = channel.unary_unary(
        "/sluice.v1.TaskService/GetTask",
        request_serializer=api.task_service.GetTaskRequest.SerializeToString,
        response_deserializer=api.task.Task.FromString)

    def work():
        request = json_format.ParseDict({"task": task(), "requestId": str(uuid.uuid4())},
                                        api.task_service.CreateTaskRequest())
        made = create(request, timeout=20 * scale())
        assert read(api.task_service.GetTaskRequest(id=made.id), timeout=20 * scale()).id == made.id
        return made.id
    return work


def rest_work(port):
    """The same over JSON, without a word about what is to be tried again."""
    rest = Rest(port)

    def work():
        made = rest.send_json("POST", "/v1/tasks", task())
        assert made.status in (200, 201), made.text
        got = rest.get(f"/v1/tasks/{made.json()['id']}")
        assert got.status == 200, got.text
        return made.json()["id"]
    return work


def restart_in_turns(pair, load):
    for n in range(RESTARTS):
        load.wait_for_more()
        gateway = pair[n % 2]
        start = time.monotonic()
        gateway.stop()
        assert time.monotonic() - start < 5 * scale()
        load.wait_for_more()
        gateway.start()
    load.wait_for_more()


def run(stack, pair, workers):
    load = Load(workers)
    restart_in_turns(pair, load)
    load.stop()
    assert len(set(load.made)) == len(load.made)
    assert stack.database.value("SELECT count(*) FROM task") == len(load.made)


def channel_to(target):
    return grpc.insecure_channel(target, [("grpc.service_config", policy_of_the_docs())])


def both(pair):
    return "ipv4:" + ",".join(gateway.address for gateway in pair)


def test_grpc_clients_of_two_addresses(stack, pair):
    with channel_to(both(pair)) as channel:
        run(stack, pair, [grpc_work(stack, channel) for _ in range(4)])


def test_grpc_clients_of_one_address(stack, pair, balancer):
    with channel_to(balancer.address) as channel:
        run(stack, pair, [grpc_work(stack, channel) for _ in range(4)])


@pytest.mark.parametrize("way", ["two addresses", "one address"])
def test_clients_of_rest(stack, pair, balancer, way):
    target = both(pair) if way == "two addresses" else balancer.address
    stack.shim = stack.program("sluice-rest", "--gateway", target, "--listen", "127.0.0.1:0").start()
    run(stack, pair, [rest_work(stack.shim.port) for _ in range(4)])
    assert stack.database.value("SELECT count(*) FROM task WHERE request_id IS NULL") == 0
