"""
What a service manager hears of the programs: that they serve, read their settings again, live and stop, as sd_notify(3)
has it. The unit files ask for it.
"""
import os
import signal
import socket
import threading

import pytest

from sluicetest.wait import scale, wait_until


class Manager:
    """Its end of NOTIFY_SOCKET: an abstract name. It always listens: there is room for few lines that are not read."""

    def __init__(self, name):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(f"\0{name}")
        self.environment = {"NOTIFY_SOCKET": f"@{name}", "WATCHDOG_USEC": "2000000"}
        self.heard = []
        self.nknown = 0  # of these lines
        self.thread = threading.Thread(target=self._listen, daemon=True)
        self.thread.start()

    def _listen(self):
        while text := self.socket.recv(4096).decode():
            self.heard += text.splitlines()

    def wait_for(self, line):
        """Until the line comes; it and what came before it are done with."""
        wait_until(lambda: line in self.heard[self.nknown:], 15, f"{line} of {self.heard}")
        self.nknown = self.heard.index(line, self.nknown) + 1

    def close(self):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as last:
            last.sendto(b"", self.socket.getsockname())
        self.thread.join()
        self.socket.close()


@pytest.fixture(params=["gateway", "rest", "worker"])
def watched(request, stack):
    """A program that runs under a manager: the program and the manager."""
    manager = Manager(f"sluice-test-{os.getpid()}-{request.param}")
    if request.param == "gateway":
        stack.migrate()
        stack.gateway = stack.program("sluice-gateway", "--database-url", stack.database.url,
                                      "--listen", "127.0.0.1:0")
        program = stack.gateway
    else:
        stack.start_gateway()
        listen = ("--listen", "127.0.0.1:0") if request.param == "rest" else ()
        program = stack.program(f"sluice-{request.param}", "--gateway", stack.gateway.address, *listen)
        stack.workers.append(program)
    program.env = manager.environment
    program.start(wait_for="started" if request.param == "worker" else "listening")
    yield program, manager
    manager.close()


def test_a_manager_hears_of_a_programs_whole_life(watched):
    program, manager = watched
    manager.wait_for("STATUS=serving")
    manager.wait_for("READY=1")
    manager.wait_for("WATCHDOG=1")
    program.process.send_signal(signal.SIGHUP)
    manager.wait_for("RELOADING=1")
    manager.wait_for("READY=1")
    manager.wait_for("WATCHDOG=1")
    program.stop()
    manager.wait_for("STOPPING=1")


@pytest.mark.parametrize("watched", ["gateway"], indirect=True)
def test_a_gateway_tells_that_its_database_is_away_and_is_not_thought_dead(watched, cluster):
    _, manager = watched
    manager.wait_for("READY=1")
    cluster.kill()
    manager.wait_for("STATUS=waiting for the database")
    manager.wait_for("WATCHDOG=1")
    manager.wait_for("WATCHDOG=1")
    cluster.start()
    manager.wait_for("STATUS=serving")


@pytest.mark.parametrize("watched", ["worker"], indirect=True)
def test_a_time_that_cannot_be_kept_is_an_error(watched):
    program, _ = watched
    program.stop()
    program.env = {**program.env, "WATCHDOG_USEC": "1000000"}
    program.start(wait_for=None)
    assert program.process.wait(timeout=20 * scale()) == 1
    assert "WATCHDOG_USEC" in program.log_tail()
    program.is_killed = True
