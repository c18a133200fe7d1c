"""docs/rest-api.md: its commands are run in their order, and their answers look as the page shows them."""
import json
import pathlib
import re
import subprocess

from sluicetest.client import Client, Worker
from sluicetest.wait import wait_until

PAGE = pathlib.Path(__file__).resolve().parents[2] / "docs/rest-api.md"
ID = re.compile(r"\b(?:(?:proc-\d+|workflow|wal)-[0-9a-f]{32})\b")


def examples(text):
    """Each block of commands with the answers below it, if there are any."""
    blocks = re.findall(r"^```(\w*)\n(.*?)^```$(.*?)(?=^```\w|\Z)", text, re.M | re.S)
    for n, (kind, commands, after) in enumerate(blocks):
        if kind != "sh":
            continue
        follows = blocks[n + 1] if n + 1 < len(blocks) else ("", "", "")
        is_answered = follows[0] == "json" and "#" not in after
        yield commands, follows[1].splitlines() if is_answered else []


def shape(value, key=""):
    """Keys and their order, kinds of values, and those texts that are the same whenever it is run."""
    if isinstance(value, dict):
        return [(k, shape(v, k)) for k, v in value.items()]
    if isinstance(value, list):
        return [shape(v, key) for v in value]
    if isinstance(value, str) and not re.search(r"\d|^/", value):
        return value
    return type(value).__name__


class Page:
    """The commands with our port and, in the place of the page's ids, those that we have got."""

    def __init__(self, stack, folder):
        self.stack = stack
        self.folder = folder
        self.ids = {}

    def run(self, commands):
        script = ID.sub(lambda found: self.ids.get(found[0], found[0]), commands)
        script = script.replace("localhost:12311", f"127.0.0.1:{self.stack.shim.port}")
        quiet = 'curl() { command curl -sS "$@" && echo; }\n'
        done = subprocess.run(["bash", "-ec", quiet + script], cwd=self.folder, text=True,
                              capture_output=True, timeout=60, check=False)
        assert done.returncode == 0 and not done.stderr, (script, done.stderr)
        return [line for line in done.stdout.splitlines() if line]

    def learn(self, shown, got):
        for ours, theirs in zip(ID.findall(got), ID.findall(shown)):
            self.ids.setdefault(theirs, ours)

    def check(self, commands, answers):
        """Reads may have to wait for a worker; what changes something is run once."""
        only_reads = not re.search(r" -X | -d |/(abort|retry|delete|del)\b", commands)

        def looks_alike():
            got = self.run(commands)
            assert len(got) >= len(answers), (commands, got)
            for one, other in zip(answers, got):
                self.learn(one, other)
            self.got = got
            shapes = [shape(json.loads(line)) for line in got]
            # One answer may be shown for several calls that are answered alike.
            return shapes == [shape(json.loads(line)) for line in answers] or \
                (len(answers) == 1 and all(s == shape(json.loads(answers[0])) for s in shapes))
        if only_reads:
            wait_until(looks_alike, what=f"{commands} is answered as on the page", timeout_s=30)
        else:
            assert looks_alike(), (commands, answers, self.got)


# What happens elsewhere before a command of the page is run, by a part of the command.
def take_up_import(stack, client):
    worker = Worker(client)
    worker.finish(worker.must_lease())
    worker.report(worker.must_lease(), n=494783, fraction=0.4947)


def take_up_migration(stack, client):
    worker = Worker(client)
    worker.finish(worker.must_lease(), "SKIPPED", "the table is there")
    worker.finish(worker.must_lease())
    worker.report(worker.must_lease(), n=25000, fraction=0.5)


def take_up_sync(stack, client):
    worker = Worker(client)
    while (job := worker.must_lease())["role"] == "JOB_ROLE_SCHEMA":
        worker.finish(job)
    client("ReportJob", id=job["id"], leaseToken=job["leaseToken"], progress={
        "checkpointTime": "2026-11-22T02:24:31.120Z", "syncTime": "2026-11-22T02:24:38.007Z",
        "lag": "1.200s", "queuedLogs": 2})


def start_worker(stack, client):
    stack.start_worker()


BEFORE = [("/info", take_up_import), ("/hbase/fulldata\n", take_up_migration),
          ("/hbase/incr\n", take_up_sync), ("data/small", start_worker)]


def test_the_page(stack, destination, tmp_path):
    stack.start_gateway()
    stack.start_rest()
    data = tmp_path / "var/quickstart/data"
    (data / "csv").mkdir(parents=True)
    stack.add_source("hdfs", "FILE", {"root": str(data)})
    stack.add_source("ld", "POSTGRES", {"url": destination.url})
    client = Client(stack.reflected())
    page = Page(stack, tmp_path)
    todo = list(BEFORE)
    nchecked = 0
    for commands, answers in examples(PAGE.read_text()):
        for part, act in list(todo):
            if part in commands:
                todo.remove((part, act))
                act(stack, client)
        if answers:
            page.check(commands, answers)
            nchecked += len(answers)
        elif "-i " not in commands:
            page.run(commands)
    assert nchecked >= 20 and not todo


def test_the_page_has_every_call_of_lts():
    """Every route of the program's own table is called; the second spelling of one need not be."""
    rows = (PAGE.parents[1] / "rest-shim/routes.c").read_text()
    paths = set(re.findall(r'\{"[A-Z]+", "(/(?:pro|hbase)/[^"]+)"', rows))
    paths.remove("/hbase/incr/{id}/detail")
    assert len(paths) == 18
    called = {ID.sub("{id}", path) for commands, _ in examples(PAGE.read_text())
              for path in re.findall(r"localhost:12311([^\s'?]+)", commands)}
    assert not paths - called
