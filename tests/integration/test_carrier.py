"""sluice-rest's calls travel many on one stream to the gateway."""
import asyncio

import grpc

from sluicetest.metrics import scrape
from sluicetest.wait import is_sanitized, wait_until

CARRY = "sluice.carrier.v1.Carrier/Carry"
GET = "sluice.v1.TaskService/GetTask"
LIST = "sluice.v1.TaskService/ListTasks"
PATH = "/v1/tasks?page_size=1"
NCALLS = 200
MAX_STREAMS = 128  # of calls, that the gateway takes
SMALL_WINDOW = [("grpc.http2.bdp_probe", 0), ("grpc.http2.lookahead_bytes", 1 << 16)]
MIB = 1 << 20


def count(stack, method):
    return scrape(stack.gateway.metrics_port).get("sluice_grpc_calls_total", method=method) or 0


def test_many_requests_are_few_streams(stack):
    stack.start_gateway("--metrics-listen", "127.0.0.1:0")
    stack.start_rest()
    for _ in range(NCALLS):
        assert stack.rest.get(PATH).status == 200
    assert count(stack, LIST) == NCALLS
    stack.shim.stop()
    wait_until(lambda: count(stack, CARRY) > 0, what="the stream has ended with who made it")
    assert count(stack, CARRY) < NCALLS / 10


def test_a_gateway_that_was_killed_is_called_again(stack):
    stack.start_gateway()
    stack.start_rest()
    assert stack.rest.get(PATH).status == 200
    stack.gateway.kill()
    stack.gateway.start()
    assert stack.rest.get(PATH).status == 200


def test_a_stream_is_none_of_the_calls_that_a_client_may_have_at_a_time(stack):
    stack.start_gateway("--client-calls-at-a-time", 1)
    stack.start_rest()
    for _ in range(3):
        assert stack.rest.get(PATH).status == 200


def part(tag, data):
    """A field of bytes, shorter than 128 (protobuf.dev, "Encoding")."""
    return bytes([tag << 3 | 2, len(data)]) + data


async def fill(stream, message, ntimes):
    """Sends messages for as long as they are taken, and reads nothing."""
    try:
        for _ in range(ntimes):
            await stream.write(message)
    except (grpc.RpcError, asyncio.InvalidStateError):
        pass


async def leave_unread(stack, nstreams):
    """Has many streams whose answers nobody reads, until the gateway takes no more; others are served meanwhile."""
    calls = part(1, part(2, f"/{GET}".encode())) * 1000
    async with grpc.aio.insecure_channel(stack.gateway.address, SMALL_WINDOW) as channel:
        streams = [channel.stream_stream(f"/{CARRY}")() for _ in range(nstreams)]
        fillers = [asyncio.create_task(fill(stream, calls, 30)) for stream in streams]

        def is_full():
            refused = [stream for stream in streams if stream.done()]
            return len(refused) == nstreams - MAX_STREAMS and count(stack, GET) >= 2000 * MAX_STREAMS
        await asyncio.to_thread(wait_until, is_full, 120, "the gateway has all it takes")
        codes = {await stream.code() for stream in streams if stream.done()}
        assert codes == {grpc.StatusCode.RESOURCE_EXHAUSTED}
        await asyncio.to_thread(wait_until, stack.is_served, 120, "others are served")
        assert (await asyncio.to_thread(stack.rest.get, PATH)).status == 200
        for filler in fillers:
            filler.cancel()


def test_answers_that_nobody_reads_are_bounded(stack):
    stack.start_gateway("--metrics-listen", "127.0.0.1:0")
    stack.start_rest()
    asyncio.run(leave_unread(stack, 400))
    if not is_sanitized():
        assert stack.gateway.peak_memory_bytes() < 300 * MIB
    print(f"peak {stack.gateway.peak_memory_bytes() // MIB} MiB")
