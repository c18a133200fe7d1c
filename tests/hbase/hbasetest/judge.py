"""The judge: a process that asks clusters with HBase's own client. Nothing of Sluice decides what is right."""
import json
import subprocess
import threading


class JudgeError(Exception):
    """HBase, or its client, refused."""


def to_json(value):
    """Bytes become characters up to U+00FF; text is UTF-8 in HBase, so it becomes bytes first."""
    if isinstance(value, str):
        value = value.encode()
    if isinstance(value, bytes):
        return value.decode("latin-1")
    if isinstance(value, dict):
        return {k: to_json(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_json(v) for v in value]
    return value


# The members of answers that are bytes in HBase.
BYTES = {"row", "family", "qualifier", "value", "start", "end", "left", "right"}


def from_json(value):
    if isinstance(value, dict):
        return {k: v.encode("latin-1") if k in BYTES and isinstance(v, str) else from_json(v)
                for k, v in value.items()}
    if isinstance(value, list):
        return [from_json(v) for v in value]
    return value


def cell(row, family, qualifier=b"", value=b"", timestamp=None, type="Put"):  # pylint: disable=redefined-builtin
    """A cell for write(); type is Put, Delete, DeleteColumn, DeleteFamily or DeleteFamilyVersion."""
    return {"row": row, "family": family, "qualifier": qualifier, "value": value, "timestamp": timestamp,
            "type": type}


def family(name, **attributes):
    """A family for create() and modify(): family("f", VERSIONS=3)."""
    return {"name": name, "attributes": {k: str(v) for k, v in attributes.items()}}


def families(described):
    return [f if isinstance(f, dict) else family(f) for f in described]


class Job:
    """A command that runs in the background."""

    def __init__(self, judge, number):
        self.judge = judge
        self.number = number

    def progress(self):
        """Rows of fill, operations of load that are done."""
        return self.judge.ask("progress", job=self.number)

    def wait(self):
        return self.judge.ask("wait", job=self.number)


class Judge:
    """
    Each method is a command of org.sluice.hbase.Judge, whose comments say what it takes and gives; clusters are
    named by objects of Cluster or by keys. What has no method of its own goes through ask(). Rows, families,
    qualifiers and values are bytes or text on the way in and bytes on the way out.
    """

    def __init__(self, build, log):
        self.log = log
        self._lock = threading.Lock()
        self.process = build.start("Judge", log=log, flags=["-Xmx768m"], stdout=subprocess.PIPE)

    def stop(self):
        self.process.stdin.close()
        self.process.wait(timeout=30)
        self.process.stdout.close()

    # --- the protocol

    def ask(self, do, cluster=None, **members):
        return self._send(self.request(do, cluster, **members))

    def _send(self, request):
        with self._lock:
            self.process.stdin.write(json.dumps(request).encode() + b"\n")
            self.process.stdin.flush()
            line = self.process.stdout.readline()
        assert line, f"the judge has ended, see {self.log}"
        answer = json.loads(line)
        if "error" in answer:
            raise JudgeError(answer["error"])
        return from_json(answer["result"])

    @staticmethod
    def request(do, cluster=None, **members):
        """Members that are None are left out."""
        members = {k: v for k, v in members.items() if v is not None}
        if cluster is not None:
            members["cluster"] = key_of(cluster)
        return {"do": do, **to_json(members)}

    def start(self, do, cluster=None, **members):
        """Runs a command in the background: a Job."""
        return Job(self, self._send({"do": "start", "of": self.request(do, cluster, **members)}))

    # --- tables

    def create(self, cluster, table, families_=("f",), splits=None, regions=None, **attributes):
        """families_ are names or made by family(); splits are keys, regions a number of equal ones."""
        return self.ask("create", cluster, table=table, families=families(families_), splits=splits,
                        regions=regions, attributes={k: str(v) for k, v in attributes.items()})

    def drop(self, cluster, table):
        """False: there was none."""
        return self.ask("drop", cluster, table=table)

    def tables(self, cluster):
        return self.ask("list", cluster)

    def describe(self, cluster, table):
        return self.ask("describe", cluster, table=table)

    def modify(self, cluster, table, families_=(), remove_families=(), **attributes):
        return self.ask("modify", cluster, table=table, families=families(families_),
                        remove_families=remove_families,
                        attributes={k: str(v) for k, v in attributes.items()})

    def regions(self, cluster, table):
        """In order: encoded, name, start, end, server."""
        return self.ask("regions", cluster, table=table)

    # --- cells

    def write(self, cluster, table, *cells, as_user=None):
        """In order. This and any other command, by ask(), may be done in the name of another user."""
        return self.ask("write", cluster, table=table, cells=cells, as_user=as_user)

    def scan(self, cluster, table, **view):
        """Cells in order; view: see, versions, start, stop, columns, min_time, max_time, limit; see CellReader.java."""
        return self.ask("scan", cluster, table=table, **{"see": "raw", **view})

    def count(self, cluster, table, **view):
        """rows and cells."""
        return self.ask("count", cluster, table=table, **{"see": "raw", **view})

    def fill(self, cluster, table, rows, **how):
        """how: columns, versions, deletes, big, value_bytes, seed, threads; see Fill.java."""
        return self.ask("fill", cluster, table=table, rows=rows, **how)

    def start_load(self, cluster, table, operations, **how):
        """A Job; how: rows, seed, deletes, batch, rate, first_time, threads; see Load.java."""
        return self.start("load", cluster, table=table, operations=operations, **how)

    def compare(self, left, left_table, right, right_table=None, **view):
        """
        Counts, and the first differences. view: as scan(), and threads. Without `see` it compares the visible cells
        and then the delete markers: those are the same in an equal table, while of what is hidden each server drops
        some when it flushes.
        """
        def ask(see):
            return self.ask("compare", left={"cluster": key_of(left), "table": left_table},
                            right={"cluster": key_of(right), "table": right_table or left_table},
                            **{**view, "see": see})
        if "see" in view:
            return ask(view["see"])
        visible, markers = ask("visible"), ask("markers")
        return {name: visible[name] if name.endswith("_rows") else visible[name] + markers[name]
                for name in visible}

    def assert_equal(self, left, left_table, right, right_table=None, **view):
        """compare(), which must find the same cells on both sides, and some."""
        found = self.compare(left, left_table, right, right_table, **view)
        assert not found["differences"], found
        assert found["left_cells"] == found["right_cells"] > 0, found
        return found

    def inject(self, cluster, table, count, **how):
        """how: kinds, seed; see Inject.java. Gives what compare() must find: visible and markers."""
        return self.ask("inject", cluster, table=table, count=count, **how)

    def copytable(self, cluster, table, to, **how):
        """HBase's CopyTable; how: to_table, settings, options; gives seconds."""
        return self.ask("copytable", cluster, table=table, to=key_of(to), **how)

    # --- clusters

    def status(self, cluster):
        return self.ask("status", cluster)

    def peers(self, cluster):
        return self.ask("peers", cluster)


def key_of(cluster):
    return cluster if isinstance(cluster, str) else cluster.key
