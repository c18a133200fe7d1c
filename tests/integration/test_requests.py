"""Requests that are sent again, and requests that only ask whether they would work."""
import json
import uuid

import pytest

from sluicetest import seed
from sluicetest.client import READER, Worker, task
from sluicetest.wait import wait_until

KEY = "Idempotency-Key"


def new_id():
    return str(uuid.uuid4())


# --- request_id


def test_a_request_that_is_sent_again_gets_the_task_that_is_there(client):
    request = new_id()
    made = client("CreateTask", task=task(), requestId=request)
    again = client("CreateTask", task=task(), requestId=request.upper())
    assert again == client.task(made["id"])
    assert [job["id"] for job in again["jobs"]] == [job["id"] for job in made["jobs"]]
    assert len(client("ListTasks")["tasks"]) == 1


def test_it_gets_the_task_as_it_is_now(client):
    request = new_id()
    made = client("CreateTask", task=task(), requestId=request)
    Worker(client).run_all()
    assert client("CreateTask", task=task(), requestId=request)["state"] == "TASK_STATE_SUCCEEDED"
    client("DeleteTask", id=made["id"])
    assert client("CreateTask", task=task(), requestId=request)["id"] != made["id"]


def test_fields_of_the_server_make_no_other_request(client):
    request = new_id()
    made = client("CreateTask", task=task(), requestId=request)
    again = client("CreateTask", task={**task(), "message": "x", "etag": "9"}, requestId=request)
    assert again["id"] == made["id"]


@pytest.mark.parametrize("other", [
    task(instances=2), task(reader={**READER, "filePath": "others.csv"}), task(source="more"),
    task(source="nope")])
def test_another_request_with_the_same_id_is_refused(client, other):
    client("CreateDataSource", dataSource={
        "name": "more", "type": "DATA_SOURCE_TYPE_FILE",
        "parametersJson": json.dumps({"root": "/srv/more"})})
    request = new_id()
    client("CreateTask", task=task(), requestId=request)
    failure = client.fails("CreateTask", task=other, requestId=request)
    assert failure.code == "ALREADY_EXISTS"
    assert failure.reason == "REQUEST_ID_REUSED"
    assert failure.about == {"request_id": request}
    assert len(client("ListTasks")["tasks"]) == 1


def test_what_was_refused_may_be_mended_and_sent_again(client):
    request = new_id()
    client.fails("CreateTask", task=task(source="nope"), requestId=request)
    client.fails("CreateTask", task=task(instances=0), requestId=request)
    assert client("CreateTask", task=task(), requestId=request)["id"]


def test_requests_at_once_make_one_task_each(client):
    ids = [new_id() for _ in range(10)]
    calls = [(request, client.start("CreateTask", {"task": task(), "requestId": request}))
             for _ in range(20) for request in ids]
    made = {}
    for request, call in calls:
        made.setdefault(request, set()).add(call.result().id)
    assert all(len(tasks) == 1 for tasks in made.values())
    assert len(client("ListTasks")["tasks"]) == len(ids)


def test_one_task_is_made_although_the_gateway_dies(client, stack):
    """Each request is sent until it is answered, whatever the gateway had done when it died."""
    ids = [new_id() for _ in range(60)]
    calls = [client.start("CreateTask", {"task": task(), "requestId": request}) for request in ids]
    calls[7].result()
    stack.gateway.kill()
    for call in calls:
        call.exception()
    stack.gateway.start()
    wait_until(client.is_served, what="the client has found the gateway again")
    tasks = [client("CreateTask", task=task(), requestId=request)["id"] for request in ids]
    assert sorted(t["id"] for t in client("ListTasks", pageSize=1000)["tasks"]) == sorted(tasks)
    for task_id in tasks:
        assert client.jobs(task_id) == ["READY", "WAITING"]


# --- validate_only


def test_validation_returns_the_task_as_it_would_be(client):
    valid = client("CreateTask", task=task(), validateOnly=True)
    assert client("ListTasks") == {}
    made = client("CreateTask", task=task())
    for key in ("id", "etag", "createTime", "updateTime"):
        assert key not in valid
        del made[key]
    for job in made["jobs"]:
        del job["id"]
    assert valid == made
    assert made["state"] == "TASK_STATE_PENDING"


@pytest.mark.parametrize("wrong, code", [
    (task(instances=0), "INVALID_ARGUMENT"), (task(reader="{"), "INVALID_ARGUMENT"),
    (task(source="ld"), "INVALID_ARGUMENT"), (task(destination="nope"), "NOT_FOUND")])
def test_validation_finds_what_creation_finds(client, wrong, code):
    found = client.fails("CreateTask", task=wrong, validateOnly=True)
    assert found.code == code
    assert found == client.fails("CreateTask", task=wrong)


def test_validation_knows_request_ids(client):
    request = new_id()
    client("CreateTask", task=task(), requestId=request, validateOnly=True)
    made = client("CreateTask", task=task(), requestId=request)
    again = client("CreateTask", task=task(), requestId=request, validateOnly=True)
    assert again["id"] == made["id"]
    failure = client.fails("CreateTask", task=task(instances=2), requestId=request,
                           validateOnly=True)
    assert failure.reason == "REQUEST_ID_REUSED"


# --- over HTTP


@pytest.fixture
def rest(client, stack):
    stack.start_rest()
    return stack.rest


def post_form(rest, form, key):
    return rest.request("POST", seed.CREATE, form.encode(), {
        "Content-Type": "application/x-www-form-urlencoded", KEY: key})


def post_task(rest, value, path="/v1/tasks", **headers):
    return rest.request("POST", path, json.dumps(value).encode(), {
        "Content-Type": "application/json", **headers})


@pytest.mark.parametrize("key", ["nightly 2024-05-01", '"quoted"', "k" * 128])
def test_a_form_with_an_idempotency_key(client, rest, key):
    form = seed.FORM.replace("src=hdfs", "src=files")
    first, again = (post_form(rest, form, key) for _ in range(2))
    assert first.status == again.status == 200, first.text
    assert first.body == again.body
    assert len(client("ListTasks")["tasks"]) == 1
    other = post_form(rest, form.replace("instances=5", "instances=6"), key)
    assert other.status == 409
    assert other.json()["success"] == "false" and "another request" in other.json()["message"]


def test_json_with_an_idempotency_key(client, rest):
    request = new_id()
    made = post_task(rest, task(), **{KEY: request})
    again = post_task(rest, task(), path=f"/v1/tasks?requestId={request}")
    assert made.status == again.status == 200
    assert made.json()["id"] == again.json()["id"]
    assert client("CreateTask", task=task(), requestId=request)["id"] == made.json()["id"]
    other = post_task(rest, task(instances=2), **{KEY: request})
    assert other.status == 409
    assert "REQUEST_ID_REUSED" in other.text


@pytest.mark.parametrize("key", ["", "k" * 129])
def test_an_idempotency_key_has_limits(client, rest, key):
    reply = post_task(rest, task(), **{KEY: key})
    assert reply.status == 400
    assert KEY in reply.text
    assert client("ListTasks") == {}


def test_validation_over_http(client, rest):
    reply = post_task(rest, task(), path="/v1/tasks?validateOnly=true")
    assert reply.status == 200
    assert "id" not in reply.json() and len(reply.json()["jobs"]) == 2
    assert post_task(rest, task(source="ld"), path="/v1/tasks?validate_only=true").status == 400
    assert client("ListTasks") == {}
