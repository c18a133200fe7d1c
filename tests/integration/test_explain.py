"""ExplainTask: why a task is where it is. The test is the worker."""
import pytest

from sluicetest.client import Client, Worker


@pytest.fixture
def client(stack):
    stack.start_gateway("--lease-ms", "60000")
    client = Client(stack.reflected())
    client.add_sources()
    return client


def explain(client, task):
    return client("ExplainTask", id=task["id"])


def reasons(explanation):
    return [job["reason"].removeprefix("JOB_REASON_") for job in explanation.get("jobs", [])]


def test_a_task_says_what_it_waits_for_from_its_beginning_to_its_end(stack, client):
    task = client.create_task()
    told = explain(client, task)
    assert (told["id"], told["state"]) == (task["id"], "TASK_STATE_PENDING")
    assert reasons(told) == ["NO_WORKER", "EARLIER_STEP"]
    assert told["text"].startswith(f"The task waits to begin. Job {task['jobs'][0]['id']} waits for a worker that can do ")
    assert told["text"].endswith(". 1 more jobs are not done.")
    assert "nextTime" not in told["jobs"][0]

    worker = Worker(client, worker_id="night-shift")
    job = worker.must_lease()
    told = explain(client, task)
    assert reasons(told) == ["RUNNING", "EARLIER_STEP"]
    assert told["jobs"][0]["role"] == "JOB_ROLE_SCHEMA" and "nextTime" in told["jobs"][0]
    assert "is done by worker night-shift, try 1, whose lease is good for " in told["text"]

    stack.database.rows("UPDATE job SET lease_end_time = now() - interval '1 s' WHERE state = 'RUNNING'")
    lost = explain(client, task)
    assert reasons(lost)[0] == "LEASE_ENDED"
    assert "worker night-shift, whose lease ended" in lost["text"]

    job = worker.must_lease()
    stack.database.rows("UPDATE job SET tries = 6")  # so that the pause is a long one
    worker.finish(job, "RETRY", "no route to the hosts")
    told = explain(client, task)
    assert reasons(told)[0] == "BACKOFF"
    assert "no route to the hosts" in told["text"] and "nextTime" in told["jobs"][0]


def test_a_job_for_which_others_are_busy_says_so(client):
    first, second = client.create_task(), client.create_task()
    Worker(client).must_lease()
    assert reasons(explain(client, first))[0] == "RUNNING"
    told = explain(client, second)
    assert reasons(told) == ["WORKERS_BUSY", "EARLIER_STEP"]
    assert "on 1 jobs; 1 wait, this one among them" in told["text"]


def test_a_task_that_ended_says_how(client):
    task = client.create_task()
    worker = Worker(client)
    job = worker.must_lease()
    worker.finish(job, "FAILED", "no such table")
    told = explain(client, task)
    assert reasons(told)[0] == "FAILED"
    assert "stays so until RetryTask takes it up again" in told["text"] and "no such table" in told["text"]
    client("RetryTask", id=task["id"])
    client("AbortTask", id=task["id"])
    assert explain(client, task) == {"id": task["id"], "state": "TASK_STATE_KILLED",
                                     "text": "The task was aborted, and stays so until RetryTask takes it up again."}


def test_it_is_told_over_rest_and_by_the_cli(stack, client):
    stack.start_rest()
    task = client.create_task()
    rest = stack.rest.get(f"/v1/tasks/{task['id']}/explanation").json()
    assert [job["reason"] for job in rest["jobs"]] == ["JOB_REASON_NO_WORKER", "JOB_REASON_EARLIER_STEP"]
    lines = stack.cli("task", "explain", task["id"]).stdout.splitlines()
    assert lines[0] == rest["text"]
    assert lines[2].startswith(f"SCHEMA {task['jobs'][0]['id']}: waits for a worker")
    assert "JOB_REASON_NO_WORKER" in stack.cli("task", "explain", task["id"], "-o", "json").stdout


@pytest.mark.parametrize("name", ["proc-1-" + "0" * 32, "nonsense", ""])
def test_a_task_that_is_not_there_is_told(client, name):
    assert client.fails("ExplainTask", id=name).code == "NOT_FOUND"
