"""How the server behaves towards clients that others wrote: Python's gRPC, curl, buf."""
import gzip
import json
import pathlib
import subprocess
import threading
import time
import zlib

import grpc
import pytest

from sluicetest.client import Client, task
from sluicetest.grpc_client import error_of
from sluicetest.stack import Stack
from sluicetest.wait import wait_until
from sluicetest.wire import Pinger, frame, post

ROOT = pathlib.Path(__file__).resolve().parents[2]
MAX_MESSAGE_BYTES = 1 << 20
OK, INVALID_ARGUMENT, DEADLINE_EXCEEDED, RESOURCE_EXHAUSTED, UNIMPLEMENTED = 0, 3, 4, 8, 12
LIST = "sluice.v1.TaskService/ListTasks"
GET = "sluice.v1.TaskService/GetTask"
CREATE = "sluice.v1.TaskService/CreateTask"
NO_JOB = "check:spark"  # what a worker can do that nobody asks for


@pytest.fixture(scope="module")
def stack(build, protos, shared_cluster, tmp_path_factory):
    """A gateway with a hundred tasks; each test must leave it well."""
    made = Stack(build, shared_cluster.create_database(), tmp_path_factory.mktemp("stack"))
    try:
        made.start_gateway()
        client = Client(made.reflected())
        client.add_sources()
        for _ in range(100):
            client.create_task()
        yield made
    finally:
        made.stop()


@pytest.fixture(autouse=True)
def is_well_after_all(stack):
    yield
    stack.check_programs()
    assert Client(stack.reflected()).health() == "SERVING"


@pytest.fixture
def address(stack):
    return stack.gateway.address


@pytest.fixture
def tasks(stack):
    return stack.api.task_service


def create_request(api, size):
    """A CreateTaskRequest of size bytes, most of them in a text that names what the readers read."""
    def make(filler):
        bulkload = task(reader={"filePath": "x" * filler, "column": ["id"]})["bulkload"]
        return api.task_service.CreateTaskRequest(task=api.task.Task(
            source="files", destination="ld", bulkload=api.task.BulkloadSpec(
                reader_config_json=bulkload["readerConfigJson"])))
    made = make(size - make(size).ByteSize() + size)
    assert made.ByteSize() == size
    return made


# --- deadlines and cancellation


@pytest.mark.parametrize("timeout", ["0n", "1n", "1u"])
def test_a_deadline_that_has_passed_ends_the_call(address, timeout):
    """Core answers, or resets the stream when it has seen the deadline pass by itself."""
    assert post(address, LIST, grpc_timeout=timeout).status in (DEADLINE_EXCEEDED, None)


def test_a_deadline_passes_while_the_call_waits(stack):
    api = stack.api
    lease = api.worker_service.LeaseJobRequest(worker_id="w", capabilities=[NO_JOB])
    lease.wait_duration.seconds = 60
    start = time.monotonic()
    error = error_of(api.workers.LeaseJob, lease, timeout=0.5)
    assert error.code() == grpc.StatusCode.DEADLINE_EXCEEDED
    assert 0.5 <= time.monotonic() - start < 50


def test_a_call_that_is_cancelled_leaves_its_connection_alone(stack):
    api = stack.api
    states = []
    api.tasks.ListTasks(api.task_service.ListTasksRequest())
    api.channel.subscribe(states.append)
    lease = api.worker_service.LeaseJobRequest(worker_id="w", capabilities=[NO_JOB])
    lease.wait_duration.seconds = 60
    waiting = api.workers.LeaseJob.future(lease)
    waiting.cancel()
    assert waiting.code() == grpc.StatusCode.CANCELLED
    assert len(api.tasks.ListTasks(api.task_service.ListTasksRequest()).tasks) == 100
    api.channel.unsubscribe(states.append)
    assert set(states) <= {grpc.ChannelConnectivity.READY}


# --- sizes


@pytest.mark.parametrize("compression", [grpc.Compression.NoCompression, grpc.Compression.Gzip,
                                         grpc.Compression.Deflate])
def test_a_message_over_the_limit_is_refused_and_the_connection_lives_on(stack, compression):
    api = stack.api
    states = []
    api.tasks.ListTasks(api.task_service.ListTasksRequest())
    api.channel.subscribe(states.append)
    for size, code in ((MAX_MESSAGE_BYTES, grpc.StatusCode.INVALID_ARGUMENT),
                       (MAX_MESSAGE_BYTES + 1, grpc.StatusCode.RESOURCE_EXHAUSTED)):
        error = error_of(api.tasks.CreateTask, create_request(api, size), compression=compression)
        assert error.code() == code, error.details()
    assert len(api.tasks.ListTasks(api.task_service.ListTasksRequest()).tasks) == 100
    api.channel.unsubscribe(states.append)
    assert set(states) <= {grpc.ChannelConnectivity.READY}


def test_a_bomb_of_gzip_takes_no_memory(stack, address):
    """20 times a request of 1 MiB that would inflate to 1 GiB."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    bomb = b"".join([*(packer.compress(bytes(1 << 20)) for _ in range(1023)), packer.flush()])
    assert 1000000 < len(bomb) <= MAX_MESSAGE_BYTES
    before = stack.gateway.peak_memory_bytes()
    answers = []
    threads = [threading.Thread(target=lambda: answers.append(
        post(address, CREATE, frame(bomb, 1), grpc_encoding="gzip"))) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [answer.status for answer in answers] == [RESOURCE_EXHAUSTED] * 20
    assert {answer.text for answer in answers} <= {
        f"the message is larger than {MAX_MESSAGE_BYTES} bytes when it is inflated",
        "too many large requests at a time"}
    assert stack.gateway.peak_memory_bytes() - before < 150 << 20


def can_list(stub, tasks):
    try:
        return stub.ListTasks(tasks.ListTasksRequest()).tasks
    except grpc.RpcError as error:
        assert error.code() == grpc.StatusCode.UNAVAILABLE
        return False


@pytest.mark.parametrize("headers", [
    {"x-large": "x" * 9000},
    {f"x-{n}": "x" for n in range(300)},
])
def test_headers_over_the_limit_are_refused(stack, tasks, headers):
    """Core closes the connection then, and the client makes another one."""
    options = [("grpc.use_local_subchannel_pool", 1)]
    with grpc.insecure_channel(stack.gateway.address, options=options) as channel:
        stub = type(stack.api.tasks)(channel)
        error = error_of(stub.ListTasks, tasks.ListTasksRequest(), metadata=list(headers.items()))
        assert error.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
        wait_until(lambda: can_list(stub, tasks), what="the client is back")


def test_headers_within_the_limit_are_taken(stack):
    api = stack.api
    headers = [("x-large", "x" * 5000), ("x-bytes-bin", bytes(range(256))), ("x-empty", ""),
               *((f"x-{n}", "x") for n in range(40))]
    assert api.tasks.ListTasks(api.task_service.ListTasksRequest(), metadata=headers).tasks


# --- compression


@pytest.mark.parametrize("compression", [grpc.Compression.Gzip, grpc.Compression.Deflate])
def test_compressed_requests_are_served(stack, compression):
    api = stack.api
    source = api.data_source.DataSource(
        name=f"large-{compression.name}", type=1,
        parameters_json=json.dumps({"root": "/" + "x" * 2000}))
    made = api.data_sources.CreateDataSource(
        api.data_source_service.CreateDataSourceRequest(data_source=source),
        compression=compression)
    assert json.loads(made.parameters_json) == json.loads(source.parameters_json)


def test_large_replies_are_compressed_for_who_takes_that(address, tasks):
    plain = post(address, LIST)
    packed = post(address, LIST, grpc_accept_encoding="gzip")
    assert (plain.status, plain.flags) == (OK, [0])
    assert "grpc-encoding" not in plain.headers
    assert (packed.status, packed.flags) == (OK, [1])
    assert packed.headers["grpc-encoding"] == "gzip"
    assert packed.messages == plain.messages
    assert len(tasks.ListTasksResponse.FromString(packed.messages[0]).tasks) == 100


def test_large_messages_of_a_stream_are_compressed(address):
    name = b"sluice.v1.TaskService"
    asked = frame(b"\x22" + bytes([len(name)]) + name)
    path = "grpc.reflection.v1.ServerReflection/ServerReflectionInfo"
    plain, packed = post(address, path, asked), post(address, path, asked, grpc_accept_encoding="gzip")
    assert (plain.flags, packed.flags) == ([0], [1])
    assert plain.messages == packed.messages


def test_small_replies_are_not_compressed(address, tasks):
    request = tasks.ListTasksRequest(page_size=1).SerializeToString()
    assert post(address, LIST, frame(request), grpc_accept_encoding="gzip").flags == [0]


def test_a_client_in_python_reads_compressed_replies(stack, tasks):
    with grpc.insecure_channel(stack.gateway.address, compression=grpc.Compression.Gzip) as channel:
        stub = type(stack.api.tasks)(channel)
        assert stub.ListTasks(tasks.ListTasksRequest()) == stack.api.tasks.ListTasks(
            tasks.ListTasksRequest())


def test_a_request_that_is_not_what_its_encoding_says_is_refused(address, tasks):
    whole = gzip.compress(tasks.GetTaskRequest(id="x").SerializeToString())
    for wrong in (b"", b"abcd", whole[:-1], whole + b"x", whole[:-8] + bytes(8)):
        answer = post(address, GET, frame(wrong, 1), grpc_encoding="gzip")
        assert answer.status == INVALID_ARGUMENT
        assert answer.text == "the message is not one whole gzip stream"
    for headers in ({}, {"grpc_encoding": "identity"}, {"grpc_encoding": "br"}):
        assert post(address, GET, frame(whole, 1), **headers).status == INVALID_ARGUMENT


def test_messages_of_a_stream_are_inflated(stack):
    """The client asks by reflection, whose requests are a stream, and compresses them."""
    with grpc.insecure_channel(stack.gateway.address, compression=grpc.Compression.Gzip) as channel:
        ask = channel.stream_stream(
            "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
            request_serializer=lambda name: b"\x22" + bytes([len(name)]) + name,
            response_deserializer=lambda reply: reply)
        names = [b"sluice.v1.TaskService", b"a.name.that.is.repeated." + b"repeated." * 11]
        replies = list(ask(iter(names), timeout=20))
    assert b"WatchTasks" in replies[0]
    assert names[1] in replies[1]


# --- what is no call


@pytest.mark.parametrize("path", ["sluice.v1.TaskService/Nothing", "sluice.v1.Nothing/GetTask",
                                  "sluice.v1.TaskService", "sluice.v1.TaskService/GetTask/", ""])
def test_an_unknown_path_is_unimplemented(stack, path):
    error = error_of(stack.api.channel.unary_unary(f"/{path}"), b"")
    assert error.code() == grpc.StatusCode.UNIMPLEMENTED
    assert error.details() == f"there is no method '/{path}'"


def test_a_unary_call_takes_one_message_and_looks_at_no_other(address):
    message = frame()
    assert post(address, LIST, message).status == OK
    assert post(address, LIST, message + b"\0\0\0\0\x01\xff").status == OK
    assert post(address, LIST, b"").status == UNIMPLEMENTED


@pytest.mark.parametrize("body", [b"\0", b"\0\0\0\0", b"\0\0\0\0\x05abc",
                                  b"\0\xff\xff\xff\xff"])
def test_a_message_that_is_cut_or_no_message_fails(address, body):
    assert post(address, LIST, body).status != OK


@pytest.mark.parametrize("content_type", ["application/json", "text/html", ""])
def test_another_content_type_is_served_or_refused_in_order(address, content_type):
    assert post(address, LIST, content_type=content_type).status is not None


# --- health and reflection


def buf_curl(address, *options):
    done = subprocess.run([ROOT / "tools/buf.sh", "curl", "--http2-prior-knowledge", "--protocol",
                           "grpc", *options], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("version", ["grpc-v1", "grpc-v1alpha"])
def test_buf_calls_what_it_learns_by_reflection(address, version):
    options = ["--reflect-protocol", version]
    services = buf_curl(address, *options, "--list-services", f"http://{address}").split()
    assert {"grpc.health.v1.Health", "sluice.v1.TaskService", "sluice.v1.DataSourceService"} <= set(
        services)
    listed = buf_curl(address, *options, "-d", '{"pageSize": 3}', f"http://{address}/{LIST}")
    assert len(json.loads(listed)["tasks"]) == 3


def test_health_is_checked_and_watched(stack, address):
    url = f"http://{address}/grpc.health.v1.Health/Check"
    for service in ("", "sluice.v1.TaskService"):
        told = buf_curl(address, "-d", json.dumps({"service": service}), url)
        assert json.loads(told) == {"status": "SERVING"}
    with grpc.insecure_channel(address) as channel:
        watch = channel.unary_stream("/grpc.health.v1.Health/Watch")(b"", timeout=20)
        assert next(watch) == b"\x08\x01"  # SERVING
        watch.cancel()


# --- keepalive


def test_a_client_that_pings_too_often_is_told_so_and_may_come_back(address):
    hasty = Pinger(address)
    told = [hasty.ping() for _ in range(2)]
    while not told[-1] and len(told) < 10:
        told.append(hasty.ping())
    hasty.close()
    assert told[-1] == b"too_many_pings"
    assert told[:2] == [None, None]
    again = Pinger(address)
    assert again.ping() is None
    again.close()


def test_a_call_of_a_hasty_client_is_made_on_its_next_connection(stack, address):
    """Python's client, told to ping every 100 ms, is sent away, and calls again without being told to."""
    options = [("grpc.keepalive_time_ms", 100), ("grpc.keepalive_permit_without_calls", 1),
               ("grpc.http2.max_pings_without_data", 0),
               ("grpc.http2.min_ping_interval_without_data_ms", 100)]
    states = []
    with grpc.insecure_channel(address, options=options) as channel:
        stub = type(stack.api.tasks)(channel)

        def can_call():  # it may be sent away just then
            return can_list(stub, stack.api.task_service)
        wait_until(can_call, what="it calls")
        channel.subscribe(states.append)
        wait_until(lambda: states and states[-1] != grpc.ChannelConnectivity.READY, what="the client is sent away")
        wait_until(can_call, what="it calls again")


def test_a_client_may_ping_every_ten_seconds(address):
    """Three pings that come too early end a connection, so these are four."""
    patient = Pinger(address)
    start = time.monotonic()
    for n in range(4):
        time.sleep(max(0, start + n * 10.1 - time.monotonic()))
        assert patient.ping() is None
    patient.close()
