"""
A gateway whose clock is wrong does no harm: leases, backoffs and what users see of times are by the clock of the
database.
"""
import pytest

from chaostest.clock import Clock
from sluicetest.client import ALL_JOBS, Client, Worker
from sluicetest.grpc_client import Reflected
from sluicetest.wait import wait_until

DAY_S = 86400


def start_gateway(stack, env, log):
    gateway = stack.program("sluice-gateway", "--database-url", stack.database.url, "--listen",
                            "127.0.0.1:0", "--lease-ms", 1000, log=log)
    gateway.env = env
    return gateway.start()


@pytest.fixture
def clock(tmp_path):
    return Clock(tmp_path)


def test_the_clock_of_a_program_can_be_wrong(stack, clock):
    """What the other tests stand on: the log shows the program's own time."""
    clock.set(400 * DAY_S)
    stack.migrate()
    ahead = start_gateway(stack, clock.env, "ahead")
    stack.gateway = ahead
    right = start_gateway(stack, {}, "right")
    try:
        assert ahead.events()[0]["time"][:4] > right.events()[0]["time"][:4]
    finally:
        right.stop()


@pytest.mark.parametrize("seconds", [-400 * DAY_S, -5, 5, 400 * DAY_S])
def test_a_lease_is_as_long_at_a_gateway_whose_clock_is_wrong(stack, clock, seconds):
    stack.migrate()
    stack.gateway = start_gateway(stack, clock.env, "wrong")
    right = start_gateway(stack, {}, "right")
    reflected = Reflected(right.address)
    try:
        wrong_client, right_client = Client(stack.reflected()), Client(reflected)
        wrong_client.add_sources()
        clock.set(seconds)
        task = wrong_client.create_task()
        before = stack.database.value("SELECT now()")
        early = Worker(wrong_client, "early", ALL_JOBS).must_lease()
        later = Worker(right_client, "later", ALL_JOBS)
        # The step comes while the lease is held: it neither ends it nor makes it longer.
        clock.set(-seconds)
        assert stack.database.value(
            "SELECT lease_end_time - interval '1 s' BETWEEN %s AND now() FROM job WHERE id = %s",
            before, early["id"])
        taken = later.must_lease()
        assert taken["id"] == early["id"] and int(taken["leaseToken"]) > int(early["leaseToken"])
        assert Worker(wrong_client, "early", ALL_JOBS).report_fails(early).code == "ABORTED"
        later.finish(taken)
        wait_until(lambda: later.run_all() or right_client.state(task["id"]) == "SUCCEEDED",
                   what="the task ends")
        off_s = stack.database.value(
            "SELECT max(abs(extract(epoch FROM now() - time)))::float8 FROM task_event")
        assert off_s < 60
    finally:
        reflected.close()
        right.stop()
