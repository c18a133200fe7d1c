"""WatchTask and WatchTasks: what there is, then each change once and in order, whatever happens meanwhile."""
import base64
import concurrent.futures
import hashlib
import json
import random

import grpc
import pytest

from sluicetest.client import READER, Client, Failure, Worker, task
from sluicetest.grpc_client import Api, Reflected
from sluicetest.wait import is_sanitized, wait_until
from sluicetest.watch import Watch

UNKNOWN = "proc-1-" + "0" * 32


@pytest.fixture
def watch(stack):
    """Opens watches, which are closed at the end."""
    opened = []

    def open_watch(*arguments, api=None, **request):
        opened.append(Watch(api or stack.api, *arguments, **request))
        return opened[-1]
    yield open_watch
    for each in opened:
        each.close()


def make_task(client, name="", **labels):
    return client("CreateTask", task={**task(), "displayName": name, "labels": labels})["id"]


def all_events(client, task_id):
    return [int(e["sequence"]) for e in client("ListTaskEvents", id=task_id)["events"]]


# --- what is told

def test_what_there_is_comes_first_and_then_each_change(client, watch):
    old = make_task(client, "old")
    seen = watch().wait_for("SYNCED")
    assert [(m["type"], m["id"], bool(m["cursor"])) for m in seen.messages] == [
        ("CURRENT", old, False), ("SYNCED", None, True)]
    assert seen.messages[0]["task"]["displayName"] == "old"
    new = make_task(client, "new")
    Worker(client, "w7").run_all()
    seen.wait_for("CHANGED", id=new, state="SUCCEEDED")
    told = [m for m in seen.changes() if m["id"] == new]
    assert [m["before"] for m in told] == ["", *[m["state"] for m in told[:-1]]]
    assert [m["sequence"] for m in told] == all_events(client, new)
    assert told[-1]["task"]["state"] == "TASK_STATE_SUCCEEDED"
    assert told[-1]["event"]["actor"] == "w7" and "jobs" not in told[-1]["task"]
    assert len({m["cursor"] for m in seen.changes()}) == len(seen.changes())


def test_one_task_until_it_is_deleted(client, watch):
    mine, other = make_task(client), make_task(client)
    seen = watch(mine).wait_for("SYNCED")
    for task_id in (other, mine):
        client("AbortTask", id=task_id)
    seen.wait_for("CHANGED", state="KILLED")
    for task_id in (other, mine):
        client("DeleteTask", id=task_id)
    assert seen.wait_for_end() is None
    assert [m["type"] for m in seen.messages] == ["CURRENT", "SYNCED", "CHANGED", "DELETED"]
    assert {m["id"] for m in seen.messages if m["id"]} == {mine}
    assert seen.messages[-1]["task"] == {"id": mine}


def test_thousands_of_tasks_come_in_pages(client, watch, stack):
    make_task(client)
    stack.database.value(
        "INSERT INTO task (id, kind, source, destination, spec, state, stage)"
        " SELECT 'proc-' || n || '-' || repeat('a', 32), 'BULKLOAD', 'files', 'ld', t.spec,"
        "        'PENDING', 'WAIT_FOR_START' FROM task t, generate_series(10001, 13000) n"
        " RETURNING 1")
    seen = watch().wait_for("SYNCED", timeout_s=60)
    current = [m["id"] for m in seen.messages if m["type"] == "CURRENT"]
    assert len(current) == len(set(current)) == 3001


def open_lazily(stack):
    """A client that takes in no more than 64 KiB that nobody reads: it does not ask for more by probes."""
    return Api(stack.gateway.address, [("grpc.http2.bdp_probe", 0)])


def test_what_there_is_is_read_only_as_fast_as_the_client_reads(client, stack):
    """100 MB of tasks: meanwhile the gateway has a page of them, and no transaction or lock."""
    made = client("CreateTask", task=task(reader=json.dumps(READER) + " " * 250_000))["id"]
    stack.database.rows(
        "INSERT INTO task (id, kind, source, destination, spec, state, stage)"
        " SELECT 'proc-' || n || '-' || repeat('a', 32), 'BULKLOAD', 'files', 'ld', t.spec, 'PENDING', 'WAIT_FOR_START'"
        "  FROM task t, generate_series(10001, 10400) n WHERE id = %s", made)
    lazy = open_lazily(stack)
    before = stack.gateway.peak_memory_bytes()
    call = lazy.tasks.WatchTasks(lazy.task_service.WatchTasksRequest(), timeout=600)
    told = [next(call).task.id]
    wait_until(lambda: not stack.database.value(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        "   AND (state <> 'idle' OR backend_xmin IS NOT NULL)"), what="nobody uses the database")
    assert stack.gateway.peak_memory_bytes() - before < 16 << 20 or is_sanitized()
    for message in call:
        if message.cursor:
            break
        told.append(message.task.id)
    lazy.close()
    assert len(told) == len(set(told)) == 401
    assert stack.gateway.peak_memory_bytes() - before < 32 << 20 or is_sanitized()


def test_progress_is_told_when_it_grows(client, watch):
    made = make_task(client)
    seen, alone = watch().wait_for("SYNCED"), watch(made).wait_for("SYNCED")
    worker = Worker(client)
    job = worker.must_lease()
    for n in (5, 9):
        worker.report(job, n=n, fraction=n / 10)
        for each in (seen, alone):
            wait_until(lambda w=each, n=n: [m for m in w.messages if m["type"] == "PROGRESS" and
                                            m["task"]["progress"].get("rowsRead") == str(n)])
    seen.wait_for("PROGRESS")
    told = [m["task"]["progress"].get("rowsRead", "0")
            for m in alone.messages if m["type"] == "PROGRESS"]
    assert told[-2:] == ["5", "9"] and len(told) == len(set(told))
    assert all(m["cursor"] for m in seen.messages if m["type"] == "PROGRESS")


def test_a_filter_is_told_what_comes_and_what_goes(client, watch):
    ads = watch(filter='labels.team = "ads"').wait_for("SYNCED")
    pending = watch(filter="state = PENDING").wait_for("SYNCED")
    mine, other = make_task(client, team="ads"), make_task(client, team="web")
    for task_id in (other, mine):
        client("AbortTask", id=task_id)
        client("RetryTask", id=task_id)
    wait_until(lambda: len(ads.changes()) == 3 and len(pending.changes()) == 6)
    client("DeleteTask", id=other)
    client("DeleteTask", id=mine)
    ads.wait_for("DELETED", id=mine)
    pending.wait_for("DELETED", id=mine)
    assert {m["id"] for m in ads.changes()} == {mine}
    assert ads.states(mine) == ["PENDING", "KILLED", "PENDING"]
    assert pending.states(other) == ["PENDING", "KILLED", "PENDING"]
    ended = watch(filter="state = FAILED").wait_for("SYNCED")
    assert [m["type"] for m in ended.messages] == ["SYNCED"]


def test_changes_of_names_are_told(client, watch):
    made = make_task(client, "a")
    seen = watch(made).wait_for("SYNCED")
    client("UpdateTask", task={"id": made, "displayName": "b"})
    seen.wait_for("CHANGED")
    assert seen.changes()[0]["task"]["displayName"] == "b"
    assert (seen.changes()[0]["before"], seen.changes()[0]["state"]) == ("PENDING", "PENDING")


def test_the_command_line_follows_a_task_and_tells_that_it_was_deleted(client, stack):
    made = make_task(client)
    following = stack.program("sluice", "--gateway", stack.gateway.address, "task", "watch", made,
                              log="watch").start(wait_for=None)
    wait_until(lambda: "PENDING" in following.log_tail(), what="the task is shown")
    client("DeleteTask", id=made)
    assert following.process.wait(timeout=30) == 1
    assert f"task '{made}' was deleted" in following.log_tail()


# --- going on from a cursor

def churn(client, ntasks, nrounds):
    """Many changes at once, of tasks that are made for it."""
    def one(_):
        made = make_task(client)
        for _ in range(nrounds):
            client("AbortTask", id=made)
            client("RetryTask", id=made)
        return made
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        return list(pool.map(one, range(ntasks)))


def test_each_cursor_gives_all_that_came_after_it(client, watch):
    first = watch().wait_for("SYNCED")
    made = churn(client, 8, 3)
    wait_until(lambda: len(first.changes()) == 8 * 7)
    client("DeleteTask", id=made[0])
    first.wait_for("DELETED", id=made[0])
    told = [(m["type"], m["id"], m.get("sequence")) for m in first.changes()]
    assert len(told) == 8 * 7 + 1
    for i, message in enumerate(first.changes()):
        left = [each for each in told[i + 1:] if each[1] != made[0] or each[0] == "DELETED"]
        again = watch(cursor=message["cursor"])
        wait_until(lambda w=again, n=len(left): len(w.changes()) >= n)
        got = [(m["type"], m["id"], m.get("sequence")) for m in again.messages]
        assert sorted(got, key=str) == sorted(left, key=str)
        for task_id in made[1:]:
            assert [g for g in got if g[1] == task_id] == [e for e in left if e[1] == task_id]
        again.close()


def test_a_task_that_went_away_meanwhile(client, watch):
    made = make_task(client)
    seen = watch(made).wait_for("SYNCED")
    cursor = seen.last_cursor()
    client("DeleteTask", id=made)
    seen.wait_for_end()
    again = watch(made, cursor=cursor)
    assert again.wait_for_end() is None
    assert [m["type"] for m in again.messages] == ["DELETED"]
    failure = watch(made, cursor=again.last_cursor()).wait_for_end()
    assert (failure.code, failure.reason) == ("NOT_FOUND", "TASK_NOT_FOUND")


def test_nothing_is_lost_or_told_twice_over_a_kill_of_the_gateway(client, stack, watch):
    first = watch().wait_for("SYNCED")
    before = churn(client, 4, 2)
    wait_until(lambda: len(first.changes()) == 4 * 5)
    stack.gateway.kill()
    assert first.wait_for_end().code == "UNAVAILABLE"
    stack.gateway.start()
    for served in (stack.is_served, client.is_served):
        wait_until(served, what="the clients have found the gateway again")
    stack.database.value(  # a change while nobody watches
        "SELECT (task_abort(%s, '{PENDING}', '{}', 'KILLED', 'x', '')).old_state", before[0])
    again = watch(cursor=first.last_cursor())
    after = churn(client, 4, 2)
    wait_until(lambda: len(again.changes()) >= 1 + 4 * 5)
    told = [m["sequence"] for m in first.changes() + again.changes()]
    assert len(told) == len(set(told))
    assert sorted(told) == sorted(s for t in before + after for s in all_events(client, t))


def test_two_gateways_tell_the_same(client, stack, watch):
    other = stack.program("sluice-gateway", "--database-url", stack.database.url,
                          "--listen", "127.0.0.1:0", log="other-gateway").start()
    reflected, api = Reflected(other.address), Api(other.address)
    try:
        here, there = watch().wait_for("SYNCED"), watch(api=api).wait_for("SYNCED")
        made = churn(client, 3, 1) + churn(Client(reflected), 3, 1)
        for each in (here, there):
            wait_until(lambda w=each: len(w.changes()) == 6 * 3)
        half = here.changes()[8]["cursor"]
        rest = watch(api=api, cursor=half)
        wait_until(lambda: len(rest.changes()) == 6 * 3 - 9)
        told = here.changes()[:9] + rest.changes()
        assert sorted(m["sequence"] for m in told) == sorted(
            s for t in made for s in all_events(client, t))
    finally:
        api.close()
        reflected.close()
        other.stop()


def test_watches_stay_while_the_database_is_away(client, stack, watch):
    made = make_task(client)
    seen = watch(made).wait_for("SYNCED")
    stack.database.cluster.kill()
    failure = watch().wait_for_end()
    assert (failure.code, failure.reason) == ("UNAVAILABLE", "DATABASE_UNAVAILABLE")
    assert failure.retry_s > 0
    stack.database.cluster.start()
    wait_until(lambda: is_aborted(client, made), 30, what="the gateway works again")
    seen.wait_for("CHANGED", state="KILLED")
    assert [m["type"] for m in seen.messages] == ["CURRENT", "SYNCED", "CHANGED"]


def is_aborted(client, task_id):
    """Once the gateway can do it; a second time changes nothing."""
    try:
        return client("AbortTask", id=task_id)
    except grpc.RpcError:
        return False


def test_a_transaction_that_stays_open_holds_up_nothing(client, stack, watch):
    psycopg2 = pytest.importorskip("psycopg2")
    held, other = make_task(client), make_task(client)
    seen = watch().wait_for("SYNCED")
    connection = psycopg2.connect(stack.database.url)
    connection.cursor().execute(
        "SELECT task_abort(%s, '{PENDING}', '{}', 'KILLED', 'x', '')", (held,))
    client("AbortTask", id=other)
    seen.wait_for("CHANGED", id=other, state="KILLED")
    cursor = seen.last_cursor()
    again = watch(cursor=cursor)
    connection.commit()
    connection.close()
    for each in (seen, again):
        each.wait_for("CHANGED", id=held, state="KILLED")
    assert [m["id"] for m in seen.changes()] == [other, held]
    assert [m["id"] for m in again.changes()] == [held]


# --- what is refused, and ends

def reseal(cursor, change):
    """A cursor whose bytes were changed by someone who knows its form."""
    raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))[:-4]
    body = change(bytearray(raw))
    sealed = bytes(body) + hashlib.sha256(bytes(body)).digest()[:4]
    return base64.urlsafe_b64encode(sealed).decode().rstrip("=")


def shift_time(body, days):
    """The time is a varint behind version, kind and origin."""
    end, value = 10, 0
    while True:
        value |= (body[end] & 0x7F) << (7 * (end - 10))
        end += 1
        if body[end - 1] < 0x80:
            break
    value += int(days * 86400 * 1000000)
    made = bytearray()
    while value >= 0x80:
        made.append(value & 0x7F | 0x80)
        value >>= 7
    made.append(value)
    return body[:10] + made + body[end:]


def flip_origin(body):
    body[2] ^= 1
    return body


@pytest.mark.parametrize("change, reason", [
    (lambda cursor: cursor[:-1], "INVALID_FIELD"),
    (lambda cursor: "x" + cursor, "INVALID_FIELD"),
    (lambda cursor: "a" * 9000, "INVALID_FIELD"),
    (lambda cursor: reseal(cursor, lambda body: body + b"x"), "INVALID_FIELD"),
    (lambda cursor: reseal(cursor, lambda body: body[:-1]), "INVALID_FIELD"),
    (lambda cursor: reseal(cursor, flip_origin), "CURSOR_EXPIRED"),
    (lambda cursor: reseal(cursor, lambda body: shift_time(body, -1.01)), "CURSOR_EXPIRED"),
    (lambda cursor: reseal(cursor, lambda body: shift_time(body, -0.99)), None),
])
def test_cursors_that_are_not_ours_or_too_old(client, watch, change, reason):
    made = make_task(client)
    seen = watch(made).wait_for("SYNCED")
    again = watch(made, cursor=change(seen.last_cursor()))
    if reason is None:
        client("AbortTask", id=made)
        again.wait_for("CHANGED")
        return
    failure = again.wait_for_end()
    assert failure.reason == reason
    assert failure.code == ("OUT_OF_RANGE" if reason == "CURSOR_EXPIRED" else "INVALID_ARGUMENT")
    assert again.messages == []


def test_what_else_is_refused(client, watch):
    for task_id in (UNKNOWN, "x1"):
        failure = watch(task_id).wait_for_end()
        assert (failure.code, failure.reason) == ("NOT_FOUND", "TASK_NOT_FOUND")
    failure = watch(filter="state =").wait_for_end()
    assert (failure.code, failure.reason) == ("INVALID_ARGUMENT", "INVALID_FIELD")
    assert "filter" in failure.violations


def test_a_stop_of_the_gateway_ends_watches(client, stack, watch):
    seen = watch().wait_for("SYNCED")
    stack.gateway.stop()
    failure = seen.wait_for_end()
    assert (failure.code, failure.reason) == ("UNAVAILABLE", "STOPPING")


def test_who_does_not_read_is_told_so_and_can_go_on(client, stack, watch):
    padding = "".join(random.Random(7).choices(" \t\r\n", k=250000))  # does not compress well
    made = client("CreateTask", task=task(reader=json.dumps(READER) + padding))["id"]
    lazy = open_lazily(stack)
    call = lazy.tasks.WatchTask(lazy.task_service.WatchTaskRequest(id=made), timeout=600)
    for message in call:  # the first two; then nothing is read any more
        if message.cursor:
            break
    reader = watch(made)
    reader.wait_for("SYNCED")
    stack.database.rows(
        "SELECT task_abort(%s, '{PENDING}', '{}', 'KILLED', 'x', ''),"
        "       task_retry(%s, '{KILLED}', '{}', 'PENDING', 'x', false)"
        "  FROM generate_series(1, 180)", made, made)
    # That is more than the gateway keeps; the reader may have been too slow for it as well.
    wait_until(lambda: reader.is_over or len(reader.changes()) == 360, 300)
    seen, failure = read_to_the_end(call)
    lazy.close()
    assert failure.reason == "WATCH_TOO_SLOW" and failure.retry_s > 0
    assert 0 < len(seen) < 360
    again = watch(made, cursor=seen[-1].cursor)
    wait_until(lambda: len(again.changes()) == 360 - len(seen), 300)
    told = [m.event.sequence for m in seen] + [m["sequence"] for m in again.changes()]
    assert told == sorted(set(told)) and len(told) == 360


def read_to_the_end(call):
    """What is left of a stream, and what it ends with."""
    got = []
    try:
        for message in call:
            got.append(message)
    except grpc.RpcError as error:
        return got, Failure.of(error)
    return got, None


def test_thousands_of_watches_come_and_go(client, stack, watch):
    made = make_task(client)
    request = stack.api.task_service.WatchTaskRequest(id=made)

    def come_and_go(n):
        call = stack.api.tasks.WatchTask(request)
        if n % 3:
            next(call)
        call.cancel()

    def memory():
        fields = open(f"/proc/{stack.gateway.process.pid}/statm").read().split()
        return int(fields[1]) * 4096
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        list(pool.map(come_and_go, range(1000)))
        before = memory()
        list(pool.map(come_and_go, range(3000)))
    assert is_sanitized() or memory() - before < 16 << 20
    assert watch(made).wait_for("SYNCED")
