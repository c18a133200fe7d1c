"""The whole lists of the LTS task API, however long they are, and their pages."""
import http.client
import json
import socket

import pytest

from sluicetest import lts, program
from sluicetest.stack import Stack
from sluicetest.wait import wait_until

NTASKS = 100_000
LISTS = [("fulldata", "FULL_MIGRATION", "jobName", lts.FULL_KEYS),
         ("incr", "INCREMENTAL_SYNC", "jobId", lts.INCR_KEYS)]

# For a page, several times over: as rows, as messages, as JSON. The lists are longer.
MEMORY_BYTES = 16 << 20


@pytest.fixture(scope="module")
def seeded(build, protos, shared_cluster, tmp_path_factory):
    """A gateway, REST, and so many tasks of both kinds. The sanitizer keeps no freed memory, since it is counted."""
    if shared_cluster.process.poll() is not None:
        shared_cluster.start()
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(program.SANITIZERS, "ASAN_OPTIONS",
                      program.SANITIZERS["ASAN_OPTIONS"] + ":quarantine_size_mb=1")
        made = Stack(build, shared_cluster.create_database(), tmp_path_factory.mktemp("lists"))
        try:
            made.migrate()
            lts.add_clusters(made.database)
            made.ids = lts.seed_tasks(made.database, NTASKS)
            made.start_gateway()
            made.start_rest()
            yield made
        finally:
            made.stop()


@pytest.fixture
def stack(request, seeded):
    request.node.sluice_stack = seeded
    return seeded


def read_pages(rest, path, size, pages=None):
    """The tunnels of so many pages, or of all."""
    token, tunnels = "", []
    while pages is None or pages > 0:
        reply = rest.get(f"{path}?pageSize={size}&pageToken={token}")
        assert reply.status == 200, reply.text
        page = reply.json()
        assert list(page) == ["tunnels", "success", "message", "nextPageToken"]
        assert (page["success"], page["message"]) == ("true", "ok")
        tunnels.append(page["tunnels"])
        token = page["nextPageToken"]
        if not token:
            break
        pages = pages and pages - 1
    return tunnels


@pytest.mark.parametrize("name, kind, id_key, keys", LISTS)
def test_a_list_is_whole_and_takes_little_memory(stack, name, kind, id_key, keys):
    rest = stack.rest
    read_pages(rest, f"/hbase/{name}", 500, 3)  # what the programs take for any page
    before = [p.peak_memory_bytes() for p in stack.programs]
    reply = rest.get(f"/hbase/{name}")
    after = [p.peak_memory_bytes() for p in stack.programs]
    assert reply.status == 200
    assert reply.headers["transfer-encoding"] == "chunked"
    assert reply.headers["content-type"] == "application/json"
    whole = reply.json()
    assert list(whole) == ["tunnels", "success", "message"]
    assert (whole["success"], whole["message"]) == ("true", "ok")
    assert [tunnel[id_key] for tunnel in whole["tunnels"]] == stack.ids[kind]
    assert all(list(tunnel) == keys for tunnel in whole["tunnels"])
    if kind == "FULL_MIGRATION":
        assert all(len(tunnel["fullJobs"]) == len(tunnel["schemeTasks"]) == 1
                   for tunnel in whole["tunnels"])
    assert len(reply.body) > 24 << 20
    assert max(b - a for a, b in zip(before, after)) < MEMORY_BYTES


class Slow:
    """A client that reads as much as a test wants, with small buffers on its side."""

    def __init__(self, port, path, version="HTTP/1.1"):
        self.sock = socket.socket()
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.sock.settimeout(60)
        self.sock.connect(("127.0.0.1", port))
        self.sock.sendall(f"GET {path} {version}\r\nHost: x\r\n\r\n".encode())
        self.reply = http.client.HTTPResponse(self.sock)
        self.reply.begin()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.reply.close()
        self.sock.close()


def test_tasks_that_come_and_go_meanwhile_do_no_harm(stack):
    database = stack.database
    with Slow(stack.shim.port, "/hbase/incr") as client:
        start = client.reply.read(1000)
        gone = stack.ids["INCREMENTAL_SYNC"][-1]
        database.rows(
            "INSERT INTO task (id, kind, source, destination, spec, state, stage, end_time) VALUES"
            " ('wal-' || md5('new'), 'INCREMENTAL_SYNC', 'hbase1', 'hbase2', "
            f" {lts.SPEC}, 'SUCCEEDED', 'FINISHED', now())")
        database.rows("DELETE FROM task WHERE id = %s", gone)
        try:
            ids = [t["jobId"] for t in json.loads(start + client.reply.read())["tunnels"]]
            kept = stack.ids["INCREMENTAL_SYNC"][:-1]
            new = database.value("SELECT id FROM task WHERE id = 'wal-' || md5('new')")
            assert ids == [*kept, new]
        finally:
            database.rows("DELETE FROM task WHERE id = 'wal-' || md5('new')")
            stack.ids["INCREMENTAL_SYNC"].remove(gone)


def test_pages_make_up_the_list(stack):
    pages = read_pages(stack.rest, "/hbase/incr", 1000)
    assert len(pages) >= NTASKS // 1000
    ids = [tunnel["jobId"] for page in pages for tunnel in page]
    assert ids == stack.ids["INCREMENTAL_SYNC"]


@pytest.mark.parametrize("query, words", [
    ("pageSize=x", "pageSize: 'x' is not a whole number"),
    ("pageSize=-1", "page_size"),
    ("pageToken=abc", "page_token"),
    ("pageSize=1&pageSize=2", "pageSize: is given twice"),
])
def test_pages_that_are_none_are_refused(stack, query, words):
    reply = stack.rest.get(f"/hbase/fulldata?{query}")
    assert reply.status == 400 and reply.json()["success"] == "false"
    assert words in reply.json()["message"]


def test_a_token_belongs_to_its_list(stack):
    token = stack.rest.get("/hbase/fulldata?pageSize=1").json()["nextPageToken"]
    reply = stack.rest.get(f"/hbase/incr?pageSize=1&pageToken={token}")
    assert (reply.status, reply.json()["success"]) == (400, "false")


def test_head_has_no_body(stack):
    reply = stack.rest.request("HEAD", "/hbase/incr")
    assert (reply.status, reply.body) == (200, b"")
    assert reply.headers["content-type"] == "application/json"


def test_clients_that_go_away_leave_nothing_behind(stack):
    for _ in range(20):
        with Slow(stack.shim.port, "/hbase/fulldata") as client:
            client.reply.read(1000)
    assert stack.rest.get("/hbase/fulldata?pageSize=1").status == 200


def test_a_client_that_reads_slowly_holds_nobody_up(stack):
    with Slow(stack.shim.port, "/hbase/fulldata") as client:
        client.reply.read(1000)
        for _ in range(10):
            assert len(stack.rest.get("/hbase/incr?pageSize=1").json()["tunnels"]) == 1


def test_http_1_0_gets_the_list_too(stack):
    with Slow(stack.shim.port, "/hbase/incr", "HTTP/1.0") as client:
        assert client.reply.getheader("transfer-encoding") is None
        assert len(json.loads(client.reply.read())["tunnels"]) == len(stack.ids["INCREMENTAL_SYNC"])


# --- the gateway goes away

def test_a_list_that_breaks_off_shows_that_it_is_not_whole(stack):
    with Slow(stack.shim.port, "/hbase/incr") as client:
        client.reply.read(1000)
        stack.gateway.kill()
        try:
            with pytest.raises(http.client.IncompleteRead):
                client.reply.read()
        finally:
            stack.gateway.start()
    wait_until(lambda: stack.rest.get("/healthz").status == 200)


def test_a_list_that_cannot_begin_is_an_error(stack):
    stack.gateway.kill()
    try:
        reply = wait_until(lambda: answer_of(stack.rest, 503))
        assert reply.json() == {"success": "false", "message": "the gateway cannot be reached"}
    finally:
        stack.gateway.start()
    wait_until(lambda: stack.rest.get("/healthz").status == 200)


def answer_of(rest, status):
    reply = rest.get("/hbase/incr")
    return reply if reply.status == status else None


def test_a_list_under_way_is_finished_by_a_stop(stack):
    """Last of all: it stops REST, which waits for some seconds only."""
    nbytes = len(stack.rest.get("/hbase/incr").body)
    with Slow(stack.shim.port, "/hbase/incr") as client:
        start = client.reply.read(nbytes - (6 << 20))
        stack.shim.process.terminate()
        stack.shim.wait_for_event("stopping")
        assert len(json.loads(start + client.reply.read())["tunnels"]) == \
            len(stack.ids["INCREMENTAL_SYNC"])
    stack.shim.stop()
