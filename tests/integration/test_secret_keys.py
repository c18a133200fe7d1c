"""Secrets of data sources in the database: sealed under keys of a file, brought under new ones, and never handed out sealed."""
import hashlib
import json
import secrets
import signal
import subprocess

import psycopg2
import pytest

from sluicetest import metrics
from sluicetest.client import ALL_CHECKS, Client, Worker
from sluicetest.grpc_client import Reflected
from sluicetest.program import environment, run
from sluicetest.wait import wait_until

CANARY = "kAnArIenVogeL7"
SOURCES = {
    "pg": ("POSTGRES", {"url": f"postgresql://u:{CANARY}@db.example/d"}),
    "pg2": ("POSTGRES", {"url": "postgresql://u@db.example/d", "password": CANARY}),
    "ld": ("LINDORM", {"clusterKey": f"ld.example:30020:u:{CANARY}"}),
    "s3": ("S3", {"endpoint": "http://s.example", "bucket": "abc", "accessKeyId": "id",
                  "secretAccessKey": CANARY, "sessionToken": CANARY}),
    "spark": ("SPARK", {"url": "http://m.example", "token": CANARY}),
}


class Keys:
    """Files of keys, the first one first; and what the programs call a key."""

    def __init__(self, folder):
        self.folder = folder
        self.known = {}

    def file(self, *names):
        return self.put(self.folder / ("-".join(names) + ".keys"), *names)

    def put(self, path, *names):
        """The file has these keys from now on, all at once."""
        return self.put_text(path, "\n".join(["# a comment", *[self.hex_of(name) for name in names], ""]))

    @staticmethod
    def put_text(path, text):
        fresh = path.with_suffix(".new")
        fresh.write_text(text)
        return fresh.rename(path)

    def hex_of(self, name):
        return self.known.setdefault(name, secrets.token_hex(32))

    def id_of(self, name):
        return hashlib.sha256(b"sluice secret key id\0" + bytes.fromhex(self.hex_of(name))).hexdigest()[:8]


@pytest.fixture
def keys(tmp_path):
    return Keys(tmp_path)


@pytest.fixture
def start(stack):
    """Starts a gateway with a file of keys, or without, and with metrics; gives a Client of it."""
    started = []

    def start_one(file=None):
        if not started:
            stack.migrate()
        options = ["--secret-key-file", file] if file else []
        program = stack.program("sluice-gateway", "--database-url", stack.database.url, "--listen",
                                "127.0.0.1:0", "--metrics-listen", "127.0.0.1:0", *options,
                                log=f"gateway-{len(started)}").start()
        reflected = Reflected(program.address)
        started.append((program, reflected))
        client = Client(reflected)
        client.program = program
        return client
    yield start_one
    for program, reflected in started:
        reflected.close()
        if program.is_running():
            program.stop()
        assert CANARY not in program.log.read_text(errors="replace")


def stored(stack, name=None):
    """All that the database has of data sources' parameters, or those of one."""
    rows = stack.database.rows("SELECT name, parameters_json FROM data_source ORDER BY name")
    return "\n".join(text for n, text in rows if name in (None, n))


def sealed_under(stack, key_id):
    return stack.database.value(
        "SELECT count(*) FROM data_source WHERE parameters_json LIKE %s", f"%sealed.v1.{key_id}.%")


def rotate(stack, file, check=True):
    done = run(stack.build / "sluice", "--database-url", stack.database.url, "--secret-key-file", file,
               "secret", "rotate", "-o", "json", check=check)
    assert CANARY not in done.stdout + done.stderr
    return json.loads(done.stdout) | {"errors": done.stderr, "exit": done.returncode}


def lease(client, source, destination="ld"):
    """The parameters that a worker gets, of a job that is made for it."""
    made = client.create_task(source=source, destination=destination)
    job = Worker(client).must_lease()
    assert job["taskId"] == made["id"]
    client("AbortTask", id=made["id"])
    return json.loads(job["source"]["parametersJson"]), json.loads(job["destination"]["parametersJson"])


def add_all(client):
    client.add_source("files", "FILE", {"root": "/srv/files"})
    for name, (kind, parameters) in SOURCES.items():
        client.add_source(name, kind, parameters)


def test_the_database_has_no_secret_and_workers_have_them(start, stack, keys):
    client = start(keys.file("a"))
    add_all(client)
    assert CANARY not in stored(stack)
    for name, (kind, parameters) in SOURCES.items():
        assert "sealed.v1." in stored(stack, name)
        shown = client("GetDataSource", name=name)["parametersJson"]
        assert "***" in shown and "sealed" not in shown
        check = client.start("CheckDataSource", {"name": name}, timeout_s=30)
        given = client("LeaseJob", workerId="w", waitDuration="30s",
                       capabilities=list(ALL_CHECKS))["check"]
        assert json.loads(given["dataSource"]["parametersJson"]) == parameters
        client("FinishCheck", id=given["id"], workerId="w", steps=[{"name": "x", "ok": True}])
        assert check.result().ok
    assert lease(client, "files", "pg") == ({"root": "/srv/files"}, SOURCES["pg"][1])
    # The columns that the cli and lists show are made of what is no secret.
    assert CANARY not in str(stack.database.rows("SELECT address FROM data_source"))


def test_updates_keep_secrets_sealed(start, stack, keys):
    client = start(keys.file("a"))
    add_all(client)
    before = stored(stack, "s3")
    shown = json.loads(client("GetDataSource", name="s3")["parametersJson"])
    shown["bucket"] = "another"
    client("UpdateDataSource", dataSource={"name": "s3", "parametersJson": json.dumps(shown)})
    assert stored(stack, "s3") == before.replace('"abc"', '"another"')
    shown["sessionToken"] = CANARY + "2"
    client("UpdateDataSource", dataSource={"name": "s3", "parametersJson": json.dumps(shown)})
    assert CANARY not in stored(stack)
    assert lease(client, "files", "pg")[1] == SOURCES["pg"][1]
    failure = client.fails("UpdateDataSource", dataSource={"name": "s3", "parametersJson": json.dumps(
        {**shown, "sessionToken": json.loads(stored(stack, "s3"))["sessionToken"]})})
    assert "a secret does not begin with 'sealed.v1.'" in failure.text


def test_rows_that_are_plain_work_and_are_sealed_by_a_rotation(start, stack, keys):
    client = start()
    add_all(client)
    assert CANARY in stored(stack, "spark")
    client = start(keys.file("a"))
    assert lease(client, "files", "pg")[1] == SOURCES["pg"][1]
    done = rotate(stack, keys.file("a"))
    assert (done["dataSources"], done["sealedAnew"], done["failed"]) == (6, 5, 0)
    assert CANARY not in stored(stack)
    assert sealed_under(stack, done["key"]) == 5
    assert lease(client, "files", "pg")[1] == SOURCES["pg"][1]
    assert rotate(stack, keys.file("a"))["sealedAnew"] == 0


def test_a_gateway_without_the_key_hands_nothing_out_and_says_which_is_missing(start, stack, keys):
    client = start(keys.file("a"))
    add_all(client)
    made = client.create_task(source="files", destination="pg")
    lacking = start(keys.file("b"))
    key = stored(stack, "pg").split("sealed.v1.")[1][:8]
    text = f"data source 'pg': url is sealed under key {key}, which is not among the keys here"
    assert not Worker(lacking).lease(wait_s=1)
    job = lacking.task(made["id"])["jobs"][0]
    assert job["message"] == text
    explained = json.dumps(lacking("ExplainTask", id=made["id"]))
    assert text in explained
    told = run(stack.build / "sluice", "--gateway", lacking.program.address, "task", "explain", made["id"])
    assert text in told.stdout
    check = lacking.start("CheckDataSource", {"name": "pg"}, timeout_s=30)
    while not check.done():
        given = lacking("LeaseJob", workerId="w", waitDuration="1s", capabilities=list(ALL_CHECKS))
        assert "check" not in given
    reply = check.result()
    assert not reply.ok and [(s.name, s.target, s.message) for s in reply.steps] == [
        ("open secrets", "pg", text)]
    # Reads need no key, and whoever knows the secret can set it anew.
    assert "***" in lacking("GetDataSource", name="pg")["parametersJson"]
    # A gateway that has the key gives the job out.
    given = Worker(client).must_lease()
    assert json.loads(given["destination"]["parametersJson"]) == SOURCES["pg"][1]
    lacking("UpdateDataSource", dataSource={"name": "pg2", "parametersJson": json.dumps(SOURCES["pg2"][1])})
    assert lease_of_check(lacking, "pg2") == SOURCES["pg2"][1]


def lease_of_check(client, name):
    check = client.start("CheckDataSource", {"name": name}, timeout_s=30)
    given = client("LeaseJob", workerId="w", waitDuration="30s", capabilities=list(ALL_CHECKS))["check"]
    client("FinishCheck", id=given["id"], workerId="w", steps=[{"name": "x", "ok": True}])
    assert check.result().ok
    return json.loads(given["dataSource"]["parametersJson"])


def test_what_is_moved_or_damaged_is_not_handed_out(start, stack, keys):
    client = start(keys.file("a"))
    add_all(client)
    client.add_source("evil", "POSTGRES", {"url": "postgresql://u:x@evil.example/d"})
    change = "UPDATE data_source SET parameters_json = replace(parameters_json, %s, %s) WHERE name = %s RETURNING 1"
    stack.database.rows(change, "db.example", "evil.example", "pg")
    stack.database.rows("UPDATE data_source SET parameters_json ="
                        " (SELECT parameters_json FROM data_source WHERE name = 'pg2')"
                        " WHERE name = 'evil' RETURNING 1")
    for name in ("pg", "evil"):
        check = client.start("CheckDataSource", {"name": name}, timeout_s=30)
        while not check.done():
            assert "check" not in client("LeaseJob", workerId="w", waitDuration="1s",
                                         capabilities=list(ALL_CHECKS))
        assert "does not open: it was damaged, or moved here from elsewhere" in check.result().steps[0].message


def test_two_gateways_while_keys_are_changed(start, stack, keys):
    """The way that docs/secrets.md tells: at each step each gateway opens all that there is."""
    old = start(keys.file("a"))
    add_all(old)
    both = start(keys.file("a", "b"))          # 1. all know the new key
    newest = start(keys.file("b", "a"))        # 2. and one after the other seals with it
    newest.add_source("new", "SPARK", {"url": "http://m.example", "token": CANARY})
    for client in (both, newest):
        for name in ("new", "spark"):
            assert lease_of_check(client, name)["token"] == CANARY
    both.program.stop()
    done = rotate(stack, keys.file("b", "a"))  # 3. what there was follows
    assert (done["sealedAnew"], done["failed"]) == (5, 0)
    only = start(keys.file("b"))               # 4. the old key goes
    for name, (_, parameters) in SOURCES.items():
        assert lease_of_check(only, name) == parameters


def keys_of(client):
    """What a gateway has, as its metrics tell: {id: seal or open}."""
    family = metrics.scrape(client.program.metrics_port).families["sluice_secret_keys"]
    return {dict(pairs)["key"]: dict(pairs)["use"] for _, pairs in family.samples}


def test_keys_are_changed_while_two_gateways_run(start, stack, keys, tmp_path):
    """The way that docs/secrets.md tells: whichever gateway sealed a secret, each opens it at any time, and none is restarted."""
    files = [keys.put(tmp_path / f"{name}.keys", "a") for name in ("one", "two")]
    clients = [start(file) for file in files]
    made = {}

    def check_all():
        for sealing in clients:
            made[f"s{len(made)}"] = parameters = {"url": "http://m.example", "token": f"{CANARY}{len(made)}"}
            sealing.add_source(f"s{len(made) - 1}", "SPARK", parameters)
        for opening in clients:
            for name in [*made][:2] + [*made][-2:]:
                assert lease_of_check(opening, name) == made[name]

    def put_everywhere(*names):
        wanted = {keys.id_of(name): "seal" if name == names[0] else "open" for name in names}
        for file, client in zip(files, clients):
            keys.put(file, *names)
            wait_until(lambda client=client: keys_of(client) == wanted, what=f"a gateway has the keys {names}")
            check_all()

    check_all()
    put_everywhere("a", "b")
    assert sealed_under(stack, keys.id_of("b")) == 0
    put_everywhere("b", "a")
    done = rotate(stack, files[0])
    assert done["failed"] == 0 and sealed_under(stack, keys.id_of("a")) == 0
    put_everywhere("b")
    assert sealed_under(stack, keys.id_of("b")) == len(made) == 14
    for client in clients:
        assert not metrics.scrape(client.program.metrics_port).get("sluice_secrets_unopened_total")
        assert [line["keys"] for line in client.program.events() if line["event"] == "new secret keys are used"] == [2, 2, 1]


def test_a_file_of_keys_that_is_spoilt_changes_nothing(start, stack, keys, tmp_path):
    file = keys.put(tmp_path / "used.keys", "a")
    client = start(file)
    add_all(client)

    def is_current():
        return metrics.scrape(client.program.metrics_port).get("sluice_secret_keys_current")
    assert is_current() == 1
    keys.put_text(file, CANARY)
    line = client.program.wait_for_event("new secret keys are not used")
    assert line["level"] == "error" and "line 1 is no key of 64 hex digits" in line["error"]
    assert is_current() == 0 and keys_of(client) == {keys.id_of("a"): "seal"}
    assert lease(client, "files", "pg")[1] == SOURCES["pg"][1]
    client.add_source("more", "SPARK", SOURCES["spark"][1])
    assert sealed_under(stack, keys.id_of("a")) == len(SOURCES) + 1

    keys.put(file, "b", "a")
    wait_until(lambda: is_current() == 1, what="the mended file is used")
    client.add_source("newest", "SPARK", SOURCES["spark"][1])
    assert sealed_under(stack, keys.id_of("b")) == 1
    assert lease_of_check(client, "more") == SOURCES["spark"][1]


def test_a_rotation_that_is_killed_is_repeated(start, stack, keys):
    """It stops at a row that is locked: what it has committed stays, what it was at is as it was."""
    client = start(keys.file("a"))
    for i in range(80):
        client.add_source(f"s{i:03}", "SPARK", {"url": "http://m.example", "token": f"{CANARY}{i}"})
    both = keys.file("b", "a")
    reader = start(both)
    connection = psycopg2.connect(stack.database.url)
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM data_source WHERE name = 's050' FOR UPDATE")
        process = subprocess.Popen(
            [stack.build / "sluice", "--database-url", stack.database.url, "--secret-key-file", both,
             "secret", "rotate"], env=environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        wait_until(lambda: stack.database.value(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            " AND wait_event_type = 'Lock' AND query LIKE '%%FOR NO KEY UPDATE%%'"), what="it waits")
        process.send_signal(signal.SIGKILL)
        process.wait()
        connection.rollback()
    connection.close()
    old = stored(stack, "s079").split("sealed.v1.")[1][:8]
    assert sealed_under(stack, old) == 48
    for name in ("s000", "s050", "s079"):
        assert lease_of_check(reader, name)["token"] == f"{CANARY}{int(name[1:])}"
    done = rotate(stack, both)
    assert (done["dataSources"], done["sealedAnew"], done["failed"]) == (80, 48, 0)
    assert sealed_under(stack, old) == 0 and sealed_under(stack, done["key"]) == 80
    only = start(keys.file("b"))
    for i in (0, 31, 32, 79):
        assert lease_of_check(only, f"s{i:03}")["token"] == f"{CANARY}{i}"


def test_a_rotation_leaves_alone_what_it_cannot_open(start, stack, keys):
    client = start(keys.file("a"))
    add_all(client)
    client = start(keys.file("b"))
    client.add_source("other", "SPARK", {"url": "http://m.example", "token": CANARY})
    before = stored(stack, "other")
    done = rotate(stack, keys.file("c", "a"), check=False)
    assert (done["exit"], done["sealedAnew"], done["failed"]) == (1, 5, 1)
    assert "data source 'other': token is sealed under key" in done["errors"]
    assert stored(stack, "other") == before


def test_an_update_between_read_and_write_is_not_lost_to_a_rotation(start, stack, keys):
    client = start(keys.file("b", "a"))
    add_all(client)
    etag = client("GetDataSource", name="spark")["etag"]
    rotate(stack, keys.file("c", "b"))
    failure = client.fails("UpdateDataSource", dataSource={
        "name": "spark", "etag": etag, "parametersJson": json.dumps(SOURCES["spark"][1])})
    assert failure.reason == "ETAG_MISMATCH"


def test_a_file_of_keys_that_is_wrong_stops_the_start(build, stack, tmp_path):
    stack.migrate()
    file = tmp_path / "keys"
    for text, error in (("", "has no key"), (CANARY, "line 1 is no key of 64 hex digits")):
        file.write_text(text)
        for arguments in (["sluice-gateway", "--listen", "127.0.0.1:0"], ["sluice", "secret", "rotate"]):
            done = run(build / arguments[0], "--database-url", stack.database.url, "--secret-key-file",
                       file, *arguments[1:], check=False)
            assert done.returncode == 1 and error in done.stdout + done.stderr
            assert CANARY not in done.stdout + done.stderr
    done = run(build / "sluice", "--database-url", stack.database.url, "secret", "rotate", check=False)
    assert "--secret-key-file" in done.stderr


def test_a_created_secret_is_a_key(start, stack, build, tmp_path):
    file = tmp_path / "made"
    run(build / "sluice", "secret", "create", file)
    client = start(file)
    add_all(client)
    assert CANARY not in stored(stack)
