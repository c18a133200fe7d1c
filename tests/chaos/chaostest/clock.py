"""A wall clock of its own for a program."""
import pathlib
import subprocess

from sluicetest.program import SANITIZERS

SOURCE = pathlib.Path(__file__).resolve().parents[1] / "wrong_clock.c"


class Clock:
    """Programs that start with env have a clock that is as wrong as it was last set."""

    def __init__(self, folder):
        library = folder / "wrong_clock.so"
        subprocess.run(["cc", "-O1", "-D_GNU_SOURCE", "-shared", "-fPIC", "-o", library, SOURCE],
                       check=True)
        self.file = folder / "clock"
        self.set(0)
        self.env = {"LD_PRELOAD": library, "SLUICE_TEST_CLOCK": self.file,
                    "ASAN_OPTIONS": SANITIZERS["ASAN_OPTIONS"] + ":verify_asan_link_order=0"}

    def set(self, seconds):
        """So much ahead, or behind."""
        self.file.write_text(f"{seconds:+d}\n")
