"""
Whatever dies in the middle of an import, and whenever: it ends SUCCEEDED and the table holds
exactly the rows of the files. Moments are random; SLUICE_TEST_SEED repeats those of an earlier run.
"""
import contextlib
import os
import random
import time

import grpc
import psycopg2
import pytest

from sluicetest.bigfile import COLUMNS, SQL_COLUMNS, SQL_TABLE, BigFiles
from sluicetest.importer import Importer
from sluicetest.postgres import Cluster
from sluicetest.stack import ENDED
from sluicetest.standstill import stop_process
from sluicetest.wait import wait_until

ROWS = 800000
FILES = 16
KILLS = 5


@pytest.fixture(scope="module")
def big(build, tmp_path_factory):
    return BigFiles(build, tmp_path_factory.mktemp("big"), ROWS, FILES)


@pytest.fixture
def dice():
    """The random numbers of a test; the seed is in the report of one that fails."""
    seed = int(os.environ.get("SLUICE_TEST_SEED", random.randrange(2**32)))
    print(f"SLUICE_TEST_SEED={seed}")
    return random.Random(seed)


class Import:
    """
    One import of the big files, by a stack whose leases are short. The table has no key in SQL
    form, so that a row that is written twice is there twice.
    """

    def __init__(self, stack, destination, big, file_type, is_sql):
        self.stack = stack
        self.big = big
        self.importer = Importer(stack, destination, "big")
        self.columns = SQL_COLUMNS if is_sql else COLUMNS
        if is_sql:
            self.importer.make_table(SQL_TABLE)
            for column in ("intcol", "doublecol", "string1col"):  # so that rows take their time
                destination.rows(f"CREATE INDEX ON {self.importer.table} ({column})")
        for path in big.csv if file_type == "CSV" else big.parquet:
            (self.importer.folder / path.name).hardlink_to(path)
        self.file_type = file_type
        self.ncaught = 0

    def start(self):
        self.id = self.importer.submit(self.columns, self.file_type)
        self.start_time = time.monotonic()
        return self

    # --- how far it is

    def is_over(self):
        """Whether it has ended; false while nobody can tell."""
        self.stack.check_programs()
        try:
            return self.stack.state(self.id) in ENDED
        except grpc.RpcError as error:
            assert error.code() in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.UNKNOWN), error
            return False

    def unit_times(self):
        """When the splits that are committed were; [] when that cannot be known now."""
        try:
            return sorted(self.importer.units(self.id).values())
        except psycopg2.Error:
            return []

    def run_until_a_moment(self, dice, share):
        """Goes on until that share of the splits is done, and for a random part of one more."""
        wait_until(lambda: len(self.unit_times()) >= share * FILES or self.is_over(), 120,
                   what=f"{share:.0%} of the splits are done")
        times = self.unit_times()
        a_unit_s = (times[-1] - times[0]).total_seconds() / len(times) if len(times) > 1 else 0.5
        end = time.monotonic() + dice.uniform(0, min(a_unit_s, 2))
        wait_until(lambda: time.monotonic() >= end, what="the moment")
        self.ncaught += not self.is_over()

    # --- the end

    def finish(self):
        """It succeeds; rows and counts are exact; nearly all strokes met it alive."""
        wait_until(self.is_over, 120, what="the import ends")
        task = self.importer.end(self.id)
        assert (task.progress.rows_read, task.progress.rows_written, task.progress.bad_rows) == (
            self.big.count, self.big.count, 0)
        assert task.progress.bytes_read == task.progress.bytes_total
        assert task.message == ""
        self.big.check(self.importer, self.columns)
        assert self.ncaught >= KILLS - 1, "the import was over too soon"


def answers(stack):
    try:
        return stack.api.tasks.ListTasks(stack.api.task_service.ListTasksRequest()) is not None
    except grpc.RpcError:
        return False


@pytest.fixture
def start_import(stack, destination, big):
    def start(file_type, is_sql):
        stack.start_gateway("--lease-ms", 1500)
        stack.start_rest()
        stack.start_worker()
        stack.add_usual_sources(destination)
        return Import(stack, destination, big, file_type, is_sql).start()
    return start


def kill_worker(stack):
    stack.worker.kill()
    stack.worker.start(wait_for="started")


def kill_gateway(stack):
    stack.gateway.kill()
    stack.gateway.start()


def kill_rest(stack):
    stack.shim.kill()
    stack.shim.start()


def kill_postgresql(stack):
    stack.database.cluster.restart()


STROKES = [kill_worker, kill_gateway, kill_rest, kill_postgresql]


def strike(moved, dice, strokes):
    """One stroke after another, at random moments spread over the import."""
    for n, stroke in enumerate(strokes):
        moved.run_until_a_moment(dice, n / (len(strokes) + 1))
        print(f"{time.monotonic() - moved.start_time:6.2f} s: {stroke.__name__}")
        stroke(moved.stack)
    moved.finish()


@pytest.mark.parametrize("file_type,is_sql", [("CSV", True), ("Parquet", False)])
def test_a_worker_that_is_killed_loses_and_repeats_nothing(start_import, dice, file_type, is_sql):
    moved = start_import(file_type.upper(), is_sql)
    strike(moved, dice, [kill_worker] * KILLS)
    assert sum(job.attempt for job in moved.stack.task(moved.id).jobs) > 3


def test_a_gateway_that_is_killed_loses_and_repeats_nothing(start_import, dice):
    strike(start_import("CSV", is_sql=False), dice, [kill_gateway] * KILLS)


def test_a_rest_shim_that_is_killed_loses_nothing(start_import, dice):
    moved = start_import("PARQUET", is_sql=True)
    strike(moved, dice, [kill_rest] * KILLS)
    reply = moved.stack.rest.get(f"/pro/proc/{moved.id}/info")
    assert reply.json()["data"]["fullJobs"][0]["rowsWritten"] == ROWS


def test_a_postgresql_that_is_killed_loses_and_repeats_nothing(start_import, dice):
    """Both databases are its: the one with the tasks and the one with the rows."""
    strike(start_import("PARQUET", is_sql=True), dice, [kill_postgresql] * KILLS)


def test_all_of_them_are_killed_in_turn(start_import, dice):
    strokes = STROKES + [dice.choice(STROKES) for _ in range(KILLS - len(STROKES))]
    dice.shuffle(strokes)
    strike(start_import("CSV", is_sql=True), dice, strokes)


def test_abort_and_retry_at_random_moments_lose_and_repeat_nothing(start_import, destination,
                                                                   dice):
    moved = start_import("CSV", is_sql=True)
    # A worker hears of an abort within a second, in which a fast machine would do much of the rest.
    destination.rows(f"""
        CREATE FUNCTION patient() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN PERFORM pg_sleep(0.5); RETURN NULL; END $$;
        CREATE TRIGGER patient BEFORE INSERT ON {moved.importer.table} EXECUTE FUNCTION patient()""")

    def is_left_alone():
        return not destination.value("SELECT count(*) FROM pg_stat_activity WHERE datname ="
                                     " current_database() AND application_name LIKE 'sluice %'")

    def abort_and_retry(stack):
        try:
            moved.importer.abort(moved.id)
        except grpc.RpcError:
            assert moved.is_over()
            return
        wait_until(is_left_alone, timeout_s=10, what="the worker stops")
        moved.importer.retry(moved.id)
    strike(moved, dice, [abort_and_retry] * KILLS)


def test_a_worker_that_sleeps_and_wakes_writes_nothing_twice(stack, destination, big, dice):
    """Two workers in turn stand still for longer than a lease, and go on while the other writes."""
    stack.start_gateway("--lease-ms", 1000)
    workers = [stack.start_worker("--worker-id", f"worker-{n}") for n in range(2)]
    stack.add_usual_sources(destination)
    moved = Import(stack, destination, big, "CSV", is_sql=True).start()

    def holder():
        return next((w for w in workers if w.options[-1] == stack.task(moved.id).jobs[1].worker_id),
                    None)

    def has_job(worker):
        """Of what it logs of its jobs the last line is that it has got one."""
        lines = [e["event"] for e in worker.events() if e["event"] in ("job leased", "job dropped", "job finished")]
        return lines[-1:] == ["job leased"]
    for share in (0.1, 0.3, 0.6):
        moved.run_until_a_moment(dice, share)
        asleep = holder()
        if moved.is_over() or not asleep:
            continue
        asleep.pause()
        offset = asleep.log.stat().st_size
        if not has_job(asleep):  # it was too slow, and lost it before
            asleep.resume()
            continue
        wait_until(lambda: holder() not in (asleep, None) or moved.is_over(),
                   what="the other worker takes over")
        moved.run_until_a_moment(dice, share)
        asleep.resume()
        asleep.wait_for_event("job dropped", offset=offset)
    moved.ncaught = KILLS
    moved.finish()


class Fenced:
    """
    A small import into a table without a key that stops at the last row of its second file. The
    gateway is killed before a worker wakes up, so only the destination can tell that it is late.
    """
    ROWS = [("a", 1), ("b", 2), ("c", 3), ("d", 4)]

    def __init__(self, stack, destination):
        stack.start_gateway("--lease-ms", 1000)
        stack.add_usual_sources(destination)
        self.stack = stack
        self.importer = Importer(stack, destination, "fenced")
        self.importer.make_table("id text, v int")
        self.importer.write("a.csv", "a,1\nb,2\n")
        self.importer.write("b.csv", "c,3\nd,4\n")
        self.gate = self.importer.gate()
        self.gate.close("d")
        self.early = stack.start_worker("--worker-id", "early", "--max-jobs", 1)  # whose next question is not out
        self.id = self.importer.submit({"id": "id", "v": "v"}, driver="SMALL")
        self.gate.wait_until_reached("d")

    def end_first_attempt(self):
        """The task may be retried, and nobody stands at the gate."""
        self.importer.abort(self.id)
        self.early.wait_for_event("job dropped")
        wait_until(lambda: not self.gate.waiting("d"), what="the first attempt is over")

    def take_over(self):
        """While the early worker sleeps another one has the job, and goes as far as the gate; then the gateway is gone."""
        self.stack.start_worker("--worker-id", "later")
        self.gate.wait_until_reached("d")
        assert self.stack.task(self.id).jobs[1].worker_id == "later"
        self.stack.gateway.kill()

    def wake_up(self, offset):
        self.early.resume()
        dropped = self.early.wait_for_event("job dropped", offset=offset)
        assert dropped["reason"] == "fenced off by a newer lease"

    def check(self):
        self.stack.gateway.start()
        wait_until(lambda: answers(self.stack), what="the gateway is back")
        task = self.importer.end(self.id)
        assert self.importer.rows() == self.ROWS
        assert (task.progress.rows_read, task.progress.rows_written) == (4, 4)


def test_a_worker_that_wakes_up_with_rows_in_hand_is_refused_by_the_destination(stack, destination):
    fenced = Fenced(stack, destination)
    with fenced.gate as gate:
        fenced.early.pause()
        offset = fenced.early.log.stat().st_size
        before = gate.sessions("d")
        stack.start_worker("--worker-id", "later")
        wait_until(lambda: gate.sessions("d") - before, what="the other comes to the same row")
        stack.gateway.kill()
        gate.open("d")  # whoever still stands there goes on
        fenced.wake_up(offset)
        fenced.check()


def test_a_worker_that_wakes_up_while_it_connects_is_refused_by_the_destination(stack,
                                                                               second_cluster):
    fenced = Fenced(stack, second_cluster.create_database())
    with fenced.gate as gate:
        fenced.end_first_attempt()

        second_cluster.pause()  # the postmaster alone: connections hang, sessions go on
        offset = fenced.early.log.stat().st_size
        fenced.importer.retry(fenced.id)
        fenced.early.wait_for_event("job leased", offset=offset)  # the first attempt may have left a connection there
        wait_until(second_cluster.is_waited_for, what="the worker connects")
        fenced.early.pause()
        second_cluster.resume()
        fenced.take_over()
        fenced.wake_up(offset)
        gate.open("d")
        fenced.check()


def test_a_worker_whose_session_was_ended_while_it_slept_asks_the_destination_why(stack, second_cluster):
    """Behind its fence, at once: the session says no more than that it is gone."""
    fenced = Fenced(stack, second_cluster.create_database())
    destination = fenced.importer.destination
    with fenced.gate as gate:
        fenced.end_first_attempt()

        with contextlib.closing(psycopg2.connect(destination.url)) as other:
            other.cursor().execute("LOCK TABLE sluice_import.import_task")
            fenced.importer.retry(fenced.id)
            wait_until(lambda: destination.value(
                "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'") == 1,
                       what="the worker waits for the ledger")
            fenced.early.pause()
        offset = fenced.early.log.stat().st_size
        fenced.take_over()
        fenced.wake_up(offset)
        gate.open("d")
        fenced.check()


@pytest.fixture
def careless():
    """A PostgreSQL that says that a commit is done before it is on disk."""
    cluster = Cluster(synchronous_commit="off", wal_writer_delay="10s", wal_buffers="64MB")
    cluster.start()
    yield cluster
    cluster.remove()


def test_a_destination_that_loses_what_it_committed_is_given_it_again(stack, careless):
    stack.start_gateway()
    stack.start_worker()
    destination = careless.create_database()
    stack.add_usual_sources(destination)
    importer = Importer(stack, destination, "lost")
    importer.make_table("id text")
    nfiles, nrows = 12, 50
    for n in range(nfiles):
        importer.write(f"{n:02}.csv", "".join(f"{n}-{i}\n" for i in range(nrows)))
    with importer.gate() as gate:
        gate.close("0-0")
        gate.close(f"{nfiles - 1}-0")
        task = importer.submit({"id": "id"})
        gate.wait_until_reached("0-0")
        destination.rows("CHECKPOINT")
        for pid, in destination.rows("SELECT pid FROM pg_stat_activity WHERE backend_type IN"
                                     " ('walwriter', 'background writer', 'checkpointer')"):
            stop_process(pid)
        gate.open("0-0")
        wait_until(lambda: len(importer.units(task)) == nfiles - 1, what="all but the last are committed")
        careless.restart()
    assert len(importer.units(task)) < nfiles - 1, "the server has kept all"
    done = importer.end(task)
    assert done.progress.rows_read == done.progress.rows_written == nfiles * nrows
    assert importer.rows("count(*), count(DISTINCT id)") == [(nfiles * nrows, nfiles * nrows)]
    assert len(importer.units(task)) == nfiles
    assert '"event":"destination lost what it had committed"' in stack.worker.log.read_text()
