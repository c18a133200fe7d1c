"""
What a worker does when its gateway says stop. The gateway is played here, since the moment that matters, the very
first checkpoint, is too short to be met by a real one.
"""
import concurrent.futures
import importlib
import threading

import grpc
import pytest

from sluicetest.wait import scale, wait_until

READER = '{"filePath":"rows.csv","column":["id","n"]}'
WRITER = '{"columns":["id","n"],"namespace":"public","lindormTable":"stopped"}'


class Gateway:
    """Hands out one FULL job, which may go on until it reports a checkpoint: that is answered with the directive."""

    def __init__(self, job, directive):
        self.service = importlib.import_module("sluice.worker.v1.worker_service_pb2")
        self.job = job
        self.directive = directive
        self.ncheckpoints = 0
        self.leases = 0
        self.outcomes = []
        self.finished = threading.Event()
        methods = {
            "LeaseJob": (self.lease, self.service.LeaseJobRequest),
            "ReportJob": (self.report, self.service.ReportJobRequest),
            "FinishJob": (self.finish, self.service.FinishJobRequest),
        }
        self.server = grpc.server(concurrent.futures.ThreadPoolExecutor(max_workers=4))
        self.server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler(
            "sluice.worker.v1.WorkerService",
            {name: grpc.unary_unary_rpc_method_handler(
                call, request_deserializer=request.FromString,
                response_serializer=lambda reply: reply.SerializeToString())
             for name, (call, request) in methods.items()})])
        self.port = self.server.add_insecure_port("127.0.0.1:0")
        self.server.start()

    def lease(self, request, context):
        if "bulkload:file:postgres" in request.capabilities:  # and it is not asked for checks
            self.leases += 1
            if self.leases == 1:
                return self.service.LeaseJobResponse(job=self.job)
        context.abort(grpc.StatusCode.UNAVAILABLE, "there is but one job")

    def report(self, request, context):
        if not request.HasField("checkpoint"):  # of a worker that is slow to begin
            return self.service.ReportJobResponse(directive=self.service.DIRECTIVE_CONTINUE)
        self.ncheckpoints += 1
        return self.service.ReportJobResponse(directive=self.directive)

    def finish(self, request, context):
        empty = importlib.import_module("google.protobuf.empty_pb2")
        self.outcomes.append(self.service.JobOutcome.Name(request.outcome).removeprefix("JOB_OUTCOME_"))
        self.finished.set()
        return empty.Empty()


@pytest.fixture
def play(stack, destination, tmp_path):
    """Starts a worker on a gateway that answers reports with the directive."""
    destination.rows("CREATE TABLE stopped (id bigint, n bigint)")
    (tmp_path / "rows.csv").write_text("".join(f"{i},{i}\n" for i in range(1000)), encoding="ascii")
    service = importlib.import_module("sluice.worker.v1.worker_service_pb2")
    task = importlib.import_module("sluice.v1.task_pb2")
    source = importlib.import_module("sluice.v1.data_source_pb2")
    gateways = []

    def start(directive):
        job = service.LeasedJob(
            id="fulldata-1", task_id="proc-1-0123456789abcdef0123456789abcdef", lease_token=1,
            role=task.JOB_ROLE_FULL, attempt=1,
            task=task.Task(kind=task.TASK_KIND_BULKLOAD, bulkload=task.BulkloadSpec(
                reader_config_json=READER, writer_config_json=WRITER, instances=1,
                driver_spec=task.DRIVER_SPEC_SMALL, file_type=task.FILE_TYPE_CSV)),
            source=source.DataSource(name="files", type=source.DATA_SOURCE_TYPE_FILE,
                                     parameters_json=f'{{"root":"{tmp_path}"}}'),
            destination=source.DataSource(name="rows", type=source.DATA_SOURCE_TYPE_POSTGRES,
                                          parameters_json=f'{{"url":"{destination.url}"}}'))
        job.lease_duration.FromSeconds(15)
        gateways.append(Gateway(job, getattr(service, directive)))
        worker = stack.program("sluice-worker", "--gateway", f"127.0.0.1:{gateways[0].port}")
        stack.workers.append(worker.start(wait_for="started"))
        return gateways[0], worker

    yield start
    for gateway in gateways:
        gateway.server.stop(None)


def count(destination):
    return destination.value("SELECT count(*) FROM stopped")


def test_a_worker_that_may_go_on_writes_the_rows(play, destination):
    gateway, _ = play("DIRECTIVE_CONTINUE")
    assert gateway.finished.wait(30 * scale())
    assert gateway.ncheckpoints and gateway.outcomes == ["SUCCEEDED"]
    assert count(destination) == 1000


def test_a_worker_whose_first_checkpoint_is_not_taken_writes_nothing(play, destination):
    """The gateway stores no checkpoint of a task that was aborted: rows without one would come again."""
    gateway, worker = play("DIRECTIVE_STOP")
    worker.wait_for_event("job dropped")
    wait_until(lambda: gateway.leases > 1, what="the worker asks for another job")
    assert gateway.finished.wait(30 * scale())
    assert gateway.ncheckpoints and gateway.outcomes == ["RELEASED"]
    assert count(destination) == 0
