"""A secret is planted wherever one may be; then all that Sluice says is searched for it."""
import json
import pathlib
import re
import signal
import subprocess
import urllib.parse

import grpc
import psycopg2
import pytest
from google.protobuf import json_format, text_format

from sluicetest import contract, postgres
from sluicetest.client import ALL_CHECKS, ALL_JOBS, READER, WRITER, task
from sluicetest.program import environment, run
from sluicetest.rest import Rest
from sluicetest.stack import Stack
from sluicetest.wait import wait_until

CANARY = "kAnArIenVogeL7"
METHODS = contract.methods()

# Parameters with a secret in each place that may have one.
SOURCES = {
    "pg-url": ("POSTGRES", {"url": f"postgresql://u:{CANARY}@db.example/d"}),
    "pg-password": ("POSTGRES", {"url": "postgresql://u@db.example/d", "password": CANARY}),
    "lindorm-key": ("LINDORM", {"clusterKey": f"ld.example:30020:u:{CANARY}"}),
    "lindorm-password": ("LINDORM", {"clusterKey": "ld.example:30020", "username": "u",
                                     "password": CANARY}),
    "s3": ("S3", {"endpoint": "http://127.0.0.1:1", "bucket": "abc", "accessKeyId": "id",
                  "secretAccessKey": CANARY, "sessionToken": CANARY}),
    "spark": ("SPARK", {"url": "http://127.0.0.1:1", "token": CANARY}),
}

# Parameters that are wrong beside, in front of, or because of a secret.
WRONG_PARAMETERS = [
    ("POSTGRES", text.replace("CANARY", CANARY)) for text in (
        '{"password": CANARY}', '{"url":"x" "CANARY"}', '{"password":"CANARY"', '{"CANARY"',
        '{"password":"CANARY","password":"CANARY"}', '["CANARY"]', '"CANARY"', '{"url":"CANARY"}',
        '{"url":["CANARY"]}', '{"url":"mysql://u:CANARY@h"}', '{"url":"postgresql://u:x@CANARY@h"}',
        '{"url":"postgresql://u:x/CANARY@h"}', '{"url":"postgresql://h?password=CANARY"}',
        '{"url":"postgresql://h?pass%77ord=CANARY"}', '{"url":"postgresql://u:@h:CANARY"}',
        '{"url":"postgresql://h","pasword":"CANARY"}', '{"url":"postgresql://h","password":"CANARY\\n"}',
        '{"url":"postgresql://h","password":{"a":"CANARY"}}', '{"url":"postgresql://h","password":"CANARY\\u0000"}',
    )] + [
    ("LINDORM", f'{{"clusterKey":"ld:{CANARY}"}}'), ("LINDORM", f'{{"clusterKey":"ld:1:{CANARY}"}}'),
    ("LINDORM", f'{{"clusterKey":"ld:1:u:{CANARY}","username":"u","password":"{CANARY}"}}'),
    ("HBASE", f'{{"clusterKey":"ld:30020:u:{CANARY}"}}'),
    ("HBASE", f'{{"clusterKey":"hbase+zk://u:{CANARY}@zk/h"}}'),
    ("HBASE", f'{{"clusterKey":"zk:2181:/h","password":"{CANARY}"}}'),
    ("HBASE", f'{{"clusterKey":"zk:2181:/h","extraConf":{{"password":"{CANARY}"}}}}'),
    ("HDFS", f'{{"url":"http://u:{CANARY}@nn"}}'), ("SPARK", f'{{"url":"http://u:{CANARY}@m"}}'),
    ("S3", f'{{"endpoint":"http://u:{CANARY}@s","bucket":"abc"}}'),
    ("S3", f'{{"endpoint":"http://s","bucket":"abc","secretAccessKey":"{CANARY}"}}'),
    ("S3", f'{{"endpoint":"http://s","bucket":"abc","sessionToken":"{CANARY}"}}'),
    ("FILE", f'{{"root":"/x","password":"{CANARY}"}}'), (0, f'{{"password":"{CANARY}"}}'),
    (99, f'{{"password":"{CANARY}"}}'),
]

SETTINGS = [f"spark.a=1;spark.hadoop.fs.s3a.secret.key={CANARY}",
            json.dumps({"spark.ssl.keyPassword": CANARY, "spark.a": "1"}),
            f"spark.x.accessKeyId={CANARY}\nspark.x.token={CANARY}"]
WRONG_SETTINGS = [f"spark.x.password {CANARY}", f"spark.x.password:{CANARY}", f"password={CANARY}",
                  f'{{"spark.x.password":"{CANARY}"', f'{{"spark.x.password":{CANARY}}}',
                  f'{{"spark.x.password":["{CANARY}"]}}', f'{{"password":"{CANARY}"}}',
                  f'{{"spark.x.token":"{CANARY}","spark.x.token":"{CANARY}"}}']


class Listener:
    """Calls Sluice in every way and keeps all that it says."""

    def __init__(self, stack):
        self.stack = stack
        self.heard = []
        self.secrets = [CANARY]
        self.metadata = ()
        self.is_sealed = False  # the database is searched, too

    def call(self, method, **request):
        """A call over gRPC; the reply, or the error."""
        path, request_type, reply_type = METHODS[method]
        reply_type = contract.message_class(reply_type)
        send = self.stack.api.channel.unary_unary(path, lambda raw: raw, reply_type.FromString)
        message = json_format.ParseDict(request, contract.message_class(request_type)())
        try:
            reply = send(message.SerializeToString(), timeout=60, metadata=self.metadata)
        except grpc.RpcError as error:
            self.heard.append((method, f"{error.details()} {error.trailing_metadata()}"))
            return error
        if method not in ("LeaseJob", "ExchangeJob"):  # those that hand secrets out
            self.heard.append((method, text_format.MessageToString(reply, as_utf8=True)))
        return reply

    def must(self, method, **request):
        reply = self.call(method, **request)
        assert not isinstance(reply, grpc.RpcError), (method, reply)
        return reply

    def fails(self, method, **request):
        reply = self.call(method, **request)
        assert isinstance(reply, grpc.RpcError), (method, request, reply)

    def watch(self, method, n, **request):
        """The first n messages of a watch."""
        path, request_type, reply_type = METHODS[method]
        send = self.stack.api.channel.unary_stream(
            path, lambda raw: raw, contract.message_class(reply_type).FromString)
        message = json_format.ParseDict(request, contract.message_class(request_type)())
        stream = send(message.SerializeToString(), timeout=60)
        for _ in range(n):
            self.heard.append((method, str(next(stream))))
        stream.cancel()

    def http(self, verb, path, body=None, kind="application/json", **headers):
        raw = json.dumps(body) if isinstance(body, dict) else body
        reply = self.stack.rest.request(verb, path, raw.encode() if raw else None,
                                        {"Content-Type": kind, **headers} if raw else headers)
        self.heard.append((f"{verb} {path}", f"{reply.headers} {reply.body}"))
        return reply

    def form(self, body, path="/pro/proc/bulkload/create"):
        return self.http("POST", path, body, "application/x-www-form-urlencoded")

    def cli(self, *arguments):
        done = self.stack.cli(*arguments, check=False)
        self.heard.append((f"cli {arguments[:2]}", done.stdout + done.stderr))
        return done

    def events(self, path):
        """The first of a stream of server-sent events."""
        connection = self.stack.rest.connect()
        connection.request("GET", path, headers={"Accept": "text/event-stream"})
        reply = connection.getresponse()
        self.heard.append((path, "".join(reply.readline().decode() for _ in range(4))))
        connection.close()

    def check(self):
        """Nobody has said it: no reply, no log, no metrics, no command line, and no table if they are sealed."""
        for program in self.stack.programs:
            self.heard.append((f"log of {program.name}", program.log.read_text(errors="replace")))
            command = pathlib.Path(f"/proc/{program.process.pid}/cmdline").read_bytes()
            self.heard.append((f"command line of {program.name}", command.decode()))
            for line in program.events():
                if port := line.get("metrics_port"):
                    self.heard.append((f"metrics of {program.name}", Rest(port).get("/metrics").text))
        if self.is_sealed:
            self.heard += tables(self.stack.database)
        for secret in self.secrets:
            told = [(where, text[max(0, text.index(secret) - 200):][:400])
                    for where, text in self.heard if secret in text]
            assert not told, told


def tables(database):
    """(name, all rows as text, bytes as they are) of each table."""
    names = database.rows("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    read = []
    for name, in names:
        text = "\n".join(row for row, in database.rows(f'SELECT t::text FROM public."{name}" t'))
        packed = "".join(bytes.fromhex(found).decode(errors="replace")
                         for found in re.findall(r"\\\\x((?:[0-9a-f]{2})+)", text))
        read.append((f"table {name}", text + packed))
    return read


@pytest.fixture(scope="module")
def guarded():
    """A PostgreSQL that asks its user `locked` for a password, which is another one."""
    cluster = postgres.Cluster()
    rules = cluster.folder / "data" / "pg_hba.conf"
    rules.write_text("local all locked scram-sha-256\n" + rules.read_text())
    try:
        cluster.start()
        cluster.execute("postgres", "CREATE ROLE locked LOGIN PASSWORD 'another'")
        yield cluster
    finally:
        cluster.remove()


LOUD = ("--log-level", "debug")
ALL = (*LOUD, "--metrics-listen", "127.0.0.1:0")


@pytest.fixture
def listener(stack):
    """All programs but the worker, and all that they do in their logs."""
    stack.start_gateway(*ALL)
    stack.start_rest(*LOUD)
    made = Listener(stack)
    yield made
    made.check()


@pytest.fixture
def sealed(stack, build, tmp_path):
    """The same, with a key for what is stored."""
    run(build / "sluice", "secret", "create", tmp_path / "keys")
    stack.start_gateway(*ALL, "--secret-key-file", tmp_path / "keys")
    stack.start_rest(*LOUD)
    made = Listener(stack)
    made.is_sealed = True
    yield made
    made.check()


def source(name, kind, parameters):
    text = parameters if isinstance(parameters, str) else json.dumps(parameters)
    kind = f"DATA_SOURCE_TYPE_{kind}" if isinstance(kind, str) else kind
    return {"name": name, "type": kind, "parametersJson": text}


def add_all(listener):
    for name, (kind, parameters) in SOURCES.items():
        listener.must("CreateDataSource", dataSource=source(name, kind, parameters))
    listener.must("CreateDataSource", dataSource=source("files", "FILE", {"root": "/srv"}))


def test_the_listener_hears(stack):
    """What is said by a worker's error alone would be found."""
    stack.start_gateway()
    listener = Listener(stack)
    listener.fails("GetTask", id=CANARY)
    with pytest.raises(AssertionError):
        listener.check()


def test_data_sources_keep_their_secrets(listener, stack):
    add_all(listener)
    for name, (kind, parameters) in SOURCES.items():
        shown = json.loads(listener.must("GetDataSource", name=name).parameters_json)
        assert "***" in json.dumps(shown)
        listener.fails("CreateDataSource", dataSource=source(name, kind, parameters))
        listener.must("UpdateDataSource", dataSource=source(name, kind, parameters))
        listener.must("UpdateDataSource", dataSource=source(name, kind, shown))
        assert CANARY in stack.database.value(
            "SELECT parameters_json FROM data_source WHERE name = %s", name)
        listener.fails("UpdateDataSource", dataSource={**source(name, kind, parameters), "etag": "x"})
        listener.http("GET", f"/v1/dataSources/{name}")
        listener.http("PATCH", f"/v1/dataSources/{name}", source(name, kind, shown))
        listener.http("POST", "/v1/dataSources", source(name, kind, parameters))
        listener.cli("source", "get", name)
        listener.cli("source", "get", name, "-o", "json")
    listener.must("ListDataSources")
    listener.http("GET", "/v1/dataSources")
    listener.cli("source", "list")
    listener.cli("source", "list", "-o", "json")


def test_parameters_that_are_wrong_are_not_quoted(listener, tmp_path):
    add_all(listener)
    file = tmp_path / "parameters"
    for kind, text in WRONG_PARAMETERS:
        listener.fails("CreateDataSource", dataSource=source("new", kind, text))
        same_kind = next((name for name, (k, _) in SOURCES.items() if k == kind), "files")
        listener.fails("UpdateDataSource", dataSource=source(same_kind, 0, text))
        body = json.dumps(source("new", kind, text))
        assert listener.http("POST", "/v1/dataSources", body).status == 400
        assert listener.http("POST", "/v1/dataSources", body[:-1]).status == 400
        assert listener.http("POST", "/v1/dataSources", body + "x").status == 400
        listener.http("POST", "/v1/dataSources", body, "text/plain")
        if isinstance(kind, str):
            file.write_text(text)
            listener.cli("source", "add", "new", "--type", kind, "--parameters-file", file)
    listener.cli("source", "add", "new", "--type", "postgres", "--param", f"password:{CANARY}")
    listener.cli("source", "add", "new", "--type", "postgres", "--param", f"={CANARY}")
    listener.cli("source", "add", "new", "--param", f"password={CANARY}")
    listener.http("POST", "/v1/dataSources", f'{{"parametersJson":{{"password":"{CANARY}"}}}}')
    listener.http("POST", "/v1/dataSources", f'{{"parameters":{{"password":"{CANARY}"}}}}')


def test_settings_of_spark_keep_their_secrets(listener):
    add_all(listener)
    for settings in SETTINGS:
        wanted = task(destination="pg-url", sparkAdditionalParams=settings)
        made = listener.must("CreateTask", task=wanted)
        listener.must("CreateTask", task=wanted, validateOnly=True)
        listener.must("GetTask", id=made.id)
        listener.must("UpdateTask", task={"id": made.id, "displayName": "x"})
        listener.watch("WatchTask", 1, id=made.id)
        listener.watch("WatchTasks", 1)
        listener.must("AbortTask", id=made.id)
        listener.must("RetryTask", id=made.id)
        listener.must("ListTaskEvents", id=made.id)
        listener.must("ListTasks", view="TASK_VIEW_FULL")
        for path in (f"/pro/proc/{made.id}/info", f"/v1/tasks/{made.id}", "/v1/tasks"):
            assert listener.http("GET", path).status == 200
        listener.cli("task", "get", made.id)
        listener.cli("task", "get", made.id, "-o", "json")
        form = urllib.parse.urlencode({
            "src": "files", "dst": "pg-url", "readerConfig": json.dumps(READER),
            "writerConfig": json.dumps(WRITER), "driverSpec": "small", "instances": "1",
            "fileType": "CSV", "sparkAdditionalParams": settings})
        assert listener.form(form).status == 200
        assert listener.form(form + "&instances=2").status == 400
        assert listener.form(form.replace("small", "none")).status == 400
        assert listener.form(form + f"&{CANARY[:4]}=%zz").status == 400
        assert listener.form(form.replace("sparkAdditionalParams", "sparkParams")).status == 200
    for settings in WRONG_SETTINGS:
        wanted = task(destination="pg-url", sparkAdditionalParams=settings)
        listener.fails("CreateTask", task=wanted)
        assert listener.http("POST", "/v1/tasks", wanted).status == 400
        listener.cli("task", "create", "--source", "files", "--destination", "pg-url",
                     "--reader-config", json.dumps(READER), "--writer-config", json.dumps(WRITER),
                     "--driver-spec", "small", "--file-type", "csv", "--spark-params", settings)


def test_workers_keep_secrets_to_themselves(listener, stack, guarded):
    """The real one is not let in by a real server, and asks servers that are not there."""
    stack.start_worker(*ALL)
    add_all(listener)
    host = urllib.parse.quote(str(guarded.folder), safe="")
    folder = stack.files / "in"
    folder.mkdir()
    (folder / "a.csv").write_text("a,1\n")
    listener.must("CreateDataSource", dataSource=source("in", "FILE", {"root": str(stack.files)}))
    for name, parameters in {
            "locked-url": {"url": f"postgresql://locked:{CANARY}@/postgres?host={host}"},
            "locked-password": {"url": f"postgresql://locked@/postgres?host={host}", "password": CANARY},
            "no-database": {"url": f"postgresql://postgres:{CANARY}@/nope?host={host}"},
            "no-server": {"url": f"postgresql://u:{CANARY}@127.0.0.1:1/d"},
            "no-host": {"url": f"postgresql://u:{CANARY}@nowhere.invalid/d?connect_timeout=2"},
            "no-option": {"url": f"postgresql://u:{CANARY}@127.0.0.1/d?nope=1"}}.items():
        listener.must("CreateDataSource", dataSource=source(name, "POSTGRES", parameters))
        reader, writer = {**READER, "filePath": "in"}, {**WRITER, "namespace": "public"}
        made = listener.must("CreateTask", task=task("in", name, reader, writer))

        def told():
            return any(job.message for job in listener.must("GetTask", id=made.id).jobs)
        wait_until(told, timeout_s=60, what=f"the worker says what is wrong with {name}")
        listener.must("ListTaskEvents", id=made.id)
        listener.must("CheckDataSource", name=name)
        listener.http("GET", f"/pro/proc/{made.id}/info")
        listener.call("AbortTask", id=made.id)  # it may have failed for good
        listener.must("ListTaskEvents", id=made.id)
    for name in SOURCES:
        listener.call("CheckDataSource", name=name)


@pytest.mark.parametrize("message", [
    f"cannot connect to postgresql://u:{CANARY}@db.example/d: refused",
    f"http://u:{CANARY}@a,http://v:{CANARY}@b are down", f"postgresql://u:a@{CANARY}@h",
    f"connection string 'postgres://u:{CANARY}@h' is wrong"])
def test_what_careless_workers_say_is_masked(listener, message):
    add_all(listener)
    made = listener.must("CreateTask", task=task(destination="pg-url"))
    leased = listener.must("LeaseJob", workerId="w", waitDuration="30s",
                           capabilities=list(ALL_JOBS)).job
    assert CANARY in leased.destination.parameters_json
    listener.must("FinishJob", id=leased.id, leaseToken=leased.lease_token,
                  outcome="JOB_OUTCOME_FAILED", message=message)
    assert "***@" in listener.must("GetTask", id=made.id).message
    listener.must("ListTaskEvents", id=made.id)
    listener.http("GET", f"/pro/proc/{made.id}/info")
    listener.must("RetryTask", id=made.id)
    leased = listener.must("LeaseJob", workerId="w", waitDuration="30s",
                           capabilities=list(ALL_JOBS)).job
    listener.must("FinishJob", id=leased.id, leaseToken=leased.lease_token,
                  outcome="JOB_OUTCOME_RETRY", message=message)
    assert "***@" in listener.must("GetTask", id=made.id).jobs[0].message
    listener.must("ListTasks", view="TASK_VIEW_FULL")


def test_what_careless_workers_say_of_a_check_is_masked(listener, stack):
    add_all(listener)
    path, request_type, reply_type = METHODS["CheckDataSource"]
    request = contract.message_class(request_type)(name="pg-url")
    check = stack.api.channel.unary_unary(
        path, lambda raw: raw, contract.message_class(reply_type).FromString).future(
            request.SerializeToString(), timeout=60)
    leased = listener.must("LeaseJob", workerId="w", waitDuration="30s",
                           capabilities=list(ALL_CHECKS)).check
    assert CANARY in leased.data_source.parameters_json
    url = f"postgresql://u:{CANARY}@db.example/d"
    listener.must("FinishCheck", id=leased.id, workerId="w",
                  steps=[{"name": "connect", "target": url, "message": f"{url} is down"}])
    step = check.result().steps[0]
    listener.heard.append(("CheckDataSource", str(step)))
    assert "***@" in step.target and "***@" in step.message


def test_the_database_url_of_a_program_is_not_told(build, stack):
    """The gateway and migrate, with a password that is wrong, or in a URL that is."""
    for url in (f"postgresql://u:{CANARY}@127.0.0.1:1/d", f"postgresql://u:{CANARY}@a@b/d",
                f"host=127.0.0.1 port=1 password={CANARY}", f"nonsense {CANARY}"):
        for program, arguments in (("sluice-gateway", ["--listen", "127.0.0.1:0"]),
                                   ("sluice", ["migrate", "status"])):
            done = run(build / program, "--database-url", url, *arguments, check=False)
            assert done.returncode != 0
            assert CANARY not in done.stdout + done.stderr, (program, url, done.stderr)


def command_of(process):
    """The command line of a process, as who lists processes sees it."""
    return subprocess.run(["ps", "-ww", "-o", "args=", "-p", str(process.pid)], check=True,
                          capture_output=True, text=True).stdout


def wait_until_hidden(process, *options):
    """A program that has read its options shows none of the secrets, but that there are some."""
    wait_until(lambda: CANARY not in command_of(process), what="secrets leave the command line")
    assert process.poll() is None
    for option in options:
        assert re.search(f"{option}[ =][*]{{3}}", command_of(process)), command_of(process)


def test_a_service_hides_the_password_in_its_command_line(stack):
    """And still has it: it serves, and nothing has changed when it reads its settings again."""
    url = stack.database.url + f"&password={CANARY}"
    stack.migrate()
    stack.gateway = stack.program("sluice-gateway", f"--database-url={url}", "--listen", "127.0.0.1:0",
                                  *ALL).start()
    wait_until_hidden(stack.gateway.process, "--database-url")
    stack.gateway.process.send_signal(signal.SIGHUP)
    stack.gateway.wait_for_event("settings read again")
    assert "wants a restart" not in stack.gateway.log.read_text()
    listener = Listener(stack)
    listener.must("ListTasks")
    listener.check()


def test_the_cli_hides_secrets_in_its_command_line(stack, build, tmp_path):
    """One that waits for the database's lock, and one that watches a task, each given all that is secret."""
    stack.start_gateway()
    add_all(Listener(stack))
    made = Listener(stack).must("CreateTask", task=task(destination="pg-url"))
    url = stack.database.url + f"&password={CANARY}"
    given = ["--database-url", url, "--param", f"password={CANARY}", f"--param=token={CANARY}",
             "--parameters-json", CANARY, "--spark-params", CANARY]
    names = [name for name in given if name.startswith("--") and "=" not in name]
    with psycopg2.connect(stack.database.url) as lock, open(tmp_path / "cli", "wb") as log:
        lock.cursor().execute(
            "SELECT pg_advisory_lock(hashtextextended('sluice.schema_migrations', 0))")
        waiting = [subprocess.Popen([build / "sluice", *given, *command], stdout=log, stderr=log,
                                    env=environment())
                   for command in (["migrate", "up"], ["--gateway", stack.gateway.address, "task",
                                                       "watch", made.id])]
        try:
            for process in waiting:
                wait_until_hidden(process, *names)
        finally:
            for process in waiting:
                process.kill()
                process.wait()
    lock.close()
    assert CANARY not in (tmp_path / "cli").read_text()


def test_nothing_that_is_stored_has_a_secret_when_there_is_a_key(sealed, stack, tmp_path):
    """The whole life of data sources and tasks; then each table is searched."""
    add_all(sealed)
    made = sealed.must("CreateTask", task=task(destination="pg-url"))
    url = f"postgresql://u:{CANARY}@db.example/d"
    for outcome in ("RETRY", "FAILED"):
        leased = sealed.must("LeaseJob", workerId="w", waitDuration="30s",
                             capabilities=list(ALL_JOBS)).job
        assert CANARY in leased.destination.parameters_json
        sealed.must("FinishJob", id=leased.id, leaseToken=leased.lease_token,
                    outcome=f"JOB_OUTCOME_{outcome}", message=f"{url} is down")
    for name, (kind, parameters) in SOURCES.items():
        shown = json.loads(sealed.must("GetDataSource", name=name).parameters_json)
        sealed.must("UpdateDataSource", dataSource=source(name, kind, shown))
        sealed.must("UpdateDataSource", dataSource=source(name, kind, parameters))
        sealed.http("PATCH", f"/v1/dataSources/{name}", source(name, kind, shown))
    sealed.must("ExplainTask", id=made.id)
    sealed.watch("WatchTask", 1, id=made.id)
    sealed.events(f"/v1/tasks/{made.id}:watch")
    for path in (f"/v1/tasks/{made.id}/explanation", f"/v1/tasks/{made.id}/events"):
        assert sealed.http("GET", path).status == 200
    sealed.cli("task", "explain", made.id)
    sealed.cli("--database-url", stack.database.url, "--secret-key-file", tmp_path / "keys", "secret",
               "rotate")
    texts = dict(tables(stack.database))
    assert texts["table data_source"].count("sealed.v1.") == 7
    assert made.id in texts["table task"]


def test_without_a_key_a_secret_would_be_found(stack):
    """The search of the tables finds what is there."""
    stack.start_gateway()
    listener = Listener(stack)
    add_all(listener)
    listener.is_sealed = True
    with pytest.raises(AssertionError):
        listener.check()


def test_tokens_are_told_to_nobody(stack, build, tmp_path):
    """A good one, of which the database has a hash, and those that are refused."""
    stack.migrate()
    token = run(build / "sluice", "--database-url", stack.database.url, "token", "create", "--name", "t",
                "--scopes", "read,write,worker").stdout.strip()
    file = tmp_path / "token"
    file.write_text(token + "\n")
    stack.start_gateway(*ALL, "--require-token")
    stack.start_rest(*LOUD, "--gateway-token-file", file)
    stack.start_worker(*ALL, "--gateway-token-file", file)
    listener = Listener(stack)
    listener.secrets.append(token)
    listener.is_sealed = True
    for shown, is_right in ((f"Bearer {token}", True), (f"Bearer {CANARY}", False),
                            (f"Bearer {token[:-1]}", False), (f"Basic {CANARY}", False)):
        listener.metadata = (("authorization", shown),)
        assert isinstance(listener.call("ListTasks"), grpc.RpcError) != is_right
        assert (listener.http("GET", "/v1/tasks", authorization=shown).status == 200) == is_right
    listener.secrets.append(token[:-1])
    listener.cli("--gateway-token-file", file, "task", "list")
    (tmp_path / "wrong").write_text(CANARY)
    assert listener.cli("--gateway-token-file", tmp_path / "wrong", "task", "list").returncode == 1
    listener.cli("--database-url", stack.database.url, "token", "list")
    listener.check()


def test_the_database_password_is_not_told(stack, guarded, tmp_path):
    """That of a file, which is right at first and wrong when the server is asked again."""
    file = tmp_path / "password"
    file.write_text(CANARY + "\n")
    guarded.execute("postgres", f"ALTER ROLE locked PASSWORD '{CANARY}'")
    guarded.execute("postgres", "CREATE DATABASE guarded OWNER locked")
    url = guarded.url("guarded").replace("postgres@", "locked@")
    given = ("--database-url", url, "--database-password-file", file)
    run(stack.build / "sluice", *given, "migrate", "up")
    stack.gateway = stack.program("sluice-gateway", *given, "--listen", "127.0.0.1:0", *ALL).start()
    listener = Listener(stack)
    listener.must("ListTasks")
    guarded.execute("postgres", "ALTER ROLE locked PASSWORD 'another'")
    guarded.execute("postgres", "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                                " WHERE usename = 'locked'")
    stack.gateway.wait_for_event("database is gone")
    wait_until(lambda: "password authentication failed" in stack.gateway.log.read_text(),
               what="the log says why")
    listener.check()
