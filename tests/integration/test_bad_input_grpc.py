"""Each field of each request over gRPC with values that are wrong: refused by name, with nothing stored."""
import grpc
import pytest
from google.protobuf import json_format

from sluicetest import bad_requests, contract
from sluicetest.bad_requests import ABSENT, BASES, LOST_TASK, TABLE
from sluicetest.client import Client, Failure
from sluicetest.stack import Stack

METHODS = contract.methods()


@pytest.fixture(scope="module")
def server(build, protos, shared_cluster, tmp_path_factory):
    """A gateway, and what the table's requests name. No worker changes it."""
    stack = Stack(build, shared_cluster.create_database(), tmp_path_factory.mktemp("stack"))
    try:
        stack.start_gateway()
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
    assert Client(server.reflected()).health() == "SERVING"


def call(stack, method, data):
    """Sends a request as bytes; gives the Failure that it must end with."""
    path, _, reply = METHODS[method]
    reply = contract.message_class(reply)
    if method.startswith("Watch"):
        send = stack.api.channel.unary_stream(path, lambda raw: raw, reply.FromString)
    else:
        send = stack.api.channel.unary_unary(path, lambda raw: raw, reply.FromString)
    try:
        answer = send(data, timeout=30)
        answer = next(answer) if method.startswith("Watch") else answer
    except grpc.RpcError as error:
        return Failure.of(error)
    raise AssertionError(f"{method} did not fail: {answer}")


# --- bytes: what no field may be

def wire_cases():
    for method, (_, request, _) in METHODS.items():
        for path in contract.paths(request):
            name = contract.name_of(path)
            is_text = path[-1].type == path[-1].TYPE_STRING
            if is_text:
                yield method, name, "no UTF-8", contract.encode(path,
                                                                b"a\xffb"), "is not valid UTF-8"
                yield method, name, "NUL", contract.encode(path, b"a\0b"), "holds a NUL byte"
            is_length = contract.wire_type_of(path[-1]) == contract.LENGTH
            other = contract.VARINT if is_length else contract.LENGTH
            if is_length or not contract.is_repeated(path[-1]):
                yield (method, name, "wire type", contract.encode(path, b"\0", other),
                       "has the wrong wire type")


WIRE_CASES = list(wire_cases())


@pytest.mark.parametrize("method", METHODS)
def test_bytes_that_no_field_may_be(server, method):
    for _, name, kind, data, text in (case for case in WIRE_CASES if case[0] == method):
        failure = call(server, method, data)
        assert failure.code == "INVALID_ARGUMENT", (name, kind, failure)
        assert failure.violations == {name: text}, (name, kind, failure)
        assert failure.reason == "INVALID_FIELD", (name, kind, failure)


@pytest.mark.parametrize("data", [b"\x0a\xff", b"\x0a", b"\xff" * 11, b"\x00", b"\x0b\x0c", b"\x07",
                                  b"\xf8\xff\xff\xff\xff\x7f\x00"])
@pytest.mark.parametrize("method", METHODS)
def test_bytes_that_are_no_message(server, method, data):
    failure = call(server, method, data)
    assert (failure.code, failure.reason) == ("INVALID_ARGUMENT", "INVALID_FIELD")
    assert "malformed" in failure.text or "wire type" in failure.text, failure


# --- values

def field_names(request):
    """The fields that the table has to speak of: messages and what is in them, if it is not the server's."""
    def goes_into(field):
        return not contract.is_whole(field)
    return [contract.name_of(path) for path in contract.paths(request, goes_into)]


def covers(rows, name):
    """Whether the table has the field, or gives a reason for one that it is in."""
    parts = name.split(".")
    return name in rows or any(isinstance(rows.get(".".join(parts[:n])), str) and
                               rows[".".join(parts[:n])] != bad_requests.IN_ITS_FIELDS
                               for n in range(1, len(parts)))


def test_the_table_has_all_fields_of_all_methods():
    assert set(TABLE) == set(METHODS)
    for method, (_, request, _) in METHODS.items():
        names = field_names(request)
        unknown = [name for name in names if not covers(TABLE[method], name)]
        assert not unknown, f"{method}: which values are wrong? {unknown}"
        assert set(TABLE[method]) <= set(names), f"{method}: not in the contract"


def base_of(method, name):
    found = [key for key in BASES if key == method or f"{method} {name}".startswith(key)]
    return BASES[max(found, key=len)]


def put(message, name, value):
    """Sets a field by its path; in a list of messages that of the first one."""
    first, _, rest = name.partition(".")
    if rest:
        inner = getattr(message, first)
        put(inner[0] if hasattr(inner, "append") or hasattr(inner, "add") else inner, rest, value)
        return
    field = message.DESCRIPTOR.fields_by_name[first]
    message.ClearField(first)
    if value is ABSENT:
        return
    if contract.is_map(field):
        getattr(message, first).update(value)
    elif field.message_type and contract.is_repeated(field):
        for one in value:
            json_format.ParseDict(one, getattr(message, first).add())
    elif contract.is_repeated(field):
        getattr(message, first).extend(value)
    elif field.message_type and field.message_type.name == "FieldMask":
        getattr(message, first).paths.extend(value)
    elif field.message_type:
        getattr(message, first).seconds, getattr(message, first).nanos = value
    else:
        setattr(message, first, value)


def with_known_ids(request, known):
    """The request, in which words stand for the ids of tasks that are there."""
    if isinstance(request, dict):
        return {key: known.get(value, value) if key == "id" and isinstance(value, str)
                else with_known_ids(value, known) for key, value in request.items()}
    return request


@pytest.mark.parametrize("method, name", [(method, name) for method, rows in TABLE.items()
                                          for name, row in rows.items() if not isinstance(row, str)])
def test_values_that_are_wrong(server, method, name):
    request_type = contract.message_class(METHODS[method][1])
    base = with_known_ids(base_of(method, name), server.known_ids)
    for wrong in TABLE[method][name]:
        request = json_format.ParseDict(base, request_type())
        put(request, name, wrong.value)
        try:
            failure = call(server, method, request.SerializeToString())
        except AssertionError as taken:
            raise AssertionError(f"{str(wrong.value)[:200]} was taken") from taken
        shown = (str(wrong.value)[:80], failure)
        assert (failure.code, failure.reason) == (wrong.code, wrong.reason), shown
        if wrong.reason == "INVALID_FIELD":
            assert (wrong.field or name) in failure.violations, shown
        assert 0 < len(failure.text) <= 512, shown


def test_what_the_server_sets_is_ignored(server):
    """Requests with nonsense in all fields that are the server's are as good as those without."""
    api = server.api
    made = api.task.Task()
    json_format.ParseDict(BASES["CreateTask"]["task"], made)
    made.id, made.etag, made.message, made.source_address = "x", "x", "x", "x"
    made.kind, made.state, made.stage = 99, 99, 99
    made.create_time.seconds = -2 ** 63
    made.progress.fraction = float("nan")
    made.jobs.add(id="x", role=99)
    reply = api.tasks.CreateTask(api.task_service.CreateTaskRequest(task=made, validate_only=True))
    assert (reply.id, reply.message, reply.state) == ("", "", api.task.TASK_STATE_PENDING)


def test_there_are_many_cases():
    nvalues = sum(len(row) for rows in TABLE.values() for row in rows.values()
                  if not isinstance(row, str))
    assert nvalues > 300 and len(WIRE_CASES) > 300
