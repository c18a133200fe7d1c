"""Memory that holds secrets: no core file has it, and no other process of the same user."""
import os
import subprocess

import pytest

from sluicetest.program import environment
from sluicetest.wait import wait_until

NOBODY = 65534
PROGRAMS = {
    "sluice-gateway": ["--database-url", "postgresql://127.0.0.1:1/x", "--listen", "127.0.0.1:0"],
    "sluice-rest": ["--gateway", "127.0.0.1:1", "--listen", "127.0.0.1:0"],
    "sluice-worker": ["--gateway", "127.0.0.1:1"],
}


def start(build, log, name, *options):
    """As another user than that of the tests: whose process is whose, and root's, can be told apart then."""
    return subprocess.Popen([build / name, *PROGRAMS[name], *options], env=environment(), user=NOBODY,
                            group=NOBODY, extra_groups=[], stdout=log, stderr=log)


@pytest.mark.skipif(os.geteuid() != 0, reason="a process can be started for another user by root only")
@pytest.mark.parametrize("name", PROGRAMS)
def test_the_memory_of_a_program_is_its_own(build, tmp_path, name):
    with open(tmp_path / "log", "wb") as log:
        for options, owner in (((), 0), (("--core-dumps",), NOBODY)):
            process = start(build, log, name, *options)
            try:
                # What is not dumpable belongs to root below /proc.
                wait_until(lambda: (tmp_path / "log").stat().st_size > 0, what="it has started")
                assert os.stat(f"/proc/{process.pid}/environ").st_uid == owner, (tmp_path / "log").read_text()
                with open(f"/proc/{process.pid}/limits", encoding="ascii") as limits:
                    cores = next(line for line in limits if line.startswith("Max core file size"))
                if owner == 0:
                    assert cores.split()[4:6] == ["0", "0"]
            finally:
                process.terminate()
                process.wait()
            (tmp_path / "log").write_bytes(b"")
