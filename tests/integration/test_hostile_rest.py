"""Clients of HTTP that are slow, greedy or too many: the program lives, stays small, and serves the others."""
import contextlib
import resource
import socket
import subprocess
import sys

import pytest

from sluicetest import slow_http
from sluicetest.rest import Rest
from sluicetest.stack import Stack
from sluicetest.wait import is_sanitized, wait_until

MIB = 1 << 20


@pytest.fixture(scope="module")
def server(build, protos, shared_cluster, tmp_path_factory):
    stack = Stack(build, shared_cluster.create_database(), tmp_path_factory.mktemp("stack"))
    try:
        stack.start_gateway()
        stack.start_rest()
        yield stack
    finally:
        stack.stop()


def check_served(stack):
    def is_served():
        try:
            return Rest(stack.shim.port).get("/v1/tasks?pageSize=1").status == 200
        except OSError:
            return False
    wait_until(is_served, what="REST answers")
    stack.check_programs()


@pytest.mark.parametrize("kind", slow_http.KINDS)
def test_slow_connections_hold_up_nobody(server, kind):
    nconnections = 300 if kind == "slow reader" else 1500
    slow = subprocess.Popen([sys.executable, slow_http.__file__, str(server.shim.port),
                             str(nconnections), kind],
                            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert slow.stdout.readline() == "up\n"
        for _ in range(20):
            assert Rest(server.shim.port).get("/v1/tasks?pageSize=1").status == 200
        assert slow.poll() is None
    finally:
        slow.stdin.close()
        slow.wait()
    server.check_programs()


def test_when_descriptors_run_out_idle_connections_make_room(server):
    """What an operator's limit does: set when the program runs, since it raises its own at the start."""
    before = resource.prlimit(server.shim.process.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(server.shim.process.pid, resource.RLIMIT_NOFILE, (100, before[1]))
    idle = []
    try:
        for _ in range(300):
            idle.append(socket.create_connection(("127.0.0.1", server.shim.port), 60))
        check_served(server)
    finally:
        resource.prlimit(server.shim.process.pid, resource.RLIMIT_NOFILE, before)
        for one in idle:
            one.close()
    assert any(line["event"] == "cannot accept a connection" for line in server.shim.events())
    check_served(server)


def test_bodies_that_are_large_together_are_refused(server):
    """200 of 900 KB each, whose last bytes do not come."""
    head = slow_http.BODY
    many = []

    def is_refused(one):
        one.settimeout(0.01)
        try:
            return one.recv(1000).startswith(b"HTTP/1.1 503 ")
        except TimeoutError:
            return False
        except OSError:
            return True
    try:
        for _ in range(200):
            one = socket.create_connection(("127.0.0.1", server.shim.port), 60)
            many.append(one)
            with contextlib.suppress(OSError):
                one.sendall(head + b" " * 900_000)
        check_served(server)
        wait_until(lambda: any(is_refused(one) for one in many), what="some are refused")
    finally:
        for one in many:
            one.close()
    assert any(line["event"] == "requests refused" for line in server.shim.events())


@pytest.mark.parametrize("head", [
    b"GET / HTTP/1.1\r\nHost: x\r\n" + b"".join(b"h%d: v\r\n" % n for n in range(100_000)) + b"\r\n",
    b"GET / HTTP/1.1\r\nHost: x\r\nh: " + b"v" * 4 * MIB + b"\r\n\r\n",
    b"GET /" + b"a" * 4 * MIB + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    b"POST /pro/proc/bulkload/create HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n"
    b"Content-Length: 1048576\r\n\r\n" + (b"a=&" * 349_526)[:1048576],
    b"POST /v1/tasks HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1000000\r\n\r\n"
    + b"[" * 1_000_000,
    b"POST /v1/tasks HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1000000\r\n\r\n"
    + b'{"a":' * 200_000,
], ids=["headers", "a header", "a target", "fields", "arrays", "objects"])
def test_giants(server, head):
    with socket.create_connection(("127.0.0.1", server.shim.port), 60) as raw:
        try:
            raw.sendall(head)
            reply = raw.recv(1000)
            assert not reply or reply.startswith(b"HTTP/1.1 4"), reply
        except ConnectionError:
            pass  # it is closed before all is read
    check_served(server)
    if not is_sanitized():
        assert server.shim.peak_memory_bytes() < 600 * MIB
