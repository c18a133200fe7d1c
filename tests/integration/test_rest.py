"""The LTS task API and the JSON API: what is taken, what is refused, and in which words."""
import json
import re
import urllib.parse

import pytest

from sluicetest import seed
from sluicetest.stack import Stack

NOBODY = "proc-7-0f1e2d3c4b5a49788796a5b4c3d20000"
OK = b'{"success":"true","message":"ok"}'


@pytest.fixture(scope="module")
def stack_without_worker(build, protos, shared_cluster, tmp_path_factory):
    """A gateway and REST; tasks stay as they are, since nobody works on them."""
    if shared_cluster.process.poll() is not None:
        shared_cluster.start()
    made = Stack(build, shared_cluster.create_database(), tmp_path_factory.mktemp("rest"))
    try:
        made.start_gateway()
        made.start_rest("--log-level", "debug")
        made.add_usual_sources(shared_cluster.create_database())
        yield made
    finally:
        made.stop()


@pytest.fixture
def rest(request, stack_without_worker):
    request.node.sluice_stack = stack_without_worker
    return stack_without_worker.rest


@pytest.fixture
def ntasks(stack_without_worker):
    """How many tasks there are now."""
    return lambda: stack_without_worker.database.value("SELECT count(*) FROM task")


def create(rest):
    reply = rest.post_form(seed.CREATE, seed.FORM)
    assert reply.status == 200, reply.text
    return reply.json()["message"]


def info(rest, task_id):
    reply = rest.get(f"/pro/proc/{task_id}/info")
    assert reply.status == 200, reply.text
    return reply.json()["data"]


def check_refused(reply, status, *words):
    """The envelope of an LTS error, with these words in its message."""
    assert reply.status == status, reply.text
    assert reply.headers["content-type"] == "application/json"
    error = reply.json()
    assert list(error) == ["success", "message"]
    assert error["success"] == "false"
    for word in words:
        assert word in error["message"]
    assert "127.0.0.1" not in error["message"]
    assert reply.body == json.dumps(error, separators=(",", ":"), ensure_ascii=False).encode()
    return error["message"]


# --- LTS: create

def fields(**changes):
    """The documented form with changes, encoded; None leaves a field out."""
    form = dict(part.split("=", 1) for part in seed.FORM.split("&"))
    form.update(changes)
    return urllib.parse.urlencode({k: v for k, v in form.items() if v is not None})


READER = '{"filePath":"a/","column":["id","v"]}'
WRITER = '{"columns":["ROW||String","f:v||Int"],"lindormTable":"t"}'

# Where more is told than the field; test_bad_input_rest.py has all fields.
BAD_FORMS = {
    "fileType missing": (fields(fileType=None), ["fileType"]),
    "all missing": ("", ["src", "dst", "readerConfig", "writerConfig", "driverSpec", "instances"]),
    "readerConfig is deep": (fields(readerConfig='{"a":' * 100 + "1" + "}" * 100),
                             ["readerConfig", "64"]),
    "readerConfig of another product": (
        fields(readerConfig='{"table":"t","partition":["p"],"numPartitions":3,"column":["a"]}'),
        ["readerConfig"]),
    "columns differ in number": (
        fields(readerConfig='{"filePath":"a","column":["a"]}', writerConfig=WRITER), ["column"]),
    "no ROW": (fields(readerConfig=READER,
                      writerConfig='{"columns":["f:a||Int","f:b||Int"],"lindormTable":"t"}'),
               ["ROW"]),
    "unknown type": (fields(readerConfig=READER,
                            writerConfig='{"columns":["ROW||String","f:b||Blob"],"lindormTable":"t"}'),
                     ["Blob"]),
    "unknown compression": (
        fields(readerConfig=READER, writerConfig=WRITER[:-1] + ',"compression":"lzma"}'),
        ["compression"]),
    "driverSpec unknown": (fields(driverSpec="huge"), ["driverSpec", "huge", "xlarge"]),
    "instances is no number": (fields(instances="five"), ["instances", "five"]),
    "fileType unknown": (fields(fileType="ORC"), ["fileType", "ORC", "CSV", "Parquet"]),
    "65 fields": ("&".join(f"f{i}=1" for i in range(65)), ["64"]),
    "a long name": ("n" * 129 + "=1", ["128"]),
    "a long value": ("a=" + "v" * (512 * 1024 + 1), ["a", "524288"]),
}


@pytest.mark.parametrize("name", BAD_FORMS)
def test_a_bad_form_is_refused(rest, ntasks, name):
    body, words = BAD_FORMS[name]
    before = ntasks()
    check_refused(rest.post_form(seed.CREATE, body), 400, *words)
    assert ntasks() == before


def test_several_faults_are_told_at_once(rest):
    message = check_refused(
        rest.post_form(seed.CREATE, fields(instances="0", readerConfig='{"column":["a"]}')), 400)
    assert "instances" in message and "filePath" in message


@pytest.mark.parametrize("field, name", [("src", "nope"), ("dst", "nope")])
def test_an_unknown_data_source_is_named(rest, ntasks, field, name):
    before = ntasks()
    check_refused(rest.post_form(seed.CREATE, fields(**{field: name})), 404, name)
    assert ntasks() == before


@pytest.mark.parametrize("kind", [None, "text/plain", "application/json", "multipart/form-data",
                                  "application/x-www-form-urlencoded; charset=latin1"])
def test_another_content_type_is_refused(rest, ntasks, kind):
    before = ntasks()
    headers = {"Content-Type": kind} if kind else {}
    check_refused(rest.request("POST", seed.CREATE, seed.FORM.encode(), headers), 415)
    assert ntasks() == before


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_of_2_mb_is_refused(rest, chunked):
    body = b"src=" + b"a" * (2 << 20)
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    sent = iter([body]) if chunked else body
    check_refused(rest.request("POST", seed.CREATE, sent, headers), 413, "1 MiB")


@pytest.mark.parametrize("changes", [
    {"driverSpec": "SMALL"}, {"driverSpec": "Medium"}, {"driverSpec": "xLarge"},
    {"fileType": "parquet"}, {"fileType": "CSV"}, {"fileType": "csv"},
    {"instances": "1"}, {"instances": "1000"}, {"instances": "007"},
    {"sparkAdditionalParams": "spark.a=1;spark.b=2"}, {"sparkAdditionalParams": ""},
    {"unknown": "field"},
], ids=str)
def test_a_form_that_is_right_is_taken(rest, changes):
    reply = rest.post_form(seed.CREATE, fields(**changes))
    assert reply.status == 200, reply.text
    assert re.fullmatch(rb'\{"success":"true","message":"proc-[1-9][0-9]*-[0-9a-f]{32}"\}',
                        reply.body)


def test_an_unknown_field_is_logged(rest, stack_without_worker):
    rest.post_form(seed.CREATE, fields(misspelt="x"))
    lines = [line for line in stack_without_worker.shim.events()
             if line["event"] == "unknown form field ignored" and line["field"] == "misspelt"]
    assert lines and lines[0]["level"] == "warn"


def test_a_chunked_body_is_taken(rest):
    reply = rest.request("POST", seed.CREATE, iter([seed.FORM[:50].encode(), seed.FORM[50:].encode()]),
                         {"Content-Type": "application/x-www-form-urlencoded"})
    assert reply.status == 200


# --- LTS: the life of a task

def test_the_life_of_a_task(rest):
    task = create(rest)
    assert info(rest, task)["state"] == "RUNNING"
    check_refused(rest.get(f"/pro/proc/{task}/retry"), 409, task)
    assert rest.get(f"/pro/proc/{task}/abort").body == OK
    assert info(rest, task)["state"] == "KILLED"
    assert rest.get(f"/pro/proc/{task}/abort").body == OK
    assert rest.get(f"/pro/proc/{task}/retry").body == OK
    assert info(rest, task)["state"] == "RUNNING"
    assert rest.get(f"/pro/proc/{task}/delete").body == OK
    check_refused(rest.get(f"/pro/proc/{task}/info"), 404, task)
    check_refused(rest.get(f"/pro/proc/{task}/abort"), 404, task)


def test_post_does_what_get_does(rest):
    task = create(rest)
    for verb, state in [("abort", "KILLED"), ("retry", "RUNNING")]:
        reply = rest.request("POST", f"/pro/proc/{task}/{verb}")
        assert (reply.status, reply.body) == (200, OK)
        assert info(rest, task)["state"] == state
    assert rest.post_form(f"/pro/proc/{task}/delete", "any=thing").body == OK


def test_info_has_the_documented_keys_in_their_order(rest):
    task = create(rest)
    reply = rest.get(f"/pro/proc/{task}/info?this=is&ignored=%zz")
    assert reply.headers["content-type"] == "application/json"
    whole = reply.json()
    data = whole["data"]
    assert list(whole) == ["data", "success"] and whole["success"] == "true"
    assert list(data) == ["checkJobs", "procId", "incrJobs", "procConfig", "stage", "fullJobs",
                          "mergeJobs", "srcDS", "sinkDS", "state", "schemaJob", "procType"]
    form = dict(part.split("=", 1) for part in seed.FORM.split("&"))
    assert list(data["procConfig"]) == ["src", "dst", "readerConfig", "writerConfig", "driverSpec",
                                        "instances", "fileType"]
    assert data["procConfig"] == {
        **form, "readerConfig": json.loads(form["readerConfig"]),
        "writerConfig": json.loads(form["writerConfig"]), "instances": 5}
    assert form["readerConfig"].encode() in reply.body, "as it was sent"
    assert (data["procId"], data["srcDS"], data["sinkDS"]) == (task, "hdfs", "ld")
    assert (data["state"], data["stage"], data["procType"]) == (
        "RUNNING", "WAIT_FOR_START", "SPARK_BULKLOAD")
    assert list(data["schemaJob"]) == ["jobName", "state", "table", "attempt", "rowsRead",
                                       "rowsWritten", "bytesRead", "progress", "startTime",
                                       "endTime", "message"]


@pytest.mark.parametrize("verb", ["info", "abort", "retry", "delete"])
@pytest.mark.parametrize("task", [NOBODY, "x", "proc-1", "%F0%9F%98%80", "a'b;--"])
def test_an_unknown_id_is_not_found(rest, verb, task):
    reply = rest.get(f"/pro/proc/{task}/{verb}")
    assert reply.status in (400, 404), reply.text
    check_refused(reply, reply.status)
    if task == NOBODY:
        check_refused(reply, 404, task)


# --- what must not change anything

@pytest.mark.parametrize("verb", ["abort", "retry", "delete"])
@pytest.mark.parametrize("method, status", [("HEAD", 405), ("OPTIONS", 204), ("PUT", 405),
                                            ("DELETE", 405), ("PATCH", 405)])
def test_other_verbs_change_nothing(rest, verb, method, status):
    task = create(rest)
    before = info(rest, task)
    reply = rest.request(method, f"/pro/proc/{task}/{verb}")
    assert reply.status == status
    assert reply.headers["allow"] == "GET, POST, OPTIONS"
    assert info(rest, task) == before


def on_its_port(rest, headers):
    address = f"127.0.0.1:{rest.port}"
    return {name: value.replace("HOST", address).replace("PORT", str(rest.port))
            for name, value in headers.items()}


@pytest.mark.parametrize("headers", [
    {"Purpose": "prefetch"}, {"Sec-Purpose": "prefetch;prerender"}, {"X-Moz": "prefetch"},
    {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Sec-Fetch-Site": ""},
    {"Origin": "http://evil.example"}, {"Origin": "http://evil.example:PORT"}, {"Origin": "null"},
    {"Origin": ""}, {"Origin": "HOST"}, {"Origin": "http://127.0.0.1"}, {"Origin": "http://127.0.0.1:1"},
    {"Origin": "http://HOST/"}, {"Origin": "http://HOST", "Sec-Fetch-Site": "same-site"},
], ids=str)
def test_browsers_change_nothing_by_themselves(rest, headers):
    headers = on_its_port(rest, headers)
    task = create(rest)
    before = info(rest, task)
    for method in ["GET", "POST"]:
        check_refused(rest.request(method, f"/pro/proc/{task}/delete", headers=headers), 403)
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    check_refused(rest.request("POST", seed.CREATE, seed.FORM.encode(), {**form, **headers}), 403)
    refused = rest.request("DELETE", f"/v1/tasks/{task}", headers=headers)
    assert refused.status == 403 and refused.json()["error"]["status"] == "PERMISSION_DENIED"
    assert "may not change anything" in refused.json()["error"]["message"]
    assert rest.request("GET", f"/pro/proc/{task}/info", headers=headers).status == 200
    assert info(rest, task) == before


@pytest.mark.parametrize("headers", [{"Sec-Fetch-Site": "same-origin"}, {"Sec-Fetch-Site": "none"},
                                     {"Purpose": "none"}, {"Origin": "http://HOST"},
                                     {"Origin": "https://sluice.example", "Sec-Fetch-Site": "same-origin"},
                                     {"Origin": "http://Sluice:8", "Host": "sluice:8"}], ids=str)
def test_a_person_in_a_browser_may(rest, headers):
    """And the page at /docs behind a proxy, which may change Host."""
    headers = on_its_port(rest, headers)
    task = create(rest)
    assert rest.request("GET", f"/pro/proc/{task}/abort", headers=headers).body == OK


@pytest.mark.parametrize("host, is_answered", [
    ("evil.example:12311", False), ("evil.example", False), ("localhost.evil.example", False),
    ("evillocalhost.x", False), ("evil.", False), ("127.0.0.1.evil.example", False), ("1.2.3", False),
    ("a.LocalHost:12311", True), ("localhost", True), ("127.0.0.1", True),
    ("10.1.2.3:1", True), ("[::1]:12311", True), ("sluice", True), ("", True)])
def test_names_that_could_be_anybodys_are_not_answered_to(rest, host, is_answered):
    """A page of such a name, which its owner points at 127.0.0.1, is of the same origin for browsers."""
    task = create(rest)
    for path in (f"/pro/proc/{task}/info", f"/v1/tasks/{task}", "/openapi.json"):
        reply = rest.request("GET", path, headers={"Host": host})
        assert reply.status == (200 if is_answered else 403)
        assert is_answered or "localhost" in reply.text
    assert rest.request("GET", f"/pro/proc/{task}/abort", headers={"Host": host}).status == (
        200 if is_answered else 403)
    assert rest.request("GET", "/healthz", headers={"Host": host}).status == 200
    assert rest.raw(b"GET /openapi.json HTTP/1.0\r\n\r\n").startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize("listen, option", [("127.0.0.1:0", "--insecure"), ("0.0.0.0:0", "--allow=127.0.0.1")])
def test_servers_for_others_answer_to_any_name(stack_without_worker, listen, option):
    gateway = stack_without_worker.gateway
    shim = stack_without_worker.program("sluice-rest", "--gateway", gateway.address, "--listen", listen,
                                        option, log="sluice-rest-named").start()
    try:
        named = type(stack_without_worker.rest)(shim.port)
        assert named.request("GET", "/v1/tasks", headers={"Host": "sluice.example"}).status == 200
    finally:
        shim.stop()


@pytest.mark.parametrize("path", [
    "/", "/nope", "/pro/proc", "/pro/proc/{}/info/", "//pro/proc/{}/info", "/pro/proc//info",
    "/pro/proc/{}/../{}/info", "/./pro/proc/{}/info", "/PRO/proc/{}/info", "/pro/proc/{}/INFO",
    "/pro/proc/{}%2Finfo", "/pro/proc/bulkload/create/", "/v2/tasks", "/pro/proc/{}/abort/",
])
def test_paths_are_not_normalised(rest, path):
    task = create(rest)
    check_refused(rest.get(path.replace("{}", task)), 404)
    assert info(rest, task)["state"] == "RUNNING"


def test_errors_may_have_status_200(stack_without_worker):
    shim = stack_without_worker.program("sluice-rest", "--gateway",
                                        stack_without_worker.gateway.address, "--listen",
                                        "127.0.0.1:0", "--legacy-error-status", "200",
                                        log="sluice-rest-200").start()
    legacy = type(stack_without_worker.rest)(shim.port)
    try:
        check_refused(legacy.get(f"/pro/proc/{NOBODY}/info"), 200, NOBODY)
        check_refused(legacy.post_form(seed.CREATE, ""), 200, "missing")
        check_refused(legacy.post_form(seed.CREATE, b"a" * (2 << 20)), 200)
        assert legacy.get(f"/v1/tasks/{NOBODY}").status == 404
    finally:
        shim.stop()


# --- the JSON API

TASK = {"source": "hdfs", "destination": "ld",
        "bulkload": {"readerConfigJson": READER, "writerConfigJson": WRITER,
                     "driverSpec": "DRIVER_SPEC_SMALL", "instances": 1,
                     "fileType": "FILE_TYPE_CSV"}}


def check_error(reply, status, name, *words):
    """The envelope of an error of the JSON API; returns the error."""
    assert reply.status == status, reply.text
    assert reply.headers["content-type"] == "application/json"
    error = reply.json()["error"]
    assert list(error)[:3] == ["code", "status", "message"]
    assert (error["code"], error["status"]) == (status, name)
    for word in words:
        assert word in error["message"]
    assert "127.0.0.1" not in reply.text
    return error


def detail(error, name):
    found = [d for d in error.get("details", [])
             if d["@type"] == f"type.googleapis.com/google.rpc.{name}"]
    assert len(found) == 1, error
    return found[0]


def test_tasks_are_created_read_and_removed(rest):
    reply = rest.send_json("POST", "/v1/tasks", TASK)
    assert reply.status == 200, reply.text
    task = reply.json()
    assert task["state"] == "TASK_STATE_PENDING"
    path = f"/v1/tasks/{task['id']}"
    assert rest.get(path).json()["bulkload"] == TASK["bulkload"]
    assert rest.request("POST", path + ":abort").json()["state"] == "TASK_STATE_KILLED"
    assert rest.send_json("POST", path + ":retry", {"fromStart": True}).json()["state"] == \
        "TASK_STATE_PENDING"
    assert rest.send_json("POST", path + ":abort", {}).status == 200
    assert rest.request("POST", path + ":retry").status == 200
    assert rest.get(path + "/badRows").body == b"{}"
    reply = rest.request("DELETE", path)
    assert (reply.status, reply.body) == (200, b"{}")
    error = check_error(rest.get(path), 404, "NOT_FOUND", task["id"])
    assert detail(error, "ErrorInfo")["reason"] == "TASK_NOT_FOUND"


def test_tasks_are_listed_page_by_page(rest):
    made = [create(rest) for _ in range(3)]
    assert rest.get(f"/pro/proc/{made[1]}/abort").status == 200
    first = rest.get("/v1/tasks?pageSize=2").json()
    assert [t["id"] for t in first["tasks"]] == [made[2], made[1]]
    token = urllib.parse.quote(first["nextPageToken"])
    assert rest.get(f"/v1/tasks?pageSize=1&pageToken={token}").json()["tasks"][0]["id"] == made[0]
    killed = rest.get("/v1/tasks?state=killed&kind=BULKLOAD&page_size=1").json()
    assert killed["tasks"][0]["id"] == made[1]


def test_data_sources_are_kept(rest, stack_without_worker):
    parameters = json.dumps({"root": str(stack_without_worker.files)})
    source = {"name": "v1-files", "type": "DATA_SOURCE_TYPE_FILE", "parametersJson": parameters}
    assert rest.send_json("POST", "/v1/dataSources", source).status == 200
    check_error(rest.send_json("POST", "/v1/dataSources", source), 409, "ALREADY_EXISTS", "v1-files")
    path = "/v1/dataSources/v1-files"
    assert rest.get(path).json()["type"] == "DATA_SOURCE_TYPE_FILE"
    assert "v1-files" in [s["name"] for s in rest.get("/v1/dataSources").json()["dataSources"]]
    other = json.dumps({"root": "/"})
    reply = rest.send_json("PATCH", path + "?updateMask=parametersJson", {"parametersJson": other})
    assert reply.status == 200, reply.text
    assert json.loads(rest.get(path).json()["parametersJson"]) == {"root": "/"}
    check_error(rest.send_json("PATCH", path, {"parametersJson": other, "etag": "old"}), 409,
                "ABORTED")
    check_error(rest.send_json("PATCH", path, {"name": "other"}), 400, "INVALID_ARGUMENT", "name")
    check_error(rest.request("DELETE", path + "?etag=old"), 409, "ABORTED")
    assert rest.request("DELETE", path).body == b"{}"
    check_error(rest.get(path), 404, "NOT_FOUND", "v1-files")


def test_a_data_source_in_use_stays(rest):
    create(rest)
    check_error(rest.request("DELETE", "/v1/dataSources/ld"), 409, "FAILED_PRECONDITION", "ld")


def test_faults_of_fields_are_told_by_path(rest):
    wrong = {**TASK, "bulkload": {**TASK["bulkload"], "instances": 0, "readerConfigJson": "{"}}
    error = check_error(rest.send_json("POST", "/v1/tasks", wrong), 400, "INVALID_ARGUMENT")
    told = {v["field"] for v in detail(error, "BadRequest")["fieldViolations"]}
    assert told >= {"task.bulkload.instances", "task.bulkload.reader_config_json"}


BAD_CALLS = {
    "nothing asked for": ("POST", "/v1/tasks", b'{"source":"hdfs","destination":"ld"}', 400, ""),
    "unknown data source": ("POST", "/v1/tasks", json.dumps({**TASK, "source": "no"}).encode(),
                            404, "no"),
    "retry of a task that is not there": ("POST", f"/v1/tasks/{NOBODY}:retry", b"", 404, NOBODY),
    "id in path and body": ("POST", f"/v1/tasks/{NOBODY}:retry", b'{"id":"x"}', 400, "id"),
    "unknown verb of a task": ("POST", f"/v1/tasks/{NOBODY}:pause", b"", 404, "path"),
    "wrong verb": ("PUT", "/v1/tasks", b"", 405, "method"),
}


@pytest.mark.parametrize("name", BAD_CALLS)
def test_a_bad_call_is_refused(rest, ntasks, name):
    method, path, body, status, word = BAD_CALLS[name]
    before = ntasks()
    reply = rest.request(method, path, body, {"Content-Type": "application/json"} if body else {})
    names = {400: "INVALID_ARGUMENT", 404: "NOT_FOUND", 405: "UNIMPLEMENTED"}
    check_error(reply, status, names[status], word)
    if status == 405:
        assert reply.headers["allow"] == "POST, GET, HEAD, OPTIONS"
    assert ntasks() == before


def test_json_needs_its_content_type(rest):
    for kind in ["application/x-www-form-urlencoded", "text/json", "application/json; charset=x"]:
        reply = rest.request("POST", "/v1/tasks", b"{}", {"Content-Type": kind})
        check_error(reply, 415, "INVALID_ARGUMENT")


def test_head_is_get_without_the_body(rest):
    task = create(rest)
    for path in ["/v1/tasks?pageSize=1", f"/v1/tasks/{task}", f"/pro/proc/{task}/info", "/healthz"]:
        get, head = rest.get(path), rest.request("HEAD", path)
        assert (head.status, head.body) == (200, b"")
        assert head.headers["content-length"] == str(len(get.body))


def test_health(rest):
    reply = rest.get("/healthz")
    assert (reply.status, reply.body) == (200, b'{"status":"ok"}')
