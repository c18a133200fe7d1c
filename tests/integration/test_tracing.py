"""Following one request through all programs: its id, its trace, and what the logs say of both."""
import http.client
import json
import re
import time

import grpc
import pytest

from sluicetest import metrics, seed
from sluicetest.certificates import Authority
from sluicetest.collector import Collector
from sluicetest.program import run
from sluicetest.wait import scale, wait_until

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
SPAN = "00f067aa0ba902b7"
PARENT = f"00-{TRACE}-{SPAN}-01"
FINISH = "sluice.worker.v1.WorkerService/FinishJob"
STATE = "vendor=one,other@sys=two"


@pytest.fixture
def collector():
    made = Collector().start()
    yield made
    made.stop()


def lines(program):
    """What a program has logged; each line must be JSON, but for one that is being written."""
    return [json.loads(line) for line in program.log.read_bytes().split(b"\n")[:-1]]


def of_task(stack, program, task_id):
    return [line for line in lines(program) if line.get("task") == task_id]


def create(stack, table, **headers):
    """A bulk import by the form of the Lindorm Tunnel Service; gives its id."""
    (stack.files / "in.csv").write_bytes(seed.csv_bytes(range(100)))
    form = seed.form("in.csv", "CSV").replace("bulkload_test", table)
    reply = stack.rest.request(
        "POST", seed.CREATE, form.encode(),
        {"Content-Type": "application/x-www-form-urlencoded", **headers})
    assert reply.status == 200, reply.text
    return reply.json()["message"]


# --- ids of requests

def test_a_request_id_is_taken_and_given_back(module_stack):
    reply = module_stack.rest.request("GET", "/v1/tasks", headers={"X-Request-Id": "req-1.2:3/4_5"})
    assert reply.status == 200
    assert reply.headers["x-request-id"] == "req-1.2:3/4_5"


@pytest.mark.parametrize("given", [None, "", "two words", "x" * 65, 'quo"te', "\u00e4"])
def test_a_request_id_is_made_for_who_brings_none(module_stack, given):
    headers = {} if given is None else {"X-Request-Id": given.encode()}
    ids = {module_stack.rest.request("GET", "/v1/tasks", headers=headers).headers["x-request-id"]
           for _ in range(2)}
    assert len(ids) == 2 and all(re.fullmatch("[0-9a-f]{32}", made) for made in ids)


@pytest.mark.parametrize("method, path, status", [
    ("GET", "/nothing", 404), ("PUT", "/v1/tasks", 405), ("OPTIONS", "*", 204),
    ("GET", "/v1/tasks/none", 404), ("GET", "/v1/tasks:watch?cursor=wrong", 400),
    ("GET", "/openapi.json", 200)])
def test_every_reply_has_the_request_id(module_stack, method, path, status):
    reply = module_stack.rest.request(method, path, headers={"X-Request-Id": "mine"})
    assert (reply.status, reply.headers.get("x-request-id")) == (status, "mine")


def test_one_request_is_found_in_the_logs_of_all_programs(stack, destination):
    """By its id where it was answered, and by its trace where it was worked for."""
    stack.start_gateway("--log-level", "debug")
    stack.start_rest("--log-level", "debug")
    stack.start_worker()
    stack.add_usual_sources(destination)
    task_id = create(stack, "t", **{"X-Request-Id": "mine", "traceparent": PARENT})
    stack.wait_for_state(task_id, "SUCCEEDED")

    def finished():
        return [line for line in lines(stack.gateway) if line.get("trace_id") == TRACE and line.get("method") == f"/{FINISH}"]
    wait_until(lambda: len(finished()) == 2, what="both ends are told of")
    asked = wait_until(lambda: [line for line in lines(stack.shim) if line.get("request_id") == "mine"],
                       what="the request is told of")
    served = [line for line in lines(stack.gateway) if line.get("request_id") == "mine"]
    assert [line["event"] for line in asked] == ["request"]
    assert (asked[0]["path"], asked[0]["status"], asked[0]["trace_id"], asked[0]["task"]) == (
        seed.CREATE, 200, TRACE, task_id)
    assert asked[0]["bytes"] > 0
    assert [(line["event"], line["method"], line["code"], line["trace_id"], line["task"], line["actor"])
            for line in served] == [
        ("call", "/sluice.v1.TaskService/CreateTask", "OK", TRACE, task_id, "")]
    worked = of_task(stack, stack.worker, task_id)
    assert {line["event"] for line in worked} == {"job leased", "job finished"}
    assert {line["trace_id"] for line in worked} == {TRACE}


def test_a_failure_is_told_under_the_id_of_the_request(stack, shim_without_gateway):
    """Also at the usual level."""
    reply = stack.rest.request("GET", "/v1/tasks", headers={"X-Request-Id": "mine"})
    assert reply.status == 503
    failed, = wait_until(lambda: [line for line in lines(stack.shim) if line["event"] == "request failed"],
                         what="the failure is told of")
    assert (failed["request_id"], failed["code"]) == ("mine", "UNAVAILABLE")


@pytest.fixture
def shim_without_gateway(stack):
    stack.start_gateway()
    stack.start_rest()
    stack.gateway.kill()


# --- the trace of a task

def test_a_task_is_part_of_the_trace_that_it_was_created_in(client, stack):
    """A worker is given the trace with the job, also one that comes after the gateway was started anew."""
    metadata = [("traceparent", PARENT), ("tracestate", STATE)]
    task = stack.api.tasks.CreateTask(new_task(stack), metadata=metadata)
    assert task.trace_id == TRACE
    stack.gateway.stop()
    stack.gateway.start()
    wait_until(stack.is_served, what="the gateway serves")
    assert stack.task(task.id).trace_id == TRACE

    service = stack.api.worker_service
    job = stack.api.workers.LeaseJob(service.LeaseJobRequest(
        worker_id="w", capabilities=["bulkload:file:postgres"])).job
    assert (job.task_id, job.traceparent, job.tracestate) == (task.id, PARENT, STATE)
    assert job.task.trace_id == TRACE


@pytest.mark.parametrize("metadata", [
    [], [("traceparent", PARENT.upper())], [("traceparent", "00-" + "0" * 32 + f"-{SPAN}-01")],
    [("tracestate", STATE)], [("traceparent", PARENT)] * 2])
def test_a_task_without_a_trace_has_none(client, stack, metadata):
    task = stack.api.tasks.CreateTask(new_task(stack), metadata=metadata)
    assert task.trace_id == ""
    job = stack.api.workers.LeaseJob(stack.api.worker_service.LeaseJobRequest(
        worker_id="w", capabilities=["bulkload:file:postgres"])).job
    assert (job.traceparent, job.tracestate) == ("", "")


def test_of_several_traces_in_headers_none_counts(stack, destination):
    stack.start_gateway()
    stack.start_rest()
    stack.add_usual_sources(destination)
    traces = []
    for parents in ([PARENT], [PARENT] * 2):
        made = http.client.HTTPConnection("127.0.0.1", stack.shim.port, timeout=20)
        made.putrequest("POST", seed.CREATE)
        body = seed.form("a.csv", "CSV").encode()
        for name, value in [("Content-Type", "application/x-www-form-urlencoded"), ("Content-Length", len(body)),
                            *[("traceparent", parent) for parent in parents]]:
            made.putheader(name, value)
        made.endheaders(body)
        traces.append(stack.task(json.loads(made.getresponse().read())["message"]).trace_id)
        made.close()
    assert traces == [TRACE, ""]


def new_task(stack):
    api = stack.api
    spec = api.task.BulkloadSpec(
        reader_config_json='{"filePath":"a.csv","column":["a"]}',
        writer_config_json='{"columns":["ROW||String"],"namespace":"public","lindormTable":"t"}',
        driver_spec=1, instances=1, file_type=api.task.FileType.Value("FILE_TYPE_CSV"))
    return api.task_service.CreateTaskRequest(
        task=api.task.Task(source="files", destination="ld", bulkload=spec))


# --- spans

def start_traced(stack, destination, collector, *more):
    options = ("--otlp-endpoint", collector.address, *more)
    stack.start_gateway(*options)
    stack.start_rest(*options)
    stack.start_worker(*options)
    stack.add_usual_sources(destination)


def test_one_trace_spans_all_programs(stack, destination, collector):
    start_traced(stack, destination, collector)
    task_id = create(stack, "t", traceparent=PARENT)
    stack.wait_for_state(task_id, "SUCCEEDED")

    split = collector.wait_for(trace_id=TRACE, name="split")
    request = collector.wait_for(trace_id=TRACE, service="sluice-rest")
    call = collector.wait_for(trace_id=TRACE, name="sluice.v1.TaskService/CreateTask")
    stored = collector.wait_for(trace_id=TRACE, name="task_create")
    jobs = {name: collector.wait_for(trace_id=TRACE, name=f"job JOB_ROLE_{name}")
            for name in ("SCHEMA", "FULL")}

    assert (request.parent_id, request.kind, request.name) == (SPAN, 2, f"POST {seed.CREATE}")
    assert request.attributes["http.response.status_code"] == 200
    assert request.attributes["http.route"] == seed.CREATE
    assert (call.parent_id, call.kind, call.service) == (request.span_id, 2, "sluice-gateway")
    assert call.attributes["sluice.request.id"] == request.attributes["sluice.request.id"]
    assert (stored.parent_id, stored.kind) == (call.span_id, 3)
    assert stored.attributes["db.system.name"] == "postgresql"
    for job in jobs.values():
        assert (job.parent_id, job.service) == (call.span_id, "sluice-worker")
    assert (split.parent_id, split.service) == (jobs["FULL"].span_id, "sluice-worker")
    ended = [collector.wait_for(trace_id=TRACE, name=FINISH, parent_id=job.span_id) for job in jobs.values()]
    assert {end.service for end in ended} == {"sluice-gateway"}
    assert not [span for span in collector.spans if span.name.endswith("/ReportJob")]
    for span in (request, call, *jobs.values()):
        assert span.attributes["sluice.task.id"] == task_id
        assert span.error is None and 0 < span.start_ns <= span.end_ns
    assert jobs["FULL"].attributes["sluice.job.rows_written"] == 100
    assert len({span.span_id for span in collector.spans}) == len(collector.spans)
    assert all(r["service.version"] and r["service.instance.id"] for r in collector.resources)


def test_a_job_that_failed_is_a_span_that_failed(stack, destination, collector):
    start_traced(stack, destination, collector)
    task_id = create(stack, "t", traceparent=PARENT)
    stack.wait_for_state(task_id, "SUCCEEDED")
    (stack.files / "in.csv").unlink()
    form = seed.form("gone.csv", "CSV").replace("bulkload_test", "t")
    stack.rest.request("POST", seed.CREATE, form.encode(), {
        "Content-Type": "application/x-www-form-urlencoded",
        "traceparent": PARENT.replace("4bf9", "0000")})
    trace = TRACE.replace("4bf9", "0000")
    failed = wait_until(lambda: [s for s in collector.find(trace_id=trace, service="sluice-worker")
                                 if s.error], what="a span that failed")[0]
    assert "gone.csv" in failed.error and failed.attributes["error.type"]


def test_what_is_not_sampled_is_not_exported(stack, destination, collector):
    """Who called says so, or the ratio for requests that bring no trace; the task has the trace all the same."""
    start_traced(stack, destination, collector, "--trace-one-in", "0")
    silent = create(stack, "t", traceparent=PARENT[:-1] + "0")
    own = create(stack, "t")
    wanted = create(stack, "t", traceparent=PARENT.replace("4bf9", "1111"))
    for task_id in (silent, own, wanted):
        stack.wait_for_state(task_id, "SUCCEEDED")
    collector.wait_for(trace_id=TRACE.replace("4bf9", "1111"), name="job JOB_ROLE_FULL")
    for program in stack.programs:
        program.stop()
    assert {span.trace_id for span in collector.spans} == {TRACE.replace("4bf9", "1111")}


def test_a_request_without_a_trace_begins_one(stack, destination, collector):
    start_traced(stack, destination, collector)
    task_id = create(stack, "t")
    trace = stack.wait_for_state(task_id, "SUCCEEDED").trace_id
    assert re.fullmatch("[0-9a-f]{32}", trace)
    assert collector.wait_for(trace_id=trace, service="sluice-rest").parent_id == ""
    collector.wait_for(trace_id=trace, name="job JOB_ROLE_FULL")


def test_a_trace_goes_on_when_the_gateway_was_started_anew(stack, destination, collector):
    """Between the request and the job, which is what happens to tasks that wait for days."""
    options = ("--otlp-endpoint", collector.address)
    stack.start_gateway(*options)
    stack.start_rest(*options)
    stack.add_usual_sources(destination)
    task_id = create(stack, "t", traceparent=PARENT)
    call = collector.wait_for(name="sluice.v1.TaskService/CreateTask")
    stack.gateway.stop()
    stack.gateway.start()
    stack.start_worker(*options)
    stack.wait_for_state(task_id, "SUCCEEDED")
    job = collector.wait_for(name="job JOB_ROLE_FULL")
    assert (job.trace_id, job.parent_id) == (TRACE, call.span_id)


# --- a collector that is no help

def test_spans_wait_for_a_collector_that_is_away(stack, destination, collector):
    collector.stop()
    start_traced(stack, destination, collector)
    task_id = create(stack, "t", traceparent=PARENT)
    stack.wait_for_state(task_id, "SUCCEEDED")
    told = stack.worker.wait_for_event("spans not exported")
    assert (told["endpoint"], told["code"]) == (collector.address, "UNAVAILABLE")
    collector.start()
    collector.wait_for(trace_id=TRACE, name="job JOB_ROLE_FULL")
    collector.wait_for(trace_id=TRACE, name="sluice.v1.TaskService/CreateTask")


def test_a_collector_that_does_not_answer_holds_up_nothing(stack, destination, collector):
    """Neither calls nor a stop; when the queue is full, spans are dropped and counted."""
    collector.held.clear()
    start_traced(stack, destination, collector)
    wait_until(lambda: collector.ncalls or stack.rest.get("/v1/tasks").status != 200,
               what="the collector has been called")
    began = time.monotonic()
    for _ in range(50):
        assert stack.rest.request("GET", "/v1/tasks").status == 200
    assert time.monotonic() - began < 20 * scale()
    for program in stack.programs:
        began = time.monotonic()
        program.stop()
        assert time.monotonic() - began < 10 * scale()
    dropped = [line for line in lines(stack.gateway) if line["event"] == "spans not exported"]
    assert sum(line["dropped"] for line in dropped) > 0


def test_a_collector_that_refuses_is_not_asked_again(stack, collector):
    """What no repetition helps is dropped; what may pass is sent again."""
    collector.answers = [grpc.StatusCode.UNAVAILABLE]
    stack.start_gateway("--otlp-endpoint", collector.address, "--metrics-listen", "127.0.0.1:0")

    def count(outcome):
        return metrics.scrape(stack.gateway.metrics_port).get("sluice_spans_total", outcome=outcome)
    assert (count("sent"), count("dropped")) == (0, 0)
    stack.is_served()
    collector.wait_for(name="sluice.v1.TaskService/ListTasks")
    wait_until(lambda: count("sent") == len(collector.spans), what="what was sent is counted")
    assert count("dropped") == 0
    collector.answers = [grpc.StatusCode.INVALID_ARGUMENT]
    stack.is_served()
    told = wait_until(lambda: [line for line in lines(stack.gateway)
                               if line.get("code") in ("INVALID_ARGUMENT", "UNAVAILABLE")],
                      what="the failure is told")
    assert told[0]["event"] == "spans not exported"
    wait_until(lambda: not collector.answers, what="the second batch was refused")
    assert len(collector.find(name="sluice.v1.TaskService/ListTasks")) == 1
    wait_until(lambda: count("dropped") > 0, what="what was refused is counted")
    assert count("sent") == len(collector.spans)


# --- TLS

@pytest.fixture
def ca(tmp_path):
    return Authority(tmp_path, "ours")


@pytest.fixture
def start_collector():
    """Starts one with that certificate, or without TLS."""
    started = []

    def start(pair=None):
        started.append(Collector(pair).start())
        return started[-1]
    yield start
    for collector in started:
        collector.stop()


def test_spans_of_all_programs_go_by_tls(stack, destination, ca, start_collector):
    collector = start_collector(ca.issue("collector", "IP:127.0.0.1"))
    options = ("--otlp-endpoint", f"https://{collector.address}", "--otlp-ca", ca.cert)
    stack.start_gateway(*options)
    stack.start_rest(*options)
    stack.start_worker(*options)
    stack.add_usual_sources(destination)
    stack.wait_for_state(create(stack, "t", traceparent=PARENT), "SUCCEEDED")
    for service in ("sluice-gateway", "sluice-rest", "sluice-worker"):
        collector.wait_for(trace_id=TRACE, service=service)


def test_a_scheme_without_tls_is_one_too(stack, collector):
    stack.start_gateway("--otlp-endpoint", f"http://{collector.address}")
    stack.is_served()
    collector.wait_for(name="sluice.v1.TaskService/ListTasks")


@pytest.mark.parametrize("what", ["foreign", "of another name", "of no CA that the machine knows", "without TLS"])
def test_a_collector_that_is_not_the_one_gets_nothing(stack, tmp_path, ca, start_collector, what):
    collector = start_collector({
        "foreign": lambda: Authority(tmp_path, "foreign").issue("collector", "IP:127.0.0.1"),
        "of another name": lambda: ca.issue("collector", "IP:127.0.0.9", "DNS:localhost"),
        "of no CA that the machine knows": lambda: ca.issue("collector", "IP:127.0.0.1"),
        "without TLS": lambda: None}[what]())
    known = () if "machine" in what else ("--otlp-ca", ca.cert)
    stack.start_gateway("--otlp-endpoint", f"https://{collector.address}", *known)
    assert stack.is_served()
    told = stack.gateway.wait_for_event("spans not exported", 30)
    assert (told["endpoint"], told["code"]) == (collector.address, "UNAVAILABLE")
    stack.gateway.stop()
    assert collector.ncalls == 0 and not collector.spans


def test_a_collector_with_tls_is_not_spoken_to_without(stack, ca, start_collector):
    collector = start_collector(ca.issue("collector", "IP:127.0.0.1"))
    stack.start_gateway("--otlp-endpoint", collector.address)
    assert stack.is_served()
    assert stack.gateway.wait_for_event("spans not exported", 30)["code"] == "UNAVAILABLE"
    assert collector.ncalls == 0


def test_a_new_authority_of_the_collector_is_taken_up(stack, tmp_path, ca, start_collector):
    foreign = Authority(tmp_path, "foreign")
    collector = start_collector(foreign.issue("collector", "IP:127.0.0.1"))
    trusted = tmp_path / "trusted.pem"
    trusted.write_bytes(ca.cert.read_bytes())
    stack.start_gateway("--otlp-endpoint", f"https://{collector.address}", "--otlp-ca", trusted)
    assert stack.is_served()
    stack.gateway.wait_for_event("spans not exported", 30)
    fresh = tmp_path / "fresh.pem"
    fresh.write_bytes(foreign.cert.read_bytes())
    fresh.rename(trusted)
    collector.wait_for(timeout_s=60, name="sluice.v1.TaskService/ListTasks")  # which has waited in the queue


@pytest.mark.parametrize("program", ["sluice-gateway", "sluice-rest", "sluice-worker"])
def test_an_endpoint_that_makes_no_sense_is_refused(build, program):
    url = ["--database-url", "postgresql:///none"] if program == "sluice-gateway" else []
    for endpoint in ("https://collector.example", "http://collector.example:4317/v1/traces"):
        done = run(build / program, *url, "--otlp-endpoint", endpoint, "--check-config", check=False)
        assert done.returncode == 2
        assert f"otlp-endpoint: '{endpoint}' is not like collector.example:4317" in done.stderr


def test_a_file_of_authorities_that_is_away_is_told_of_at_the_start(stack, tmp_path):
    stack.migrate()
    done = run(stack.build / "sluice-gateway", "--database-url", stack.database.url, "--listen", "127.0.0.1:0",
               "--otlp-endpoint", "https://127.0.0.1:1", "--otlp-ca", tmp_path / "none.pem", check=False)
    assert done.returncode == 1 and '"error":"otlp-ca: ' in done.stderr


# --- no secrets

def test_spans_have_no_secrets(stack, destination, collector):
    start_traced(stack, destination, collector)
    stack.rest.request("GET", "/v1/tasks?page_token=canary-query", headers={
        "traceparent": PARENT, "Authorization": "Bearer canary-token"})
    stack.add_source("canary", "POSTGRES", {"url": "postgresql://u:canary-password@127.0.0.1:1/d"})
    collector.wait_for(name="data_source_create")
    collector.wait_for(trace_id=TRACE, service="sluice-rest")
    assert "canary" not in str(collector.spans)
