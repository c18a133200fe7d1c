#!/usr/bin/python3 -B
"""
How fast single calls are, each against what else could do the same, in turns; and what programs cost that do nothing.

    tests/bench/bench_calls.py [--rounds N] [--seconds N] [--only CALLS] [--check] [--build-dir build/release]

Starts a PostgreSQL (fsync and synchronous_commit on), the programs, and the same calls as a server in Node.js and in
Python (tests/bench/peers): one with a statement for each table, as such servers are written, and beside it one with a
single statement a call, tuned by hand. h2load keeps 64 calls under way, over 8 connections of HTTP/2 or 64 of
HTTP/1.1; pgbench has 16 sessions. Prints tables in Markdown: medians of the rounds, and the medians of each round's
own ratios. With --check the exit status is 1 when a bar is missed. --only takes a part of the table: calls or idle.
"""
import argparse
import contextlib
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.parse

from server import ROOT, start_server
from sluicetest import grpc_client
from sluicetest.stack import Stack

PEERS = ROOT / "tests" / "bench" / "peers"
PYTHON_MODULES = PEERS / "python" / "python_modules"
TICKS = os.sysconf("SC_CLK_TCK")
SERVICE = "/sluice.v1.TaskService"
READER = '{"filePath":"a.csv","column":["id","age"]}'
WRITER = ('{"columns":["ROW||String","f:age||Int"],"namespace":"n","lindormTable":"t",'
          '"compression":"zstd"}')
FORM = {"src": "files", "dst": "db", "readerConfig": READER, "writerConfig": WRITER,
        "driverSpec": "small", "instances": "1", "fileType": "CSV"}

# What is compared: a path, its peer, and the least rate of the one by that of the other; None: it is only told.
BARS = [("create", "pgbench create", 1.5), ("get, basic", "pgbench row", 0.6),
        ("get", "pgbench get", 0.6), ("REST create", "create", 0.5),
        ("create", "node create", 5), ("get", "node get", 5),
        ("create", "python create", 10), ("get", "python get", 10),
        ("create", "node, one statement, create", None), ("get", "node, one statement, get", None),
        ("create", "python, one statement, create", None), ("get", "python, one statement, get", None)]
MAX_CPU_RATIO = 2  # shim and gateway by gateway alone, of a create
MAX_IDLE_BYTES = 60 << 20
MAX_IDLE_CPU = 0.005
MAX_START_S = 0.3


def cpu_s(*processes):
    """User and system time that processes have had so far."""
    def of(pid):
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICKS
    return sum(of(process.pid) for process in processes)


def frame(message):
    """A message as gRPC sends it."""
    packed = message.SerializeToString()
    return b"\0" + len(packed).to_bytes(4, "big") + packed


class Load:
    """Runs the load generators; each gives calls a second."""

    def __init__(self, folder, database, seconds):
        self.folder, self.database, self.seconds = folder, database, seconds
        self.ncalls = 0  # of the last run, what came before it was measured included

    def _h2load(self, *options):
        done = subprocess.run(
            ["h2load", "-t1", f"--duration={self.seconds}", "--warm-up-time=1", *options],
            capture_output=True, text=True, check=True)
        rate = float(re.search(r"([\d.]+) req/s", done.stdout)[1])
        counts = re.search(r"requests: (\d+) total.* (\d+) failed, (\d+) errored", done.stdout)
        good = int(re.search(r"status codes: (\d+) 2xx", done.stdout)[1])
        assert counts[2] == counts[3] == "0" and rate > 0 and good > 0, done.stdout
        self.ncalls = int(rate * (self.seconds + 1))
        data = int(re.search(r"\((\d+)\) data", done.stdout)[1])
        return rate, data

    def grpc(self, address, method, message):
        """gRPC's errors have no data, which is how they are noticed."""
        body = self.folder / "body"
        body.write_bytes(frame(message))
        rate, data = self._h2load(
            "-c8", "-m8", "-d", str(body), "-H", "content-type: application/grpc",
            "-H", "te: trailers", f"http://{address}{SERVICE}/{method}")
        assert data > rate * self.seconds * 80, f"{method} fails: {data} bytes"
        return rate

    def rest(self, address, path, form=None):
        options = []
        if form:
            body = self.folder / "form"
            body.write_text(urllib.parse.urlencode(form), encoding="ascii")
            options = ["-d", str(body), "-H", "content-type: application/x-www-form-urlencoded"]
        return self._h2load("--h1", "-c64", *options, f"http://{address}{path}")[0]

    def pgbench(self, script):
        path = self.folder / "script.sql"
        path.write_text(script, encoding="ascii")
        done = subprocess.run(
            [self.database.cluster.bin / "pgbench", "-n", "-M", "prepared", "-c16", "-j2",
             f"-T{self.seconds}", "-h", str(self.database.cluster.folder), "-U", "postgres",
             "-f", path, self.database.name], capture_output=True, text=True, check=True)
        return float(re.search(r"tps = ([\d.]+)", done.stdout)[1])


def pgbench_script(name, *values):
    """A statement of the peers, with values for its parameters."""
    text = (PEERS / f"{name}.sql").read_text(encoding="ascii")
    for number, value in enumerate(values, start=1):
        text = text.replace(f"${number}", value)
    return "\\set r random(1, 9000000000000000000)\n" + text + ";\n"


def install_node_peer():
    """What it needs, as its package-lock.json has it, once."""
    folder = PEERS / "node"
    if not (folder / "node_modules").exists():
        subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=folder,
                       check=True, stdout=subprocess.DEVNULL)


def install_python_peer():
    """What it needs and Debian does not have: psycopg in its compiled form, for the system's Python; once, as above."""
    if not PYTHON_MODULES.exists():
        subprocess.run(["/usr/bin/python3", "-m", "pip", "install", "--quiet", "--root-user-action=ignore",
                        "--target", PYTHON_MODULES, "--requirement", PEERS / "python" / "requirements.txt"], check=True)


def start_peer(cleanup, *command, **env):
    """A server that prints its port; its process and address."""
    process = subprocess.Popen([str(word) for word in command], stdout=subprocess.PIPE, text=True,
                               env={**os.environ, **env})
    cleanup.callback(process.wait)
    cleanup.callback(process.kill)
    return process, f"127.0.0.1:{int(process.stdout.readline())}"


class Calls:
    """Everything that can be called, and what has been measured of it."""

    def __init__(self, stack, load, cleanup):
        self.stack, self.load = stack, load
        api = stack.api
        self.requests = api.task_service
        self.wanted = self.requests.CreateTaskRequest(task=api.task.Task(
            source="files", destination="db", bulkload=api.task.BulkloadSpec(
                reader_config_json=READER, writer_config_json=WRITER, driver_spec=1, instances=1,
                file_type=1)))
        url = stack.database.url
        self.peers = {}
        for name, way in (("", "steps"), (", one statement,", "one")):
            self.peers["node" + name] = start_peer(
                cleanup, "node", PEERS / "node" / "server.js", url, ROOT / "proto", way)
            self.peers["python" + name] = start_peer(
                cleanup, "/usr/bin/python3", "-B", PEERS / "python" / "server.py", url,
                load.folder / "protos", way, PYTHONPATH=str(PYTHON_MODULES))
        self.addresses = {"": stack.gateway.address,
                          **{name: address for name, (_, address) in self.peers.items()}}
        self.ids = {name: self._create(address) for name, address in self.addresses.items()}
        self.cpu_us = {}  # by path: a list of what a call costs the programs

    def _create(self, address):
        api = grpc_client.Api(address)
        made = api.tasks.CreateTask(self.wanted)
        assert api.tasks.GetTask(self.requests.GetTaskRequest(id=made.id)).jobs[1].id
        api.close()
        return made.id

    def paths(self):
        """Name and what measures it, peers beside what they are compared with."""
        spec = "'\\x" + self.wanted.task.bulkload.SerializeToString().hex() + "'"
        task = f"'{self.ids['']}'"
        row = pgbench_script("get", task)
        row = re.sub(r",\s+j\.id.*?\n  FROM task t\n.*?WHERE", "\n  FROM task t WHERE", row, flags=re.S)
        row = row.replace(" ORDER BY j.step, j.id", "")
        create = pgbench_script("create", "md5(CAST(:r AS text))", "'files'", "'db'", spec)
        get = self.requests.GetTaskRequest
        found = {
            "pgbench create": lambda: self.load.pgbench(create),
            "create": lambda: self._grpc("", "CreateTask", self.wanted),
            "REST create": lambda: self.load.rest(
                self.stack.shim.address, "/pro/proc/bulkload/create", FORM),
            **{f"{name} create": lambda name=name: self._grpc(name, "CreateTask", self.wanted)
               for name in self.peers},
            "pgbench row": lambda: self.load.pgbench(row),
            "get, basic": lambda: self._grpc("", "GetTask", get(id=self.ids[""], view=1)),
            "pgbench get": lambda: self.load.pgbench(pgbench_script("get", task)),
            "REST get": lambda: self.load.rest(self.stack.shim.address,
                                               f"/pro/proc/{self.ids['']}/info"),
        }
        for name, task_id in self.ids.items():
            found[f"{name} get".strip()] = lambda name=name, task_id=task_id: self._grpc(
                name, "GetTask", get(id=task_id))
        return found

    def _grpc(self, name, method, message):
        return self.load.grpc(self.addresses[name], method, message)

    def measure(self, nrounds):
        """Rates by path, one a round."""
        rates = {}
        for _ in range(nrounds):
            for name, run in self.paths().items():
                programs = self._programs_of(name)
                before = cpu_s(*programs)
                rates.setdefault(name, []).append(run())
                if programs:
                    spent_us = (cpu_s(*programs) - before) * 1e6
                    self.cpu_us.setdefault(name, []).append(spent_us / self.load.ncalls)
        return rates

    def _programs_of(self, name):
        peer = next((p for word, (p, _) in self.peers.items()
                     if name in (f"{word} create", f"{word} get")), None)
        if peer:
            return [peer]
        if name.startswith("pgbench"):
            return []
        gateway, shim = self.stack.gateway.process, self.stack.shim.process
        return [gateway, shim] if name.startswith("REST") else [gateway]


def show(calls, rates):
    """Prints what was measured; the bars that are missed, as texts."""
    print("| path | calls/s | processor time a call, us |\n|---|---|---|")
    for name, found in rates.items():
        cpu = f"{statistics.median(calls.cpu_us[name]):.0f}" if name in calls.cpu_us else "-"
        print(f"| {name} | {statistics.median(found):,.0f} | {cpu} |")
    print("\n| path | by | ratio | bar |\n|---|---|---|---|")
    missed = []

    def hold(what, by, ratio, bar, is_met):
        print(f"| {what} | {by} | {ratio:.2f} | {bar} |")
        if not is_met:
            missed.append(f"{what} by {by} is {ratio:.2f}, the bar is {bar}")

    for name, peer, bar in BARS:
        ratio = statistics.median(a / b for a, b in zip(rates[name], rates[peer]))
        hold(name, peer, ratio, f">= {bar}" if bar else "-", not bar or ratio >= bar)
    ratio = statistics.median(
        a / b for a, b in zip(calls.cpu_us["REST create"], calls.cpu_us["create"]))
    hold("REST create, processor time", "create", ratio, f"<= {MAX_CPU_RATIO}",
         ratio <= MAX_CPU_RATIO)
    return missed


def time_start(program, event):
    """Starts a program again; the time until it is ready."""
    program.stop()
    begin = time.monotonic()
    program.start(wait_for=event)
    return time.monotonic() - begin


def measure_idle(stack, seconds):
    """Starts the programs, leaves them alone, and tells what they cost; the bars that are missed."""
    programs = [(program, time_start(program, event)) for program, event in
                ((stack.start_gateway(), "listening"), (stack.start_rest(), "listening"),
                 (stack.start_worker(), "started"))]
    processes = [program.process for program, _ in programs]
    time.sleep(2)  # the first seconds belong to the start
    before = cpu_s(*processes)
    time.sleep(seconds)
    share = (cpu_s(*processes) - before) / seconds
    print("\n| program | start to ready, ms | resident, MB |\n|---|---|---|")
    sizes = []
    for program, took_s in programs:
        status = pathlib.Path(f"/proc/{program.process.pid}/status").read_text(encoding="ascii")
        sizes.append(int(re.search(r"VmRSS:\s+(\d+)", status)[1]) * 1024)
        print(f"| {program.name} | {took_s * 1000:.0f} | {sizes[-1] / 2**20:.1f} |")
    print(f"| all | | {sum(sizes) / 2**20:.1f} |\n\nProcessor time of all, idle for {seconds} s: "
          f"{share:.2%} of a core.")
    missed = [f"{program.name} is ready after {took_s:.2f} s, the bar is {MAX_START_S} s"
              for program, took_s in programs if took_s > MAX_START_S]
    if sum(sizes) > MAX_IDLE_BYTES:
        missed.append(f"{sum(sizes)} bytes are resident, the bar is {MAX_IDLE_BYTES}")
    if share > MAX_IDLE_CPU:
        missed.append(f"idle programs take {share:.2%} of a core, the bar is {MAX_IDLE_CPU:.2%}")
    return missed


def new_stack(args, cluster, folder, cleanup):
    folder.mkdir()
    stack = Stack(args.build, cluster.create_database(), folder)
    cleanup.callback(stack.stop)
    return stack


def run(args, folder, cleanup):
    install_node_peer()
    install_python_peer()
    protos = folder / "protos"
    protos.mkdir()
    grpc_client.compile_protos(protos)
    cluster = start_server(cleanup)
    missed = []
    if "calls" in args.only:
        stack = new_stack(args, cluster, folder / "calls", cleanup)
        stack.start_gateway()
        stack.start_rest()
        stack.add_source("files", "FILE", {"root": str(stack.files)})
        stack.add_source("db", "POSTGRES", {"url": stack.database.url})
        load = Load(folder, stack.database, args.seconds)
        calls = Calls(stack, load, cleanup)
        missed += show(calls, calls.measure(args.rounds))
        stack.stop()
    if "idle" in args.only:
        stack = new_stack(args, cluster, folder / "idle", cleanup)
        missed += measure_idle(stack, args.idle_seconds)
    return missed


def main():
    summary, _, details = __doc__.strip().partition("\n")
    parser = argparse.ArgumentParser(description=summary, epilog=details,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--idle-seconds", type=int, default=60)
    parser.add_argument("--only", default="calls,idle")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--build-dir", default="build/release")
    args = parser.parse_args()
    args.build = (ROOT / args.build_dir).resolve()
    with contextlib.ExitStack() as cleanup:
        folder = pathlib.Path(tempfile.mkdtemp(prefix="sluice-bench-"))
        cleanup.callback(shutil.rmtree, folder, ignore_errors=True)
        missed = run(args, folder, cleanup)
    for text in missed:
        print(f"bench_calls: {text}", file=sys.stderr)
    return 1 if missed and args.check else 0


if __name__ == "__main__":
    sys.exit(main())
