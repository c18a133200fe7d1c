"""
Thousands of watches on one gateway while tasks change: each gets to know the last state of its task, and a watch costs
little memory. docs/benchmarks.md has figures, and how to repeat them:

    SLUICE_WATCH_LOAD="2000 2000 1000 30" pytest tests/integration/test_watch_load.py -s --build-dir build/release
"""
import os
import re

import pytest

from sluicetest.client import Client
from sluicetest.program import run
from sluicetest.wait import is_sanitized, scale

MAX_BYTES_A_WATCH = 64 * 1024
MAX_WATCHES = 8000  # WATCH_HUB_MAX_WATCHES


def test_each_of_many_watches_gets_the_last_state_of_its_task(stack):
    stack.start_gateway()
    Client(stack.reflected()).add_sources()
    load = os.environ.get("SLUICE_WATCH_LOAD", "2000 500 1000 5" if scale() == 1
                          else "500 100 200 3").split()
    done = run(stack.build / "bench_watch", stack.gateway.address,
               str(stack.gateway.process.pid), *load, timeout_s=300)
    print(done.stdout)
    memory = int(re.search(r"memory +(\d+) bytes", done.stdout)[1])
    assert is_sanitized() or memory < MAX_BYTES_A_WATCH


@pytest.mark.parametrize("more", [0, 1])
def test_a_gateway_takes_so_many_watches_and_refuses_more(stack, more):
    stack.start_gateway()
    Client(stack.reflected()).add_sources()
    done = run(stack.build / "bench_watch", stack.gateway.address, str(stack.gateway.process.pid),
               str(MAX_WATCHES + more), "10", "10", "1", timeout_s=300, check=False)
    assert done.returncode == more, done.stderr
    assert ("a watch has ended: too much is waiting already" in done.stderr) == bool(more)
