"""A whole Sluice on one database: gateway, REST, worker, and a folder of files to import."""
import json

import grpc

from .grpc_client import Api, Reflected
from .program import Program, run
from .rest import Rest
from .wait import wait_until

ENDED = {"SUCCEEDED", "FAILED", "KILLED"}


class Stack:
    """
    Programs start when a test asks for them, on free ports:

        stack.start()                      all three
        stack.start_gateway()              and so on, one by one
        stack.rest.post_form("/pro/...")   once REST is up
        stack.api.tasks.GetTask(...)       once the gateway is up
    """

    def __init__(self, build, database, folder):
        self.build = build
        self.database = database
        self.folder = folder
        self.files = folder / "files"  # what the data source `hdfs` shows
        self.files.mkdir()
        self.gateway = None
        self.shim = None
        self.workers = []
        self.rest = None
        self.credentials = None  # of api, for a gateway with TLS
        self._api = None
        self._reflected = {}

    # --- programs

    def migrate(self):
        return run(self.build / "sluice", "--database-url", self.database.url, "migrate", "up")

    def program(self, name, *options, log=None):
        return Program(self.build / name, self.folder / f"{log or name}.log", *options)

    def start(self, *worker_options):
        self.start_gateway()
        self.start_rest()
        self.start_worker(*worker_options)
        return self

    def start_gateway(self, *options):
        self.migrate()
        self.gateway = self.program("sluice-gateway", "--database-url", self.database.url,
                                    "--listen", "127.0.0.1:0", *options).start()
        return self.gateway

    def start_rest(self, *options):
        self.shim = self.program("sluice-rest", "--gateway", self.gateway.address,
                                 "--listen", "127.0.0.1:0", *options).start()
        self.rest = Rest(self.shim.port)
        return self.shim

    def start_worker(self, *options):
        number = len(self.workers) + 1
        worker = self.program("sluice-worker", "--gateway", self.gateway.address, *options,
                              log=f"sluice-worker-{number}")
        self.workers.append(worker.start(wait_for="started"))
        return worker

    @property
    def worker(self):
        """The one worker."""
        assert len(self.workers) == 1
        return self.workers[0]

    @property
    def programs(self):
        return [p for p in [*self.workers, self.shim, self.gateway] if p]

    def stop(self):
        """Stops all, clients first; each must end cleanly."""
        if self._api:
            self._api.close()
        for reflected in self._reflected.values():
            reflected.close()
        wrong = []
        for program in self.programs:
            try:
                if program.is_running():
                    program.resume()  # one that a test had paused
                program.stop()
            except AssertionError as e:
                wrong.append(str(e))
            program.release_port()
        assert not wrong, "\n".join(wrong)

    def cli(self, *arguments, check=True, **env):
        """Runs sluice(1) against the gateway."""
        return run(self.build / "sluice", "--gateway", self.gateway.address, *arguments,
                   check=check, **env)

    def check_programs(self):
        """No program has ended but as a test wanted it to."""
        for program in self.programs:
            program.check()

    # --- clients

    @property
    def api(self):
        if not self._api:
            self._api = Api(self.gateway.address, credentials=self.credentials)
        return self._api

    def use_credentials(self, credentials):
        """From now on."""
        if self._api:
            self._api.close()
        self._api = None
        self.credentials = credentials

    def reflected(self, version="v1"):
        if version not in self._reflected:
            self._reflected[version] = Reflected(self.gateway.address, version)
        return self._reflected[version]

    # --- what most tests need

    def add_source(self, name, kind, parameters):
        """kind is FILE or POSTGRES; parameters a dict."""
        api = self.api
        return api.data_sources.CreateDataSource(
            api.data_source_service.CreateDataSourceRequest(data_source=api.data_source.DataSource(
                name=name, type=api.data_source.DataSourceType.Value(f"DATA_SOURCE_TYPE_{kind}"),
                parameters_json=json.dumps(parameters))))

    def add_usual_sources(self, destination):
        """`hdfs`, the folder files, and `ld`, a database."""
        self.add_source("hdfs", "FILE", {"root": str(self.files)})
        self.add_source("ld", "POSTGRES", {"url": destination.url})

    def is_served(self):
        """The gateway answers with what the database has."""
        try:
            self.api.tasks.ListTasks(self.api.task_service.ListTasksRequest(page_size=1), timeout=5)
        except grpc.RpcError:
            return False
        return True

    def task(self, task_id):
        return self.api.tasks.GetTask(self.api.task_service.GetTaskRequest(id=task_id))

    def state(self, task_id):
        """PENDING, RUNNING and so on."""
        name = self.api.task.TaskState.Name(self.task(task_id).state)
        return name.removeprefix("TASK_STATE_")

    def wait_for_state(self, task_id, state, timeout_s=60):
        """Waits for a state; fails at once when the task ends in another one."""
        def reached():
            self.check_programs()
            task = self.task(task_id)
            now = self.api.task.TaskState.Name(task.state).removeprefix("TASK_STATE_")
            assert now == state or now not in ENDED, f"{task_id} is {now}: {task.message}"
            return task if now == state else None
        return wait_until(reached, timeout_s, what=f"{task_id} is {state}")
