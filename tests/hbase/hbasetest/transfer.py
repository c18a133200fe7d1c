"""Scans and copies by hbase_probe: rows in, rows out."""
import json
import subprocess

from .judge import key_of
from .probe import Probe, ProbeError

TYPES = {4: "Put", 8: "Delete", 10: "DeleteFamilyVersion", 12: "DeleteColumn", 14: "DeleteFamily"}


def to_cell(row, family, qualifier, timestamp, kind, value):
    """As the judge has it."""
    return {"row": bytes.fromhex(row), "family": bytes.fromhex(family), "qualifier": bytes.fromhex(qualifier),
            "value": bytes.fromhex(value), "timestamp": timestamp, "type": TYPES[kind]}


def to_hex(value):
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, (list, tuple)):
        return [to_hex(v) for v in value]
    return value


def to_options(options):
    """Those of probe/scan_options.c."""
    return json.dumps({k: to_hex(v) for k, v in options.items()})


class Copy:
    """A copy that is under way."""

    def __init__(self, command):
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE)

    def is_running(self):
        return self.process.poll() is None

    def wait(self, timeout_s=300):
        """What was copied: rows, cells, bytes, seconds."""
        out, _ = self.process.communicate(timeout=timeout_s)
        told = json.loads(out)
        if self.process.returncode != 0:
            raise ProbeError(told["code"], told["text"], None)
        return told


class Transfer(Probe):
    """scan() and copy() take options by name."""

    def scan(self, cluster, table, **options):
        told = self.run(cluster, "scan", table, to_options(options))
        told["cells"] = [to_cell(*c) for c in told["cells"]]
        return told

    def start_copy(self, cluster, table, to, to_table=None, threads=2, **options):
        source, target = (json.dumps({"clusterKey": key_of(c)}) for c in (cluster, to))
        return Copy([self.program, source, "copy", table, target, to_table or table, to_options(options),
                     str(threads)])

    def copy(self, *args, **how):
        return self.start_copy(*args, **how).wait()
