"""docs/backup.md: the page's commands, while imports run, and what the page says that happens then."""
import os
import pathlib
import re
import shutil
import subprocess

import pytest

from sluicetest.importer import Importer
from sluicetest.postgres import Cluster
from sluicetest.program import environment
from sluicetest.stack import ENDED
from sluicetest.wait import wait_until

PAGE = (pathlib.Path(__file__).resolve().parents[2] / "docs/backup.md").read_text(encoding="utf-8")
DUMP, BASE, RESTORE = re.findall(r"^```sh\n(.*?)^```$", PAGE, re.M | re.S)
COLUMNS = {"id": "id", "text": "text"}
ROWS = 3000


@pytest.fixture
def shell(build, cluster, tmp_path):
    """Runs commands of the page, with our folder and programs."""
    folder = tmp_path / "backup"
    folder.mkdir()

    def run(commands, **urls):
        done = subprocess.run(["bash", "-ec", commands.replace("/backup", str(folder))], text=True, capture_output=True,
                              timeout=120, check=False, env=environment(
                                  PATH=f"{cluster.bin}:{build}:{os.environ['PATH']}", **urls))
        assert done.returncode == 0, (commands, done.stderr)
    run.folder = folder
    return run


@pytest.fixture
def from_dump(shell, stack, cluster):
    """Backs up, and gives what restores: the URL of the restored database."""
    def back_up():
        shell(DUMP, DATABASE_URL=stack.database.url)

    def restore():
        url = cluster.url("sluice_restored")
        cluster.drop_database("sluice_restored")
        shell(RESTORE, DATABASE_URL=stack.database.url, RESTORED_URL=url)
        return url
    yield back_up, restore
    cluster.drop_database("sluice_restored")


@pytest.fixture
def from_base(shell, stack):
    """The same, of the whole server."""
    other = Cluster()

    def back_up():
        shell(BASE, DATABASE_URL=stack.database.url)

    def restore():
        data = other.folder / "data"
        owner = data.stat()
        shutil.rmtree(data)
        shutil.copytree(shell.folder / "server", data)
        with open(data / "postgresql.conf", "a", encoding="utf-8") as settings:
            settings.write(f"unix_socket_directories = '{other.folder}'\n")
        for path in [data, *data.rglob("*")]:
            os.chown(path, owner.st_uid, owner.st_gid)
        other.start()
        return other.url(stack.database.name)
    yield back_up, restore
    other.remove()


class Imports:
    """Imports of the same rows into tables of their own; `keyed` ones have a key."""

    def __init__(self, stack, destination):
        self.stack = stack
        self.destination = destination
        self.tasks = {}

    def add(self, name, gate=None):
        importer = Importer(self.stack, self.destination, name)
        importer.make_table("id int" + " PRIMARY KEY" * name.startswith("keyed") + ", text text")
        importer.write("a.csv", "".join(f"{i},row {i}\n" for i in range(ROWS)))
        importer.write("b.csv", "".join(f"{i},row {i}\n" for i in range(ROWS, 2 * ROWS)))
        closed = importer.gate()
        if gate is not None:
            closed.close(gate)
        self.tasks[name] = importer.submit(COLUMNS)
        return importer, closed

    def wait(self, *names):
        for name in names:
            self.stack.wait_for_state(self.tasks[name], "SUCCEEDED")

    def ended(self, name):
        return wait_until(lambda: self.stack.state(self.tasks[name]) in ENDED and self.stack.task(self.tasks[name]),
                          what=f"{name} has ended")

    def rows(self, name):
        """How many rows and how many different ones there are."""
        return self.destination.rows(f"SELECT count(*), count(DISTINCT id) FROM public.{name}")[0]

    def fence(self, name):
        return self.destination.value("SELECT fence FROM sluice_import.import_task WHERE task_id = %s", self.tasks[name])


@pytest.mark.parametrize("kind", ["from_dump", "from_base"])
def test_imports_after_a_restore_are_as_the_page_says(stack, second_cluster, request, kind):
    back_up, restore = request.getfixturevalue(kind)
    stack.start_gateway("--lease-ms", 1000)
    destination = second_cluster.create_database()
    stack.add_usual_sources(destination)
    imports = Imports(stack, destination)
    stack.start_worker()
    imports.add("done")
    imports.wait("done")
    importer, gate = imports.add("under_way", gate=f"{ROWS + 7}")
    gate.wait_until_reached(f"{ROWS + 7}")
    wait_until(lambda: importer.units(imports.tasks["under_way"]), what="the first file is written")
    before = imports.fence("under_way")
    stack.worker.kill()  # so that the next imports have not begun
    imports.add("waiting")
    imports.add("keyed_waiting")
    back_up()

    stack.start_worker()  # which takes over what the first one had
    imports.wait("waiting", "keyed_waiting")
    wait_until(lambda: imports.fence("under_way") > before, what="another worker has the import")
    stack.gateway.stop()
    lost = imports.fence("under_way")
    url = restore()
    stack.gateway.options[stack.gateway.options.index("--database-url") + 1] = url
    stack.gateway.start()
    wait_until(stack.is_served, what="the gateway serves")

    wait_until(lambda: imports.fence("under_way") > lost, what="the destination has taken a new lease")
    gate.open(f"{ROWS + 7}")
    imports.wait("under_way", "keyed_waiting")
    refused = imports.ended("waiting")
    assert "rows of 2 splits that the task has forgotten" in refused.message
    assert stack.state(imports.tasks["done"]) == "SUCCEEDED"
    for name in imports.tasks:
        assert imports.rows(name) == (2 * ROWS, 2 * ROWS), name
    # What the worker had under a lease of the time that is forgotten was refused.
    wait_until(lambda: any(line["event"] == "job dropped" or line.get("is_accepted") is False
                           for line in stack.workers[1].events()), what="the worker is told so")
