"""Etags: a verb that names one is for the task as its caller saw it, and for no other."""
import pytest

from sluicetest.client import Worker, task

UNKNOWN = "proc-1-" + "0" * 32
VERBS = ["AbortTask", "RetryTask", "DeleteTask"]


def make_for(client, verb):
    """A task that the verb may be used on."""
    made = client("CreateTask", task=task())
    return client("AbortTask", id=made["id"]) if verb == "RetryTask" else made


@pytest.mark.parametrize("verb", VERBS)
def test_the_current_etag_is_taken(client, verb):
    made = make_for(client, verb)
    changed = client(verb, id=made["id"], etag=made["etag"])
    assert changed.get("etag") != made["etag"]


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("etag", ["0", "x", "1 ", "' OR true --"])
def test_another_etag_is_refused(client, verb, etag):
    made = make_for(client, verb)
    failure = client.fails(verb, id=made["id"], etag=etag)
    assert failure.code == "ABORTED"
    assert failure.reason == "ETAG_MISMATCH"
    assert failure.about == {"task": made["id"]}
    assert client.task(made["id"])["etag"] == made["etag"]


@pytest.mark.parametrize("verb", VERBS)
def test_a_task_that_is_missing_has_no_etag(client, verb):
    assert client.fails(verb, id=UNKNOWN, etag="1").reason == "TASK_NOT_FOUND"


def test_the_etag_counts_before_the_state(client):
    made = client("CreateTask", task=task())
    Worker(client).run_all()
    assert client.fails("AbortTask", id=made["id"], etag=made["etag"]).reason == "ETAG_MISMATCH"
    now = client.task(made["id"])["etag"]
    assert client.fails("AbortTask", id=made["id"], etag=now).reason == "TASK_STATE"


def test_a_verb_of_a_worker_changes_the_etag(client):
    made = client("CreateTask", task=task())
    Worker(client).must_lease()
    failure = client.fails("DeleteTask", id=made["id"], etag=made["etag"])
    assert failure.reason == "ETAG_MISMATCH"


def test_of_many_with_the_same_etag_one_succeeds(client):
    """Abort and retry at once, with etags: each etag is used up by one call."""
    made = client("CreateTask", task=task())
    for verb in ["AbortTask", "RetryTask"] * 5:
        etag = client.task(made["id"])["etag"]
        calls = [client.start(verb, {"id": made["id"], "etag": etag}) for _ in range(16)]
        codes = sorted(call.code().name for call in calls)
        assert codes == ["ABORTED"] * 15 + ["OK"]


def test_etags_over_http(client, stack):
    stack.start_rest()
    made = client("CreateTask", task=task())
    path = f"/v1/tasks/{made['id']}"
    reply = stack.rest.send_json("POST", f"{path}:abort", {"etag": "99"})
    assert reply.status == 409 and "ETAG_MISMATCH" in reply.text
    killed = stack.rest.send_json("POST", f"{path}:abort", {"etag": made["etag"]})
    assert killed.status == 200
    assert stack.rest.request("DELETE", f"{path}?etag={made['etag']}").status == 409
    assert stack.rest.request("DELETE", f"{path}?etag={killed.json()['etag']}").status == 200
