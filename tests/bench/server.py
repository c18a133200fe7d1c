"""PostgreSQL as one sets it up for work: on a disk, a quarter of the memory for pages, and checkpoints that are rare."""
import os
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "integration"))

from sluicetest import postgres  # noqa: E402

MEMORY_MB = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") >> 20


def start_server(cleanup):
    """A Cluster with fsync and synchronous_commit on, which cleanup removes."""
    cluster = postgres.Cluster(postgres.make_folder(on_disk=True), shared_buffers=f"{MEMORY_MB // 4}MB", max_wal_size="8GB")
    cleanup.callback(cluster.remove)
    cluster.start()
    return cluster
