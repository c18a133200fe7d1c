"""ListTasks with filters, with jobs and in short pages; GetTask without jobs. Over gRPC, HTTP and sluice(1)."""
import json
import urllib.parse

import pytest

from sluicetest.client import Worker, task

NONE = 'labels.none = "x"'


def create(client, **marks):
    return client("CreateTask", task={**task(), **marks})["id"]


def pages(client, **request):
    """The replies that make up a list."""
    token = ""
    while True:
        reply = client("ListTasks", pageToken=token, **request)
        yield reply
        token = reply.get("nextPageToken", "")
        if not token:
            return


def list_ids(client, **request):
    return [listed["id"] for page in pages(client, **request) for listed in page.get("tasks", [])]


def test_a_filter_takes_what_it_says(client):
    a = create(client, displayName="load a", labels={"team": "ads"})
    b = create(client, displayName="load b", labels={"team": "core", "x-1": ""})
    c = create(client)
    client("AbortTask", id=b)
    created = client.task(b)["createTime"]
    for text, expected in {
            "": [c, b, a],
            "state = KILLED": [b],
            "state != KILLED": [c, a],
            "labels.team = ads OR labels.team = core": [b, a],
            "labels.team != ads": [c, b],
            "labels:x-1": [b],
            'display_name = "load *"': [b, a],
            'display_name = "" AND source = files': [c],
            "NOT (labels:team AND state = PENDING)": [c, b],
            f'create_time = "{created}"': [b],
            f'create_time < "{created}"': [a],
            f'create_time > "{created}" OR display_name = "load a"': [c, a],
            "kind = INCREMENTAL_SYNC": [],
            "destination = files": [],
            NONE: []}.items():
        assert list_ids(client, filter=text) == expected, text
        assert list_ids(client, filter=text, orderBy="create_time", pageSize=1) == expected[::-1], text
    assert list_ids(client, filter="labels:team", state="TASK_STATE_KILLED") == [b]
    assert list_ids(client, filter="labels:team", kind="TASK_KIND_FULL_MIGRATION") == []


def test_marks_that_change_are_found_as_they_are_now(client):
    made = create(client, displayName="old", labels={"team": "ads", "env": "prod"})
    client("UpdateTask", task={"id": made, "displayName": "new", "labels": {"team": "core"}},
           updateMask="displayName,labels")
    for text in ("display_name = new", "labels.team = core", "-labels:env"):
        assert list_ids(client, filter=text) == [made], text
    for text in ("display_name = old", "labels.team = ads", "labels:env"):
        assert list_ids(client, filter=text) == [], text
    client("DeleteTask", id=made)
    assert list_ids(client, filter="labels.team = core") == []


@pytest.mark.parametrize("request_, field, text", [
    ({"filter": "state = running"}, "filter",
     "filter, byte 9: 'running': a state is one of PENDING, RUNNING, SUCCEEDED, FAILED, KILLED"),
    ({"filter": "x" * 4097}, "filter", "filter has 4097 bytes; at most 4096 are taken"),
    ({"filter": " OR ".join(["labels:a"] * 65)}, "filter",
     "filter, byte 769: 'labels:a': more than 64 comparisons"),
    ({"view": 7}, "view", "view: 7 is no value of sluice.v1.TaskView")])
def test_what_is_wrong_is_told(client, request_, field, text):
    failure = client.fails("ListTasks", **request_)
    assert (failure.code, failure.reason) == ("INVALID_ARGUMENT", "INVALID_FIELD")
    assert failure.violations == {field: text}


def test_a_token_belongs_to_its_filter_and_view(client):
    for _ in range(2):
        create(client, labels={"a": "b"})
    asked = {"filter": "labels:a", "view": "TASK_VIEW_FULL", "pageSize": 1}
    token = client("ListTasks", **asked)["nextPageToken"]
    assert client("ListTasks", pageToken=token, **{**asked, "pageSize": 5})["tasks"]
    for other in ({"filter": "labels:b"}, {"filter": ""}, {"view": "TASK_VIEW_BASIC"}):
        failure = client.fails("ListTasks", pageToken=token, **{**asked, **other})
        assert (failure.code, failure.reason) == ("INVALID_ARGUMENT", "PAGE_TOKEN")


def test_a_search_that_takes_long_ends_in_a_short_page(client, stack):
    """What no index helps with is searched for in pieces; nothing is left out."""
    rare = create(client, labels={"env": "rare"})
    stack.database.rows(
        "INSERT INTO task (id, kind, source, destination, spec, state, stage, labels)"
        " SELECT 'proc-0-' || md5(i::text), 'BULKLOAD', 'files', 'ld', '', 'PENDING',"
        "        'WAIT_FOR_START', '{\"env\":\"prod\"}' FROM generate_series(1, 60000) i")
    found = list(pages(client, filter="labels.env != prod"))
    assert len(found) > 1
    assert [t["id"] for page in found for t in page.get("tasks", [])] == [rare]
    assert list_ids(client, filter="labels.env = rare") == [rare]
    assert len(list(pages(client, filter="labels.env = rare"))) == 1


def test_the_full_view_has_the_jobs(client):
    made = [create(client) for _ in range(3)]
    Worker(client).lease()
    for reply in (client("ListTasks", view="TASK_VIEW_FULL"),
                  client("ListTasks", view="TASK_VIEW_FULL", filter="source = files")):
        assert reply["tasks"] == [client.task(id_) for id_ in made[::-1]]
    for view in ("TASK_VIEW_BASIC", "TASK_VIEW_UNSPECIFIED"):
        listed = client("ListTasks", view=view)["tasks"]
        assert [sorted({*full} - {*basic}) for full, basic in zip(reply["tasks"], listed)] == [["jobs"]] * 3
    full = client("GetTask", id=made[0], view="TASK_VIEW_FULL")
    assert len(full["jobs"]) == 2
    assert {**client("GetTask", id=made[0], view="TASK_VIEW_BASIC"), "jobs": full["jobs"]} == full
    assert client.fails("GetTask", id=made[0], view=7).violations == {
        "view": "view: 7 is no value of sluice.v1.TaskView"}


def test_full_pages_are_bounded_by_their_jobs(client, stack):
    made = [create(client) for _ in range(5)]
    stack.database.rows(
        "INSERT INTO job (id, task_id, step, role, state, message)"
        " SELECT t.id || '-' || i, t.id, 0, 'FULL', 'READY', repeat('x', 300)"
        "   FROM task t, generate_series(1, 4000) i")
    found = list(pages(client, view="TASK_VIEW_FULL", orderBy="create_time"))
    assert [t["id"] for page in found for t in page["tasks"]] == made
    assert all(len(t["jobs"]) == 4002 for page in found for t in page["tasks"])
    assert max(len(page["tasks"]) for page in found) == 1
    # Without the jobs it takes their sums, of 10,000 at most.
    assert [len(page["tasks"]) for page in pages(client)] == [2, 2, 1]


def test_http_and_the_command_line_take_the_same(client, stack):
    stack.start_rest()
    made = create(client, labels={"team": "a b"})
    create(client)
    text = 'labels.team = "a b" AND state = PENDING'
    query = urllib.parse.urlencode({"filter": text, "view": "FULL"})
    reply = stack.rest.get(f"/v1/tasks?{query}").json()
    assert [(t["id"], len(t["jobs"])) for t in reply["tasks"]] == [(made, 2)]
    assert "jobs" not in stack.rest.get(f"/v1/tasks/{made}?view=BASIC").json()
    refused = stack.rest.get("/v1/tasks?filter=state%3Dx")
    assert refused.status == 400
    assert "filter, byte 7: 'x': a state is one of" in refused.text

    def sluice(*arguments, **options):
        return stack.cli("-o", "json", "task", "list", *arguments, **options)
    done = sluice("--filter", text)
    assert [json.loads(line)["id"] for line in done.stdout.splitlines()] == [made]
    done = sluice("--filter", text, "--jobs")
    assert [len(json.loads(line)["jobs"]) for line in done.stdout.splitlines()] == [2]
    done = sluice("--filter", "state =", check=False)
    assert done.returncode == 1
    assert "filter, byte 8: it ends here" in done.stderr
