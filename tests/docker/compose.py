"""An engine of our own, and docker/compose.yaml in it."""
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess

from sluicetest.rest import Rest
from sluicetest.wait import scale, wait_until

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAMS = ("gateway", "rest", "worker")
STEPS = ("secrets", "keys", "migrate")
SERVICES = ("postgres", *PROGRAMS)
ENDED = ("SUCCEEDED", "FAILED", "KILLED")


class Engine:
    """tests/docker/engine.sh, which ends when we do."""

    def __enter__(self):
        self.process = subprocess.Popen([ROOT / "tests/docker/engine.sh"], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)
        said = []
        for line in self.process.stdout:
            said.append(line)
            if line.startswith("ready "):
                self.folder = pathlib.Path(line.split()[1])
                return self
        raise AssertionError(f"no engine: {''.join(said)}")

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait(timeout=60)

    def environment(self):
        kept = {k: v for k, v in os.environ.items()
                if not k.startswith(("SLUICE_", "COMPOSE_", "DOCKER_", "BUILD"))}
        return {**kept, "DOCKER_HOST": f"unix://{self.folder}/docker.sock", "DOCKER_BUILDKIT": "1",
                "DOCKER_CONFIG": str(self.folder / "config"), "COMPOSE_ANSI": "never"}


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Compose:
    """The project, under a name, a port and a folder of files of its own."""

    def __init__(self, engine, folder):
        self.folder = folder
        self.files = engine.folder / "import"  # which a user of the containers can reach
        shutil.rmtree(self.files, ignore_errors=True)
        shutil.copytree(ROOT / "docker/import", self.files)
        self.files.chmod(0o755)
        self.port = free_port()
        self.rest = Rest(self.port)
        self.environment = {
            **engine.environment(), "COMPOSE_PROJECT_NAME": "sluice",
            "COMPOSE_FILE": str(ROOT / "docker/compose.yaml"),
            "SLUICE_REST_PORT": str(self.port), "SLUICE_IMPORT_DIR": str(self.files)}
        self._add_override()

    def _add_override(self):
        """Builds reach apt's sources by the machine's network, and nothing is pulled."""
        services = json.loads(self("--profile", "*", "config", "--format", "json"))["services"]
        override = self.folder / "override.json"
        override.write_text(json.dumps({"services": {
            name: {"build": {"network": "host"}} if "build" in service else {"pull_policy": "never"}
            for name, service in services.items()}}))
        self.environment["COMPOSE_FILE"] += f":{override}"

    def docker(self, *arguments, stdin=None, timeout_s=600, check=True):
        """What it says on standard output."""
        done = subprocess.run(["docker", *map(str, arguments)], env=self.environment, input=stdin,
                              capture_output=True, text=True, timeout=timeout_s, check=False)
        assert not check or done.returncode == 0, f"{arguments}: {done.returncode}\n{done.stderr[-8000:]}"
        return done.stdout

    def __call__(self, *arguments, **more):
        return self.docker("compose", *arguments, **more)

    def build(self):
        self("--progress", "plain", "--profile", "*", "build", timeout_s=1500)

    def up(self, *options):
        self("up", "-d", "--wait", "--wait-timeout", str(int(120 * scale())), *options, timeout_s=180 * scale())

    def remove(self):
        self("--profile", "*", "down", "-v", "--remove-orphans", "--timeout", "5", check=False)

    def describe(self):
        return self("ps", "-a", check=False) + self("logs", "--tail=60", check=False)

    # --- containers

    def id_of(self, service):
        return self("ps", "-a", "-q", service).split()[0]

    def inspect(self, service):
        return json.loads(self.docker("inspect", self.id_of(service)))[0]

    def image_of(self, service):
        return json.loads(self.docker("image", "inspect", self.inspect(service)["Image"]))[0]

    def health(self, service):
        return self.inspect(service)["State"].get("Health", {}).get("Status")

    def pid_of(self, service):
        """On the machine, where the container's own 1 has another number."""
        return self.inspect(service)["State"]["Pid"]

    def kill(self, service):
        """As if the program had crashed: a `docker kill` would be what a person wanted."""
        pid = self.pid_of(service)
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: self.pid_of(service) not in (0, pid), 60, f"{service} is started again")

    def wait_until_healthy(self, *services):
        for service in services:
            wait_until(lambda s=service: self.health(s) == "healthy", 60, f"{service} is healthy")

    # --- what runs in them

    def psql(self, database, sql, *options):
        return self("exec", "-T", "postgres", "psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1",
                    "-U", "sluice", "-d", database, *options, stdin=sql).strip()

    def secrets(self):
        """The database's password, and the key of data sources' secrets."""
        return self("exec", "-T", "gateway", "cat", "/var/lib/sluice/secrets/database_password",
                    "/var/lib/sluice/keys/secret_keys").split()

    def tasks(self):
        """Each task's state by its id."""
        reply = self.rest.get("/v1/tasks?pageSize=1000")
        assert reply.status == 200, reply.text
        return {task["id"]: task["state"].removeprefix("TASK_STATE_")
                for task in reply.json().get("tasks", [])}

    def create_import(self, file, table):
        """By the documented call; gives the task's id."""
        reader = {"filePath": file, "column": ["id", "text"]}
        writer = {"namespace": "default", "lindormTable": table,
                  "columns": ["ROW||Int", "f:text||String"]}
        reply = self.rest.post_form(
            "/pro/proc/bulkload/create",
            f"src=files&dst=warehouse&readerConfig={json.dumps(reader)}&writerConfig="
            f"{json.dumps(writer)}&driverSpec=small&instances=1&fileType=CSV")
        assert reply.status == 200, reply.text
        return reply.json()["message"]

    def wait_for_task(self, task, state="SUCCEEDED"):
        """Also while some of the containers are away."""
        def reached():
            try:
                now = self.tasks()[task]
            except (OSError, AssertionError):
                return False
            assert now == state or now not in ENDED, f"{task} is {now}"
            return now == state
        wait_until(reached, 90, f"{task} is {state}")
