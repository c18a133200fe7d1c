"""GET /v1/tasks:watch and /v1/tasks/{id}:watch as a browser's EventSource has them, against a real gateway."""
import http.client
import json

import pytest

from sluicetest import seed
from sluicetest.wait import scale, wait_until


class Events:
    """A stream of server-sent events, read one by one."""

    def __init__(self, port, path, last_id=None):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60 * scale())
        headers = {"Accept": "text/event-stream"}
        if last_id is not None:
            headers["Last-Event-ID"] = last_id
        self.connection.request("GET", path, headers=headers)
        self.reply = self.connection.getresponse()
        self.last_id = last_id

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.reply.close()  # or the socket stays open
        self.connection.close()

    def __iter__(self):
        """(event, data) of each; ends with the stream."""
        fields = {}
        while line := self.reply.readline():
            line = line.decode().rstrip("\n")
            name, _, value = line.partition(": ")
            if line and name:  # no comment
                fields[name] = value
            elif "data" in fields:
                self.last_id = fields.get("id", self.last_id)
                yield fields.get("event"), json.loads(fields["data"])
                fields = {}

    def wait_for(self, event, **wanted):
        """The data of the next such event, and what came before it."""
        before = []
        for name, data in self:
            seen = data.get("task", {})
            if name == event and all(seen.get(k) == v for k, v in wanted.items()):
                return data, before
            before.append((name, seen.get("id")))
        raise AssertionError(f"the stream ended before {event} {wanted}: {before}")


@pytest.fixture
def rest(stack, destination):
    """No worker: tasks change when a test changes them."""
    stack.start_gateway()
    stack.start_rest("--max-event-streams", "3")
    stack.add_usual_sources(destination)
    return stack.rest


@pytest.fixture
def events(stack, rest):
    return lambda path, last_id=None: Events(stack.shim.port, path, last_id)


def create(rest):
    return rest.post_form(seed.CREATE, seed.FORM).json()["message"]


def abort(rest, task_id):
    assert rest.request("POST", f"/v1/tasks/{task_id}:abort").status == 200


def test_what_there_is_then_what_changes(rest, events):
    old = create(rest)
    with events("/v1/tasks:watch") as stream:
        assert stream.reply.status == 200
        assert stream.reply.getheader("Content-Type") == "text/event-stream"
        assert stream.reply.getheader("Cache-Control") == "no-store"
        _, before = stream.wait_for("synced")
        assert before == [("current", old)]
        assert stream.last_id
        new = create(rest)
        data, _ = stream.wait_for("changed", id=new)
        assert data["event"]["state"] == "TASK_STATE_PENDING"
        assert data["cursor"] == stream.last_id
        abort(rest, new)
        data, _ = stream.wait_for("changed", id=new, state="TASK_STATE_KILLED")
        assert data["event"]["previousState"] == "TASK_STATE_PENDING"
        assert rest.request("DELETE", f"/v1/tasks/{new}").status == 200
        stream.wait_for("deleted", id=new)


def test_a_client_comes_back_to_where_it_was(rest, events):
    task_id = create(rest)
    with events("/v1/tasks:watch") as stream:
        stream.wait_for("synced")
        last_id = stream.last_id
    abort(rest, task_id)
    with events("/v1/tasks:watch?cursor=nonsense", last_id) as stream:  # the id wins
        data, before = stream.wait_for("changed")
        assert (data["task"]["id"], data["task"]["state"]) == (task_id, "TASK_STATE_KILLED")
        assert before == []
    with events(f"/v1/tasks:watch?cursor={last_id}") as stream:
        assert stream.wait_for("changed")[1] == []


def test_one_task_until_it_is_deleted(rest, events):
    other, task_id = create(rest), create(rest)
    with events(f"/v1/tasks/{task_id}:watch") as stream:
        data, before = stream.wait_for("current")
        assert (data["task"]["id"], before) == (task_id, [])
        abort(rest, other)
        abort(rest, task_id)
        data, before = stream.wait_for("changed", state="TASK_STATE_KILLED")
        assert {task for _, task in before} <= {task_id, None}
        assert rest.request("DELETE", f"/v1/tasks/{task_id}").status == 200
        stream.wait_for("deleted", id=task_id)
        assert list(stream) == []  # its end


def test_a_filter_chooses(rest, events):
    create(rest)
    with events("/v1/tasks:watch?filter=state%20%3D%20KILLED") as stream:
        assert stream.wait_for("synced")[1] == []
        killed = create(rest)
        abort(rest, killed)
        data, _ = stream.wait_for("changed", state="TASK_STATE_KILLED")
        assert data["task"]["id"] == killed


def test_an_error_at_first_is_an_ordinary_reply(events):
    for path, last_id, status, code in [
            ("/v1/tasks/proc-1-00000000000000000000000000000000:watch", None, 404, "NOT_FOUND"),
            ("/v1/tasks:watch?filter=nope%20%3D%201", None, 400, "INVALID_ARGUMENT"),
            ("/v1/tasks:watch?cursor=nonsense", None, 400, "INVALID_ARGUMENT"),
            ("/v1/tasks:watch", "nonsense", 400, "INVALID_ARGUMENT"),
            ("/v1/tasks:watch?nope=1", None, 400, "INVALID_ARGUMENT")]:
        with events(path, last_id) as stream:
            assert stream.reply.status == status
            assert stream.reply.getheader("Content-Type") == "application/json"
            error = json.loads(stream.reply.read())["error"]
            assert (error["code"], error["status"]) == (status, code)


def test_streams_have_a_limit(rest, events):
    opened = [events("/v1/tasks:watch") for _ in range(3)]
    for stream in opened:
        stream.wait_for("synced")
    with events("/v1/tasks:watch") as refused:
        assert refused.reply.status == 503
        assert int(refused.reply.getheader("Retry-After")) > 0
        assert "3 streams" in json.loads(refused.reply.read())["error"]["message"]
    assert rest.get("/v1/tasks").status == 200
    for stream in opened:
        stream.__exit__()

    def has_room():
        create(rest)  # so that the server writes, and sees who is gone
        with events("/v1/tasks:watch") as stream:
            return stream.reply.status == 200
    wait_until(has_room, timeout_s=60)


def test_a_gateway_that_stops_is_told_and_clients_come_back(stack, rest, events):
    with events("/v1/tasks:watch") as stream:
        stream.wait_for("synced")
        stack.gateway.stop()
        told = list(stream)
        assert told[-1][0] == "error"
        assert told[-1][1]["error"]["status"] == "UNAVAILABLE"
        last_id = stream.last_id
    with events("/v1/tasks:watch", last_id) as stream:
        assert stream.reply.status == 503
    stack.gateway.start()
    wait_until(lambda: rest.get("/healthz").status == 200)
    task_id = create(rest)
    with events("/v1/tasks:watch", last_id) as stream:
        assert stream.wait_for("changed")[0]["task"]["id"] == task_id


def test_a_stop_ends_streams(stack, events):
    with events("/v1/tasks:watch") as stream:
        stream.wait_for("synced")
        stack.shim.stop()
        assert [name for name, _ in stream] == ["error"]
