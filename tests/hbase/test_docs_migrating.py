"""docs/migrating-hbase.md: the way from one cluster to another, by the commands of the page."""
import json
import pathlib
import re
import subprocess

from hbasetest.judge import cell
from sluicetest.wait import scale, wait_until

PAGE = pathlib.Path(__file__).resolve().parents[2] / "docs/migrating-hbase.md"
TASK = re.compile(r"(?:wal|workflow)-[0-9a-f]{32}")


def commands():
    """The blocks of the page in order: those of a shell, and those of HBase's shell."""
    page = PAGE.read_text(encoding="utf-8")
    create = page.split("## Copy, follow, change over")[1]
    change = page.split("To change over:")[1].split("\n## ")[0]

    def blocks(text):
        return [(kind, re.sub(r"^   ", "", block, flags=re.M)) for kind, block in
                re.findall(r"^ *```(\w*)\n(.*?)^ *```$", text, re.M | re.S)]
    return [blocks(create)[0], *blocks(change)]


class Shell:
    """Runs the page's commands one after the other, with our port and tables and the ids that we were given."""

    def __init__(self, stack, names):
        self.names = {"localhost:12311": f"127.0.0.1:{stack.shim.port}", **names}
        self.state = ""  # variables that a block has set

    def run(self, text):
        for theirs, ours in self.names.items():
            text = text.replace(theirs, ours)
        done = subprocess.run(["bash", "-ec", self.state + text], text=True, capture_output=True,
                              timeout=120 * scale(), check=False)
        assert done.returncode == 0, (text, done.stderr)
        self.state += "".join(f"{line}\n" for line in text.splitlines() if re.match(r"id=", line))
        return done.stdout

    def know(self, text, answer):
        """The id that the next commands name is the one that was answered."""
        self.names[TASK.search(text)[0]] = TASK.search(answer)[0]


def test_the_way_from_one_cluster_to_another_is_as_the_page_says(sluice, judge, source, target, table):
    tables = [f"{table}_orders", f"{table}_items"]
    sluice.add_cluster("hbase1", source)
    sluice.add_cluster("hbase2", target)
    shell = Shell(sluice, {"ns:items": tables[1], "orders": tables[0]})
    for name in tables:
        judge.create(source, name)
        judge.write(source, name, *(cell(f"{i:04}", "f", "q", str(i)) for i in range(100)))
    create, look, forbid, wait, compare, leave = commands()
    assert [create[0], look[0], forbid[0], wait[0], compare[0], leave[0]] == ["sh", "sh", "", "sh", "sh", "sh"]

    shell.know(look[1], shell.run(create[1]))
    load = judge.start_load(source, tables[0], 2000, rows=500, deletes=0.3, rate=200)
    wait_until(lambda: shell.run(look[1]).strip() == "0s", 120, "the lag is 0")
    load.wait()
    for name in re.findall(r"alter '([^']+)', READONLY => 'true'", forbid[1]):
        judge.modify(source, shell.names[name], READONLY="true")
    shell.run(wait[1])
    for name in tables:  # all of it is there; delete markers the source may have dropped when it changed its tables
        judge.assert_equal(source, name, target, see="visible")

    make, detail = compare[1].split("\ncurl localhost")
    detail = "curl localhost" + detail
    shell.know(detail, shell.run(make))
    wait_until(lambda: json.loads(shell.run(detail))["data"]["state"] == "SUCCEEDED", 60, "nothing differs")
    peer = "sluice_" + shell.names[TASK.search(look[1])[0]].removeprefix("wal-")
    assert peer in judge.peers(source)
    shell.run(leave[1])
    wait_until(lambda: peer not in judge.peers(source), 60, "the peer is gone")
