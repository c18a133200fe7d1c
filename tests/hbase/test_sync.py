"""
Incremental syncs between two clusters of HBase, by the calls of the LTS task API as its documentation shows them. What
has arrived, and what became of the peer, is told by the judge. What is killed meanwhile is in test_sync_faults.py.
"""
import json
import urllib.parse
from datetime import datetime

import pytest

from hbasetest.cluster import free_port
from hbasetest.judge import cell, family
from sluicetest import alerts, lts, metrics
from sluicetest.wait import wait_until

TIMEOUT_S = 60


class Syncs:
    """Makes incremental syncs and looks at them, as a script of LTS would."""

    def __init__(self, sluice, judge, source):
        self.sluice = sluice
        self.judge = judge
        self.source = source

    def create(self, *tables, source="source", target="target", create_table=True, **attrs):
        """The task's id; what is after the tables is in extraAttrs."""
        form = {"name": "a-sync", "src": source, "dst": target, "tableNames": ",".join(tables),
                "createTable": str(create_table).lower(), "extraAttrs": json.dumps(attrs)}
        return lts.created(lts.post(self.sluice, f"{lts.INCR}/create", urllib.parse.urlencode(form)))

    def update(self, task_id, *tables):
        form = {"jobId": task_id, "tableNames": ",".join(tables)}
        assert lts.post(self.sluice, f"{lts.INCR}/update", urllib.parse.urlencode(form)) == lts.OK

    def call(self, task_id, verb):
        answer = json.loads(lts.curl(self.sluice, f"{lts.INCR}/{task_id}/{verb}"))
        assert answer["success"] == "true", answer

    def detail(self, task_id):
        return json.loads(lts.curl(self.sluice, f"{lts.INCR}/{task_id}/detail"))["data"]

    def task(self, task_id):
        """The task as /v1 shows it, from when a gateway that was killed is there again."""
        def get():
            reply = self.sluice.rest.get(f"/v1/tasks/{task_id}")
            return reply.json() if reply.status != 503 else None
        return wait_until(get, what="the gateway answers")

    def peer(self, task_id):
        """What the source has for the sync: is_enabled, tables and so on; or None."""
        return self.judge.peers(self.source).get(peer_of(task_id))

    def ships(self, task_id):
        return (self.peer(task_id) or {"is_enabled": False})["is_enabled"]

    def is_released(self, task_id):
        """Whether no worker is to let go of the source any more."""
        return not any(job["role"] == "JOB_ROLE_RELEASE" and job["state"] in ("JOB_STATE_READY", "JOB_STATE_RUNNING")
                       for job in self.task(task_id)["jobs"])

    # --- waiting

    def wait(self, condition, what, timeout_s=TIMEOUT_S):
        def look():
            self.sluice.check_programs()
            return condition()
        return wait_until(look, timeout_s, what=what)

    def wait_state(self, task_id, state, timeout_s=TIMEOUT_S):
        def look():
            task = self.task(task_id)
            now = task["state"].removeprefix("TASK_STATE_")
            assert now == state or now not in ("FAILED", "SUCCEEDED"), json.dumps(task, indent=1)
            return task if now == state else None
        return self.wait(look, f"{task_id} is {state}", timeout_s)

    def wait_caught_up(self, task_id, timeout_s=TIMEOUT_S):
        self.wait(lambda: self.task(task_id)["progress"].get("lag") == "0s", "caught up", timeout_s)

    def lag(self, task_id):
        """In seconds, by the task's word; infinite while it is not known."""
        return float(self.task(task_id)["progress"].get("lag", "inf").rstrip("s"))

    def synced_until(self, task_id):
        """Up to when all that was written is there, by the task's word, in milliseconds since 1970; 0: not known."""
        synced = self.task(task_id)["progress"].get("syncTime")
        return datetime.fromisoformat(synced).timestamp() * 1000 if synced else 0

    def wait_synced(self, task_id, until, timeout_s=TIMEOUT_S):
        """Waits until all that was written until then is there, by the task's word."""
        self.wait(lambda: self.synced_until(task_id) > until * 1000, "synced", timeout_s)

    def wait_message(self, task_id, *words, timeout_s=TIMEOUT_S):
        """Waits until the task, which goes on, says what is in its way."""
        def look():
            task = self.task(task_id)
            assert task["state"] in ("TASK_STATE_RUNNING", "TASK_STATE_PENDING"), json.dumps(task, indent=1)
            return all(word in task.get("message", "") for word in words)
        try:
            self.wait(look, f"a message with {words}", timeout_s)
        except AssertionError as e:
            raise AssertionError(f"{e}; the message is {self.task(task_id).get('message')!r}") from e

    def wait_no_message(self, task_id, timeout_s=TIMEOUT_S):
        self.wait(lambda: not self.task(task_id).get("message"), "no message", timeout_s)

    def wait_failure(self, task_id, *words, timeout_s=10):
        """Waits until the task has failed, or is tried again, for this reason."""
        def look():
            message = self.task(task_id).get("message", "")
            return message if all(word in message for word in words) else None
        try:
            return self.wait(look, f"a message with {words}", timeout_s)
        except AssertionError as e:
            raise AssertionError(f"{e}; the message is {self.task(task_id).get('message')!r}") from e


def peer_of(task_id):
    return "sluice_" + task_id.removeprefix("wal-")


def scopes_of(judge, cluster, table):
    return {name: attributes["REPLICATION_SCOPE"]
            for name, attributes in judge.describe(cluster, table)["families"].items()}


@pytest.fixture
def syncs(sluice, judge, source):
    """No peer is left behind, for it would keep the source's logs."""
    yield Syncs(sluice, judge, source)
    for peer in judge.peers(source):
        judge.ask("remove_peer", source, peer=peer)


@pytest.fixture
def equal(judge, source, target, syncs):
    """Waits until a table is the same on both sides."""
    def wait(table, timeout_s=TIMEOUT_S):
        syncs.wait(lambda: not judge.compare(source, table, target)["differences"], f"{table} is equal", timeout_s)
        judge.assert_equal(source, table, target)
    return wait


@pytest.mark.both_versions
def test_changes_arrive_until_an_abort_and_all_of_them_after_a_retry(syncs, judge, source, target, table, equal):
    judge.create(source, table, [family("f", VERSIONS=3), "g"], regions=3)
    task = syncs.create(table)
    syncs.wait_state(task, "RUNNING")
    syncs.wait(lambda: syncs.ships(task), "the peer ships")
    assert scopes_of(judge, source, table) == {"f": "1", "g": "1"}

    judge.write(source, table,
                cell("a", "f", "q", "1", timestamp=1000), cell("a", "f", "q", "2", timestamp=2000),
                cell("b", "g", "", b"\x00\xff"), cell(b"\xff\x00", "f", b"\x01", "x"),
                cell("a", "f", "q", timestamp=1000, type="Delete"), cell("b", "f", "q", "gone"),
                cell("b", "f", "q", type="DeleteColumn"), cell("c", "g", type="DeleteFamily"))
    equal(table)
    syncs.wait_caught_up(task)
    syncs.wait_synced(task, 0)
    shown = syncs.detail(task)
    assert 0 < shown["offset"] <= shown["synctime"] and shown["syncDate"] and shown["state"] == "RUNNING"

    def has_one_log():  # an old one goes a while after the new one is there
        progress = syncs.task(task)["progress"]
        return progress if progress["lag"] == "0s" and int(progress["queuedLogs"]) == 1 else None
    progress = syncs.wait(has_one_log, "the log that is written is all that is queued")
    assert progress["checkpointTime"] <= progress["syncTime"]

    syncs.call(task, "abort")
    syncs.wait_state(task, "KILLED")
    # The master says so before its servers have heard of it; the job is done when all have.
    syncs.wait(lambda: not syncs.ships(task) and syncs.is_released(task), "the peer is disabled")
    judge.write(source, table, *(cell(f"late{i}", "f", "q", str(i)) for i in range(100)))
    assert judge.compare(source, table, target)["missing"] == 100
    syncs.call(task, "retry")
    equal(table)
    assert syncs.task(task)["state"] == "TASK_STATE_RUNNING"

    syncs.call(task, "del")
    syncs.wait(lambda: syncs.peer(task) is None, "the peer is removed")
    syncs.wait(lambda: syncs.sluice.rest.get(f"/v1/tasks/{task}").status == 404, "the task is gone")


@pytest.fixture
def running(syncs, judge, source):
    """Creates tables on both sides and a sync of them that ships: its id."""
    def start(*tables, families=("f",), **how):
        for table in tables:
            judge.create(source, table, families)
        task = syncs.create(*tables, **how)
        syncs.wait_state(task, "RUNNING")
        syncs.wait(lambda: syncs.ships(task), "the peer ships")
        return task
    return start


def test_tables_are_added_and_taken_out_while_a_sync_runs(syncs, judge, source, target, table, equal, running):
    first, second = f"{table}_1", f"{table}_2"
    task = running(first)
    judge.create(source, second)
    syncs.update(task, first, second)
    syncs.wait(lambda: set(syncs.peer(task)["tables"]) == {first, second}, "the peer has both tables")
    judge.write(source, first, cell("a", "f", "q", "1"))
    judge.write(source, second, cell("a", "f", "q", "2"))
    equal(first)
    equal(second)
    assert syncs.detail(task)["tableNames"] == [f"default:{first}", f"default:{second}"]

    syncs.update(task, second)
    syncs.wait(lambda: set(syncs.peer(task)["tables"]) == {second}, "the peer has one table")
    rows = iter(range(1000))

    def one_is_left_out():  # the master has the new list before its region servers do
        row = f"b{next(rows)}"
        judge.write(source, first, cell(row, "f", "q", "not shipped"))
        judge.write(source, second, cell(row, "f", "q", "shipped"))
        equal(second)
        return judge.compare(source, first, target)["missing"] >= 1
    syncs.wait(one_is_left_out, "a row of the table that was taken out is not shipped")
    assert not syncs.task(task).get("message")


def test_bandwidth_is_that_of_the_task_now(syncs, judge, source, table, running):
    task = running(table, bandWidth=5000000)
    assert syncs.peer(task)["bandwidth"] == 5000000
    syncs.sluice.client("UpdateTask", task={"id": task, "incrementalSync": {"extraAttrsJson": '{"bandWidth":7000000}'}},
                        updateMask="incrementalSync.extraAttrsJson")
    syncs.wait(lambda: syncs.peer(task)["bandwidth"] == 7000000, "the peer has the new bandwidth")
    assert syncs.ships(task)


def test_what_a_person_does_to_the_peer_is_told_and_not_undone(
        syncs, judge, source, target, table, equal, running, tmp_path):
    task = running(table)
    peer = peer_of(task)
    syncs.wait_caught_up(task)
    judge.ask("disable_peer", source, peer=peer)
    syncs.wait_message(task, f"replication peer {peer} was disabled by hand", f"enable_peer '{peer}'")
    judge.write(source, table, cell("a", "f", "q", "1"))
    # Its servers say lag 0 all the while; what is written is not there, though.
    syncs.wait(lambda: syncs.lag(task) > 3, "a lag that grows")
    assert syncs.synced_until(task) < judge.scan(source, table)[0]["timestamp"]
    assert judge.compare(source, table, target)["missing"] == 1
    # Another worker finds it so, too, and does not begin with enabling it.
    syncs.sluice.workers[-1].kill()
    worker = syncs.sluice.start_worker("--metrics-listen", "127.0.0.1:0")
    syncs.wait(lambda: int(syncs.task(task)["jobs"][-1]["attempt"]) >= 2, "another worker has it")
    syncs.wait_message(task, "was disabled by hand")
    assert not syncs.ships(task)
    lag = "sluice_worker_sync_lag_seconds"
    behind = syncs.wait(lambda: ((s := metrics.scrape(worker.metrics_port)).get(lag) or 0) > 3 and s, "the lag is shown")
    assert behind.get("sluice_worker_hbase_calls_total", outcome="answered") > 0
    later = alerts.series_of("sluice-worker", behind)
    assert alerts.firing(tmp_path, later) == set()
    (name,) = [series for series in later if series.startswith(lag)]
    later[name] = f"{behind.get(lag)}+60x{alerts.MINUTES}"  # as it goes on, if nobody enables the peer
    assert alerts.firing(tmp_path, later) == {"SluiceSyncLag"}
    judge.ask("enable_peer", source, peer=peer)
    syncs.wait_no_message(task)
    equal(table)

    judge.create(source, f"{table}_other")
    judge.ask("update_peer", source, peer=peer, tables=f"{table}_other")
    syncs.wait_message(task, f"the tables of replication peer {peer} were changed by hand")
    judge.ask("update_peer", source, peer=peer, tables=table)
    syncs.wait_no_message(task)

    key = syncs.peer(task)["key"]
    judge.ask("remove_peer", source, peer=peer)
    syncs.wait_message(task, f"replication peer {peer} was removed", "full=true")
    judge.ask("add_peer", source, peer=peer, key=key, tables=table, enabled=True)
    syncs.wait_no_message(task)
    judge.write(source, table, cell("b", "f", "q", "2"))
    equal(table)
    events = [event.get("message", "") for event in syncs.sluice.events(task)]
    for words in ("disabled by hand", "changed by hand", "was removed"):
        assert any(words in message for message in events), events


def test_a_peer_that_was_removed_is_added_again_by_a_retry_from_the_start(syncs, judge, source, table, equal, running):
    task = running(table)
    judge.ask("remove_peer", source, peer=peer_of(task))
    syncs.wait_message(task, "was removed")
    syncs.call(task, "abort")
    syncs.wait_state(task, "KILLED")
    syncs.sluice.client("RetryTask", id=task, fromStart=True)
    syncs.wait(lambda: syncs.ships(task), "the peer ships")
    syncs.wait_no_message(task)
    judge.write(source, table, cell("a", "f", "q", "1"))
    equal(table)


def test_new_families_go_to_the_destination_too(syncs, judge, source, target, table, equal, running):
    task = running(table)
    judge.modify(source, table, [family("g", VERSIONS=7, REPLICATION_SCOPE=1), family("h", BLOOMFILTER="NONE")])

    def followed():
        made = judge.describe(target, table)["families"]
        scopes = scopes_of(judge, source, table)
        return made if {"g", "h"} <= set(made) and set(scopes.values()) == {"1"} else None
    made = syncs.wait(followed, "both families are at the destination")
    assert made["g"]["VERSIONS"] == "7" and made["h"]["BLOOMFILTER"] == "NONE"
    # What was written to h before its scope was set is not shipped, and that is said.
    syncs.wait_message(task, "new column families without REPLICATION_SCOPE 1", f"{table}:h")
    judge.write(source, table, cell("a", "g", "q", "1"), cell("a", "h", "q", "2"), cell("a", "f", "q", "3"))
    equal(table)


def test_a_new_family_is_waited_for_where_tables_are_not_made(syncs, judge, source, target, table, equal, running):
    judge.create(target, table)
    task = running(table, create_table=False)
    judge.modify(source, table, [family("g", REPLICATION_SCOPE=1)])
    judge.write(source, table, cell("a", "g", "q", "1"), cell("b", "f", "q", "2"))
    syncs.wait_message(task, "destination", f"table {table} lacks the column families g", "add them")
    judge.modify(target, table, ["g"])
    syncs.wait_no_message(task)
    equal(table)


@pytest.mark.parametrize("side", ["source", "destination"])
def test_a_table_that_is_dropped_is_told(syncs, judge, source, target, table, equal, running, side):
    other = f"{table}_other"
    task = running(table, other)
    judge.drop(source if side == "source" else target, table)
    syncs.wait_message(task, f"{side}: ", f"table {table}")
    judge.create(source if side == "source" else target, table)
    if side == "source":  # what is written to it before that is not shipped
        syncs.wait_message(task, "REPLICATION_SCOPE 1", "is set now")
    else:
        syncs.wait_no_message(task)
    judge.write(source, table, cell("a", "f", "q", "1"))
    judge.write(source, other, cell("a", "f", "q", "1"))
    equal(table)
    equal(other)


def test_a_destination_that_is_disabled_is_told_and_waited_for(syncs, judge, source, target, table, equal, running):
    task = running(table)
    judge.ask("disable", target, table=table)
    judge.write(source, table, cell("a", "f", "q", "1"))
    syncs.wait_message(task, "destination", f"table {table} is not enabled")
    judge.ask("enable", target, table=table)
    syncs.wait_no_message(task)
    equal(table)


# --- what is found before anything begins


def test_a_table_is_missing(syncs, judge, source, target, table):
    task = syncs.create(table, create_table=False)
    syncs.wait_failure(task, f"source: there is no table {table}")
    judge.create(source, table)
    task = syncs.create(table, create_table=False)
    syncs.wait_failure(task, f"destination: there is no table {table}", "createTable=true")
    assert syncs.task(task)["state"] == "TASK_STATE_FAILED" and not judge.peers(source)
    # Nothing of the source is changed before all is right.
    assert scopes_of(judge, source, table) == {"f": "0"}


def test_a_family_is_missing_or_keeps_less(syncs, judge, source, target, table):
    judge.create(source, table, [family("f", VERSIONS=3), "g"])
    judge.create(target, table, [family("f", VERSIONS=2)])
    task = syncs.create(table, create_table=False)
    syncs.wait_failure(task, f"destination: table {table} lacks the column families g")
    judge.modify(target, table, ["g"])
    task = syncs.create(table, create_table=False)
    syncs.wait_failure(task, f"table {table} keeps less than the source: f has VERSIONS 2, the source 3")


def test_a_destination_takes_no_rows(syncs, judge, source, target, table):
    judge.create(source, table)
    judge.create(target, table, READONLY="true")
    task = syncs.create(table, create_table=False)
    syncs.wait_failure(task, f"destination: table {table} is read-only")
    judge.modify(target, table, READONLY="false")
    judge.ask("disable", target, table=table)
    task = syncs.create(table, create_table=False)
    syncs.wait_failure(task, f"destination: table {table} is not enabled")


def test_both_sides_are_one_cluster(syncs, judge, source, table):
    judge.create(source, table)
    syncs.sluice.add_cluster("again", source)
    task = syncs.create(table, target="again", create_table=False)
    syncs.wait_failure(task, "source 'source' and destination 'again' are the same cluster")


@pytest.mark.parametrize("address, words", [
    ("127.0.0.1:{dead}:/hbase", ["destination: ", "127.0.0.1:{dead}"]),
    ("127.0.0.1:{port}:/nowhere", ["destination: ", "/nowhere"]),
    ("hbase+rpc://localhost:{dead}", ["a sync needs that of its ZooKeeper"]),
], ids=["nobody listens", "no such node", "no ZooKeeper"])
def test_a_destination_cannot_be_reached(syncs, judge, source, target, table, dead_port, address, words):
    places = {"dead": dead_port, "port": target.zookeeper_port}
    syncs.sluice.add_cluster("elsewhere", address.format(**places))
    judge.create(source, table)
    task = syncs.create(table, target="elsewhere", create_table=False)
    syncs.wait_failure(task, *(word.format(**places) for word in words))
    assert not judge.peers(source)


@pytest.fixture
def dead_port():
    """Nobody listens there."""
    return free_port()


def test_rights_are_missing(syncs, judge, source, new_cluster, table):
    guarded = new_cluster("guarded", access_control=True)
    syncs.sluice.add_cluster("guarded", guarded, username="guest")
    for cluster in (source, guarded):
        judge.create(cluster, table)
    judge.ask("grant", guarded, user="guest", actions="RC", table=table)
    task = syncs.create(table, source="guarded", create_table=False)
    syncs.wait_failure(task, "source: ", "user 'guest' lacks the right A (ADMIN) on the cluster")
    task = syncs.create(table, target="guarded", create_table=False)
    syncs.wait_failure(task, "destination: ", f"user 'guest' lacks the right W on table {table}")
