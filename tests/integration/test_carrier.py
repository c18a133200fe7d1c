"""sluice-rest's calls travel many on one stream to the gateway."""
from sluicetest.metrics import scrape
from sluicetest.wait import wait_until

CARRY = "sluice.carrier.v1.Carrier/Carry"
LIST = "sluice.v1.TaskService/ListTasks"
PATH = "/v1/tasks?page_size=1"
NCALLS = 200


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
