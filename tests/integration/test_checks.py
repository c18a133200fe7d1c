"""CheckDataSource: real workers try real data sources, and workers that tests play do what real ones should not."""
import json
import socket
import time

import grpc
import psycopg2
import pytest
from google.protobuf import json_format

from sluicetest.client import ALL_JOBS, Client, Failure, Worker
from sluicetest.sockets import hold_port
from sluicetest.wait import scale, wait_until


@pytest.fixture
def client(stack):
    stack.start_gateway("--lease-ms", "60000")
    return Client(stack.reflected())


@pytest.fixture
def checked(stack, client):
    """A client with a real worker."""
    stack.start_worker()
    return client


def add(client, name, kind, **parameters):
    client.add_source(name, kind, parameters)


def shown(reply):
    """The steps in short: (name, target, whether it worked)."""
    return [(step["name"], step.get("target", ""), step.get("ok", False))
            for step in reply["steps"]]


def seconds_of(step):
    return float(step["duration"].removesuffix("s"))


def last_message(reply):
    return reply["steps"][-1]["message"]


class Checks(Worker):
    """A worker that takes checks and does nothing with them unless it is told to."""

    def __init__(self, client, worker_id="checker", capabilities=("check:file",)):
        super().__init__(client, worker_id, capabilities)

    def must_take(self, wait_s=30):
        check = self.start_lease(wait_s).result().check
        assert check.id, "there is no check"
        return check

    def answer(self, check, **step):
        return {"id": check.id, "workerId": self.worker_id,
                "steps": [{"name": "open", "ok": True, "duration": "0.5s", **step}]}


def start_check(client, name, timeout_s=60):
    return client.start("CheckDataSource", {"name": name}, timeout_s=timeout_s)


def check_in_time(client, name, timeout_s, meanwhile=lambda: None):
    """
    What it ends with, as a future, when the server says so. For its answer it has half a second of the caller's time, in which it
    may come too late on a busy machine: then it is asked again.
    """
    def told():
        wait = start_check(client, name, timeout_s)
        meanwhile()
        error = wait.exception()
        return (error is None or error.details() != "Deadline Exceeded") and wait
    return wait_until(told, what="the server is faster than the caller's clock")


def end_time_of_checks(stack):
    """The caller's is up, as the server has it."""
    stack.database.rows("UPDATE data_source_check SET deadline = now()")


def count_checks(stack):
    return stack.database.value("SELECT count(*) FROM data_source_check")


# --- what real workers find


def test_a_folder_of_files(checked, stack):
    add(checked, "files", "FILE", root=str(stack.files))
    for i in range(3):
        (stack.files / f"{i}.csv").touch()
    reply = checked("CheckDataSource", name="files")
    root = str(stack.files)
    assert reply["ok"] is True
    assert shown(reply) == [("open", root, True), ("list", root, True)]
    assert last_message(reply) == "3 entries"
    assert all(0 < seconds_of(step) < 5 for step in reply["steps"])
    assert reply["workerId"] == stack.worker.wait_for_event("started")["worker"]


def test_a_folder_that_is_missing(checked, stack):
    add(checked, "files", "FILE", root=str(stack.files / "nowhere"))
    reply = checked("CheckDataSource", name="files")
    assert "ok" not in reply
    assert shown(reply) == [("open", str(stack.files / "nowhere"), False)]
    assert "No such file or directory" in last_message(reply)


def test_a_postgres_that_imports_can_write_to(checked, destination):
    add(checked, "ld", "POSTGRES", url=destination.url)
    reply = checked("CheckDataSource", name="ld")
    assert reply["ok"] is True, reply
    assert shown(reply) == [("log in", "", True), ("create", destination.name, True)]
    assert "as role 'postgres'" in reply["steps"][0]["message"]


@pytest.fixture
def guarded(second_cluster):
    """A cluster in which `limited` logs in by password and may make nothing."""
    database = second_cluster.create_database()
    database.rows("DROP ROLE IF EXISTS limited")
    database.rows("CREATE ROLE limited LOGIN PASSWORD 'right'")
    second_cluster.ask_for_password_of("limited")
    yield database
    database.drop()
    second_cluster.execute("postgres", "DROP ROLE limited")


def test_a_wrong_password_is_told_and_not_shown(checked, guarded):
    url = guarded.url.replace("postgres@", "limited@")
    add(checked, "ld", "POSTGRES", url=url, password="hush-hush")
    reply = checked("CheckDataSource", name="ld")
    assert shown(reply) == [("log in", "", False)]
    assert "password authentication failed" in last_message(reply)
    assert "hush-hush" not in json.dumps(reply)


def test_a_role_that_may_create_nothing(checked, guarded):
    url = guarded.url.replace("postgres@", "limited@")
    add(checked, "ld", "POSTGRES", url=url, password="right")
    reply = checked("CheckDataSource", name="ld")
    assert shown(reply) == [("log in", "", True), ("create", guarded.name, False)]
    assert "grant it CREATE on database" in last_message(reply)
    guarded.rows(f"GRANT CREATE ON DATABASE {guarded.name} TO limited")
    assert checked("CheckDataSource", name="ld")["ok"] is True
    guarded.rows(f"REVOKE CREATE ON DATABASE {guarded.name} FROM limited")
    guarded.rows("CREATE SCHEMA sluice_import AUTHORIZATION limited")
    assert checked("CheckDataSource", name="ld")["ok"] is True


@pytest.fixture
def open_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture
def closed_port():
    """One that nobody listens on: it stays taken, so that nobody else gets it."""
    with hold_port() as taken:
        yield taken.getsockname()[1]


@pytest.mark.parametrize("kind, parameters, target", [
    ("LINDORM", {"clusterKey": "127.0.0.1:{port}"}, "127.0.0.1"),
    ("HDFS", {"url": "http://127.0.0.1:{port}"}, "127.0.0.1"),
    ("S3", {"endpoint": "http://127.0.0.1:{port}", "bucket": "bucket"}, "127.0.0.1"),
    ("SPARK", {"url": "http://127.0.0.1:{port}"}, "127.0.0.1"),
])
def test_a_server_that_listens(checked, open_port, kind, parameters, target):
    add(checked, "far", kind, **{k: v.replace("{port}", str(open_port))
                                 for k, v in parameters.items()})
    reply = checked("CheckDataSource", name="far")
    assert reply["ok"] is True, reply
    assert ("resolve", target, True) in shown(reply)
    assert ("connect", f"{target}:{open_port}", True) in shown(reply)
    assert "only the network was tried" in json.dumps(reply)


def test_a_port_that_nobody_listens_on(checked, closed_port):
    add(checked, "far", "HBASE", clusterKey=f"hbase+rpc://localhost:{closed_port}")
    reply = checked("CheckDataSource", name="far")
    assert "ok" not in reply  # and no cluster was looked for
    assert shown(reply) == [("resolve", "localhost", True),
                            ("connect", f"localhost:{closed_port}", False)]
    assert "connection refused" in last_message(reply)


def test_a_name_that_nobody_knows(checked, open_port):
    """Each server is tried, whatever became of the others."""
    add(checked, "far", "HDFS", url=f"http://nowhere.invalid:9870,http://127.0.0.1:{open_port}")
    reply = checked("CheckDataSource", name="far")
    assert "ok" not in reply
    assert shown(reply) == [("resolve", "nowhere.invalid", False),
                            ("resolve", "127.0.0.1", True),
                            ("connect", f"127.0.0.1:{open_port}", True)]


def test_an_address_that_the_data_source_knows(checked, open_port):
    add(checked, "far", "HBASE", clusterKey=f"hbase+rpc://nowhere.invalid:{open_port}",
        hosts={"nowhere.invalid": "127.0.0.1"})
    reply = checked("CheckDataSource", name="far")
    assert reply["steps"][0]["message"] == "127.0.0.1"
    assert reply["steps"][1]["ok"] is True


@pytest.mark.parametrize("key", ["hbase+rpc://127.0.0.1:{port}", "127.0.0.1:{port}:/hbase"])
def test_a_server_that_is_no_hbase(checked, open_port, key):
    """It takes connections and says nothing."""
    add(checked, "far", "HBASE", clusterKey=key.replace("{port}", str(open_port)))
    reply = checked("CheckDataSource", name="far")
    assert shown(reply) == [("resolve", "127.0.0.1", True), ("connect", f"127.0.0.1:{open_port}", True),
                            ("find cluster", "", False)]
    assert "the id of 'far' is not to be found" in last_message(reply)
    assert seconds_of(reply["steps"][2]) < 9 * scale()


def test_a_postgres_that_is_not_there(checked, closed_port):
    add(checked, "ld", "POSTGRES", url=f"postgresql://u:hush@127.0.0.1:{closed_port}/x")
    reply = checked("CheckDataSource", name="ld")
    assert shown(reply) == [("resolve", "127.0.0.1", True),
                            ("connect", f"127.0.0.1:{closed_port}", False)]
    assert "hush" not in json.dumps(reply)


def test_a_postgres_that_does_not_answer_is_told_of_in_time(checked, open_port):
    """The port takes connections, and then nothing comes: what was found until then is told before the caller leaves."""
    add(checked, "ld", "POSTGRES", url=f"postgresql://u@127.0.0.1:{open_port}/x")
    reply = json_format.MessageToDict(check_in_time(checked, "ld", timeout_s=6).result())
    assert shown(reply)[-1] == ("log in", "", False)
    assert "not finished in time" in last_message(reply)
    assert 1 < seconds_of(reply["steps"][-1]) < 6


def test_a_check_does_not_wait_behind_jobs(client, stack, destination):
    """All the worker's places for jobs are taken by a job that waits for a lock."""
    stack.start_worker("--max-jobs", "1")
    client.add_source("files", "FILE", {"root": str(stack.files)})
    client.add_source("ld", "POSTGRES", {"url": destination.url})
    (stack.files / "people.csv").write_text("a,1\n", encoding="ascii")
    destination.rows('CREATE SCHEMA ns')
    destination.rows('CREATE TABLE ns.people ("ROW" text PRIMARY KEY, "f:age" integer)')
    with psycopg2.connect(destination.url) as held, held.cursor() as cursor:
        cursor.execute("LOCK TABLE ns.people")
        made = client.create_task()["id"]
        wait_until(lambda: client.state(made) == "RUNNING", what="the job runs")
        assert client("CheckDataSource", name="files")["ok"] is True
        assert client.state(made) == "RUNNING"
    held.close()


def test_a_worker_runs_four_checks_at_once(client, stack, open_port):
    """Four that hang take all its places: the next one is another worker's."""
    add(client, "ld", "POSTGRES", url=f"postgresql://u@127.0.0.1:{open_port}/x")
    add(client, "files", "FILE", root=str(stack.files))
    full = stack.start_worker()
    hanging = [start_check(client, "ld") for _ in range(4)]
    wait_until(lambda: sum(e["event"] == "check leased" for e in full.events()) == 4,
               what="its places are taken")
    other = stack.start_worker()
    for _ in range(3):
        reply = client("CheckDataSource", name="files")
        assert reply["workerId"] == other.wait_for_event("started")["worker"]
    for wait in hanging:
        wait.cancel()


# --- who waits, and who answers


def test_a_data_source_that_is_not_there(client):
    failure = client.fails("CheckDataSource", name="nobody")
    assert (failure.code, failure.reason) == ("NOT_FOUND", "DATA_SOURCE_NOT_FOUND")
    failure = client.fails("CheckDataSource", name="not a name")
    assert failure.code == "INVALID_ARGUMENT"


def test_without_a_worker_there_is_none(client, stack):
    """Workers of other sorts do not count."""
    add(client, "files", "FILE", root="/srv/files")
    others = Worker(client, "others", [*ALL_JOBS, "check:hbase"]).start_lease(wait_s=60)
    failure = Failure.of(check_in_time(client, "files", timeout_s=3).exception())
    assert (failure.code, failure.reason) == ("UNAVAILABLE", "NO_WORKER")
    assert failure.about == {"capability": "check:file"}
    assert "'check:file'" in failure.text
    assert failure.retry_s > 0
    assert not others.done()
    others.cancel()
    wait_until(lambda: count_checks(stack) == 0, what="it is forgotten")


def test_it_takes_ten_seconds_to_find_that_there_is_no_worker(client):
    add(client, "files", "FILE", root="/srv/files")
    before = time.monotonic()
    failure = client.fails("CheckDataSource", name="files", timeout_s=60)
    assert failure.reason == "NO_WORKER"
    assert 10 <= time.monotonic() - before < 50
    assert "within 10 s" in failure.text


def test_a_worker_of_another_gateway(client, stack):
    other = stack.program("sluice-gateway", "--database-url", stack.database.url, "--listen",
                          "127.0.0.1:0", log="sluice-gateway-2").start()
    try:
        add(client, "files", "FILE", root=str(stack.files))
        worker = stack.program("sluice-worker", "--gateway", other.address, log="sluice-worker-far")
        stack.workers.append(worker.start(wait_for="started"))
        reply = client("CheckDataSource", name="files")
        assert reply["ok"] is True
        assert reply["workerId"] == worker.wait_for_event("started")["worker"]
        worker.stop()
    finally:
        other.stop()


def test_a_check_has_all_that_a_worker_needs(client):
    client.add_source("ld", "POSTGRES", {"url": "postgresql://u:hush@db.example/x"})
    wait = start_check(client, "ld", timeout_s=20)
    worker = Checks(client, capabilities=["check:postgres"])
    check = worker.must_take()
    assert check.data_source.name == "ld"
    assert ":hush@" in json.loads(check.data_source.parameters_json)["url"]
    assert 10 < check.timeout.seconds < 20
    client("FinishCheck", **worker.answer(check, ok=False, message="tried"))
    reply = wait.result()
    assert not reply.ok and reply.worker_id == "checker"
    assert [(step.name, step.message) for step in reply.steps] == [("open", "tried")]


def test_checks_go_before_jobs(client):
    client.add_sources()
    client.create_task()
    wait = start_check(client, "files")
    worker = Checks(client, capabilities=[*ALL_JOBS, "check:file"])
    wait_until(lambda: not wait.done(), what="it is waited for")
    taken = []
    while len(taken) < 2:
        reply = worker.start_lease(30).result()
        taken.append("check" if reply.check.id else "job")
        if reply.check.id:
            client("FinishCheck", **worker.answer(reply.check))
    assert sorted(taken) == ["check", "job"]
    assert wait.result().ok


def test_a_check_has_one_worker(client):
    add(client, "files", "FILE", root="/srv/files")
    waits = [Checks(client, f"w{i}").start_lease(wait_s=30) for i in range(4)]
    wait = start_check(client, "files")
    wait_until(lambda: any(w.done() for w in waits), what="one takes it")
    taken = [w for w in waits if w.done()]
    assert len(taken) == 1
    worker = Checks(client, f"w{waits.index(taken[0])}")
    client("FinishCheck", **worker.answer(taken[0].result().check))
    assert wait.result().ok
    for other in waits:
        other.cancel()


def test_a_repeated_answer_is_taken_as_the_first(client):
    add(client, "files", "FILE", root="/srv/files")
    wait = start_check(client, "files")
    worker = Checks(client)
    check = worker.must_take()
    client("FinishCheck", **worker.answer(check))
    assert wait.result().ok
    client("FinishCheck", **worker.answer(check, ok=False))
    other = Checks(client, "other")
    assert client.fails("FinishCheck", **other.answer(check)).reason == "LEASE_LOST"


def test_an_answer_that_nobody_waits_for(client, stack):
    add(client, "files", "FILE", root="/srv/files")
    wait = start_check(client, "files")
    worker = Checks(client)
    check = worker.must_take()
    wait.cancel()
    wait_until(lambda: count_checks(stack) == 0, what="the check is forgotten")
    failure = client.fails("FinishCheck", **worker.answer(check))
    assert (failure.code, failure.reason) == ("ABORTED", "LEASE_LOST")
    assert "waited for no more" in failure.text


def test_a_check_that_is_cancelled_before_anyone_took_it(client, stack):
    add(client, "files", "FILE", root="/srv/files")
    waits = [start_check(client, "files") for _ in range(5)]
    wait_until(lambda: count_checks(stack) == 5, what="they are asked for")
    for wait in waits:
        wait.cancel()
    wait_until(lambda: count_checks(stack) == 0, what="they are forgotten")
    assert not Checks(client).start_lease(wait_s=0).result().check.id


def test_a_worker_that_does_not_answer(client, stack):
    add(client, "files", "FILE", root="/srv/files")
    failure = check_in_time(client, "files", 6, Checks(client, "mute").must_take).exception()
    assert failure.code() == grpc.StatusCode.DEADLINE_EXCEEDED
    assert "worker 'mute' took the check" in failure.details()
    wait_until(lambda: count_checks(stack) == 0, what="it is forgotten")


def test_a_worker_that_leaves_before_it_hears_of_its_check(client):
    """The check goes to the next one."""
    add(client, "files", "FILE", root="/srv/files")
    for _ in range(20):
        Checks(client, "gone").start_lease(wait_s=30).cancel()
    wait = start_check(client, "files")
    worker = Checks(client, "here")
    client("FinishCheck", **worker.answer(worker.must_take()))
    assert wait.result().worker_id == "here"


@pytest.mark.parametrize("how", ["kill", "pause"])
def test_a_worker_that_is_lost_while_it_checks(client, stack, open_port, how):
    add(client, "ld", "POSTGRES", url=f"postgresql://u@127.0.0.1:{open_port}/x")
    worker = stack.start_worker()
    wait = start_check(client, "ld", timeout_s=15)
    worker.wait_for_event("check leased")
    getattr(worker, how)()
    end_time_of_checks(stack)
    failure = wait.exception()
    assert failure.code() == grpc.StatusCode.DEADLINE_EXCEEDED
    assert "took the check" in failure.details()
    if how == "pause":
        worker.resume()  # its late answer is refused, and it goes on
        worker.wait_for_event("check finished")
        stack.files.joinpath("x").touch()
        add(client, "files", "FILE", root=str(stack.files))
        assert client("CheckDataSource", name="files")["ok"] is True


def test_a_worker_that_stops_says_so(client, stack, open_port):
    add(client, "ld", "POSTGRES", url=f"postgresql://u@127.0.0.1:{open_port}/x")
    worker = stack.start_worker()
    wait = start_check(client, "ld")
    worker.wait_for_event("check leased")
    worker.stop()
    reply = wait.result()
    assert not reply.ok
    assert "the worker stops" in reply.steps[-1].message


def test_a_gateway_that_stops_leaves_no_check_behind(stack):
    """Nor does it wait for what checks find."""
    stack.start_gateway("--grace-ms", "600000")
    client = Client(stack.reflected())
    add(client, "files", "FILE", root="/srv/files")
    wait = start_check(client, "files")
    wait_until(lambda: count_checks(stack) == 1, what="it is asked for")
    stack.gateway.stop()
    assert wait.code() == grpc.StatusCode.UNAVAILABLE
    assert count_checks(stack) == 0


def test_what_a_crashed_gateway_left_is_swept(client, stack):
    add(client, "files", "FILE", root="/srv/files")
    wait = start_check(client, "files")
    wait_until(lambda: count_checks(stack) == 1, what="it is asked for")
    stack.gateway.kill()
    assert wait.exception()
    assert count_checks(stack) == 1
    stack.database.rows("UPDATE data_source_check SET deadline = deadline - interval '3 minutes',"
                        " take_deadline = take_deadline - interval '3 minutes'")
    stack.gateway.start()
    stack.start_worker()
    add(client, "root", "FILE", root="/")
    assert client("CheckDataSource", name="root")["ok"] is True
    assert stack.database.rows("SELECT data_source FROM data_source_check") == [("root",)]


def test_a_data_source_that_is_deleted_takes_its_checks_along(client, stack):
    add(client, "files", "FILE", root="/srv/files")
    wait = start_check(client, "files")
    wait_until(lambda: count_checks(stack) == 1, what="it is asked for")
    client("DeleteDataSource", name="files")
    assert wait.exception().code() == grpc.StatusCode.NOT_FOUND


def test_many_checks_at_once(checked, stack):
    add(checked, "files", "FILE", root=str(stack.files))
    waits = [start_check(checked, "files") for _ in range(50)]
    assert all(wait.result().ok for wait in waits)


def test_checks_that_wait_are_bounded(client, stack):
    stack.database.rows("""
        CREATE FUNCTION patient() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN NEW.take_deadline = 'infinity'; NEW.deadline = 'infinity'; RETURN NEW; END $$;
        CREATE TRIGGER patient BEFORE INSERT ON data_source_check FOR EACH ROW EXECUTE FUNCTION patient()""")
    add(client, "files", "FILE", root="/srv/files")
    waits = [start_check(client, "files", timeout_s=600) for _ in range(256)]
    wait_until(lambda: count_checks(stack) == 256, what="they are asked for")
    failure = client.fails("CheckDataSource", name="files")
    assert (failure.code, failure.reason) == ("RESOURCE_EXHAUSTED", "OVERLOADED")
    for wait in waits:
        wait.cancel()
    wait_until(lambda: count_checks(stack) == 0, what="they are forgotten")


# --- by the other ways in


def test_check_by_the_command_line(checked, stack):
    add(checked, "files", "FILE", root=str(stack.files))
    done = stack.cli("source", "check", "files")
    head, *lines = [line.split(maxsplit=4) for line in done.stdout.splitlines()]
    assert head == ["STEP", "TARGET", "RESULT", "TOOK", "MESSAGE"]
    assert [line[:3] for line in lines] == [["open", str(stack.files), "ok"],
                                            ["list", str(stack.files), "ok"]]
    assert lines[1][-1].endswith("0 entries")
    assert json.loads(stack.cli("source", "check", "files", "-o", "json").stdout)["ok"] is True

    add(checked, "gone", "FILE", root="/nowhere")
    done = stack.cli("source", "check", "gone", check=False)
    assert done.returncode == 3
    assert "FAILED" in done.stdout and "No such file or directory" in done.stdout
    assert done.stderr == ""
    done = stack.cli("source", "check", "gone", "-o", "json", check=False)
    assert done.returncode == 3 and "ok" not in json.loads(done.stdout)

    done = stack.cli("source", "check", "nobody", check=False)
    assert done.returncode == 1
    assert "data source 'nobody' does not exist" in done.stderr


def test_check_by_rest(checked, stack):
    stack.start_rest()
    add(checked, "files", "FILE", root=str(stack.files))
    reply = stack.rest.request("POST", "/v1/dataSources/files:check")
    assert reply.status == 200
    assert reply.json()["ok"] is True
    assert [step["name"] for step in reply.json()["steps"]] == ["open", "list"]
    assert stack.rest.request("POST", "/v1/dataSources/nobody:check").status == 404
    assert stack.rest.request("GET", "/v1/dataSources/files:check").status == 405


def test_check_by_rest_without_a_worker(client, stack):
    stack.start_rest("--request-timeout-ms", "2000")
    add(client, "files", "FILE", root="/srv/files")
    reply = wait_until(lambda: (r := stack.rest.request("POST", "/v1/dataSources/files:check")).status != 504 and r,
                       what="the gateway is faster than REST's clock")
    assert reply.status == 503
    assert "'check:file'" in reply.json()["error"]["message"]


# --- what FinishCheck takes

LONG = "\u00e9" * 512


@pytest.mark.parametrize("wrong, field", [
    ({"id": "no-id"}, "id"),
    ({"workerId": ""}, "worker_id"),
    ({"steps": []}, "steps"),
    ({"steps": [{"name": "x"}] * 257}, "steps"),
    ({"steps": [{"name": ""}]}, "steps.name"),
    ({"steps": [{"name": "x" * 65}]}, "steps.name"),
    ({"steps": [{"name": "x", "target": "x" * 513}]}, "steps.target"),
    ({"steps": [{"name": "x", "message": LONG + "x"}]}, "steps.message"),
    ({"steps": [{"name": "x", "duration": "-1s"}]}, "steps.duration"),
    ({"steps": [{"name": "x", "duration": "3601s"}]}, "steps.duration"),
])
def test_an_answer_is_looked_at(client, wrong, field):
    right = {"id": "01234567-89ab-4def-8123-456789abcdef", "workerId": "w",
             "steps": [{"name": "x"}]}
    failure = client.fails("FinishCheck", **{**right, **wrong})
    assert failure.code == "INVALID_ARGUMENT"
    assert list(failure.violations) == [field]


def test_the_largest_answer(client):
    add(client, "files", "FILE", root="/srv/files")
    wait = start_check(client, "files")
    worker = Checks(client)
    check = worker.must_take()
    step = {"name": "n" * 64, "target": "t" * 512, "message": LONG, "ok": True, "duration": "3600s"}
    client("FinishCheck", **{**worker.answer(check), "steps": [step] * 256})
    reply = wait.result()
    assert reply.ok and len(reply.steps) == 256 and reply.steps[255].message == LONG
