#!/usr/bin/python3 -B
"""
How fast a gateway is again after PostgreSQL was restarted at once (kill -9 of all of it), and after its sessions were ended once a second
for a while.

    tests/bench/bench_recovery.py [--build-dir build/release] [--seconds N] [--kills N]

Two gateways with a PostgreSQL each take turns at being called, so that what else the machine does hits both; only one has
faults. 64 tasks at a time are created all along, also during the faults. Prints a table in Markdown; fails if the
rate, as a ratio to the other gateway, is not 95 % of what it was within 30 s.
"""
import sys
import threading
import time

from steady import Bench, in_turns, parse, rate

BAR = 0.95
WITHIN_S = 30

END_SESSIONS = """
SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
 WHERE application_name = 'sluice' AND pid <> pg_backend_pid()
"""


def restart(stack, _):
    stack.database.cluster.restart()


def end_sessions(stack, kills):
    for _ in range(kills):
        stack.database.rows(END_SESSIONS)
        time.sleep(1)


def call_until(over, stack):
    """Callers do not stop because calls fail."""
    while not over.is_set():
        rate(stack, "create", 1)


def measure(name, fault, stack, control, args):
    _, before = in_turns(stack, control, "create", args.seconds, 5)
    over = threading.Event()
    caller = threading.Thread(target=call_until, args=(over, stack))
    caller.start()
    fault(stack, args.kills)
    back = time.monotonic()
    over.set()
    caller.join()
    first = None
    while first is None and time.monotonic() - back < WITHIN_S:
        if rate(stack, "create", 1) > 0:
            first = time.monotonic() - back
    _, after = in_turns(stack, control, "create", args.seconds, 5)
    print(f"| {name} | {before:.2f} | {after:.2f} | {after / before:.2f} | {first or WITHIN_S:.1f} s |",
          flush=True)
    return first is not None and after / before >= BAR


def main():
    args = parse(__doc__, seconds=2, kills=20)
    with Bench(args.build) as bench:
        stack = bench.add_gateway(bench.add_cluster(), "faulty")
        control = bench.add_gateway(bench.add_cluster(), "control")
        in_turns(stack, control, "create", args.seconds, 2)
        print("| fault | ratio before | ratio after | after / before | a second without failures after |")
        print("|---|---|---|---|---|")
        is_good = [measure("PostgreSQL restarted at once", restart, stack, control, args),
                   measure(f"sessions ended {args.kills} times, once a second", end_sessions, stack,
                           control, args)]
    sys.exit(not all(is_good))


if __name__ == "__main__":
    main()
