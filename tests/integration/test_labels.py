"""Display names and labels: what users call their tasks and mark them with."""
import uuid

import pytest

from sluicetest.client import Worker, task

UNKNOWN = "proc-1-" + "0" * 32
MARKS = {"displayName": "Nightly: caf\u00e9",
         "labels": {"team": "core", "env-1": 'a "b" \\ {}', "x": ""}}
MOST_LABELS = {"k" * 61 + f"{n:02}": "v" * 63 for n in range(64)}


def create(client, **marks):
    return client("CreateTask", task={**task(), **marks})


def marks_of(got):
    return {key: got[key] for key in MARKS if key in got}


def test_every_reply_has_them(client):
    made = create(client, **MARKS)
    assert marks_of(made) == MARKS
    assert marks_of(client.task(made["id"])) == MARKS
    assert [marks_of(listed) for listed in client("ListTasks")["tasks"]] == [MARKS]
    assert marks_of(client("AbortTask", id=made["id"])) == MARKS
    assert marks_of(client("RetryTask", id=made["id"])) == MARKS
    assert marks_of(create(client)) == {}


def test_validation_returns_them(client):
    assert marks_of(client("CreateTask", task={**task(), **MARKS}, validateOnly=True)) == MARKS


def test_update_changes_what_the_mask_names(client):
    made = create(client, **MARKS)
    new = {"id": made["id"], "displayName": "new", "labels": {"a": "1"}}
    got = client("UpdateTask", task=new, updateMask="displayName")
    assert marks_of(got) == {**MARKS, "displayName": "new"}
    got = client("UpdateTask", task=new, updateMask="labels")
    assert marks_of(got) == {"displayName": "new", "labels": {"a": "1"}}
    got = client("UpdateTask", task={"id": made["id"]}, updateMask="labels,displayName")
    assert marks_of(got) == {}
    assert client.task(made["id"])["etag"] == got["etag"] != made["etag"]


def test_a_star_stands_for_both(client):
    made = create(client, **MARKS)
    got = client("UpdateTask", task={"id": made["id"], "displayName": "new"}, updateMask="*")
    assert marks_of(got) == {"displayName": "new"}


def test_update_without_a_mask_changes_what_is_set(client):
    made = create(client, **MARKS)
    got = client("UpdateTask", task={"id": made["id"], "displayName": "new"})
    assert marks_of(got) == {**MARKS, "displayName": "new"}
    failure = client.fails("UpdateTask", task={"id": made["id"]})
    assert list(failure.violations) == ["update_mask"]


def test_update_leaves_the_rest_alone(client):
    made = create(client)
    Worker(client).run_all()
    before = client.task(made["id"])
    client("UpdateTask", task={**before, **MARKS, "state": "TASK_STATE_FAILED", "source": "ld"},
           updateMask="labels,displayName")
    after = client.task(made["id"])
    assert marks_of(after) == MARKS
    for key in {*before} - {*MARKS, "etag", "updateTime"}:
        assert after[key] == before[key]


def test_update_takes_the_current_etag_only(client):
    made = create(client)
    first = client("UpdateTask", task={"id": made["id"], "etag": made["etag"], "displayName": "a"})
    failure = client.fails("UpdateTask", task={"id": made["id"], "etag": made["etag"],
                                               "displayName": "b"})
    assert (failure.code, failure.reason) == ("ABORTED", "ETAG_MISMATCH")
    assert client.task(made["id"])["displayName"] == "a"
    assert client.task(made["id"])["etag"] == first["etag"]


def test_of_many_updates_with_the_same_etag_one_succeeds(client):
    made = create(client)
    calls = [client.start("UpdateTask", {"task": {
        "id": made["id"], "etag": made["etag"], "displayName": f"n{n}"}}) for n in range(16)]
    assert sorted(call.code().name for call in calls) == ["ABORTED"] * 15 + ["OK"]


def test_an_update_is_an_event(client):
    made = create(client)
    client("UpdateTask", task={"id": made["id"], "displayName": "a"})
    listed = client("ListTaskEvents", id=made["id"])["events"]
    assert [event["state"] for event in listed] == ["TASK_STATE_PENDING"] * 2


WRONG = [
    ({"displayName": "x" * 129}, "task.display_name"),
    ({"displayName": "a\nb"}, "task.display_name"),
    ({"labels": {"A": ""}}, "task.labels"),
    ({"labels": {"": ""}}, "task.labels"),
    ({"labels": {"k" * 64: ""}}, "task.labels"),
    ({"labels": {"k": "v" * 64}}, "task.labels"),
    ({"labels": {"k": "a\tb"}}, "task.labels"),
    ({"labels": {**MOST_LABELS, "one-more": ""}}, "task.labels"),
]


@pytest.mark.parametrize("wrong, field", WRONG, ids=range(len(WRONG)))
def test_what_is_refused(client, wrong, field):
    made = create(client)
    for failure in (client.fails("CreateTask", task={**task(), **wrong}),
                    client.fails("UpdateTask", task={"id": made["id"], **wrong})):
        assert failure.reason == "INVALID_FIELD"
        assert list(failure.violations) == [field]


def test_limits_are_taken(client):
    most = {"displayName": "\u00e9" * 64, "labels": MOST_LABELS}
    assert marks_of(create(client, **most)) == most


def test_update_refuses_other_fields(client):
    made = create(client)
    failure = client.fails("UpdateTask", task={"id": made["id"], "displayName": "a"},
                           updateMask="displayName,state")
    assert list(failure.violations) == ["update_mask"]
    assert "task" in client.fails("UpdateTask").violations
    for task_id in (UNKNOWN, "", "x"):
        failure = client.fails("UpdateTask", task={"id": task_id, "displayName": "a"})
        assert failure.reason == "TASK_NOT_FOUND"


def test_they_belong_to_the_request(client):
    request = str(uuid.uuid4())
    made = client("CreateTask", task={**task(), **MARKS}, requestId=request)
    labels = dict(reversed(MARKS["labels"].items()))
    same = {**task(), "displayName": MARKS["displayName"], "labels": labels}
    assert client("CreateTask", task=same, requestId=request)["id"] == made["id"]
    client("UpdateTask", task={"id": made["id"], "displayName": "renamed"})
    assert client("CreateTask", task=same, requestId=request)["displayName"] == "renamed"
    for other in (task(), {**same, "labels": {}}, {**same, "displayName": "renamed"}):
        failure = client.fails("CreateTask", task=other, requestId=request)
        assert failure.reason == "REQUEST_ID_REUSED"


def test_pages_are_cut_where_labels_are_large(client):
    made = [client.start("CreateTask", {"task": {**task(), "labels": MOST_LABELS}})
            for _ in range(300)]
    ids = {call.result().id for call in made}
    first = client("ListTasks", pageSize=1000)
    rest = client("ListTasks", pageSize=1000, pageToken=first["nextPageToken"])
    assert {listed["id"] for listed in first["tasks"] + rest["tasks"]} == ids
    assert marks_of(rest["tasks"][-1]) == {"labels": MOST_LABELS}


def test_patch_over_http(client, stack):
    stack.start_rest()
    rest = stack.rest
    made = rest.send_json("POST", "/v1/tasks", {**task(), **MARKS}).json()
    assert marks_of(made) == MARKS
    path = f"/v1/tasks/{made['id']}"
    reply = rest.send_json("PATCH", f"{path}?updateMask=labels", {"labels": {"a": "1"}})
    assert reply.status == 200, reply.text
    assert marks_of(reply.json()) == {**MARKS, "labels": {"a": "1"}}
    assert rest.send_json("PATCH", path, {"displayName": "b", "etag": "99"}).status == 409
    assert rest.send_json("PATCH", f"{path}?updateMask=spec", {"displayName": "b"}).status == 400
    assert rest.send_json("PATCH", f"/v1/tasks/{UNKNOWN}", {"displayName": "b"}).status == 404
