"""A secret is planted wherever one may be; then all that Sluice says is searched for it."""
import json
import pathlib
import urllib.parse

import grpc
import pytest
from google.protobuf import json_format, text_format

from sluicetest import contract, postgres
from sluicetest.client import ALL_CHECKS, ALL_JOBS, READER, WRITER, task
from sluicetest.program import run
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

    def call(self, method, **request):
        """A call over gRPC; the reply, or the error."""
        path, request_type, reply_type = METHODS[method]
        reply_type = contract.message_class(reply_type)
        send = self.stack.api.channel.unary_unary(path, lambda raw: raw, reply_type.FromString)
        message = json_format.ParseDict(request, contract.message_class(request_type)())
        try:
            reply = send(message.SerializeToString(), timeout=60)
        except grpc.RpcError as error:
            self.heard.append((method, f"{error.details()} {error.trailing_metadata()}"))
            return error
        if method != "LeaseJob":  # the one that hands secrets out
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

    def http(self, verb, path, body=None, kind="application/json"):
        raw = json.dumps(body) if isinstance(body, dict) else body
        reply = self.stack.rest.request(verb, path, raw.encode() if raw else None,
                                        {"Content-Type": kind} if raw else {})
        self.heard.append((f"{verb} {path}", f"{reply.headers} {reply.body}"))
        return reply

    def form(self, body, path="/pro/proc/bulkload/create"):
        return self.http("POST", path, body, "application/x-www-form-urlencoded")

    def cli(self, *arguments):
        done = self.stack.cli(*arguments, check=False)
        self.heard.append((f"cli {arguments[:2]}", done.stdout + done.stderr))
        return done

    def check(self):
        """Nobody has said it: no reply, no log, no command line."""
        told = [(where, text[:500]) for where, text in self.heard if CANARY in text]
        assert not told, told
        for program in self.stack.programs:
            log = program.log.read_text(errors="replace")
            assert CANARY not in log, [line for line in log.splitlines() if CANARY in line][:3]
            command = pathlib.Path(f"/proc/{program.process.pid}/cmdline").read_bytes()
            assert CANARY.encode() not in command


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


@pytest.fixture
def listener(stack):
    """All programs but the worker, and all that they do in their logs."""
    stack.start_gateway("--log-level", "debug")
    stack.start_rest("--log-level", "debug")
    made = Listener(stack)
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
    stack.start_worker("--log-level", "debug")
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
