"""
Incremental syncs while things fail: programs and servers are killed, readers sleep, clocks are apart. What a sync does otherwise is
in test_sync.py.
"""
import time

from hbasetest.judge import cell, family
from sluicetest.wait import scale
from test_sync import equal, running, syncs  # noqa: F401, pylint: disable=unused-import

CLOSE_S = 2


# --- what is killed in between


def leases(task):
    """How often workers were given jobs of a task."""
    return sum(int(job.get("attempt", 0)) for job in task["jobs"])


def test_nothing_is_lost_when_worker_and_gateway_are_killed_again_and_again(
        syncs, judge, source, table, equal):
    """Wherever it is: the scope, the peer, the copy, the peer's state."""
    judge.create(source, table, regions=4)
    judge.fill(source, table, rows=2000)
    load = judge.start_load(source, table, 3000, rows=500, deletes=0.3, rate=50)
    task = syncs.create(table, full=True)
    begun = 0
    for n in range(5):
        syncs.wait(lambda: leases(syncs.task(task)) > begun, "a job is leased")  # pylint: disable=cell-var-from-loop
        syncs.sluice.workers[-1].kill()
        if n % 2:
            syncs.sluice.gateway.kill()
            syncs.sluice.gateway.start()
        begun = leases(syncs.task(task))
        syncs.sluice.start_worker()
    load.wait()
    syncs.wait(lambda: syncs.ships(task), "the peer ships")
    assert len(judge.peers(source)) == 1
    equal(table)


# --- the rows that were there before


def test_a_full_sync_under_load_ends_equal_and_close_behind(syncs, judge, source, target, table, equal):
    """
    What is written during the copy is kept for after it: 50,000 puts and deletes, in any order of both. When the load
    ends, the last that was written is there within two seconds, and the task says so within two more.
    """
    judge.create(source, table, [family("a", VERSIONS=3), "b"], regions=6)
    judge.fill(source, table, rows=60000, columns=2, versions=3, deletes=0.1, seed=7)
    load = judge.start_load(source, table, 50000, rows=60000, seed=11, deletes=0.3, rate=1000)
    task = syncs.create(table, full=True)
    syncs.wait(lambda: syncs.peer(task), "the source keeps its logs")
    assert not syncs.ships(task), "the peer ships before the copy has ended"
    syncs.wait(lambda: syncs.ships(task), "the copy has ended", timeout_s=180)
    syncs.wait(lambda: syncs.lag(task) < CLOSE_S, "it has caught up with what was written during the copy", 120)
    load.wait()
    ended = time.time()
    judge.write(source, table, cell("~", "a", "last", "1"))
    syncs.wait(lambda: judge.scan(target, table, start="~"), "the last is there")
    there = time.time()
    syncs.wait(lambda: syncs.lag(task) < CLOSE_S, "the task says so")
    said = time.time()
    assert there - ended < CLOSE_S * scale() and said - there < CLOSE_S * scale(), (ended, there, said)
    equal(table)
    syncs.wait_caught_up(task)
    syncs.wait_synced(task, ended)
    roles = [job["role"].removeprefix("JOB_ROLE_") for job in syncs.task(task)["jobs"]]
    assert roles == ["SCHEMA", "PEER", "FULL", "INCR"]


def test_nothing_is_lost_when_region_servers_are_killed(syncs, judge, source, target, table, equal, running):
    """What a dead server of the source has not shipped, another ships, and synctime waits for that."""
    task = running(table)
    load = judge.start_load(source, table, 3000, rows=500, deletes=0.3, rate=100)
    syncs.wait(lambda: load.progress() > 500, "the load has begun")
    source.restart_region_server()
    target.restart_region_server()
    load.wait()
    equal(table)
    syncs.wait_no_message(task)
    syncs.wait_caught_up(task, timeout_s=120)
    shown = syncs.detail(task)
    assert shown["offset"] <= shown["synctime"]


# --- how far it says it is


class Watched:
    """Writes rows and looks whether the task claims one that is not there."""

    def __init__(self, syncs, judge, task, source, target, table):
        self.syncs, self.judge, self.task = syncs, judge, task
        self.source, self.target, self.table = source, target, table
        self.claims = set()
        self.nrows = 0

    def write(self):
        self.judge.write(self.source, self.table, cell(f"{self.nrows:05}", "f", "q", "v"))
        self.nrows += 1

    def look(self):
        """Asks the task first: what it claims must have been there then, so it is there now."""
        claimed = self.syncs.synced_until(self.task)
        there = {c["row"] for c in self.judge.scan(self.target, self.table)}
        missing = [c for c in self.judge.scan(self.source, self.table) if c["row"] not in there]
        for c in missing:
            assert claimed < c["timestamp"], f"claimed {claimed}, but {c} is missing"
        self.claims.add(claimed)
        return missing


def test_synctime_claims_nothing_that_is_not_there_though_readers_sleep(
        syncs, judge, new_cluster, target, table, equal):
    """A source's reader that has found nothing sleeps, longer each time, and its server says lag 0 all the while."""
    sleepy = new_cluster("sleepy", settings={"replication.source.sleepforretries": "2500"})
    syncs.sluice.add_cluster("sleepy", sleepy)
    judge.create(sleepy, table)
    task = syncs.create(table, source="sleepy")
    syncs.wait_caught_up(task)
    watched = Watched(syncs, judge, task, sleepy, target, table)
    late = []

    def claims_grow():
        watched.write()
        if watched.look() and syncs.lag(task) == 0:
            late.append(watched.nrows)
        return len(watched.claims) > 5
    syncs.wait(claims_grow, "claims that grow", timeout_s=150)
    assert late, "its reader never slept: this test shows nothing"
    begun = time.time()
    syncs.wait_synced(task, begun, timeout_s=120)
    assert not watched.look()
    judge.assert_equal(sleepy, table, target)


def test_a_destination_that_hangs_is_told_and_waited_for(syncs, judge, source, target, table, equal, running):
    """Its servers stand still: connections stay, and nothing is answered. When they are started again it goes on."""
    task = running(table)
    judge.write(source, table, cell("a", "f", "q", "1"))
    equal(table)
    for server in target.region_servers:
        server.pause()
    try:
        judge.write(source, table, cell("b", "f", "q", "2"))
        written = judge.scan(source, table, start="b")[0]["timestamp"]
        syncs.wait_message(task, "destination: ")
        syncs.wait(lambda: syncs.lag(task) > 3, "a lag that grows")
        assert syncs.synced_until(task) < written
    finally:
        target.restart_region_server()
    syncs.wait_no_message(task)
    equal(table)
    syncs.wait_synced(task, written / 1000)


def test_clocks_that_are_apart_are_told_and_change_nothing(syncs, judge, new_cluster, target, table):
    """All times of a sync are the source's, whatever the clocks of its destination and of workers say."""
    ahead = new_cluster("ahead", settings={"sluice.clock.ahead.ms": "3600000"})
    syncs.sluice.add_cluster("ahead", ahead)
    judge.create(ahead, table)
    task = syncs.create(table, source="ahead")
    syncs.wait_message(task, "the clocks of source and destination are 3", "s apart")
    judge.write(ahead, table, cell("a", "f", "q", "1"))
    written = judge.scan(ahead, table)[0]["timestamp"]
    assert written / 1000 > time.time() + 3000
    syncs.wait(lambda: judge.scan(target, table), "the row is there")
    judge.assert_equal(ahead, table, target)
    syncs.wait_synced(task, written / 1000)
    assert syncs.lag(task) < 60
