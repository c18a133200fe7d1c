"""
How the programs stop: what is under way ends as if nothing were, what comes new is told to come back, those who listen are told
that it is over, and idle clients hold up nothing.
"""
import collections
import contextlib
import http.client
import json
import socket
import threading
import time

import grpc
import psycopg2
import pytest
from google.protobuf import json_format

from sluicetest.client import Client, Failure, Worker, task
from sluicetest.metrics import scrape
from sluicetest.sockets import is_read
from sluicetest.wait import scale, wait_until
from sluicetest.watch import Watch

STOP_S = 5


def stop_in_time(program):
    """Asks the program to stop; it does, cleanly, within 5 s."""
    start = time.monotonic()
    program.stop()
    took_s = time.monotonic() - start
    assert took_s < STOP_S * scale(), f"{program.name} took {took_s:.1f} s"
    return took_s


class Load:
    """Threads that call again and again until a call fails or it is told to stop."""

    def __init__(self, nthreads, call):
        self.call = call
        self.ends = collections.Counter()
        self.failures = []
        self.is_over = False
        self.threads = [threading.Thread(target=self._run, daemon=True) for _ in range(nthreads)]
        for thread in self.threads:
            thread.start()

    def _run(self):
        while not self.is_over:
            try:
                self.ends[self.call()] += 1
            except grpc.RpcError as error:
                self.failures.append(Failure.of(error))
                time.sleep(0.01)

    def wait_for(self, ncalls):
        wait_until(lambda: sum(self.ends.values()) >= ncalls, what=f"{ncalls} calls")
        return self

    def stop(self):
        self.is_over = True
        for thread in self.threads:
            thread.join()
        return self


# --- the gateway

@pytest.fixture
def gateway(client, stack):
    return stack.gateway


def create(client):
    return client("CreateTask", task=task())["id"]


def create_or_fail(api):
    """The task's id; fails at once if the gateway cannot be reached."""
    request = json_format.ParseDict({"task": task()}, api.task_service.CreateTaskRequest())
    return api.tasks.CreateTask(request, timeout=30).id


@pytest.mark.usefixtures("client")
def test_a_stop_under_load_refuses_new_calls_and_ends_all_others_well(gateway, stack):
    """What was acknowledged is stored; what failed was refused, by us with RetryInfo, or with the connection."""
    made = []
    api = stack.api
    load = Load(8, lambda: made.append(create_or_fail(api)) or "made").wait_for(50)
    stop_in_time(gateway)
    wait_until(lambda: load.failures, what="somebody calls after the stop")
    load.stop()
    assert {failure.code for failure in load.failures} == {"UNAVAILABLE"}
    for failure in load.failures:
        assert failure.reason in ("", "STOPPING")
        assert (failure.retry_s > 0) == (failure.reason == "STOPPING")
    stored = {row[0] for row in stack.database.rows("SELECT id FROM task")}
    assert stored == set(made)


def test_who_calls_while_it_stops_is_told_when_to_come_back(stack):
    """A statement that waits for a lock holds up the stop, so that there is a while to call in."""
    gateway = stack.start_gateway("--grace-ms", "600000")
    client = Client(stack.reflected())
    client.add_sources()
    task_id = create(client)
    locker = psycopg2.connect(stack.database.url)
    with locker, locker.cursor() as session:
        session.execute("SELECT FROM task WHERE id = %s FOR UPDATE", (task_id,))
        under_way = client.start("AbortTask", {"id": task_id})
        holds_up = f"{locker.info.backend_pid} = ANY(pg_blocking_pids(pid))"
        wait_until(lambda: stack.database.value(
            f"SELECT count(*) FROM pg_stat_activity WHERE {holds_up}"), what="the call waits")
        gateway.process.terminate()
        gateway.wait_for_event("stopping")
        failure = wait_until(lambda: refusal(client, task_id), what="a call is refused")
        assert (failure.code, failure.reason) == ("UNAVAILABLE", "STOPPING")
        assert failure.retry_s == 1
    locker.close()
    assert under_way.result(timeout=10 * scale()) is not None  # it ended well
    stop_in_time(gateway)


def refusal(client, task_id):
    try:
        client("GetTask", id=task_id)
    except grpc.RpcError as error:
        return Failure.of(error)
    return None


def test_idle_clients_do_not_hold_up_a_stop(gateway, stack, client):
    """
    Python's client looks at an idle connection once in five seconds; so long did core wait for it. Others never look:
    they have connected and said nothing, or stand in the middle of a request.
    """
    silent = socket.create_connection(("127.0.0.1", gateway.port))
    half = socket.create_connection(("127.0.0.1", gateway.port))
    half.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0")
    client("ListTasks")
    assert stop_in_time(gateway) < 2 * scale()
    silent.close()
    half.close()


def test_a_database_that_does_not_answer_does_not_hold_up_a_stop(stack):
    """With calls of both kinds under way. What became of the create nobody can say."""
    gateway = stack.start_gateway("--metrics-listen", "127.0.0.1:0")
    client = Client(stack.reflected())
    client.add_sources()
    requests = stack.api.task_service
    created = create(client)
    assert find_running(gateway) == 0  # counts the jobs of the database, too, which is not done again at once
    with stack.database.standing_still():
        calls = [stack.api.tasks.GetTask.future(requests.GetTaskRequest(id=created), timeout=60),
                 stack.api.tasks.CreateTask.future(
                     json_format.ParseDict({"task": task()}, requests.CreateTaskRequest()), timeout=60)]
        wait_until(lambda: find_running(gateway) == len(calls), what="both calls are under way")
        stop_in_time(gateway)
    assert calls[0].code() == grpc.StatusCode.UNAVAILABLE
    assert calls[1].code() in (grpc.StatusCode.UNKNOWN, grpc.StatusCode.UNAVAILABLE)


def find_running(gateway):
    return scrape(gateway.metrics_port).get("sluice_grpc_calls_running")


def test_health_says_so_first(stack):
    """NOT_SERVING while calls are still served, for as long as --drain-ms says; a second signal ends the wait."""
    stack.start_gateway("--drain-ms", "60000")
    client = Client(stack.reflected())
    assert client.health() == "SERVING"
    stack.gateway.process.terminate()
    wait_until(lambda: client.health() == "NOT_SERVING", what="health says NOT_SERVING")
    assert client("ListTasks") == {}
    stop_in_time(stack.gateway)


def test_a_watch_ends_with_a_cursor_to_go_on_from(gateway, client, stack):
    watches = [Watch(stack.api).wait_for("SYNCED")]
    first = create(client)
    watches[0].wait_for("CHANGED", id=first)
    watches.append(Watch(stack.api, first).wait_for("SYNCED"))
    stop_in_time(gateway)
    for watch in watches:
        failure = watch.wait_for_end()
        assert (failure.code, failure.reason, failure.retry_s) == ("UNAVAILABLE", "STOPPING", 1)
    cursor = watches[0].last_cursor()
    gateway.start()
    wait_until(client.is_served, what="the client has found the gateway again")
    second = create(client)
    later = Watch(stack.api, cursor=cursor).wait_for("CHANGED", id=second)
    assert later.find("CHANGED", id=first) is None
    later.close()


def test_workers_that_wait_are_sent_away(stack):
    gateway = stack.start_gateway("--metrics-listen", "127.0.0.1:0")
    client = Client(stack.reflected())
    waiting = [Worker(client, f"w{n}").start_lease() for n in range(5)]
    wait_until(lambda: find_running(gateway) == len(waiting), what="all wait")
    stop_in_time(gateway)
    for call in waiting:
        failure = Failure.of(call.exception())
        assert (failure.code, failure.retry_s > 0) == ("UNAVAILABLE", failure.reason == "STOPPING")


# --- REST

GET_TASKS = b"GET /v1/tasks HTTP/1.1\r\nHost: x\r\n\r\n"


def connect(shim):
    return socket.create_connection(("127.0.0.1", shim.port), 30 * scale())


def send(shim, sock, data):
    """Returns when it was read."""
    sock.sendall(data)
    wait_until(lambda: is_read(sock, shim.port), what="what was sent is read")


def read_reply(sock):
    reply = http.client.HTTPResponse(sock)
    reply.begin()
    return reply


def stop_under_requests(running):
    """
    REST is stopped while one request waits for the gateway and another one is still coming in, on a connection that is kept.
    Returns whether the rest of that came soon: it is waited for for a second.
    """
    shim = running.shim
    with connect(shim) as kept, connect(shim) as waiting:
        send(shim, kept, GET_TASKS)
        assert read_reply(kept).read()
        running.gateway.pause()
        send(shim, waiting, GET_TASKS)
        send(shim, kept, GET_TASKS[:-2])
        offset, began = shim.log.stat().st_size, time.monotonic()
        shim.process.terminate()
        shim.wait_for_event("stopping", offset=offset)
        kept.sendall(GET_TASKS[-2:])
        if is_soon := time.monotonic() - began < 0.5:
            refused = read_reply(kept)
            assert refused.status == 503
            assert (refused.getheader("Retry-After"), refused.getheader("Connection")) == ("1", "close")
            assert b'"UNAVAILABLE"' in refused.read()
        running.gateway.resume()
        if is_soon:
            ended = read_reply(waiting)
            assert (ended.status, ended.getheader("Connection")) == (200, "close")
    stop_in_time(shim)
    return is_soon


def test_rest_refuses_new_requests_and_ends_those_under_way(running):
    """On a connection that is kept a request comes after the stop: 503, Retry-After, and the connection is closed."""
    def is_shown():
        return stop_under_requests(running) or not running.shim.start()
    wait_until(is_shown, 60, what="a request that comes soon after the stop")


def test_rest_stops_in_time_when_its_gateway_does_not_answer(running):
    running.gateway.pause()
    with connect(running.shim) as waiting:
        send(running.shim, waiting, GET_TASKS)
        stop_in_time(running.shim)
        with contextlib.suppress(OSError, http.client.HTTPException):  # it was cut
            assert read_reply(waiting).status == 503
    running.gateway.resume()


def test_readiness_fails_first(stack):
    stack.start_gateway()
    stack.start_rest("--drain-ms", "60000")
    assert stack.rest.get("/readyz").status == 200
    stack.shim.process.terminate()
    reply = wait_until(lambda: (got := stack.rest.get("/readyz")).status == 503 and got,
                       what="/readyz says 503")
    assert reply.json() == {"status": "unavailable", "reason": "the program is stopping, or has too much to do"}
    still = stack.rest.get("/v1/tasks")
    assert (still.status, still.headers["connection"]) == (200, "close")
    assert stack.rest.get("/healthz").status == 200
    stop_in_time(stack.shim)


@pytest.mark.parametrize("name", ["shim", "gateway"])
def test_server_sent_events_end_whichever_program_stops(running, name):
    """The stream ends in order, with the time to come back after and an id to go on from."""
    connection = http.client.HTTPConnection("127.0.0.1", running.shim.port, timeout=30)
    connection.request("GET", "/v1/tasks:watch", headers={"Accept": "text/event-stream"})
    reply = connection.getresponse()
    assert reply.status == 200
    assert reply.readline() == b"retry: 2000\n"
    assert reply.readline().startswith(b"id: ")
    stop_in_time(getattr(running, name))
    rest = reply.read()  # to the end of the body: it is not cut
    *_, last, data, end = rest.split(b"\n")[:-1]
    assert (last, end) == (b"event: error", b"")
    assert json.loads(data.removeprefix(b"data: "))["error"]["status"] == "UNAVAILABLE"
    connection.close()


# --- the worker

def test_a_released_job_is_leased_by_another_at_once(client):
    """Not when the lease ends, and the attempt does not count."""
    first, second = Worker(client, "first"), Worker(client, "second")
    create(client)
    job = first.must_lease()
    waiting = second.start_lease()
    start = time.monotonic()
    first.finish(job, "RELEASED")
    got = waiting.result().job
    assert time.monotonic() - start < 2 * scale()
    assert (got.id, got.attempt) == (job["id"], job["attempt"])


@pytest.mark.usefixtures("client")
def test_bursts_of_stops_leave_nothing(stack):
    """A gateway under load is stopped and started again and again: no report of a sanitizer, no lost call."""
    made = []
    api = stack.api
    load = Load(4, lambda: made.append(create_or_fail(api)) or "made")
    for _ in range(3):
        load.wait_for(len(made) + 20)
        stop_in_time(stack.gateway)
        stack.gateway.start()
    load.wait_for(len(made) + 20).stop()
    assert {failure.code for failure in load.failures} <= {"UNAVAILABLE"}
    assert stack.database.value("SELECT count(*) FROM task") == len(made)
