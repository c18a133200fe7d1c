"""One of Sluice's programs as a process, with its log kept in a file."""
import json
import os
import signal
import subprocess

from .sockets import hold_port
from .standstill import stop_process
from .wait import scale, wait_until

# A report of a sanitizer ends a program with this status, which nothing else uses.
SANITIZER_STATUS = 99
SANITIZERS = {
    "ASAN_OPTIONS": f"exitcode={SANITIZER_STATUS}:detect_leaks=1",
    "UBSAN_OPTIONS": f"exitcode={SANITIZER_STATUS}:print_stacktrace=1",
    "TSAN_OPTIONS": f"exitcode={SANITIZER_STATUS}:ignore_noninstrumented_modules=1",
}


def environment(**more):
    """Ours, without settings of Sluice that the caller's shell may have."""
    kept = {k: v for k, v in os.environ.items()
            if not k.startswith("SLUICE_") and not k.startswith("PG")}
    return {**kept, **SANITIZERS, **more}


class Program:
    """
    A program that runs until it is stopped. With `--listen 127.0.0.1:0` the port is the one that
    it logs, and stays the same when it starts again: nobody else gets it meanwhile.
    """

    def __init__(self, path, log, *options):
        self.path = path
        self.log = log
        self.options = [str(o) for o in options]
        self.env = {}  # for its next start
        self.process = None
        self.port = None
        self.held_port = None  # while it does not run
        self.metrics_port = None  # of --metrics-listen
        self.is_killed = False

    @property
    def name(self):
        return self.path.name

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    def start(self, wait_for="listening", timeout_s=30):
        """Starts it and waits for that event in its log; None: does not wait."""
        offset = self.log.stat().st_size if self.log.exists() else 0
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [self.path, *self._options_now()], stdin=subprocess.DEVNULL, stdout=log,
                stderr=log, env=environment(**self.env), start_new_session=True)
        self.is_killed = False
        if wait_for:
            line = self.wait_for_event(wait_for, timeout_s, offset)
            self.port = line.get("port", self.port)
            self.metrics_port = line.get("metrics_port")
        self.release_port()
        return self

    def _options_now(self):
        return [o.replace(":0", f":{self.port}") if self.port and o.endswith(":0") else o
                for o in self.options]

    def events(self, offset=0):
        """The JSON lines of the log from a byte offset on; other lines are left out."""
        found = []
        with open(self.log, "rb") as log:
            log.seek(offset)
            for line in log.read().split(b"\n")[:-1]:
                if line.startswith(b"{"):
                    found.append(json.loads(line))
        return found

    def wait_for_event(self, event, timeout_s=60, offset=0):
        def find():
            has_ended = self.process.poll() is not None  # what it logs last is there then
            found = [line for line in self.events(offset) if line.get("event") == event]
            if not found and has_ended:
                raise AssertionError(
                    f"{self.name} ended with {self.process.returncode}:\n{self.log_tail()}")
            return found and found[0]
        return wait_until(find, timeout_s, what=f"{self.name} logs '{event}'")

    def log_tail(self, nbytes=6000):
        return self.log.read_bytes()[-nbytes:].decode(errors="replace")

    def is_running(self):
        return self.process is not None and self.process.poll() is None

    def check(self):
        """It runs, or has ended as a test wanted it to."""
        wrong = not self.is_killed and self.process and self.process.poll()
        assert not wrong, f"{self.name} ended with {wrong}:\n{self.log_tail()}"

    def kill(self):
        """kill -9."""
        self.is_killed = True
        self.process.kill()
        self.process.wait()
        self._hold_port()

    def _hold_port(self):
        if self.port and not self.held_port:
            self.held_port = hold_port(self.port)

    def release_port(self):
        """It is not started again."""
        if self.held_port:
            self.held_port.close()
        self.held_port = None

    def pause(self):
        """The process stands still, as on an overloaded machine, until it is resumed."""
        stop_process(self.process.pid)

    def resume(self):
        self.process.send_signal(signal.SIGCONT)

    def stop(self, timeout_s=30):
        """Asks it to end and checks that it did, cleanly: status 0 and no report of a sanitizer."""
        if self.process is None or self.is_killed:
            return
        if self.process.poll() is None:
            self.process.terminate()
        try:
            status = self.process.wait(timeout=timeout_s * scale())
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(
                f"{self.name} did not stop within {timeout_s * scale():g} s:\n{self.log_tail()}") from None
        self._hold_port()
        assert status == 0, f"{self.name} ended with {status}:\n{self.log_tail()}"

    def peak_memory_bytes(self):
        """The most memory that it ever had."""
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as f:
            return next(int(line.split()[1]) * 1024 for line in f if line.startswith("VmHWM"))


def run(path, *options, check=True, timeout_s=120, stdin=None, **env):
    """Runs a program to its end: a CompletedProcess with text in stdout and stderr."""
    done = subprocess.run([path, *[str(o) for o in options]], input=stdin, capture_output=True,
                          text=True, timeout=timeout_s * scale(), env=environment(**env))
    if check:
        assert done.returncode == 0, f"{path.name} {options}: {done.returncode}\n{done.stderr}"
    return done
