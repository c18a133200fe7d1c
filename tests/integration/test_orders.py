"""ListTasks in either order: pages, filters and tokens that belong to their order."""
import pytest

from sluicetest.client import task


def list_ids(client, **request):
    """The ids of all pages, and how many pages there were."""
    ids, npages, token = [], 0, ""
    while True:
        reply = client("ListTasks", pageToken=token, **request)
        ids += [listed["id"] for listed in reply.get("tasks", [])]
        npages += 1
        token = reply.get("nextPageToken", "")
        if not token:
            return ids, npages


@pytest.mark.parametrize("order", ["create_time", "create_time asc", "  create_time   asc "])
def test_the_oldest_first(client, order):
    made = [client("CreateTask", task=task())["id"] for _ in range(5)]
    assert list_ids(client, orderBy=order, pageSize=2) == (made, 3)
    assert list_ids(client, orderBy=order) == (made, 1)


@pytest.mark.parametrize("order", ["", " ", "create_time desc", " create_time  desc"])
def test_the_newest_first(client, order):
    made = [client("CreateTask", task=task())["id"] for _ in range(5)]
    assert list_ids(client, orderBy=order, pageSize=2) == (made[::-1], 3)


def test_an_order_goes_with_filters(client):
    made = [client("CreateTask", task=task())["id"] for _ in range(6)]
    for task_id in made[::2]:
        client("AbortTask", id=task_id)
    oldest = {"orderBy": "create_time asc", "pageSize": 2}
    assert list_ids(client, state="TASK_STATE_KILLED", **oldest)[0] == made[::2]
    assert list_ids(client, kind="TASK_KIND_BULKLOAD", **oldest)[0] == made
    assert list_ids(client, kind="TASK_KIND_BULKLOAD", state="TASK_STATE_PENDING",
                    **oldest)[0] == made[1::2]


def test_tasks_that_come_are_on_the_last_page(client):
    made = [client("CreateTask", task=task())["id"] for _ in range(3)]
    first = client("ListTasks", pageSize=2, orderBy="create_time")
    made.append(client("CreateTask", task=task())["id"])
    rest = client("ListTasks", orderBy="create_time", pageToken=first["nextPageToken"])
    assert [t["id"] for t in first["tasks"] + rest["tasks"]] == made


def test_a_token_belongs_to_its_order(client):
    for _ in range(2):
        client("CreateTask", task=task())
    for one, other in (("", "create_time"), ("create_time asc", "create_time desc")):
        token = client("ListTasks", pageSize=1, orderBy=one)["nextPageToken"]
        failure = client.fails("ListTasks", pageToken=token, orderBy=other)
        assert failure.reason == "PAGE_TOKEN"
        client("ListTasks", pageToken=token, orderBy=f" {one} ")


@pytest.mark.parametrize("wrong", ["id", "create_time up", "create_time asc asc", "CREATE_TIME",
                                   "create_time,id", "create_time DESC", "; DROP TABLE task"])
def test_what_is_no_order(client, wrong):
    assert list(client.fails("ListTasks", orderBy=wrong).violations) == ["order_by"]


def test_orders_over_http(client, stack):
    stack.start_rest()
    made = [client("CreateTask", task=task())["id"] for _ in range(3)]
    reply = stack.rest.get("/v1/tasks?orderBy=create_time%20asc")
    assert [t["id"] for t in reply.json()["tasks"]] == made
    assert stack.rest.get("/v1/tasks?orderBy=id").status == 400
