"""Each field of each HTTP call with values that are wrong: JSON, query parameters, paths, and the forms of LTS."""
import json
import urllib.parse

import pytest

from sluicetest import bad_requests, contract, seed
from sluicetest.client import Client
from sluicetest.contract import Field, is_map, is_repeated
from sluicetest.routes import form_fields, routes
from sluicetest.stack import Stack

METHODS = contract.methods()
V1, LTS = routes("V1"), routes("LTS")
DEEP = b'{"a":' * 99 + b"1" + b"}" * 99


@pytest.fixture(scope="module")
def server(build, protos, shared_cluster, tmp_path_factory):
    """A gateway and REST; tasks stay as they are, since nobody works on them."""
    stack = Stack(build, shared_cluster.create_database(), tmp_path_factory.mktemp("stack"))
    try:
        stack.start_gateway()
        stack.start_rest()
        client = Client(stack.reflected())
        client.add_sources(**bad_requests.MORE_SOURCES)
        stack.known_ids = bad_requests.add_tasks(client)
        yield stack
    finally:
        stack.stop()


@pytest.fixture(autouse=True)
def nothing_changes(server):
    before = bad_requests.stored(server)
    yield
    assert bad_requests.stored(server) == before
    assert server.rest.get("/healthz").status == 200


def path_of(route, part="x1"):
    """The route's path with that part, and the name of the field that it sets (or None)."""
    head, brace, rest = route.path.partition("{")
    if not brace:
        return route.path, None
    field, _, tail = rest.partition("}")
    return head + part + tail, field


def check_v1(reply, status, *words, about=""):
    """The envelope of an error below /v1, whose message has all words."""
    assert reply.headers["content-type"] == "application/json"
    error = reply.json()["error"]
    names = {400: "INVALID_ARGUMENT", 404: "NOT_FOUND", 413: "INVALID_ARGUMENT",
             415: "INVALID_ARGUMENT"}
    assert (reply.status, error["code"], error["status"]) == (status, status, names[status]), \
        (about, reply.text)
    assert all(word in error["message"] for word in words), (about, words, error["message"])
    return error["message"]


def check_lts(reply, statuses, *words):
    told = reply.json()
    assert reply.headers["content-type"] == "application/json"
    assert list(told) == ["success", "message"] and told["success"] == "false", reply.text
    assert reply.status in statuses, reply.text
    assert all(word in told["message"] for word in words), (words, told)


# --- JSON

def wrong_json(field):
    """Values that no field of the type may have, as JSON."""
    if is_map(field):
        return ["[]", '"x"', "1", '{"a":1}', '{"a":{}}', '{"a":"b","a":"c"}']
    if is_repeated(field):
        return ["{}", '"x"', "1"] + [f"[{value}]" for value in wrong_one(field)]
    return wrong_one(field)


def wrong_one(field):
    by_message = {"Timestamp": ['"yesterday"', "1", '"2026-13-01T00:00:00Z"', '"2026-01-01"', '""',
                                "{}",
                                '"10000-01-01T00:00:00Z"'],
                  "Duration": ['"1"', "1", '"x"', '"s"', "{}", '"1.0000000001s"',
                               '"400000000000s"'],
                  "FieldMask": ["1", "{}", "[]"]}
    by_type = {Field.TYPE_STRING: ["1", "true", "{}", "[]", '"\\u0000"', '"\\ud800"'],
               Field.TYPE_BOOL: ['"yes"', "1", "[]", "{}"],
               Field.TYPE_INT32: ['"x"', "1.5", "2147483648", "-2147483649", "true", "[]", '""',
                                  '"1x"', "1e10"],
               Field.TYPE_INT64: ['"x"', "1.5", "9223372036854775808", '"9223372036854775808"',
                                  "true", "[]", '""'],
               Field.TYPE_DOUBLE: ['"x"', "true", "[]", '""', "1e999"],
               Field.TYPE_BYTES: ['"*"', '"a"', "1", "[]"],
               Field.TYPE_ENUM: ['"NOPE"', "1.5", "true", "[]", '""', "2147483648"]}
    if field.message_type:
        return by_message.get(field.message_type.name, ['"x"', "1", "[]", "true"])
    return by_type[field.type]


def nested(path, value):
    """The JSON text of an object with that one field."""
    out = value
    for field in reversed(path):
        is_first = out is value
        inner = f"[{out}]" if is_repeated(field) and not is_map(field) and not is_first else out
        out = f'{{"{field.json_name}":{inner}}}'
    return out.encode()


def body_type(route):
    request = METHODS[route.method][1]
    return request.fields_by_name[route.body_field].message_type if route.body_field else request


def json_paths(route):
    return [path for path in contract.paths(body_type(route),
                                            lambda field: not contract.is_whole(field))
            if len(path) < 5]


WITH_JSON = [route for route in V1 if route.body.startswith("JSON")]


@pytest.mark.parametrize("route", WITH_JSON, ids=lambda route: f"{route.verb} {route.path}")
def test_json_of_the_wrong_kind_is_refused_by_name(server, route):
    path, _ = path_of(route)
    for fields in json_paths(route):
        for value in wrong_json(fields[-1]):
            reply = server.rest.send_json(route.verb, path, nested(fields, value))
            reply = check_v1(reply, 400)
            # What is no JSON at all is told by its place.
            assert fields[-1].name in reply or "body: not JSON" in reply, (value, reply)


@pytest.mark.parametrize("body, words", [
    (b"{", ["JSON"]), (b"[]", ["object"]), (b"1", ["object"]), (b'"x"', ["object"]), (b"null",
                                                                                      ["object"]),
    (b"{} {}", ["JSON"]), (b"{}x", ["JSON"]), (b'{"nope":1}', ["nope"]), (b'{"":1}', []), (DEEP,
                                                                                           ["64"]),
    (b'{"id":"a","id":"b"}', ["JSON"]), (b"\xff", ["JSON"]), (b'{"\xff":1}',
                                                              ["JSON"]), (b"{'a':1}", ["JSON"]),
    (b'{"a":01}', ["JSON"]), (b"\xef\xbb\xbf{}", ["JSON"]), (b"[" * 100_000,
                                                             []), (b"{" + b" " * 1_000_000,
                                                                   ["JSON"]),
], ids=lambda value: value[:12].decode("latin1") if isinstance(value, bytes) else "")
@pytest.mark.parametrize("route", WITH_JSON, ids=lambda route: f"{route.verb} {route.path}")
def test_a_body_that_is_no_such_object(server, route, body, words):
    check_v1(server.rest.send_json(route.verb, path_of(route)[0], body), 400, *words)


@pytest.mark.parametrize("route", WITH_JSON, ids=lambda route: f"{route.verb} {route.path}")
def test_a_body_that_is_none(server, route):
    path, _ = path_of(route)
    check_v1(server.rest.send_json(route.verb, path, b"{" + b" " * (1 << 20) + b"}"), 413, "1 MiB")
    for kind in ["text/plain", "application/x-www-form-urlencoded",
                 "application/json; charset=latin1"]:
        reply = server.rest.request(route.verb, path, b"{}", {"Content-Type": kind})
        check_v1(reply, 415)
    if route.body == "JSON":
        check_v1(server.rest.request(route.verb, path), 400)


# --- query parameters and paths

def parameters_of(route):
    """The fields of the request that are query parameters."""
    if route.body == "JSON_MAYBE" or route.body == "JSON" and not route.body_field:
        return []
    part = (path_of(route)[1] or "").split(".")[0]
    return [field for field in METHODS[route.method][1].fields if field.name not in (part,
                                                                                     route.body_field)]


def wrong_texts(field):
    if field.message_type:  # FieldMask
        return ["", ",", "a,,b"] if field.message_type.name == "FieldMask" else ["x"]
    return {Field.TYPE_INT32: ["x", "1.5", "2147483648", "-2147483649", "", "%20", "1x", "0x1"],
            Field.TYPE_BOOL: ["yes", "1", "", "tru"],
            Field.TYPE_ENUM: ["NOPE", "99999999999", "", "1.5"]}.get(field.type, [])


@pytest.mark.parametrize("route", V1, ids=lambda route: f"{route.verb} {route.path}")
def test_query_parameters_that_are_wrong(server, route):
    path, _ = path_of(route)
    body = b"{}" if route.body == "JSON" else None
    kind = {"Content-Type": "application/json"} if body else {}
    queries = [("nope=1", "nope"), ("=1", ""), ("nope", "nope"), (f"{'n' * 129}=1", "128"),
               ("id%00=x", ""),
               ("&".join(f"f{n}=1" for n in range(65)), "")]
    for field in parameters_of(route):
        name = field.json_name
        queries += [(f"{name}={value}", "" if field.message_type else name)
                    for value in wrong_texts(field) if value]
        queries += [(f"{name}=%zz", name), (f"{name}=%", name), (f"{name}=%ff", name),
                    (f"{name}=a%00b", name),
                    (f"{name}={'x' * 9000}", "")]
        if field.type in (Field.TYPE_INT32, Field.TYPE_BOOL, Field.TYPE_ENUM):
            queries.append((f"{name}=1&{name}=1", name))
    for query, word in queries:
        reply = server.rest.request(route.verb, f"{path}?{query}", body, kind)
        if len(query) > 8000:
            assert reply.status == 414, (query[:40], reply.status)
        else:
            check_v1(reply, 400, word, about=query)


BAD_PARTS = [("%zz", 400), ("%", 400), ("%f", 400), ("%ff", 400), ("a%00b", 400), ("x1%2Finfo",
                                                                                   404),
                                                                                   ("x" * 5000,
                                                                                    404),
             ("%F0%9F%98%80", 404)]


@pytest.mark.parametrize("route", [route for route in V1 if "{" in route.path],
                         ids=lambda route: f"{route.verb} {route.path}")
@pytest.mark.parametrize("part, status", BAD_PARTS, ids=lambda value: str(value)[:12])
def test_parts_of_paths_that_are_wrong(server, route, part, status):
    path, field = path_of(route, part)
    body = b"{}" if route.body == "JSON" else None
    reply = server.rest.request(route.verb, path, body, {"Content-Type": "application/json"}
                                if body else {})
    is_name = field.endswith("name")  # that a name is none is told apart from one that is not there
    check_v1(reply, 400 if is_name else status)


# --- the forms of LTS

READER, WRITER = bad_requests.READERS, bad_requests.WRITERS
NAMES = [wrong.value for wrong in bad_requests.NAMES]
BULKLOAD = dict(part.split("=", 1) for part in seed.FORM.split("&")) | {"src": "files"}
MIGRATION = {"src": "hbase1", "dst": "hbase2", "tableNames": "t1,t2"}
BOOL = ["yes", "1", "tru", "truefalse", "0", "on", "null"]
TABLE_NAMES = ["t1,", ",", "t1,t1", "a b", "a:b:c", "a/b/c", ":a", "a:", "-a", "a/", "/a",
               "a" * 100_000,
               ",".join(f"t{n}" for n in range(1001))]
ATTRIBUTES = [wrong.value for wrong in bad_requests.ATTRIBUTES]

# By form: where it is sent to, what is right, and for each field what is wrong; a text says why nothing is.
FORMS = {
    "bulkload": (seed.CREATE, BULKLOAD, {
        "src": NAMES[1:], "dst": NAMES[1:],
        "readerConfig": [wrong.value for wrong in READER if wrong.value],
        "writerConfig": [wrong.value for wrong in WRITER if wrong.value],
        "driverSpec": ["huge", "1", "99", "small,medium", "DRIVER_SPEC_UNSPECIFIED"],
        "instances": ["0", "-1", "1001", "five", "1.5", "99999999999999999999", " 1", "1 ", "0x1",
                      "true", "1e1"],
        "fileType": ["ORC", "text", "0", "99"],
        "sparkAdditionalParams": [wrong.value for wrong in bad_requests.SPARK]}),
    "full_create": ("/hbase/fulldata/create", MIGRATION, {
        "src": NAMES[1:], "dst": NAMES[1:], "tableNames": TABLE_NAMES, "bulkload": BOOL, "createTable": BOOL,
        "extraAttrs": ATTRIBUTES}),
    "incr_create": ("/hbase/incr/create", {**MIGRATION, "name": "test1"}, {
        "name": ["a\nb", "x" * 129], "src": NAMES[1:], "dst": NAMES[1:], "tableNames": TABLE_NAMES,
        "createTable": BOOL, "extraAttrs": ATTRIBUTES}),
    "incr_update": ("/hbase/incr/update", {"jobId": "wal", "tableNames": "t3"}, {
        "jobId": ["x1", "wal-" + "0" * 32, "proc-1", "' OR true --"], "tableNames": TABLE_NAMES}),
}


def encode(fields):
    return "&".join(f"{urllib.parse.quote(name)}={urllib.parse.quote(value)}" for name,
                    value in fields.items())


def right_form(server, form):
    _, right, _ = FORMS[form]
    return {name: server.known_ids.get(value, value) for name, value in right.items()}


def test_the_table_has_all_fields_of_all_forms():
    assert {form: set(fields) for form, fields in form_fields().items()} == {
        form: set(wrong) for form, (_, _, wrong) in FORMS.items()}
    assert {route.path for route in LTS if route.body == "FORM"} == {path for path, _,
                                                                     _ in FORMS.values()}


@pytest.mark.parametrize("form, field", [(form, field) for form, (_, _, wrong) in FORMS.items()
                                         for field in wrong])
def test_a_field_of_a_form_that_is_wrong(server, form, field):
    path, _, wrong = FORMS[form]
    right = right_form(server, form)
    is_required = form_fields()[form][field]
    head = encode({name: value for name, value in right.items() if name != field})
    raw = [(f"{head}&{field}=%zz", [field, "%"]), (f"{head}&{field}=%", [field]),
           (f"{head}&{field}=%ff", [field, "UTF-8"]),
           (f"{head}&{field}=a%00b", [field]), (f"{encode(right)}&{field}=x&{field}=y", [field,
                                                                                         "twice"]),
           (head.encode() + b"&" + field.encode() + b"=\xff", [field])]
    if is_required:
        raw += [(head, ["missing", field]), (f"{head}&{field}=", ["missing", field])]
    for body, words in raw:
        check_lts(server.rest.post_form(path, body), [400], *words)
    for value in wrong[field]:
        body = f"{head}&{field}={urllib.parse.quote(value)}"
        reply = server.rest.post_form(path, body)
        if len(body) > 1 << 20:
            check_lts(reply, [413])
        elif field == "jobId":
            check_lts(reply, [404], value)
        else:
            check_lts(reply, [400], field if field not in ("src", "dst") else "data source")


@pytest.mark.parametrize("form", FORMS)
def test_a_form_that_is_none(server, form):
    path, _, _ = FORMS[form]
    right = encode(right_form(server, form))
    for kind in [None, "text/plain", "application/json",
                 "application/x-www-form-urlencoded; charset=latin1"]:
        reply = server.rest.request("POST", path, right.encode(), {"Content-Type": kind}
                                    if kind else {})
        check_lts(reply, [415])
    for body in ["", "&", "=", "nope", "&".join(f"f{n}=1" for n in range(65)), "n" * 129 + "=1",
                 "a=" + "v" * (512 * 1024 + 1)]:
        check_lts(server.rest.post_form(path, body), [400])
    check_lts(server.rest.post_form(path, b"a=" + b"v" * (1 << 20)), [413], "1 MiB")


@pytest.mark.parametrize("route", [route for route in LTS if "{" in route.path],
                         ids=lambda route: f"{route.verb} {route.path}")
@pytest.mark.parametrize("part, status", BAD_PARTS + [("x1", 404), ("proc-1-" + "0" * 32, 404),
                                                      ("a'b;--", 404)],
                         ids=lambda value: str(value)[:12])
def test_an_id_in_a_path_of_lts_that_is_wrong(server, route, part, status):
    path, _ = path_of(route, part)
    check_lts(server.rest.request(route.verb, path), [status])
