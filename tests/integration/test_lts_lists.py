"""The whole lists of the LTS task API, however long they are, and their pages."""
import http.client
import json
import socket

import pytest

from sluicetest import lts, program
from sluicetest.sockets import untaken_bytes
from sluicetest.stack import Stack
from sluicetest.wait import wait_until

NTASKS = 100_000
LISTS = [("fulldata", "FULL_MIGRATION", "jobName", lts.FULL_KEYS),
         ("incr", "INCREMENTAL_SYNC", "jobId", lts.INCR_KEYS)]

# For a page, several times over: as rows, as messages, as JSON. The lists are longer.
MEMORY_BYTES = 16 << 20

LEFT_BYTES = 4 << 20  # more than the system keeps for a client that does not read


def count_memory(patch):
    """The sanitizer of programs that start from now on keeps next to no freed memory."""
    patch.setitem(program.SANITIZERS, "ASAN_OPTIONS",
                  program.SANITIZERS["ASAN_OPTIONS"] + ":quarantine_size_mb=1")


@pytest.fixture(scope="module")
def seeded(build, protos, shared_cluster, tmp_path_factory):
    """A gateway, REST, and so many tasks of both kinds."""
    if shared_cluster.process.poll() is not None:
        shared_cluster.start()
    with pytest.MonkeyPatch.context() as patch:
        count_memory(patch)
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
def lists(request, seeded):
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
def test_a_list_is_whole_and_takes_little_memory(lists, name, kind, id_key, keys):
    rest = lists.rest
    read_pages(rest, f"/hbase/{name}", 500, 3)  # what the programs take for any page
    before = [p.peak_memory_bytes() for p in lists.programs]
    reply = rest.get(f"/hbase/{name}")
    after = [p.peak_memory_bytes() for p in lists.programs]
    assert reply.status == 200
    assert reply.headers["transfer-encoding"] == "chunked"
    assert reply.headers["content-type"] == "application/json"
    whole = reply.json()
    assert list(whole) == ["tunnels", "success", "message"]
    assert (whole["success"], whole["message"]) == ("true", "ok")
    assert [tunnel[id_key] for tunnel in whole["tunnels"]] == lists.ids[kind]
    assert all(list(tunnel) == keys for tunnel in whole["tunnels"])
    if kind == "FULL_MIGRATION":
        assert all(len(tunnel["fullJobs"]) == len(tunnel["schemeTasks"]) == 1
                   for tunnel in whole["tunnels"])
    assert len(reply.body) > 24 << 20
    assert max(b - a for a, b in zip(before, after)) < MEMORY_BYTES


def test_tasks_of_many_jobs_come_a_few_at_a_time(stack, monkeypatch):
    count_memory(monkeypatch)
    stack.migrate()
    lts.add_clusters(stack.database)
    ids = lts.seed_tasks(stack.database, 30)["FULL_MIGRATION"]
    stack.database.rows(
        "INSERT INTO job (id, task_id, step, role, state, table_name, end_time)"
        " SELECT 'fulldata-' || md5(id || n), id, 1, 'FULL', 'SUCCEEDED', 'ns:a_table_' || n, now()"
        "   FROM task, generate_series(1, 3000) n WHERE kind = 'FULL_MIGRATION'")
    stack.start_gateway()
    stack.start_rest()
    stack.rest.get("/hbase/incr")
    before = [p.peak_memory_bytes() for p in stack.programs]
    tunnels = stack.rest.get("/hbase/fulldata").json()["tunnels"]
    after = [p.peak_memory_bytes() for p in stack.programs]
    assert [tunnel["jobName"] for tunnel in tunnels] == ids
    assert {len(tunnel["fullJobs"]) for tunnel in tunnels} == {3001}
    assert max(b - a for a, b in zip(before, after)) < 3 * MEMORY_BYTES
    page = stack.rest.get("/hbase/fulldata?pageSize=1000").json()
    assert 1 <= len(page["tunnels"]) < 30 and page["nextPageToken"]


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


def test_tasks_that_come_and_go_meanwhile_do_no_harm(lists):
    database = lists.database
    with Slow(lists.shim.port, "/hbase/incr") as client:
        start = client.reply.read(1000)
        gone = lists.ids["INCREMENTAL_SYNC"][-1]
        database.rows(
            "INSERT INTO task (id, kind, source, destination, spec, state, stage, end_time) VALUES"
            " ('wal-' || md5('new'), 'INCREMENTAL_SYNC', 'hbase1', 'hbase2', "
            f" {lts.SPEC}, 'SUCCEEDED', 'FINISHED', now())")
        database.rows("DELETE FROM task WHERE id = %s", gone)
        try:
            ids = [t["jobId"] for t in json.loads(start + client.reply.read())["tunnels"]]
            kept = lists.ids["INCREMENTAL_SYNC"][:-1]
            new = database.value("SELECT id FROM task WHERE id = 'wal-' || md5('new')")
            assert ids == [*kept, new]
        finally:
            database.rows("DELETE FROM task WHERE id = 'wal-' || md5('new')")
            lists.ids["INCREMENTAL_SYNC"].remove(gone)


def test_pages_make_up_the_list(lists):
    pages = read_pages(lists.rest, "/hbase/incr", 1000)
    assert len(pages) >= NTASKS // 1000
    ids = [tunnel["jobId"] for page in pages for tunnel in page]
    assert ids == lists.ids["INCREMENTAL_SYNC"]


@pytest.mark.parametrize("query, words", [
    ("pageSize=x", "pageSize: 'x' is not a whole number"),
    ("pageSize=-1", "page_size"),
    ("pageToken=abc", "page_token"),
    ("pageSize=1&pageSize=2", "pageSize: is given twice"),
])
def test_pages_that_are_none_are_refused(lists, query, words):
    reply = lists.rest.get(f"/hbase/fulldata?{query}")
    assert reply.status == 400 and reply.json()["success"] == "false"
    assert words in reply.json()["message"]


def test_a_token_belongs_to_its_list(lists):
    token = lists.rest.get("/hbase/fulldata?pageSize=1").json()["nextPageToken"]
    reply = lists.rest.get(f"/hbase/incr?pageSize=1&pageToken={token}")
    assert (reply.status, reply.json()["success"]) == (400, "false")


def test_head_has_no_body(lists):
    reply = lists.rest.request("HEAD", "/hbase/incr")
    assert (reply.status, reply.body) == (200, b"")
    assert reply.headers["content-type"] == "application/json"


def test_clients_that_go_away_leave_nothing_behind(lists):
    for _ in range(20):
        with Slow(lists.shim.port, "/hbase/fulldata") as client:
            client.reply.read(1000)
    assert lists.rest.get("/hbase/fulldata?pageSize=1").status == 200


def test_a_client_that_reads_slowly_holds_nobody_up(lists):
    with Slow(lists.shim.port, "/hbase/fulldata") as client:
        client.reply.read(1000)
        for _ in range(10):
            assert len(lists.rest.get("/hbase/incr?pageSize=1").json()["tunnels"]) == 1


def test_http_1_0_gets_the_list_too(lists):
    with Slow(lists.shim.port, "/hbase/incr", "HTTP/1.0") as client:
        assert client.reply.getheader("transfer-encoding") is None
        assert len(json.loads(client.reply.read())["tunnels"]) == len(lists.ids["INCREMENTAL_SYNC"])


# --- the gateway goes away

def test_a_list_that_breaks_off_shows_that_it_is_not_whole(lists):
    with Slow(lists.shim.port, "/hbase/incr") as client:
        client.reply.read(1000)
        lists.gateway.kill()
        try:
            with pytest.raises(http.client.IncompleteRead):
                client.reply.read()
        finally:
            lists.gateway.start()
    wait_until(lambda: lists.rest.get("/healthz").status == 200)


def test_a_list_that_cannot_begin_is_an_error(lists):
    lists.gateway.kill()
    try:
        reply = wait_until(lambda: answer_of(lists.rest, 503))
        assert reply.json() == {"success": "false", "message": "the gateway cannot be reached"}
    finally:
        lists.gateway.start()
    wait_until(lambda: lists.rest.get("/healthz").status == 200)


def answer_of(rest, status):
    reply = rest.get("/hbase/incr")
    return reply if reply.status == status else None


def test_a_list_under_way_is_finished_by_a_stop(lists):
    """Last of all: it stops REST, which waits for some seconds only; so there is little left to be made then."""
    nbytes = len(lists.rest.get("/hbase/incr").body)
    with Slow(lists.shim.port, "/hbase/incr") as client:
        start = client.reply.read(nbytes - LEFT_BYTES)
        sizes = [0]
        wait_until(lambda: sizes.append(untaken_bytes(lists.shim.port)) or 0 < sizes[-2] == sizes[-1], what="REST has to wait")
        assert sizes[-1] < LEFT_BYTES - 65536
        lists.shim.process.terminate()
        lists.shim.wait_for_event("stopping")
        assert len(json.loads(start + client.reply.read())["tunnels"]) == \
            len(lists.ids["INCREMENTAL_SYNC"])
    lists.shim.stop()
