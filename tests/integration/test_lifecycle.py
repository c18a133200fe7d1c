"""The life of an import over the documented calls: followed, stopped, taken up again, deleted."""
import json
import re
import time

import pytest

from sluicetest import seed
from sluicetest.importer import Importer
from sluicetest.wait import wait_until

COLUMNS = {"id": "ROW||String", "v": "f:v||Int"}
UNKNOWN = "proc-1-00000000000000000000000000000000"


@pytest.fixture
def importer(running, destination):
    """An Importer on a stack of its own, whose programs a test may stop."""
    return Importer(running, destination, "lives")


class Staged:
    """
    An import of four files of 1000 rows, read in order by one thread, that stops twice: at the last
    row of the second file and at that of the third. So it stands where a test wants it.
    """
    FIRST, SECOND = "b999", "c999"

    def __init__(self, importer):
        self.importer = importer
        self.rows = []
        for name in "abcd":
            rows = [(f"{name}{n}", n) for n in range(1000)]
            importer.write(f"{name}.csv", "".join(f"{k},{v}\n" for k, v in rows))
            self.rows += rows
        importer.make_table('"ROW" text PRIMARY KEY, "f:v" int')
        self.gate = importer.gate("ROW")
        self.gate.close(self.FIRST)
        self.gate.close(self.SECOND)

    def start(self):
        self.id = self.importer.submit(COLUMNS, driver="SMALL")
        self.gate.wait_until_reached(self.FIRST)
        return self

    def check(self):
        """All rows are there, and the task counts each once."""
        task = self.importer.stack.task(self.id)
        assert self.importer.rows() == sorted(self.rows)
        assert (task.progress.rows_read, task.progress.rows_written) == (4000, 4000)
        return task

    def is_left_alone(self):
        """No session of an import stands before a gate."""
        return not self.gate.waiting(self.FIRST) and not self.gate.waiting(self.SECOND)


@pytest.fixture
def staged(importer):
    made = Staged(importer)
    with made.gate:
        yield made


def info(stack, task_id):
    reply = stack.rest.get(f"/pro/proc/{task_id}/info")
    assert reply.status == 200
    return reply.json()["data"]


def call(stack, task_id, verb):
    """(status, reply) of a documented call that changes a task."""
    reply = stack.rest.get(f"/pro/proc/{task_id}/{verb}")
    return reply.status, reply.text


OK = (200, '{"success":"true","message":"ok"}')


# --- /info

def masked(text):
    """The reply with what differs from run to run replaced."""
    text = re.sub(r'proc-\d+-[0-9a-f]{32}', 'PROC', text)
    text = re.sub(r'fulldata-[0-9a-f]{32}', 'FULL', text)
    text = re.sub(r'"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"', '"UUID"', text)
    return re.sub(r'\b1[0-9]{12}\b', 'MS', text)


PROC_CONFIG = (
    '"procConfig":{"src":"hdfs","dst":"ld","readerConfig":{"filePath":"csv/","column":["id",'
    '"intcol","doublecol","stringcol","string1col","decimalcol"]},"writerConfig":{"columns":'
    '["ROW||String","f:intcol||Int","f:doublecol||Double","f:stringcol||String",'
    '"f:string1col||String","f:decimalcol||Decimal"],"namespace":"default",'
    '"lindormTable":"bulkload_test","compression":"zstd"},"driverSpec":"large","instances":5,'
    '"fileType":"CSV"}')


def info_text(stage, state, full, schema):
    return (f'{{"data":{{"checkJobs":[],"procId":"PROC","incrJobs":[],{PROC_CONFIG},'
            f'"stage":"{stage}","fullJobs":[{full}],"mergeJobs":[],"srcDS":"hdfs","sinkDS":"ld",'
            f'"state":"{state}","schemaJob":{schema},"procType":"SPARK_BULKLOAD"}},'
            '"success":"true"}')


def job_text(name, state, attempt=0, rows=0, nbytes=0, progress="0", start="null", end="null"):
    return (f'{{"jobName":"{name}","state":"{state}","table":"default:bulkload_test",'
            f'"attempt":{attempt},"rowsRead":{rows},"rowsWritten":{rows},"bytesRead":{nbytes},'
            f'"progress":{progress},"startTime":{start},"endTime":{end},"message":""}}')


def test_info_has_the_documented_shape(stack, destination):
    """Before a worker is there, while rows move, and at the end."""
    stack.start_gateway()
    stack.start_rest()
    stack.add_usual_sources(destination)
    content = seed.csv_bytes(range(100))
    (stack.files / "csv").mkdir()
    (stack.files / "csv" / "a.csv").write_bytes(content)
    task_id = stack.rest.post_form(seed.CREATE, seed.form("csv/", "CSV")).json()["message"]
    reply = stack.rest.get(f"/pro/proc/{task_id}/info")
    assert reply.headers["content-type"].split(";")[0] == "application/json"
    assert masked(reply.text) == info_text(
        "WAIT_FOR_START", "RUNNING", job_text("FULL", "WAITING"), job_text("UUID", "WAITING"))

    stack.start_worker()
    stack.wait_for_state(task_id, "SUCCEEDED")
    ended = {"attempt": 1, "start": "MS", "end": "MS"}
    assert masked(stack.rest.get(f"/pro/proc/{task_id}/info").text) == info_text(
        "FINISHED", "SUCCEEDED",
        job_text("FULL", "SUCCEEDED", rows=100, nbytes=len(content), progress="1", **ended),
        job_text("UUID", "SUCCEEDED", progress="1", **ended))


def test_info_shows_a_growing_progress_while_rows_move(staged):
    stack = staged.importer.stack
    staged.start()

    def running_at_least(rows):
        data = info(stack, staged.id)
        job = data["fullJobs"][0]
        assert (data["state"], data["stage"], job["state"]) == (
            "RUNNING", "WAIT_FOR_SUCCESS", "RUNNING")
        return job["rowsRead"] >= rows and job
    first = wait_until(lambda: running_at_least(1001), what="rows of the second file are shown")
    staged.gate.open(staged.FIRST)
    second = wait_until(lambda: running_at_least(2001), what="rows of the third file are shown")
    staged.gate.open(staged.SECOND)
    staged.importer.end(staged.id)
    last = info(stack, staged.id)["fullJobs"][0]

    sizes = sum(path.stat().st_size for path in staged.importer.folder.iterdir())
    assert 0 < first["progress"] < second["progress"] < last["progress"] == 1
    assert 0 < first["bytesRead"] < second["bytesRead"] < last["bytesRead"] == sizes
    assert (last["rowsRead"], last["rowsWritten"]) == (4000, 4000)
    assert first["startTime"] == last["startTime"] <= last["endTime"]
    assert abs(last["endTime"] / 1000 - time.time()) < 600


def test_info_tells_why_a_task_failed(importer):
    importer.write("a.csv", "a,x\n")
    task_id = importer.submit(COLUMNS)
    importer.end(task_id, "FAILED")
    data = info(importer.stack, task_id)
    assert (data["state"], data["stage"]) == ("FAILED", "WAIT_FOR_SUCCESS")
    assert data["fullJobs"][0]["state"] == "FAILED"
    assert data["fullJobs"][0]["message"] == (
        "lives/a.csv: row 1, column 'v': 'x' is not an INT (-2147483648 to 2147483647)")


# --- abort

def test_abort_stops_within_two_seconds_and_keeps_what_was_committed(staged):
    stack = staged.importer.stack
    staged.start()
    assert call(stack, staged.id, "abort") == OK
    assert info(stack, staged.id)["state"] == "KILLED"
    stack.worker.wait_for_event("job dropped", timeout_s=2)
    wait_until(staged.is_left_alone, what="the destination is left alone")

    staged.gate.open(staged.FIRST)  # a session that had stayed would go on now
    data = info(stack, staged.id)
    assert data["fullJobs"][0]["state"] == "KILLED"
    assert data["fullJobs"][0]["endTime"] is not None
    assert staged.importer.rows() == sorted(staged.rows[:1000])
    assert list(staged.importer.units(staged.id)) == [0]


def test_abort_before_a_worker_has_it(stack, destination):
    stack.start_gateway()
    stack.start_rest()
    stack.add_usual_sources(destination)
    importer = Importer(stack, destination, "lives")
    importer.write("a.csv", "a,1\n")
    task_id = importer.submit(COLUMNS)
    assert call(stack, task_id, "abort") == OK
    assert info(stack, task_id)["state"] == "KILLED"
    stack.start_worker()
    other = Importer(stack, destination, "other")
    other.write("a.csv", "a,1\n")
    other.run(COLUMNS)  # so the worker has asked for jobs
    assert info(stack, task_id)["state"] == "KILLED"
    assert destination.value("SELECT to_regclass('public.lives')") is None


# --- retry

def test_retry_goes_on_and_does_not_import_finished_splits_again(staged):
    stack, gate, importer = staged.importer.stack, staged.gate, staged.importer
    staged.start()
    call(stack, staged.id, "abort")
    wait_until(staged.is_left_alone, what="the import has stopped")
    units = importer.units(staged.id)
    written_by = importer.rows('"ROW", xmin::text')

    assert call(stack, staged.id, "retry") == OK
    gate.wait_until_reached(staged.FIRST)
    assert info(stack, staged.id)["state"] == "RUNNING"
    gate.open(staged.FIRST)
    gate.wait_until_reached(staged.SECOND)
    later = importer.units(staged.id)
    assert list(units) == [0] and list(later) == [0, 1]
    assert later[0] == units[0]
    gate.open(staged.SECOND)
    importer.end(staged.id)

    task = staged.check()
    assert importer.destination.rows(
        f'SELECT "ROW", xmin::text FROM {importer.table} WHERE "ROW" < %s ORDER BY 1', "b"
    ) == written_by
    assert task.jobs[1].attempt == 2
    assert info(stack, staged.id)["fullJobs"][0]["rowsRead"] == 4000


def test_a_task_may_be_stopped_and_taken_up_many_times(staged):
    stack = staged.importer.stack
    staged.start()
    for _ in range(3):
        assert call(stack, staged.id, "abort") == OK
        assert call(stack, staged.id, "retry") == OK  # at once: its worker may not know yet
        wait_until(lambda: stack.state(staged.id) == "RUNNING", what="it runs")
        staged.gate.wait_until_reached(staged.FIRST)
    staged.gate.open(staged.FIRST)
    staged.gate.open(staged.SECOND)
    staged.importer.end(staged.id)
    staged.check()


# --- delete

def test_delete_of_a_running_import_stops_it(staged):
    stack = staged.importer.stack
    staged.start()
    assert call(stack, staged.id, "delete") == OK
    stack.worker.wait_for_event("job dropped", timeout_s=2)
    wait_until(staged.is_left_alone, what="the destination is left alone")
    staged.gate.open(staged.FIRST)
    assert call(stack, staged.id, "info")[0] == 404
    assert staged.importer.rows() == sorted(staged.rows[:1000])  # never the user's data


def test_delete_of_an_ended_import_removes_it_alone(importer):
    stack = importer.stack
    importer.write("a.csv", "a,1\n")
    first, second = importer.run(COLUMNS), importer.run(COLUMNS)
    assert call(stack, first.id, "delete") == OK
    assert call(stack, first.id, "info")[0] == 404
    assert info(stack, second.id)["state"] == "SUCCEEDED"
    assert importer.rows() == [("a", 1)]


# --- what is refused

def envelope(message):
    return json.dumps({"success": "false", "message": message}, separators=(",", ":"))


@pytest.mark.parametrize("verb", ["info", "abort", "retry", "delete"])
@pytest.mark.parametrize("task_id", [UNKNOWN, "nonsense", "proc-1-" + "0" * 33])
def test_an_unknown_task_is_not_found(module_stack, verb, task_id):
    assert call(module_stack, task_id, verb) == (404, envelope(f"task '{task_id}' does not exist"))


def test_verbs_that_do_not_fit_the_state_are_refused(staged):
    stack, importer = staged.importer.stack, staged.importer
    staged.start()
    assert call(stack, staged.id, "retry") == (409, envelope(
        f"task '{staged.id}' is RUNNING: only a failed or killed one can be retried"))
    staged.gate.open(staged.FIRST)
    staged.gate.open(staged.SECOND)
    importer.end(staged.id)
    assert call(stack, staged.id, "abort") == (409, envelope(
        f"task '{staged.id}' is SUCCEEDED: only a pending or running one can be aborted"))
    assert call(stack, staged.id, "retry") == (409, envelope(
        f"task '{staged.id}' is SUCCEEDED: only a failed or killed one can be retried"))
    staged.check()


def test_a_failed_task_cannot_be_aborted_and_a_killed_one_stays_killed(staged):
    stack, importer = staged.importer.stack, staged.importer
    staged.start()
    assert [call(stack, staged.id, "abort") for _ in range(2)] == [OK, OK]
    assert info(stack, staged.id)["state"] == "KILLED"
    failed = importer.submit(COLUMNS, path="not there")
    importer.end(failed, "FAILED")
    assert call(stack, failed, "abort") == (409, envelope(
        f"task '{failed}' is FAILED: only a pending or running one can be aborted"))


# --- programs that stop

def test_a_worker_that_stops_gives_its_job_to_another_at_once(stack, destination):
    stack.start_gateway("--lease-ms", "600000")  # so nobody waits for the end of a lease
    stack.start_rest()
    stack.add_usual_sources(destination)
    staged = Staged(Importer(stack, destination, "lives"))
    with staged.gate:
        first = stack.start_worker("--worker-id", "first", "--grace-ms", "600000")
        staged.start()
        stack.start_worker("--worker-id", "second")
        first.stop()  # and not after the grace for jobs that do not obey
        wait_until(lambda: stack.task(staged.id).jobs[1].worker_id == "second",
                   what="the second has the job")
        staged.gate.open(staged.FIRST)
        staged.gate.open(staged.SECOND)
        staged.importer.end(staged.id)
    task = staged.check()
    assert task.jobs[1].attempt == 1  # giving it back used none up
    assert task.message == ""


def test_a_worker_that_stops_alone_leaves_the_job_for_the_next(stack, destination):
    stack.start_gateway("--lease-ms", "600000")
    stack.start_rest()
    stack.add_usual_sources(destination)
    staged = Staged(Importer(stack, destination, "lives"))
    with staged.gate:
        for _ in range(3):
            worker = stack.start_worker()
            if not hasattr(staged, "id"):
                staged.start()
            staged.gate.wait_until_reached(staged.FIRST)
            worker.stop()
            wait_until(staged.is_left_alone, what="the destination is left alone")
        job = stack.task(staged.id).jobs[1]
        assert stack.api.task.JobState.Name(job.state) == "JOB_STATE_READY"
        assert info(stack, staged.id)["fullJobs"][0]["state"] == "WAITING"
        assert stack.state(staged.id) == "RUNNING"
        staged.gate.open(staged.FIRST)
        staged.gate.open(staged.SECOND)
        stack.start_worker()
        staged.importer.end(staged.id)
    assert staged.check().jobs[1].attempt == 1


@pytest.mark.parametrize("name", ["worker", "shim", "gateway"])
def test_each_program_stops_cleanly_in_the_middle_of_an_import(staged, name):
    """Status 0 and no report of a sanitizer; and the import ends well when it is back."""
    stack = staged.importer.stack
    staged.start()
    program = getattr(stack, name)
    program.stop()
    program.start(wait_for="started" if name == "worker" else "listening")
    wait_until(stack.is_served, what="the test has found the gateway again")
    staged.gate.open(staged.FIRST)
    staged.gate.open(staged.SECOND)
    staged.importer.end(staged.id)
    staged.check()
    assert info(stack, staged.id)["state"] == "SUCCEEDED"


def test_a_second_signal_does_not_hurt(running):
    for program in running.programs:
        program.process.terminate()
        program.process.terminate()
        program.stop()
