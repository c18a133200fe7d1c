"""Processes that stand still, as on an overloaded machine."""
import os
import pathlib
import signal

from .wait import wait_until


def stop_process(pid):
    """
    Returns when no thread of it runs any more: the signal is one thread's to take, and until that has got a processor the
    others go on. SIGCONT wakes it.
    """
    os.kill(pid, signal.SIGSTOP)
    wait_until(lambda: set(states_of(pid)) <= set("TtZX"), what=f"process {pid} stands still")


def states_of(pid):
    """Of each thread, proc(5)."""
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        try:
            yield (task / "stat").read_text().rsplit(")", 1)[1].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            pass  # it has ended
