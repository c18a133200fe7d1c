"""Old tasks and events go, bounded and one gateway at a time, and are written down before."""
import contextlib
import json
import subprocess

import psycopg2
import pytest

from sluicetest import metrics
from sluicetest.client import task
from sluicetest.wait import wait_until

OLD = "UPDATE task SET end_time = end_time - interval '8 days' WHERE end_time IS NOT NULL"
EVERY_ROW = ("SELECT (SELECT count(*) FROM task) + (SELECT count(*) FROM job) + (SELECT count(*) FROM task_event)"
             " + (SELECT count(*) FROM task_label) + (SELECT count(*) FROM bad_row)")


@pytest.fixture
def archive(tmp_path):
    folder = tmp_path / "archive"
    folder.mkdir()
    return folder


def make_old(client, stack, count=1):
    """Tasks that ended eight days ago."""
    ids = [client("CreateTask", task={**task(), "labels": {"n": str(n)}})["id"] for n in range(count)]
    for made in ids:
        client("AbortTask", id=made)
    stack.database.rows(OLD)
    return ids


def keep(stack, archive=None, **more):
    """Starts the gateway anew, which keeps tasks for seven days."""
    stack.gateway.stop()
    given = {"keep-tasks-days": 7, **({"archive-folder": archive} if archive else {}), **more}
    stack.gateway.options += [text for name, value in given.items() for text in (f"--{name}", str(value))]
    stack.gateway.start()


def lines(archive):
    """Those that are there to their ends."""
    return [json.loads(line) for file in sorted(archive.iterdir())
            for line in file.read_bytes().rpartition(b"\n")[0].splitlines()]


def tasks_of(archive):
    return [line["task"]["id"] for line in lines(archive) if "task" in line]


def is_gone(stack, *ids):
    return stack.database.value("SELECT count(*) FROM task WHERE id = ANY (%s)", list(ids)) == 0


@contextlib.contextmanager
def session(stack, *statements):
    """A transaction that stays open."""
    connection = psycopg2.connect(stack.database.url)
    try:
        cursor = connection.cursor()
        for statement in statements:
            cursor.execute(statement)
        yield connection
    finally:
        connection.close()


def test_what_is_old_is_written_down_as_the_api_has_it_and_goes(client, stack, archive):
    old = make_old(client, stack, 3)
    shown = [client("GetTask", id=made) for made in old]
    events = [client("ListTaskEvents", id=made)["events"] for made in old]
    young = client("CreateTask", task=task())["id"]
    client("AbortTask", id=young)
    keep(stack, archive)
    wait_until(lambda: is_gone(stack, *old), what="the old tasks are gone")
    assert not is_gone(stack, young)
    assert sorted(tasks_of(archive)) == sorted(old)
    assert [line["task"] for line in lines(archive) if "task" in line] == shown
    for made, known in zip(old, events):
        assert [line["event"] for line in lines(archive) if line.get("taskId") == made] == known
    (file,) = archive.iterdir()
    today = stack.database.value("SELECT to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD')")
    assert file.name == f"sluice-archive-{today}.jsonl" and file.stat().st_mode & 0o777 == 0o600
    wait_until(lambda: client.fails("GetTask", id=old[0]).code == "NOT_FOUND", what="clients are told")


def test_what_goes_and_what_does_not_is_counted(client, stack, archive):
    old = make_old(client, stack, 3)
    other = stack.program("sluice-gateway", "--database-url", stack.database.url, "--listen", "127.0.0.1:0",
                          "--metrics-listen", "127.0.0.1:0", "--keep-tasks-days", 7,
                          "--archive-folder", archive / "later", log="other")
    stack.workers.append(other.start())  # is stopped with the others

    def get(name, **labels):
        return metrics.scrape(other.metrics_port).get(f"sluice_retention_{name}_total", **labels)
    wait_until(lambda: get("failures"), what="the failure is counted")
    assert get("removed", what="tasks") == 0
    (archive / "later").mkdir()
    wait_until(lambda: is_gone(stack, *old), 30, what="the old tasks are gone")
    wait_until(lambda: get("removed", what="tasks") == 3, what="they are counted")


def test_nothing_goes_by_default(client, stack):
    old = make_old(client, stack)
    stack.gateway.stop()
    stack.gateway.start()
    assert not is_gone(stack, *old)
    assert stack.database.value("SELECT holder FROM retention") == ""


def test_many_go_in_small_steps(client, stack, archive):
    count = 250
    old = make_old(client, stack, count)
    keep(stack, archive)
    wait_until(lambda: is_gone(stack, *old), 30, what="the old tasks are gone")
    assert sorted(tasks_of(archive)) == sorted(old)

    def told():
        steps = [line["tasks"] for line in stack.gateway.events() if line["event"] == "old tasks removed"]
        return steps if sum(steps) == count else None
    assert max(wait_until(told, what="all steps are told of")) <= 100
    assert stack.database.value(EVERY_ROW) == 0


def test_a_gateway_that_dies_in_between_loses_nothing(client, stack, archive):
    """It is killed when the tasks are written down and about to go."""
    old = make_old(client, stack, 3)
    with session(stack, "SELECT FROM job FOR UPDATE"):
        keep(stack, archive)
        removing = "wait_event_type = 'Lock' AND query LIKE '%retention_remove(%'"
        pid = wait_until(lambda: stack.database.rows(f"SELECT pid FROM pg_stat_activity WHERE {removing}"),
                         what="the tasks are about to go")[0][0]
        assert sorted(tasks_of(archive)) == sorted(old)
        stack.gateway.kill()
        assert stack.database.value("SELECT pg_terminate_backend(%s, 60000)", pid)
    assert not is_gone(stack, old[0])
    (file,) = archive.iterdir()
    with file.open("a") as broken:
        broken.write('{"task":{"id":"half of a li')  # as a crash of the machine leaves it
    stack.database.rows("UPDATE retention SET hold_end_time = now()")  # or a minute passes
    stack.gateway.start()
    wait_until(lambda: is_gone(stack, *old), what="the old tasks are gone")
    text = file.read_text().splitlines()
    whole = [line for line in text if not line.endswith("half of a li")]
    assert len(whole) == len(text) - 1
    again = [json.loads(line)["task"]["id"] for line in whole if line.startswith('{"task"')]
    assert sorted(again) == sorted(old * 2)


def test_a_task_that_is_retried_at_the_moment_of_its_removal_stays(client, stack, archive):
    old = make_old(client, stack, 2)
    with session(stack, f"SELECT FROM task WHERE id = '{old[0]}' FOR UPDATE",
                 "SELECT task_retry(%s, '{KILLED}', '{PENDING}', 'PENDING', 'test', false)"
                 % f"'{old[0]}'") as retry:
        keep(stack, archive)
        wait_until(lambda: is_gone(stack, old[1]), what="the other task is gone")
        retry.commit()
    assert old[0] in tasks_of(archive)
    assert stack.database.value("SELECT state FROM task") == "PENDING"


@pytest.mark.parametrize("is_full", [True, False], ids=["full", "missing"])
def test_what_cannot_be_written_down_stays(client, stack, archive, is_full):
    """/dev/full is a disk without room."""
    old = make_old(client, stack)
    today = stack.database.value("SELECT to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD')")
    file = archive / f"sluice-archive-{today}.jsonl"
    if is_full:
        file.symlink_to("/dev/full")
    keep(stack, archive if is_full else archive / "none")
    error = stack.gateway.wait_for_event("what is old is not removed")
    assert ("No space left" if is_full else "No such file") in error["error"] and str(archive) in error["error"]
    assert not is_gone(stack, *old)
    if is_full:
        file.unlink()
        wait_until(lambda: is_gone(stack, *old), 30, what="the task is gone, now that there is room")
        assert tasks_of(archive) == old


def test_two_gateways_write_each_task_down_once(client, stack, archive):
    old = make_old(client, stack, 120)
    other = stack.program("sluice-gateway", "--database-url", stack.database.url, "--listen", "127.0.0.1:0",
                          "--keep-tasks-days", 7, "--archive-folder", archive, log="other")
    other.start()
    keep(stack, archive)
    wait_until(lambda: is_gone(stack, *old), what="the old tasks are gone")
    other.stop()
    assert sorted(tasks_of(archive)) == sorted(old)


def test_a_watch_is_told_of_a_task_that_went(client, stack):
    old = make_old(client, stack)
    keep(stack)
    wait_until(lambda: is_gone(stack, *old), what="the old task is gone")
    assert stack.database.rows("SELECT task_id, state, labels FROM task_tombstone") == [
        (old[0], "KILLED", {"n": "0"})]


def test_old_events_of_a_task_that_lives_go_but_for_the_newest(client, stack, archive):
    live = client("CreateTask", task=task())["id"]
    for verb in ("AbortTask", "RetryTask") * 2:
        client(verb, id=live)
    events = client("ListTaskEvents", id=live)["events"]
    stack.database.rows("UPDATE task_event SET time = time - interval '31 days'")
    client("UpdateTask", task={"id": live, "displayName": "a"})
    keep(stack, archive, **{"keep-events-days": 30})
    count = "SELECT count(*) FROM task_event"
    wait_until(lambda: stack.database.value(count) == 1, what="the old events are gone")
    assert stack.database.rows("SELECT state, task_state_before(task_id, seq) FROM task_event") == [("PENDING", None)]
    assert [int(line["event"]["sequence"]) for line in lines(archive)] == [int(e["sequence"]) for e in events]


@pytest.mark.parametrize("options,expected", [
    (("--keep-events-days", 1), "keep-events-days: 1 is neither 0 nor at least 2"),
    (("--archive-folder", "/tmp"), "archive-folder: nothing is removed"),
    (("--keep-tasks-days", -1), "keep-tasks-days"),
])
def test_settings_that_make_no_sense_are_refused(stack, build, options, expected):
    done = subprocess.run([build / "sluice-gateway", "--database-url", stack.database.url, *map(str, options)],
                          capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 2 and expected in done.stderr
