"""The HBase client of Sluice by itself: hbase_probe, whose commands tests/hbase/probe/ has."""
import json
import subprocess
import time

from .judge import key_of

BYTES = {"name", "start", "end", "row", "family", "qualifier", "value"}


class ProbeError(Exception):
    """What the client says went wrong."""

    def __init__(self, code, text, seconds):
        super().__init__(f"{code}: {text}")
        self.code = code
        self.text = text
        self.seconds = seconds


def to_argument(value):
    return value.hex() if isinstance(value, bytes) else str(value)


def from_json(value):
    if isinstance(value, dict):
        return {k: bytes.fromhex(v) if k in BYTES else from_json(v) for k, v in value.items()}
    if isinstance(value, list):
        return [from_json(v) for v in value]
    return value


class Probe:
    """probe.regions(cluster, "t1"): a command is a method, a cluster an object of Cluster, a key, or a dict of parameters."""

    def __init__(self, program):
        self.program = program

    def __getattr__(self, command):
        return lambda cluster, *arguments: self.run(cluster, command, *arguments)

    def run(self, cluster, command, *arguments):
        parameters = cluster if isinstance(cluster, dict) else {"clusterKey": key_of(cluster)}
        begin = time.monotonic()
        ended = subprocess.run(
            [self.program, json.dumps(parameters), command, *map(to_argument, arguments)],
            stdout=subprocess.PIPE, timeout=300, check=False)
        result = json.loads(ended.stdout)
        if ended.returncode != 0:
            raise ProbeError(result["code"], result["text"], time.monotonic() - begin)
        return from_json(result)
