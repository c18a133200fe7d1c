"""The OpenAPI document: a linter takes it, real replies are as it says, and the page at /docs shows it."""
import json
import os
import pathlib
import re
import subprocess

import jsonschema
import pytest

from sluicetest import seed
from sluicetest.rest import Rest

ROOT = pathlib.Path(__file__).resolve().parents[2]
REDOCLY = ROOT / "tools/node/node_modules/.bin/redocly"
GOLDEN = ROOT / "tests/unit/rest-shim/golden"


@pytest.fixture(scope="module")
def rest(module_stack):
    return module_stack.rest


@pytest.fixture(scope="module")
def document(rest):
    return rest.get("/openapi.json").json()


def test_a_linter_finds_nothing_to_say(document, tmp_path):
    assert REDOCLY.exists(), "run: scripts/deps test"
    (tmp_path / "openapi.json").write_text(json.dumps(document))
    done = subprocess.run(
        [REDOCLY, "lint", "--extends=recommended", "--format=json", "openapi.json"], cwd=tmp_path,
        env={**os.environ, "REDOCLY_TELEMETRY": "off", "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true"},
        capture_output=True, text=True, timeout=120)
    found = json.loads(done.stdout[done.stdout.index("{"):])
    assert found["problems"] == []
    assert done.returncode == 0


# --- replies

def strict(schema):
    """The same schema, refusing members that it does not name."""
    if isinstance(schema, list):
        return [strict(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    made = {key: strict(value) for key, value in schema.items()}
    if made.get("type") == "object" and "properties" in made:
        made.setdefault("additionalProperties", False)
    return made


class Described:
    """The document as something to hold replies against."""

    def __init__(self, document):
        self.document = strict(document)

    def check(self, value, ref):
        schema = {"$ref": ref, "components": self.document["components"]}
        jsonschema.Draft202012Validator(schema).validate(value)

    def check_shape(self, value, name):
        self.check(value, f"#/components/schemas/{name}")

    def find(self, method, path):
        for template, item in self.document["paths"].items():
            parts = re.split(r"\{[^}]*\}", template)
            pattern = "[^/:]+".join(re.escape(part) for part in parts)
            if re.fullmatch(pattern, path) and method.lower() in item:
                return item[method.lower()]
        raise AssertionError(f"{method} {path} is not in the document")

    def check_reply(self, method, path, reply):
        """The reply to a request is one that the document has."""
        responses = self.find(method, path.split("?")[0])["responses"]
        response = responses.get(str(reply.status)) or responses[f"{reply.status // 100}XX"]
        if "$ref" in response:
            response = self.document["components"]["responses"][response["$ref"].split("/")[-1]]
        schema = response["content"][reply.headers["content-type"]]["schema"]
        self.check(reply.json(), schema["$ref"])
        return reply


@pytest.fixture(scope="module")
def described(document):
    return Described(document)


@pytest.fixture(scope="module")
def task(module_stack, rest):
    """A bulk import that has ended, with a bad row."""
    (module_stack.files / "openapi.csv").write_text("a,1\nb,x\n")
    form = {
        "src": "hdfs", "dst": "ld", "driverSpec": "small", "instances": "1", "fileType": "CSV",
        "readerConfig": json.dumps({"filePath": "openapi.csv", "column": ["id", "n"],
                                    "maxBadRows": 5}),
        "writerConfig": json.dumps({"columns": ["ROW||String", "f:n||Int"], "namespace": "default",
                                    "lindormTable": "openapi", "compression": "zstd"})}
    body = "&".join(f"{name}={value}" for name, value in form.items())
    reply = rest.post_form(seed.CREATE, body)
    assert reply.status == 200, reply.text
    task_id = reply.json()["message"]
    module_stack.wait_for_state(task_id, "SUCCEEDED")
    return task_id


def test_replies_are_as_described(described, rest, task):
    bulkload = rest.get(f"/v1/tasks/{task}").json()["bulkload"]
    asked = [
        ("GET", "/healthz"),
        ("GET", "/v1/tasks"), ("GET", "/v1/tasks?view=FULL&pageSize=1"), ("GET", f"/v1/tasks/{task}"),
        ("GET", f"/v1/tasks/{task}/events"), ("GET", f"/v1/tasks/{task}/badRows"),
        ("GET", "/v1/dataSources"), ("GET", "/v1/dataSources/ld"),
        ("GET", f"/pro/proc/{task}/info"), ("GET", "/hbase/fulldata"), ("GET", "/hbase/incr"),
        ("GET", "/hbase/fulldata?pageSize=1"),
        # errors
        ("GET", "/v1/tasks/proc-1-00"), ("GET", "/v1/tasks?pageSize=-1"), ("GET", "/v1/tasks?nope=1"),
        ("POST", f"/v1/tasks/{task}:abort"), ("POST", f"/v1/tasks/{task}:retry"),
        ("DELETE", "/v1/dataSources/ld"), ("GET", "/v1/dataSources/nope"),
        ("GET", "/v1/tasks/proc-1-00:watch"),
        ("GET", "/pro/proc/proc-1-00/info"), ("GET", f"/pro/proc/{task}/abort"),
        ("POST", f"/pro/proc/{task}/retry"), ("POST", "/hbase/fulldata/create"),
    ]
    for method, path in asked:
        described.check_reply(method, path, rest.request(method, path))
    sent = {"source": "hdfs", "destination": "ld", "bulkload": bulkload, "labels": {"team": "ads"}}
    reply = rest.send_json("POST", "/v1/tasks?validateOnly=true", sent)
    assert described.check_reply("POST", "/v1/tasks", reply).status == 200
    reply = rest.send_json("PATCH", f"/v1/tasks/{task}?updateMask=displayName", {"displayName": "x"})
    assert described.check_reply("PATCH", f"/v1/tasks/{task}", reply).status == 200
    reply = rest.send_json("POST", "/v1/tasks", {"bulkload": 1})
    assert described.check_reply("POST", "/v1/tasks", reply).status == 400


def test_what_is_sent_is_as_described(described, rest, task):
    """Requests are messages, as replies are: a task that was read can be sent."""
    sent = rest.get(f"/v1/tasks/{task}").json()
    body = described.find("POST", "/v1/tasks")["requestBody"]["content"]["application/json"]
    described.check(sent, body["schema"]["$ref"])
    with pytest.raises(jsonschema.ValidationError):
        described.check({**sent, "nope": 1}, body["schema"]["$ref"])
    with pytest.raises(jsonschema.ValidationError):
        described.check({**sent, "state": "NOPE"}, body["schema"]["$ref"])


@pytest.mark.parametrize("file, shape", [
    ("created.json", "LtsReply"), ("ok.json", "LtsReply"), ("error_lts.json", "LtsReply"),
    ("info_new.json", "LtsBulkImport"), ("info_roles.json", "LtsBulkImport"),
    ("full_list.json", "LtsFullMigrations"), ("empty_list.json", "LtsFullMigrations"),
    ("full_detail.json", "LtsFullMigration"),
    ("incr_list.json", "LtsIncrementalSyncs"), ("incr_detail.json", "LtsIncrementalSync"),
    ("error_v1.json", "Error"), ("error_v1_plain.json", "Error"), ("error_health.json", "Health"),
])
def test_shapes_that_lts_fixes_are_as_described(described, file, shape):
    described.check_shape(json.loads((GOLDEN / file).read_text()), shape)


# --- the document and the page as files

def test_the_document_is_sent_once(rest):
    first = rest.get("/openapi.json")
    assert first.headers["content-type"] == "application/json"
    assert first.headers["cache-control"] == "no-cache"
    tag = first.headers["etag"]
    for has in [tag, f"W/{tag}", f'"x", {tag}', "*"]:
        again = rest.request("GET", "/openapi.json", headers={"If-None-Match": has})
        assert (again.status, again.body, again.headers["etag"]) == (304, b"", tag)
        assert "content-length" not in again.headers and "content-type" not in again.headers
    for has in ['"x"', ""]:
        assert rest.request("GET", "/openapi.json", headers={"If-None-Match": has}).status == 200
    head = rest.request("HEAD", "/openapi.json")
    assert (head.status, head.body) == (200, b"")
    assert head.headers["content-length"] == first.headers["content-length"]


def test_the_page_loads_only_what_is_served_here(rest):
    page = rest.get("/docs")
    assert (page.status, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert page.headers["x-content-type-options"] == "nosniff"
    scripts = re.findall(r"<script([^>]*)>(.*?)</script>", page.text, re.S)
    assert len(scripts) == 2 and all(text == "" for _, text in scripts)
    assert " style=" not in page.text and "<style" not in page.text and " on" not in page.text
    urls = re.findall(r'(?:src|href)="([^"]*)"', page.text)
    assert len(urls) == 5
    for url in urls:
        if not url.startswith("data:"):
            reply = rest.get(f"/{url}")
            assert reply.status == 200 and reply.body
            kind = {"css": "text/css", "js": "text/javascript", "json": "application/json"}
            assert reply.headers["content-type"].startswith(kind[url.rsplit(".")[-1]])
    assert "openapi.json" in rest.get("/docs/init.js").text


@pytest.mark.parametrize("path", [
    "/docs/", "/docs/index.html", "/docs/LICENSE", "/docs/..", "/docs/../main.c", "/docs/%2e%2e",
    "/docs/..%2f..%2fsluice-rest", "/docs//etc/passwd", "/docs/init.js%00", "/docs/INIT.JS", "/",
])
def test_no_other_file_is_served(rest, path):
    assert rest.get(path).status == 404


def test_without_its_files_there_is_no_page(module_stack, tmp_path):
    shim = module_stack.program("sluice-rest", "--gateway", module_stack.gateway.address, "--listen",
                                "127.0.0.1:0", "--docs-dir", tmp_path, log="no-docs").start()
    try:
        shim.wait_for_event("no page at /docs")
        rest = Rest(shim.port)
        reply = rest.get("/docs")
        assert reply.status == 404 and "--docs-dir" in reply.json()["error"]["message"]
        assert str(tmp_path) not in reply.text
        assert rest.get("/docs/init.js").status == 404
        assert rest.get("/openapi.json").status == 200
    finally:
        shim.stop()


def test_an_installed_program_has_its_page(build, tmp_path):
    subprocess.run(["cmake", "--install", build, "--prefix", tmp_path], check=True,
                   capture_output=True, timeout=120)
    from sluicetest.program import Program
    shim = Program(tmp_path / "bin/sluice-rest", tmp_path / "log", "--listen", "127.0.0.1:0",
                   "--gateway", "127.0.0.1:1").start()
    try:
        assert Rest(shim.port).get("/docs").status == 200
    finally:
        shim.stop()
