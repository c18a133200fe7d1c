"""A small volume for PostgreSQL, which a test can fill."""
import contextlib
import os
import pathlib
import subprocess
import tempfile


class Volume:
    """
    A tmpfs of its own where that may be mounted (is_small), else a folder. What a kill of processes may lose is the
    same on both; only the machine's own failure is not played here.
    """

    def __init__(self, megabytes):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="sluice-chaos-", dir="/tmp"))
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "sluice-chaos",
                                  self.folder], capture_output=True, check=False)
        self.is_small = mounted.returncode == 0
        self.data = self.folder / "postgresql"
        self.data.mkdir()

    @contextlib.contextmanager
    def filled(self, name="filler"):
        """Nothing more can be written to it."""
        filler = self.folder / name
        try:
            with open(filler, "wb", buffering=0) as file, contextlib.suppress(OSError):
                while True:
                    file.write(bytes(64 * 1024))
            yield
        finally:
            filler.unlink()

    def remove(self):
        if self.is_small:
            subprocess.run(["umount", self.folder], check=True)
        os.rmdir(self.folder)
