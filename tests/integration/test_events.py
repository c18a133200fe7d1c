"""ListTaskEvents: each change of a task, in order, in pages that stand still."""
import pytest

from sluicetest.client import Worker, task

UNKNOWN = "proc-1-" + "0" * 32


def events(client, task_id, **request):
    """All events, and how many pages there were."""
    got, npages, token = [], 0, ""
    while True:
        reply = client("ListTaskEvents", id=task_id, pageToken=token, **request)
        got += reply.get("events", [])
        npages += 1
        token = reply.get("nextPageToken", "")
        if not token:
            return got, npages


def states(listed):
    return [event["state"].removeprefix("TASK_STATE_") for event in listed]


def test_the_history_of_an_import(client):
    made = client("CreateTask", task=task())
    assert Worker(client, "w7").run_all() == ["SCHEMA", "FULL"]
    got, _ = events(client, made["id"])
    assert (got[0]["state"], got[-1]["state"]) == ("TASK_STATE_PENDING", "TASK_STATE_SUCCEEDED")
    assert got[-1]["stage"] == "TASK_STAGE_FINISHED"
    assert got[0]["time"] == made["createTime"]
    assert got[-1]["time"] == client.task(made["id"])["endTime"]
    assert got[-1]["actor"] == "w7" and got[0]["actor"] not in ("", "w7")
    assert "previousState" not in got[0]
    assert [event["previousState"] for event in got[1:]] == [event["state"] for event in got[:-1]]
    pages = [event for n in range(len(got)) for event in client(
        "ListTaskEvents", id=made["id"], pageSize=n + 1)["events"][n:]]
    assert pages == got  # the first of a page knows it, too
    numbers = [int(event["sequence"]) for event in got]
    assert numbers == sorted(set(numbers))


def test_a_failure_has_its_message(client):
    made = client("CreateTask", task=task())["id"]
    worker = Worker(client)
    worker.finish(worker.must_lease(), "FAILED", "the disk is full")
    got, _ = events(client, made)
    assert states(got)[-1] == "FAILED"
    assert got[-1]["message"] == "the disk is full"


def test_pages_go_on_where_the_last_one_ended(client):
    made = client("CreateTask", task=task())["id"]
    other = client("CreateTask", task=task())["id"]
    for verb in ["AbortTask", "RetryTask"] * 3:
        client(verb, id=made)
        client("AbortTask", id=other)
    expected = ["PENDING"] + ["KILLED", "PENDING"] * 3
    for page_size, npages in ((1, 7), (3, 3), (7, 1), (0, 1)):
        got, n = events(client, made, pageSize=page_size)
        assert (states(got), n) == (expected, npages)
    assert states(events(client, other)[0]) == ["PENDING", "KILLED"]


def test_a_page_stands_still_while_events_come(client):
    made = client("CreateTask", task=task())["id"]
    client("AbortTask", id=made)
    first = client("ListTaskEvents", id=made, pageSize=1)
    client("RetryTask", id=made)
    rest = client("ListTaskEvents", id=made, pageToken=first["nextPageToken"])
    assert states(first["events"] + rest["events"]) == ["PENDING", "KILLED", "PENDING"]


@pytest.mark.parametrize("task_id", [UNKNOWN, "", "x1"])
def test_a_task_that_is_missing_has_no_events(client, task_id):
    failure = client.fails("ListTaskEvents", id=task_id)
    assert (failure.code, failure.reason) == ("NOT_FOUND", "TASK_NOT_FOUND")


def test_events_go_with_their_task(client):
    made = client("CreateTask", task=task())["id"]
    client("DeleteTask", id=made)
    assert client.fails("ListTaskEvents", id=made).code == "NOT_FOUND"


def test_what_is_refused(client):
    made, other = (client("CreateTask", task=task())["id"] for _ in range(2))
    client("AbortTask", id=made)
    token = client("ListTaskEvents", id=made, pageSize=1)["nextPageToken"]
    assert client.fails("ListTaskEvents", id=other, pageToken=token).reason == "PAGE_TOKEN"
    assert client.fails("ListTaskEvents", id=made, pageToken="x").reason == "PAGE_TOKEN"
    assert "page_size" in client.fails("ListTaskEvents", id=made, pageSize=-1).violations


def test_events_over_http(client, stack):
    stack.start_rest()
    made = client("CreateTask", task=task())["id"]
    client("AbortTask", id=made)
    first = stack.rest.get(f"/v1/tasks/{made}/events?pageSize=1")
    assert first.status == 200
    token = first.json()["nextPageToken"]
    rest = stack.rest.get(f"/v1/tasks/{made}/events?pageToken={token}").json()
    assert states(first.json()["events"] + rest["events"]) == ["PENDING", "KILLED"]
    assert stack.rest.get("/v1/tasks/x/events").status == 404
