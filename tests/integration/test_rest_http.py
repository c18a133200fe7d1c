"""REST as an HTTP server, and when the gateway behind it is slow, stopped or gone."""
import contextlib
import json
import socket
import subprocess
import threading
import time

import pytest

from sluicetest import seed
from sluicetest.program import run
from sluicetest.rest import Rest
from sluicetest.sockets import is_read, unread_bytes
from sluicetest.wait import scale, wait_until

GET_HEALTH = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.fixture
def shim(stack):
    """A gateway and REST, which may be stopped and killed."""
    stack.start_gateway()
    return stack.start_rest()


@pytest.fixture
def rest(stack, shim):
    return stack.rest


def connect(shim):
    return socket.create_connection(("127.0.0.1", shim.port), timeout=30 * scale())


def read_reply(sock):
    """Status, headers and body of one reply on a connection that stays open."""
    got = b""
    while b"\r\n\r\n" not in got:
        got += must_receive(sock)
    head, _, body = got.partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines[1:])
    while len(body) < int(headers.get("content-length", 0)):
        body += must_receive(sock)
    return int(lines[0].split()[1]), headers, body


def must_receive(sock):
    part = sock.recv(65536)
    assert part, "the connection was closed"
    return part


# --- the gateway is away

def test_a_gateway_that_is_gone_is_unavailable(stack, shim, rest):
    address = stack.gateway.address
    stack.gateway.kill()

    def refused():
        reply = rest.get("/v1/tasks")
        return reply if reply.status == 503 else None
    error = wait_until(refused).json()["error"]
    assert error == {"code": 503, "status": "UNAVAILABLE",
                     "message": "the gateway cannot be reached"}
    reply = rest.get("/pro/proc/x/info")
    assert (reply.status, reply.json()) == (
        503, {"success": "false", "message": "the gateway cannot be reached"})
    reply = rest.get("/healthz")
    assert (reply.status, reply.json()["status"]) == (503, "unavailable")
    for text in [reply.text, json.dumps(error)]:
        assert address not in text and "127.0.0.1" not in text

    stack.gateway.start()
    wait_until(lambda: rest.get("/healthz").status == 200)


def test_a_gateway_that_is_silent_is_not_waited_for_long(stack):
    stack.start_gateway()
    stack.start_rest("--request-timeout-ms", "1000")
    rest = stack.rest
    wait_until(lambda: rest.get("/healthz").status == 200, what="REST has found the gateway")
    stack.gateway.pause()
    reply = rest.get("/v1/tasks")
    assert (reply.status, reply.json()["error"]["status"]) == (504, "DEADLINE_EXCEEDED")
    assert "127.0.0.1" not in reply.text
    assert rest.post_form(seed.CREATE, seed.FORM).status == 504
    assert rest.get("/healthz").status == 503
    stack.gateway.resume()
    wait_until(lambda: rest.get("/healthz").status == 200)


def test_a_database_that_is_away_is_told_with_a_time_to_wait(stack, shim, rest, cluster):
    assert rest.get("/v1/tasks").status == 200
    cluster.kill()

    def refused():
        reply = rest.get("/v1/tasks")
        return reply if reply.status == 503 else None
    try:
        reply = wait_until(refused, timeout_s=20)
        assert "database" in reply.json()["error"]["message"]
        assert int(reply.headers["retry-after"]) >= 1
    finally:
        cluster.start()
    wait_until(lambda: rest.get("/v1/tasks").status == 200, timeout_s=20)


# --- stopping

def test_idle_connections_do_not_hold_up_a_stop(shim):
    with connect(shim) as used, connect(shim) as fresh, connect(shim) as half:
        used.sendall(GET_HEALTH)
        assert read_reply(used)[0] == 200
        half.sendall(GET_HEALTH[:20])
        start = time.monotonic()
        shim.stop()
        assert time.monotonic() - start < 3 * scale()
        assert used.recv(1) == b"" and fresh.recv(1) == b""


@pytest.fixture
def held_up(stack, shim, rest):
    """A connection with a request that waits for the gateway, which stands still."""
    assert rest.get("/healthz").status == 200
    with connect(shim) as sock:
        stack.gateway.pause()
        sock.sendall(GET_HEALTH)
        wait_until(lambda: is_read(sock, shim.port) and unread_bytes(stack.gateway.port),
                   what="the request is under way")
        yield sock


def refuses(shim):
    with contextlib.suppress(ConnectionResetError):  # it was in the queue when the listener was closed
        try:
            connect(shim).close()
        except ConnectionRefusedError:
            return True
    return False


def test_a_request_under_way_is_finished_by_a_stop(stack, shim, held_up):
    shim.process.terminate()
    wait_until(lambda: refuses(shim), what="new connections are refused")
    stack.gateway.resume()
    status, headers, _ = read_reply(held_up)
    assert (status, headers["connection"]) == (200, "close")
    assert held_up.recv(1) == b""
    shim.stop()


# --- clients of all kinds

def test_clients_that_go_away_leave_nothing_behind(stack, shim, rest):
    assert rest.get("/healthz").status == 200
    stack.gateway.pause()
    for n in range(50):
        sock = connect(shim)
        sock.sendall(GET_HEALTH if n % 2 else GET_HEALTH[:n])
        sock.close()
    stack.gateway.resume()
    wait_until(lambda: rest.get("/healthz").status == 200)


def test_a_connection_serves_many_requests(shim):
    with connect(shim) as sock:
        for _ in range(20):
            sock.sendall(GET_HEALTH)
            status, headers, body = read_reply(sock)
            assert (status, headers["connection"], body) == (200, "keep-alive", b'{"status":"ok"}')


def test_pipelined_requests_are_answered_in_order(shim, rest):
    first = b"GET /v1/nope HTTP/1.1\r\nHost: x\r\n\r\n"
    last = b"GET /nope HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    got = rest.raw(first + GET_HEALTH + last)
    places = [got.index(part) for part in [b'{"error":', b'{"status":"ok"}', b'{"success":"false"']]
    assert places == sorted(places)


def test_many_clients_at_once(shim):
    wrong = []

    def ask():
        rest = Rest(shim.port)
        for _ in range(10):
            reply = rest.get("/v1/tasks?pageSize=1")
            if reply.status != 200:
                wrong.append(reply)
    threads = [threading.Thread(target=ask) for _ in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_a_slow_request_is_cut_off(shim):
    with connect(shim) as sock:
        start = time.monotonic()
        sock.sendall(b"POST /v1/tasks HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n")
        try:
            while time.monotonic() - start < 30 * scale():
                sock.sendall(b"a")
                time.sleep(0.2)
        except OSError:
            pass
        assert time.monotonic() - start < 15 * scale()


@pytest.mark.parametrize("data, status", [
    (b"GET / HTTP/9.9\r\n\r\n", b"400"),
    (b"nonsense\r\n\r\n", b"400"),
    (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"400"),
    (b"GET /healthz HTTP/1.1\r\nHost: x\r\nUpgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\n"
     b"HTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n", b"200"),
    (b"GET /healthz HTTP/1.0\r\n\r\n", b"200"),
    (b"GET http://x/healthz HTTP/1.1\r\nHost: x\r\n\r\n", b"200"),
    (b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", b"204"),
    (b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", b"414"),
    (b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-A: " + b"a" * 40000 + b"\r\n\r\n", b"431"),
    (b"GET /healthz HTTP/1.1\r\nHost: x\r\n" + b"X: y\r\n" * 200 + b"\r\n", b"400"),
    (b"POST /v1/tasks HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", b"400"),
    (b"POST /v1/tasks HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n", b"400"),
    (b"POST /v1/tasks HTTP/1.1\r\nHost: x\r\nContent-Length: x\r\n\r\n", b"400"),
    (b"POST /v1/tasks HTTP/1.1\r\nHost: x\r\nContent-Length: 9999999999\r\n\r\n", b"413"),
    (b"POST /v1/tasks HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: tea\r\n\r\n{}", b"417"),
], ids=lambda value: value[:40].decode() if len(value) > 3 else value.decode())
def test_requests_as_bytes(rest, data, status):
    got = rest.raw(data)
    assert got.startswith(b"HTTP/1.1 " + status + b" "), got[:200]
    if status in (b"413", b"417"):
        assert b'\r\n\r\n{"error":{"code":' + status in got


# --- starting

def test_a_port_that_is_taken_is_told(build, shim):
    done = run(build / "sluice-rest", "--listen", f"127.0.0.1:{shim.port}", check=False)
    assert done.returncode == 1
    assert f"127.0.0.1:{shim.port}" in done.stderr and "in use" in done.stderr


@pytest.mark.parametrize("option", ["--listen=here", "--listen=::1:80", "--listen=127.0.0.1:x",
                                    "--listen=[::1:80", "--listen=:80"])
def test_an_address_that_is_none_is_refused(build, option):
    done = run(build / "sluice-rest", option, "--insecure", check=False)
    assert done.returncode == 1 and "is not an address" in done.stderr


@pytest.mark.parametrize("option", ["--legacy-error-status=404", "--request-timeout-ms=0",
                                    "--nope", "operand"])
def test_options_that_are_wrong_are_refused(build, option):
    assert run(build / "sluice-rest", option, check=False).returncode == 2


def test_ipv6_is_served(stack):
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("this machine has no IPv6")
    shim = stack.program("sluice-rest", "--listen", "[::1]:0").start()
    with socket.create_connection(("::1", shim.port), timeout=10) as sock:
        sock.sendall(b"GET /nope HTTP/1.1\r\nHost: x\r\n\r\n")
        assert read_reply(sock)[0] == 404
    shim.stop()


def test_curl_posts_2_mb_and_reads_the_reply(shim, tmp_path):
    """curl waits for 100 Continue with a body of that size; without that it sends at once."""
    body = tmp_path / "body"
    body.write_bytes(b"a" * (2 << 20))
    for header in ["Expect: 100-continue", "Expect:"]:
        done = subprocess.run(["curl", "-sS", "-H", header, "--data-binary", f"@{body}",
                               f"http://127.0.0.1:{shim.port}{seed.CREATE}"],
                              capture_output=True, text=True, timeout=60, check=True)
        assert json.loads(done.stdout) == {"success": "false",
                                           "message": "the body is larger than 1 MiB"}
