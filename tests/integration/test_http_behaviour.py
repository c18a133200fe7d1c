"""HTTP/1.1 as bytes on a socket: connections, bodies, and requests that two servers might read differently."""
import re
import socket

import pytest

from sluicetest.wait import scale

PLAIN = b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n"
NOPE = b"GET /v1/nope HTTP/1.1\r\nHost: x\r\n\r\n"
# What an attacker wants to have run as a request of its own.
SOURCE = b'{"name":"smuggled","type":"DATA_SOURCE_TYPE_FILE","parametersJson":"{\\"root\\":\\"/x\\"}"}'
SMUGGLED = (b"POST /v1/dataSources HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            b"Content-Length: %d\r\n\r\n%s" % (len(SOURCE), SOURCE))


@pytest.fixture(scope="module")
def rest(module_stack):
    return module_stack.rest


class Client:
    """A connection that stays open as long as the server likes."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=20 * scale())
        self.got = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)

    def _take(self, length):
        while len(self.got) < length:
            part = self.socket.recv(65536)
            assert part, "the connection was closed"
            self.got += part
        taken, self.got = self.got[:length], self.got[length:]
        return taken

    def read(self, has_body=True):
        """Status, headers and body of the next reply."""
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += self._take(1)
        lines = head.decode().split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in lines[1:] if line)
        length = int(headers.get("content-length", 0)) if has_body else 0
        return int(lines[0].split()[1]), headers, self._take(length)

    def read_to_end(self):
        """All that comes until the server closes; a reset is no end."""
        while True:
            part = self.socket.recv(65536)
            if not part:
                return self.got
            self.got += part


@pytest.fixture
def client(rest):
    with Client(rest.port) as made:
        yield made


def post(body, *headers, version=b"1.1"):
    """A request for a task that is refused as soon as it is read: 400."""
    lines = [b"POST /v1/tasks HTTP/" + version, b"Host: x", b"Content-Type: application/json",
             *headers]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


# --- connections

def test_a_connection_is_kept(client):
    for _ in range(3):
        client.send(PLAIN)
        status, headers, body = client.read()
        assert (status, headers["connection"]) == (200, "keep-alive") and body.startswith(b"{")


def test_a_connection_is_closed_when_the_client_says_so(client):
    client.send(PLAIN.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n") + NOPE)
    status, headers, _ = client.read()
    assert (status, headers["connection"]) == (200, "close")
    assert client.read_to_end() == b""


def test_pipelined_requests_are_answered_in_order(client):
    client.send(PLAIN + NOPE + post(b"{}", b"Content-Length: 2") + PLAIN)
    assert [client.read()[0] for _ in range(4)] == [200, 404, 400, 200]


def test_requests_may_come_byte_by_byte(client):
    for byte in post(b"{}", b"Content-Length: 2") + NOPE:
        client.send(bytes([byte]))
    assert [client.read()[0] for _ in range(2)] == [400, 404]


def test_http_1_0(rest):
    old = PLAIN.replace(b"1.1", b"1.0")
    with Client(rest.port) as client:
        client.send(old)
        status, headers, _ = client.read()
        assert (status, headers["connection"]) == (200, "close")
        assert client.read_to_end() == b""
    with Client(rest.port) as client:
        client.send(old.replace(b"\r\n\r\n", b"\r\nConnection: keep-alive\r\n\r\n") * 2)
        assert [client.read()[0] for _ in range(2)] == [200, 200]
    with Client(rest.port) as client:
        client.send(b"GET /openapi.json HTTP/1.0\r\n\r\n")
        assert client.read()[0] == 200


# --- verbs and targets

def test_head_has_no_body(client):
    client.send(PLAIN.replace(b"GET", b"HEAD") + NOPE)
    status, headers, _ = client.read(has_body=False)
    assert status == 200 and int(headers["content-length"]) > 1000
    assert client.read()[0] == 404


def test_options(client):
    client.send(b"OPTIONS /v1/tasks HTTP/1.1\r\nHost: x\r\n\r\n"
                b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n"
                b"OPTIONS /nope HTTP/1.1\r\nHost: x\r\n\r\n")
    status, headers, _ = client.read()
    assert (status, headers["allow"]) == (204, "post, get, head, options")
    status, headers, _ = client.read()
    assert (status, headers["allow"]) == (204, "get, head, post, patch, delete, options")
    assert client.read()[0] == 404


@pytest.mark.parametrize("target, status", [
    (b"http://x/openapi.json", 200), (b"HTTP://x:80/openapi.json?a=b", 200), (b"http://x", 404),
    (b"https://user@x/openapi.json", 200), (b"ftp://x/openapi.json", 404),
    (b"//openapi.json", 404), (b"/openapi.json#a", 404), (b"openapi.json", 404),
])
def test_targets(client, target, status):
    client.send(b"GET " + target + b" HTTP/1.1\r\nHost: x\r\n\r\n")
    assert client.read()[0] == status


@pytest.mark.parametrize("verb", [b"TRACE", b"PUT", b"get", b"PROPFIND"])
def test_other_verbs_are_refused(client, verb):
    client.send(verb + b" /v1/tasks HTTP/1.1\r\nHost: x\r\n\r\n" + NOPE)
    assert [client.read()[0] for _ in range(2)] == [405, 404]


def test_a_tunnel_is_refused(client):
    client.send(b"CONNECT x:443 HTTP/1.1\r\nHost: x:443\r\n\r\n" + NOPE)
    assert [client.read()[0] for _ in range(2)] == [404, 404]


# --- bodies

@pytest.mark.parametrize("body", [
    b"2\r\n{}\r\n0\r\n\r\n", b"1\r\n{\r\n1\r\n}\r\n0\r\n\r\n", b"0002\r\n{}\r\n000\r\n\r\n",
    b"2;a=b;c\r\n{}\r\n0\r\n\r\n", b"2\r\n{}\r\n0\r\nX: y\r\nZ: a\r\n\r\n",
], ids=["one", "two", "zeros", "extension", "trailers"])
def test_a_body_in_chunks(client, body):
    client.send(post(body, b"Transfer-Encoding: chunked") + NOPE)
    status, _, reply = client.read()
    assert status == 400 and b"task" in reply  # the JSON was read, and has nothing in it
    assert client.read()[0] == 404


def test_chunks_have_the_limit_of_a_body(rest):
    chunk = b"10000\r\n" + b" " * 65536 + b"\r\n"
    got = rest.raw(post(chunk * 17, b"Transfer-Encoding: chunked"))
    assert got.startswith(b"HTTP/1.1 413 ")


def test_a_body_is_asked_for(client):
    client.send(post(b"", b"Content-Length: 2", b"Expect: 100-continue"))
    assert client.read()[0] == 100
    client.send(b"{}" + NOPE)
    assert [client.read()[0] for _ in range(2)] == [400, 404]


def test_a_body_that_is_too_large_is_not_asked_for(rest):
    got = rest.raw(post(b"", b"Content-Length: 9999999", b"Expect: 100-continue"))
    assert got.startswith(b"HTTP/1.1 413 ") and b"100 Continue" not in got


def test_a_body_that_nobody_wants_is_passed_over(client):
    client.send(b"GET /v1/nope HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello" + PLAIN)
    assert [client.read()[0] for _ in range(2)] == [404, 200]


# --- limits

def test_the_number_of_headers_has_a_limit(rest):
    head = b"GET /openapi.json HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
    assert rest.raw(head + b"X: y\r\n" * 98 + b"\r\n").startswith(b"HTTP/1.1 200 ")
    assert rest.raw(head + b"X: y\r\n" * 99 + b"\r\n").startswith(b"HTTP/1.1 400 ")


def test_the_size_of_headers_has_a_limit(rest):
    head = b"GET /openapi.json HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX: "
    assert rest.raw(head + b"y" * 32000 + b"\r\n\r\n").startswith(b"HTTP/1.1 200 ")
    assert rest.raw(head + b"y" * 33000 + b"\r\n\r\n").startswith(b"HTTP/1.1 431 ")


# --- what two servers might read differently

CHUNKED = b"Transfer-Encoding: chunked"
CHUNKS = b"2\r\n{}\r\n0\r\n\r\n"
AMBIGUOUS = {
    "a length and chunks": post(b"0\r\n\r\n" + SMUGGLED, b"Content-Length: 5", CHUNKED),
    "chunks and a length": post(CHUNKS + SMUGGLED, CHUNKED, b"Content-Length: 200"),
    "a length that covers the rest, and chunks":
        post(b"0\r\n\r\n" + SMUGGLED, b"Content-Length: 300", CHUNKED),
    "the same length twice": post(b"{}" + SMUGGLED, b"Content-Length: 2", b"Content-Length: 2"),
    "two lengths": post(b"{}" + SMUGGLED, b"Content-Length: 20", b"Content-Length: 2"),
    "a list of lengths": post(b"{}" + SMUGGLED, b"Content-Length: 2, 2"),
    "a negative length": post(b"{}" + SMUGGLED, b"Content-Length: -2"),
    "a length with plus": post(b"{}" + SMUGGLED, b"Content-Length: +2"),
    "a hexadecimal length": post(b"{}" + SMUGGLED, b"Content-Length: 0x2"),
    "an empty length": post(b"{}" + SMUGGLED, b"Content-Length:"),
    "a length over 64 bits": post(b"{}" + SMUGGLED, b"Content-Length: 18446744073709551618"),
    "a length with a space before the colon": post(b"{}" + SMUGGLED, b"Content-Length : 2"),
    "chunks with a space before the colon":
        post(CHUNKS + SMUGGLED, b"Transfer-Encoding : chunked"),
    "chunks twice": post(CHUNKS + SMUGGLED, CHUNKED, CHUNKED),
    "identity, then chunks": post(CHUNKS + SMUGGLED, b"Transfer-Encoding: identity", CHUNKED),
    "chunks, then identity": post(CHUNKS + SMUGGLED, CHUNKED, b"Transfer-Encoding: identity"),
    "gzip and chunks": post(CHUNKS + SMUGGLED, b"Transfer-Encoding: gzip, chunked"),
    "an unknown encoding": post(CHUNKS + SMUGGLED, b"Transfer-Encoding: xchunked"),
    "a vertical tab": post(CHUNKS + SMUGGLED, b"Transfer-Encoding: \vchunked"),
    "chunks of HTTP/1.0": post(CHUNKS + SMUGGLED, CHUNKED, version=b"1.0"),
    "a folded line": post(b"{}" + SMUGGLED, b"X: y", b" Content-Length: 2"),
    "a folded encoding": post(CHUNKS + SMUGGLED, b"Transfer-Encoding:", b" chunked"),
    "a line feed alone": post(b"{}" + SMUGGLED, b"X: y\nContent-Length: 2"),
    "line feeds alone": post(b"{}", b"Content-Length: 2").replace(b"\r\n", b"\n") + SMUGGLED,
    "a carriage return alone": post(b"{}" + SMUGGLED, b"X: y\rContent-Length: 2"),
    "a NUL in a value": post(b"{}" + SMUGGLED, b"X: a\0b", b"Content-Length: 2"),
    "a NUL in a name": post(b"{}" + SMUGGLED, b"X\0: a", b"Content-Length: 2"),
    "a NUL in the path": b"GET /v1/\0 HTTP/1.1\r\nHost: x\r\n\r\n" + SMUGGLED,
    "a line without a colon": post(b"{}" + SMUGGLED, b"abc", b"Content-Length: 2"),
    "no host": b"GET /v1/nope HTTP/1.1\r\n\r\n" + SMUGGLED,
    "two hosts": b"GET /v1/nope HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n" + SMUGGLED,
    "a host that is none": b"GET /v1/nope HTTP/1.1\r\nHost: x/y\r\n\r\n" + SMUGGLED,
    "a chunk over 64 bits": post(b"1" + b"0" * 16 + b"\r\n{}\r\n0\r\n\r\n" + SMUGGLED, CHUNKED),
    "a negative chunk": post(b"-2\r\n{}\r\n0\r\n\r\n" + SMUGGLED, CHUNKED),
    "a chunk without a size": post(b"\r\n{}\r\n0\r\n\r\n" + SMUGGLED, CHUNKED),
    "a chunk that is longer than its size": post(b"2\r\n{}x\r\n0\r\n\r\n" + SMUGGLED, CHUNKED),
    "two spaces in the first line": b"GET  /v1/nope HTTP/1.1\r\nHost: x\r\n\r\n" + SMUGGLED,
    "tabs in the first line": b"GET\t/v1/nope\tHTTP/1.1\r\nHost: x\r\n\r\n" + SMUGGLED,
    "HTTP/0.9": b"GET /v1/nope\r\n\r\n" + SMUGGLED,
}


@pytest.mark.parametrize("case", AMBIGUOUS)
def test_an_ambiguous_request_is_refused_and_ends_its_connection(client, rest, case):
    client.send(AMBIGUOUS[case])
    got = client.read_to_end()
    assert got.startswith(b"HTTP/1.1 400 ")
    assert len(re.findall(rb"HTTP/1\.1 \d", got)) == 1
    assert rest.get("/v1/dataSources/smuggled").status == 404


def test_what_would_be_smuggled_works_by_itself(client, rest):
    """Otherwise the test above would show nothing."""
    client.send(SMUGGLED)
    assert client.read()[0] == 200
    assert rest.request("DELETE", "/v1/dataSources/smuggled").status == 200


def test_garbage_behind_a_request_is_refused(client):
    client.send(NOPE + b"garbage\r\n\r\n" + SMUGGLED)
    assert client.read()[0] == 404
    assert client.read_to_end().startswith(b"HTTP/1.1 400 ")


def test_a_refusal_has_the_shape_of_errors(rest):
    got = rest.raw(post(b"{}", b"Content-Length: 2", b"Content-Length: 2"))
    assert b'{"error":{"code":400,"status":"INVALID_ARGUMENT"' in got
