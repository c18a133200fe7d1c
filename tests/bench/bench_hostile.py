#!/usr/bin/python3 -B
"""
How long normal calls take while many connections do nothing, or little, and what each of those costs.

    tests/bench/bench_hostile.py [--http N] [--grpc N] [--calls N] [--build-dir build/release]

Starts PostgreSQL, a gateway and REST. Prints a table in Markdown: the same calls, one after another, before and
during; peak memory of the program, and what a connection adds to it. Needs two file descriptors a connection.
"""
import argparse
import contextlib
import pathlib
import resource
import subprocess
import sys
import tempfile
import time

from server import ROOT, start_server
from sluicetest import grpc_client, h2, slow_http
from sluicetest.rest import Rest
from sluicetest.stack import Stack


def resident_kib(program):
    with open(f"/proc/{program.process.pid}/status", encoding="ascii") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("VmRSS"))


def measure(call, ncalls):
    """(p50, p99) in milliseconds; a call that fails ends the program."""
    times = []
    for _ in range(ncalls):
        started = time.perf_counter()
        call()
        times.append((time.perf_counter() - started) * 1000)
    times.sort()
    return times[len(times) // 2], times[len(times) * 99 // 100]


def tell(what, before, during, added_kib, nconnections):
    print(f"| {what} | {before[0]:.2f} / {before[1]:.2f} | {during[0]:.2f} / {during[1]:.2f} | "
          f"{during[1] / before[1]:.2f} | {added_kib / nconnections:.1f} |", flush=True)


def bench_http(stack, kinds, nconnections, ncalls):
    def call():
        assert Rest(stack.shim.port).get("/v1/tasks?pageSize=1").status == 200
    before, before_kib = measure(call, ncalls), resident_kib(stack.shim)
    slow = subprocess.Popen([sys.executable, slow_http.__file__, str(stack.shim.port),
                             str(nconnections), *kinds],
                            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert slow.stdout.readline() == "up\n"
    during, during_kib = measure(call, ncalls), resident_kib(stack.shim)
    slow.stdin.close()
    slow.wait()
    name = " and ".join(kinds) if kinds else "all kinds in turn"
    tell(f"{nconnections} of HTTP: {name}", before, during, during_kib - before_kib, nconnections)


def bench_grpc(stack, nconnections, ncalls):
    request = stack.api.task_service.ListTasksRequest(page_size=1)

    def call():
        stack.api.tasks.ListTasks(request)
    before, before_kib = measure(call, ncalls), resident_kib(stack.gateway)
    idle = [h2.Raw(stack.gateway.port) for _ in range(nconnections)]
    for one in idle:
        next(one.frames())
        one.send(h2.frame(h2.SETTINGS, h2.ACK))
    during, during_kib = measure(call, ncalls), resident_kib(stack.gateway)
    for one in idle:
        one.socket.close()
    tell(f"{nconnections} of gRPC: idle", before, during, during_kib - before_kib, nconnections)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--http", type=int, default=10_000)
    parser.add_argument("--grpc", type=int, default=1000)
    parser.add_argument("--calls", type=int, default=2000)
    parser.add_argument("--build-dir", default="build/release")
    options = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as cleanup:
        grpc_client.compile_protos(pathlib.Path(folder))
        cluster = start_server(cleanup)
        stack = Stack(ROOT / options.build_dir, cluster.create_database(), pathlib.Path(folder))
        cleanup.callback(stack.stop)
        stack.start_gateway()
        stack.start_rest()
        print("| connections | p50 / p99 before, ms | p50 / p99 during, ms | p99, times | KiB each |")
        print("|---|---|---|---|---|")
        bench_grpc(stack, options.grpc, options.calls)
        for kinds in [["idle"], ["slow head"], ["slow body"], ["kept alive"], []]:
            bench_http(stack, kinds, options.http, options.calls)


if __name__ == "__main__":
    main()
