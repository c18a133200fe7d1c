"""A client that learns all it knows by reflection, with errors as plain data, and a worker that a test plays."""
import base64
import dataclasses
import json

import grpc
from google.protobuf import json_format

from .grpc_client import details_of

SERVICES = {
    "Task": "sluice.v1.TaskService",
    "Tasks": "sluice.v1.TaskService",
    "BadRows": "sluice.v1.TaskService",
    "TaskEvents": "sluice.v1.TaskService",
    "Differences": "sluice.v1.TaskService",
    "DataSource": "sluice.v1.DataSourceService",
    "DataSources": "sluice.v1.DataSourceService",
    "Job": "sluice.worker.v1.WorkerService",
    "ReportBadRows": "sluice.worker.v1.WorkerService",
    "ReportDifferences": "sluice.worker.v1.WorkerService",
    "FinishCheck": "sluice.worker.v1.WorkerService",
    "Check": "grpc.health.v1.Health",
}


@dataclasses.dataclass
class Failure:
    """What a call ended with."""
    code: str
    text: str
    reason: str = ""
    about: dict = dataclasses.field(default_factory=dict)
    violations: dict = dataclasses.field(default_factory=dict)
    resource: tuple = ()
    retry_s: float = 0

    @classmethod
    def of(cls, error):
        made = cls(error.code().name, error.details())
        for detail in details_of(error):
            kind = detail.DESCRIPTOR.name
            if kind == "ErrorInfo":
                assert detail.domain == "sluice"
                made.reason, made.about = detail.reason, dict(detail.metadata)
            elif kind == "BadRequest":
                made.violations = {v.field: v.description for v in detail.field_violations}
            elif kind == "ResourceInfo":
                made.resource = (detail.resource_type, detail.resource_name)
            elif kind == "RetryInfo":
                made.retry_s = detail.retry_delay.seconds + detail.retry_delay.nanos / 1e9
        return made


def service_of(method):
    """The longest end of the method's name that the table knows."""
    return next(SERVICES[end] for end in sorted(SERVICES, key=len, reverse=True)
                if method.endswith(end))


class Client:
    """
    Requests and replies are dicts as proto3's JSON has them.

        client = Client(stack.reflected())
        task = client("GetTask", id="proc-1-...")
        assert client.fails("GetTask", id="x").code == "NOT_FOUND"
    """

    def __init__(self, reflected):
        self.reflected = reflected
        self.known = {}

    def _find(self, method):
        if method not in self.known:
            service = service_of(method)
            described = self.reflected.service(service).FindMethodByName(method)
            request = self.reflected.factory.GetPrototype(described.input_type)
            reply = self.reflected.factory.GetPrototype(described.output_type)
            call = self.reflected.channel.unary_unary(
                f"/{service}/{method}", request_serializer=request.SerializeToString,
                response_deserializer=reply.FromString)
            self.known[method] = (call, request)
        return self.known[method]

    def start(self, method, request, timeout_s=60):
        """The call as a future of gRPC's."""
        call, request_type = self._find(method)
        return call.future(json_format.ParseDict(request, request_type()), timeout=timeout_s,
                           wait_for_ready=True)

    def __call__(self, method, timeout_s=30, **request):
        return json_format.MessageToDict(self.start(method, request, timeout_s).result())

    def fails(self, method, timeout_s=30, **request):
        call, request_type = self._find(method)
        try:
            reply = call(json_format.ParseDict(request, request_type()), timeout=timeout_s)
        except grpc.RpcError as error:
            return Failure.of(error)
        raise AssertionError(f"{method} did not fail: {reply}")

    def add_sources(self, **more):
        """`files` and `ld`, which tasks of these tests name; nothing is behind them."""
        sources = {"files": ("FILE", {"root": "/srv/files"}),
                   "ld": ("POSTGRES", {"url": "postgresql://u:secret@db.example/x"}), **more}
        for name, (kind, parameters) in sources.items():
            self.add_source(name, kind, parameters)

    def add_source(self, name, kind, parameters):
        self("CreateDataSource", dataSource={
            "name": name, "type": f"DATA_SOURCE_TYPE_{kind}",
            "parametersJson": json.dumps(parameters)})

    def create_task(self, **bulkload):
        return self("CreateTask", task=task(**bulkload))

    def task(self, task_id):
        return self("GetTask", id=task_id)

    def state(self, task_id):
        return self.task(task_id)["state"].removeprefix("TASK_STATE_")

    def jobs(self, task_id):
        """The states of a task's jobs, in order."""
        return [job["state"].removeprefix("JOB_STATE_") for job in self.task(task_id)["jobs"]]

    def is_served(self):
        """The gateway answers, and serves. A client without a retry policy learns by a call that its connection was closed."""
        try:
            return self.health() == "SERVING"
        except grpc.RpcError:
            return False

    def health(self):
        return self("Check")["status"]


READER = {"filePath": "people.csv", "column": ["id", "age"]}
WRITER = {"columns": ["ROW||String", "f:age||Int"], "namespace": "ns", "lindormTable": "people"}


def task(source="files", destination="ld", reader=READER, writer=WRITER, **bulkload):
    """A task that may be created, as a dict."""
    return {"source": source, "destination": destination, "bulkload": {
        "readerConfigJson": reader if isinstance(reader, str) else json.dumps(reader),
        "writerConfigJson": writer if isinstance(writer, str) else json.dumps(writer),
        "driverSpec": "DRIVER_SPEC_SMALL", "instances": 1, "fileType": "FILE_TYPE_CSV",
        **bulkload}}


def progress(n=0, fraction=0.0):
    return {"rowsRead": n, "rowsWritten": n, "bytesRead": n, "bytesTotal": n, "fraction": fraction}


KINDS = ("bulkload", "full_migration", "incremental_sync")
TYPES = ("file", "postgres", "hbase", "lindorm", "hdfs", "s3", "spark")
ALL_JOBS = tuple(f"{kind}:{source}:{destination}"
                 for kind in KINDS for source in TYPES for destination in TYPES)
ALL_CHECKS = tuple(f"check:{kind}" for kind in TYPES)


class Worker:
    """Speaks the workers' protocol as a test wants it; it can do all jobs unless told otherwise."""

    def __init__(self, client, worker_id="test-worker", capabilities=ALL_JOBS):
        self.client = client
        self.worker_id = worker_id
        self.capabilities = capabilities

    def start_lease(self, wait_s=60):
        """A lease under way: a future."""
        return self.client.start("LeaseJob", {
            "workerId": self.worker_id, "waitDuration": f"{wait_s}s",
            "capabilities": list(self.capabilities)}, timeout_s=90)

    def lease(self, wait_s=0):
        """A job, or None."""
        reply = json_format.MessageToDict(self.start_lease(wait_s).result())
        return reply.get("job")

    def must_lease(self, wait_s=30):
        job = self.lease(wait_s)
        assert job, "there is no job"
        return job

    @staticmethod
    def _under(job, **more):
        return {"id": job["id"], "leaseToken": job["leaseToken"], **more}

    def report(self, job, checkpoint=None, **more):
        """CONTINUE or STOP."""
        request = self._under(job, progress=progress(**more))
        if checkpoint is not None:
            request["checkpoint"] = {"data": base64.b64encode(checkpoint).decode()}
        return self.client("ReportJob", **request)["directive"].removeprefix("DIRECTIVE_")

    def report_fails(self, job):
        return self.client.fails("ReportJob", **self._under(job, progress=progress()))

    def _finish(self, job, outcome, message, more):
        request = self._under(job, outcome=f"JOB_OUTCOME_{outcome}", message=message)
        if more:
            request["progress"] = progress(**more)
        return request

    def finish(self, job, outcome="SUCCEEDED", message="", **more):
        self.client("FinishJob", **self._finish(job, outcome, message, more))

    def finish_fails(self, job, outcome="SUCCEEDED", message="", **more):
        return self.client.fails("FinishJob", **self._finish(job, outcome, message, more))

    def exchange(self, job, outcome="SUCCEEDED", message="", wait_s=0):
        """Finishes a job; gives the next one, or None."""
        reply = self.client("ExchangeJob", **self._finish(job, outcome, message, {}), workerId=self.worker_id,
                            waitDuration=f"{wait_s}s", capabilities=list(self.capabilities))
        return reply.get("job")

    def run_all(self):
        """Leases and finishes all that there is; the roles in order."""
        roles = []
        while job := self.lease():
            roles.append(job["role"].removeprefix("JOB_ROLE_"))
            self.finish(job)
        return roles
