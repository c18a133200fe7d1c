"""HTTP/2 on the gRPC port as no client of gRPC would speak it: the gateway lives, and others are served."""
import contextlib
import os
import struct
import threading
import time

import pytest

from sluicetest import h2, metrics
from sluicetest.alerts import firing, series_of_late
from sluicetest.h2 import (ACK, CONTINUATION, DATA, END_HEADERS, END_STREAM, GOAWAY, HEADERS, PADDED, PING,
                           PRIORITY, PUSH_PROMISE, RST_STREAM, SETTINGS, WINDOW_UPDATE, Raw, frame, literal)
from sluicetest.stack import Stack
from sluicetest.wait import is_sanitized, scale, wait_until

HEAD = h2.call_head("/grpc.health.v1.Health/Check")
OPEN = frame(HEADERS, END_HEADERS, 1, HEAD)
MESSAGE = b"\0\0\0\0\0"  # an empty one
MIB = 1 << 20


def setting(name, value):
    return struct.pack(">HI", name, value)


def window(value):
    return struct.pack(">I", value)


# What is sent behind a good preface, and how often.
FRAMES = {
    "DATA on stream 0": (frame(DATA, 0, 0, b"x"), 1),
    "DATA on a stream that is not open": (frame(DATA, 0, 5, b"x"), 1),
    "HEADERS on stream 0": (frame(HEADERS, END_HEADERS, 0, HEAD), 1),
    "HEADERS on a stream of the server's": (frame(HEADERS, END_HEADERS, 2, HEAD), 1),
    "stream numbers that go down": (frame(HEADERS, END_HEADERS, 9, HEAD) + OPEN, 1),
    "HEADERS again, without an end": (OPEN + OPEN, 1),
    "a frame over 16 KiB": (frame(DATA, 0, 1, bytes(20000)), 1),
    "a frame that says 16 MiB": (frame(DATA, 0, 1, b"x", length=(1 << 24) - 1) + bytes(100000), 1),
    "a frame of an unknown kind": (frame(0x77, 0xff, 3, b"x" * 100), 1000),
    "CONTINUATION without HEADERS": (frame(CONTINUATION, END_HEADERS, 1, HEAD), 1),
    "another frame inside the headers": (frame(HEADERS, 0, 1, HEAD) + frame(PING, 0, 0, bytes(8)), 1),
    "CONTINUATION without end": (frame(HEADERS, 0, 1, HEAD) + frame(CONTINUATION, 0, 1, literal(
        "x", "y" * 8000)) * 2000, 1),
    "empty CONTINUATION without end": (frame(HEADERS, 0, 1, HEAD) + frame(CONTINUATION, 0, 1) * 100_000, 1),
    "headers of 4 MiB": (frame(HEADERS, 0, 1, HEAD) + b"".join(
        frame(CONTINUATION, 0, 1, literal(f"h{n}", "v" * 16000)) for n in range(256)), 1),
    "HPACK: an index that is not there": (frame(HEADERS, END_HEADERS, 1, b"\xff\x80\x80\x80\x01"), 1),
    "HPACK: index 0": (frame(HEADERS, END_HEADERS, 1, b"\x80"), 1),
    "HPACK: an integer without end": (frame(HEADERS, END_HEADERS, 1, b"\xff" * 200), 1),
    "HPACK: text beyond the frame": (frame(HEADERS, END_HEADERS, 1, b"\x00\x7f\xff\xff\x7fx"), 1),
    "HPACK: bad Huffman": (frame(HEADERS, END_HEADERS, 1, b"\x00\x84\xff\xff\xff\xff\x01x"), 1),
    "HPACK: a table of 4 GiB": (frame(HEADERS, END_HEADERS, 1, b"\x3f\xe1\xff\xff\xff\x0f" + HEAD), 1),
    "HPACK: large entries by reference": (frame(HEADERS, END_HEADERS, 1, b"\x40\x01x" + h2.integer(
        3000, 7) + b"y" * 3000 + b"\xbe" * 13000), 1),
    "padding longer than the frame": (frame(DATA, PADDED, 1, b"\xffx"), 1),
    "SETTINGS of 5 bytes": (frame(SETTINGS, 0, 0, bytes(5)), 1),
    "SETTINGS on a stream": (frame(SETTINGS, 0, 1), 1),
    "SETTINGS: ACK with bytes": (frame(SETTINGS, ACK, 0, setting(1, 1)), 1),
    "SETTINGS: a window over 2^31": (frame(SETTINGS, 0, 0, setting(4, 0xffffffff)), 1),
    "SETTINGS: a frame size of 1": (frame(SETTINGS, 0, 0, setting(5, 1)), 1),
    "SETTINGS without end": (frame(SETTINGS, 0, 0, setting(4, 65535)), 50_000),
    "SETTINGS of many rows": (frame(SETTINGS, 0, 0, setting(4, 65535) * 2700), 100),
    "PING without end": (frame(PING, 0, 0, bytes(8)), 50_000),
    "PING of 4 bytes": (frame(PING, 0, 0, bytes(4)), 1),
    "PING on a stream": (frame(PING, 0, 1, bytes(8)), 1),
    "answers to no PING": (frame(PING, ACK, 0, bytes(8)), 50_000),
    "WINDOW_UPDATE by 0": (OPEN + frame(WINDOW_UPDATE, 0, 1, window(0)), 1),
    "windows over 2^31": (OPEN + frame(WINDOW_UPDATE, 0, 1, window(0x7fffffff)) * 3 + frame(
        WINDOW_UPDATE, 0, 0, window(0x7fffffff)) * 3, 1),
    "WINDOW_UPDATE without end": (frame(WINDOW_UPDATE, 0, 0, window(1)), 100_000),
    "empty DATA without end": (OPEN + frame(DATA, 0, 1) * 100_000, 1),
    "PRIORITY without end": (frame(PRIORITY, 0, 3, bytes(5)), 50_000),
    "PRIORITY on itself": (frame(PRIORITY, 0, 3, window(3) + b"\x10"), 1),
    "RST_STREAM on stream 0": (frame(RST_STREAM, 0, 0, h2.CANCEL), 1),
    "RST_STREAM on one that is idle": (frame(RST_STREAM, 0, 99, h2.CANCEL), 1),
    "PUSH_PROMISE": (OPEN + frame(PUSH_PROMISE, END_HEADERS, 1, window(2) + HEAD), 1),
    "GOAWAY, and on": (frame(GOAWAY, 0, 0, bytes(8)) + OPEN, 1),
    "a message that says 4 GiB": (OPEN + frame(DATA, 0, 1, b"\0\xff\xff\xff\xffx"), 1),
    "a message with unknown flags": (OPEN + frame(DATA, END_STREAM, 1, b"\x77" + MESSAGE[1:]), 1),
    "more than the window": (OPEN + frame(DATA, 0, 1, bytes(16384)) * 200, 1),
    "streams beyond the limit": (b"".join(frame(HEADERS, END_HEADERS, 1 + 2 * n, HEAD)
                                          for n in range(3000)), 1),
}

PREFACES = {
    "nothing": b"", "HTTP/1.1": b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01",
    "half": h2.PREFACE[:12], "zeros": bytes(100_000), "lower case": h2.PREFACE.lower(),
    "no SETTINGS": h2.PREFACE + OPEN, "4 MiB of a": b"a" * 4 * MIB,
}


@pytest.fixture(scope="module")
def gateway(build, protos, shared_cluster, tmp_path_factory):
    stack = Stack(build, shared_cluster.create_database(), tmp_path_factory.mktemp("stack"))
    try:
        stack.start_gateway()
        yield stack
    finally:
        stack.stop()


def resident_bytes(program):
    with open(f"/proc/{program.process.pid}/statm", encoding="ascii") as f:
        return int(f.read().split()[1]) * os.sysconf("SC_PAGESIZE")


def check_served(stack):
    """Another client gets answers."""
    wait_until(stack.is_served, 120, what="the gateway answers")
    stack.check_programs()


def check_memory(gateway, before, mib):
    """The gateway has not taken more than that."""
    if not is_sanitized():
        assert resident_bytes(gateway.gateway) < before + mib * MIB


def swallow(raw):
    """Reads what the peer has to say, in the background, so that it is never the one who waits."""
    reader = threading.Thread(target=lambda: list(raw.frames()), daemon=True)
    reader.start()
    return reader


@pytest.mark.parametrize("name", FRAMES)
def test_frames_that_are_wrong(gateway, name):
    data, times = FRAMES[name]
    before = resident_bytes(gateway.gateway)
    with Raw(gateway.gateway.port) as raw:
        swallow(raw)
        raw.send(data * times)
        check_served(gateway)
    check_memory(gateway, before, 100)


@pytest.mark.parametrize("name", PREFACES)
def test_prefaces_that_are_wrong(gateway, name):
    before = resident_bytes(gateway.gateway)
    with Raw(gateway.gateway.port, preface=PREFACES[name]) as raw:
        swallow(raw)
        check_served(gateway)
    check_memory(gateway, before, 100)


def test_streams_that_are_reset_at_once(gateway):
    """One connection; for many at once see test_many_that_reset."""
    before = resident_bytes(gateway.gateway)
    with Raw(gateway.gateway.port, timeout_s=60) as raw:
        swallow(raw)
        head = h2.call_head("/sluice.v1.TaskService/GetTask")
        for first in range(0, 20_000, 2000):
            if not raw.send(h2.resets(1 + 2 * first, 2000, head)):
                break
    check_served(gateway)
    check_memory(gateway, before, 300)


def test_many_that_reset(stack, tmp_path):
    """
    Eight clients reset a million streams, and connect again whenever they are cut. An alert tells. On a busy machine they may
    need more of them to fill the gateway, and one cut is enough.
    """
    if is_sanitized():
        pytest.skip("a sanitizer hides from the program what it has allocated")
    stack.start_gateway("--metrics-listen", "127.0.0.1:0")
    check_served(stack)
    calm = metrics.scrape(stack.gateway.metrics_port)
    head = h2.call_head("/sluice.v1.TaskService/GetTask")
    nsent = [0] * 8

    until = time.monotonic() + 120 * scale()

    def is_over(number):
        if scale() == 1:
            return nsent[number] >= 125_000
        return find_cuts() or time.monotonic() > until

    def find_cuts():
        return [line for line in stack.gateway.events() if line["event"] == "connection cut"]

    def reset_until_cut(number):
        with Raw(stack.gateway.port, timeout_s=20) as raw:
            swallow(raw)
            first = 1
            while not is_over(number) and raw.send(h2.resets(first, 1000, head)):
                nsent[number] += 1000
                first += 2000

    def flood(number):
        while not is_over(number):
            with contextlib.suppress(OSError):  # it cannot connect now
                reset_until_cut(number)

    threads = [threading.Thread(target=flood, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    started = time.monotonic()
    check_served(stack)
    print(f"sent {sum(nsent)}, peak {stack.gateway.peak_memory_bytes() // MIB} MiB, "
          f"served {time.monotonic() - started:.1f} s later")
    assert stack.gateway.peak_memory_bytes() < 1024 * MIB

    def all_counted():
        shown = metrics.scrape(stack.gateway.metrics_port)
        return shown.get("sluice_grpc_connections_cut_total") == len(find_cuts()) and shown
    cut = wait_until(all_counted, what="each one that was cut is logged and counted")
    assert "SluiceConnectionsCut" in firing(tmp_path, series_of_late("sluice-gateway", calm, cut))
