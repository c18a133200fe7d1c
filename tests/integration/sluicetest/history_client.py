"""
Several clients and workers at once, on tasks that no other process works on; test_history.py runs

    python3 -m sluicetest.history_client PROTOS ADDRESS SEED STEPS KIND

All choices of a thread come from its seed. Afterwards each task's calls are put to
sluicetest.history; what it cannot explain is printed. The last line is a JSON object that tells how
much was done.
"""
import collections
import json
import random
import sys
import threading
import time
import uuid

import grpc

from . import history as model
from .grpc_client import Api

THREADS = 8
LIVE_TASKS = 6
HELD_JOBS = 24
MAX_CALLS = 60  # of a task, so that the search stays short
TIMEOUT_S = 60

# kind: source's type, destination's type
TYPES = {"BULKLOAD": ("file", "postgres"), "FULL_MIGRATION": ("hbase", "lindorm"),
         "INCREMENTAL_SYNC": ("lindorm", "hbase")}
TABLES = ("t1", "t2", "ns:t3")


class Shared:
    """What the threads of a process know of the tasks that they work on."""

    def __init__(self, address, kind):
        self.api = Api(address)
        self.kind = kind
        self.lock = threading.Lock()
        self.first = {}  # id: the model's task as it was created
        self.calls = collections.defaultdict(list)
        self.live = []
        self.held = []  # jobs that a worker was given, the lost ones too
        self.nsteps = 0
        self.verbs = collections.Counter()

    def note(self, task_id, call):
        with self.lock:
            self.calls[task_id].append(call)
            self.nsteps += 1
            self.verbs[call.verb, call.reply[0]] += 1
            if len(self.calls[task_id]) >= MAX_CALLS and task_id in self.live:
                self.live.remove(task_id)


def word(enum, number):
    """The value's name without the enum's: RUNNING."""
    prefix = {"TaskState": "TASK_STATE_", "TaskStage": "TASK_STAGE_", "JobState": "JOB_STATE_",
              "JobRole": "JOB_ROLE_", "Directive": "DIRECTIVE_"}[enum.DESCRIPTOR.name]
    return enum.Name(number).removeprefix(prefix) if number else ""


class Actor(threading.Thread):
    """One client that is a worker, too."""

    def __init__(self, shared, name, seed, nsteps):
        super().__init__(name=name, daemon=True)
        self.shared = shared
        self.api = shared.api
        self.random = random.Random(seed)
        self.nsteps = nsteps
        self.failure = None

    # --- what comes back

    def seen(self, task):
        return ("OK", word(self.api.task.TaskState, task.state),
                word(self.api.task.TaskStage, task.stage), int(task.etag), task.message,
                task.labels.get("v", ""))

    def seen_with_jobs(self, task):
        return self.seen(task) + (tuple(sorted(
            (word(self.api.task.JobRole, job.role), self.table_of(job.role, job.table),
             word(self.api.task.JobState, job.state), job.attempt) for job in task.jobs)),)

    def table_of(self, role, table):
        """The model has no table for jobs that work on all."""
        return "" if word(self.api.task.JobRole, role) in ("PEER", "INCR", "PLAN") else table

    def call(self, task_id, verb, about, function, request, read):
        began = time.monotonic()
        try:
            reply = read(function(request, timeout=TIMEOUT_S))
        except grpc.RpcError as error:
            reply = (error.code().name,)
            if reply[0] not in ("ABORTED", "NOT_FOUND", "FAILED_PRECONDITION"):
                raise
        self.shared.note(task_id, model.Call(began, time.monotonic(), verb, about, reply))
        return reply

    # --- clients

    def create(self):
        kind, service = self.shared.kind, self.api.task_service
        task = self.api.task.Task(source=f"{kind}-from", destination=f"{kind}-to")
        options, tables = (), ("ns:people",)
        if kind == "BULKLOAD":
            task.bulkload.reader_config_json = '{"filePath":"p.csv","column":["id","age"]}'
            task.bulkload.writer_config_json = json.dumps({
                "columns": ["ROW||String", "f:age||Int"], "namespace": "ns",
                "lindormTable": "people"})
            task.bulkload.driver_spec = self.api.task.DRIVER_SPEC_SMALL
            task.bulkload.instances = 1
            task.bulkload.file_type = self.api.task.FILE_TYPE_CSV
        else:
            tables = self.some_tables()
            if kind == "FULL_MIGRATION":
                options = tuple(o for o in ("bulkload", "verify") if self.random.random() < 0.5)
                if self.random.random() < 0.3:
                    tables = ("*",)
                task.full_migration.table_names.extend(tables)
                task.full_migration.bulkload = "bulkload" in options
                if "verify" in options:
                    task.full_migration.extra_attrs_json = '{"verify":"count"}'
            else:
                options = tuple(o for o, share in (("create_table", 0.7), ("full", 0.5))
                                if self.random.random() < share)
                task.incremental_sync.table_names.extend(tables)
                task.incremental_sync.create_table = "create_table" in options
                if "full" in options:
                    task.incremental_sync.extra_attrs_json = '{"full":true}'
        made = self.api.tasks.CreateTask(
            service.CreateTaskRequest(task=task, request_id=str(uuid.UUID(
                int=self.random.getrandbits(128), version=4))), timeout=TIMEOUT_S)
        first = model.create(kind, tables, options)
        assert self.seen(made) == model.seen(first), (made, first)
        with self.shared.lock:
            self.shared.first[made.id] = first
            self.shared.live.append(made.id)
            self.shared.nsteps += 1
            self.shared.verbs["create", "OK"] += 1

    def some_tables(self):
        return tuple(sorted(self.random.sample(TABLES, self.random.randint(1, len(TABLES)))))

    def etag(self, task_id):
        """Now and then the etag that this client saw last, or none."""
        if self.random.random() < 0.8:
            return None
        with self.shared.lock:
            versions = [c.reply[3] for c in self.shared.calls[task_id]
                        if c.reply[0] == "OK" and len(c.reply) >= 6]
        return versions[-1] if versions else 1

    def use(self, verb, task_id):
        etag = self.etag(task_id)
        text = "" if etag is None else str(etag)
        tasks, service, about = self.api.tasks, self.api.task_service, {"etag": etag}
        if verb == "abort":
            self.call(task_id, verb, about, tasks.AbortTask,
                      service.AbortTaskRequest(id=task_id, etag=text), self.seen)
        elif verb == "retry":
            about["from_start"] = self.random.random() < 0.3
            self.call(task_id, verb, about, tasks.RetryTask, service.RetryTaskRequest(
                id=task_id, etag=text, from_start=about["from_start"]), self.seen)
        elif verb == "delete":
            reply = self.call(task_id, verb, about, tasks.DeleteTask,
                              service.DeleteTaskRequest(id=task_id, etag=text), lambda _: ("OK",))
            with self.shared.lock:
                # A sync may stay until its source is free, and be deleted a second time.
                if reply == ("OK",) and task_id in self.shared.live and \
                        (self.shared.kind != "INCREMENTAL_SYNC" or self.random.random() < 0.5):
                    self.shared.live.remove(task_id)
        elif verb == "get":
            self.call(task_id, verb, {}, tasks.GetTask, service.GetTaskRequest(id=task_id),
                      self.seen_with_jobs)
        elif verb == "change_tables" and self.shared.kind != "INCREMENTAL_SYNC":
            return
        else:
            task = self.api.task.Task(id=task_id, etag=text)
            if verb == "label":
                about["labels"] = task.labels["v"] = f"{self.random.getrandbits(40)}"
                path = "labels"
            else:
                about["tables"] = self.some_tables()
                task.incremental_sync.table_names.extend(about["tables"])
                path = "incremental_sync.table_names"
            request = service.UpdateTaskRequest(task=task, update_mask={"paths": [path]})
            self.call(task_id, verb, about, tasks.UpdateTask, request, self.seen)

    # --- workers

    def lease(self):
        kind, began = self.shared.kind, time.monotonic()
        reply = self.api.workers.LeaseJob(self.api.worker_service.LeaseJobRequest(
            worker_id=self.name, capabilities=[":".join((kind.lower(), *TYPES[kind]))]),
            timeout=TIMEOUT_S)
        ended = time.monotonic()
        if not reply.HasField("job"):
            with self.shared.lock:
                self.shared.nsteps += 1
                self.shared.verbs["lease", "nothing"] += 1
            return
        job = reply.job
        held = {"id": job.id, "token": job.lease_token, "worker": self.name,
                "role": word(self.api.task.JobRole, job.role)}
        held["table"] = self.table_of(job.role, job.table)
        tables = tuple(getattr(job.task, job.task.WhichOneof("spec")).table_names) \
            if kind != "BULKLOAD" else ("ns:people",)
        self.shared.note(job.task_id, model.Call(
            began, ended, "lease", held, ("OK", job.lease_token, job.attempt, tables)))
        with self.shared.lock:
            self.shared.held.append((job.task_id, held))
            if len(self.shared.held) > HELD_JOBS:  # its lease ends by itself
                self.shared.held.pop(self.random.randrange(len(self.shared.held)))

    def work(self):
        """Something about a job that is or was given to a worker of this process."""
        with self.shared.lock:
            if not self.shared.held:
                return
            task_id, held = self.random.choice(self.shared.held)
        service = self.api.worker_service
        progress = self.api.task.Progress()
        if self.random.random() < 0.3:
            about = {**held, "says": self.random.choice(("", "", "a", "b"))}
            request = service.ReportJobRequest(id=held["id"], lease_token=held["token"],
                                               progress=progress, message=about["says"])
            self.call(task_id, "report", about, self.api.workers.ReportJob, request,
                      lambda reply: ("OK", word(service.Directive, reply.directive)))
            return
        self.finish(task_id, held, self.random.choices(
            ["SUCCEEDED", "SKIPPED", "FAILED", "RETRY", "RELEASED"], [10, 2, 1, 1, 1])[0])
        if self.random.random() < 0.8:  # otherwise it is reported about again
            with self.shared.lock:
                if (task_id, held) in self.shared.held:
                    self.shared.held.remove((task_id, held))

    def finish(self, task_id, held, outcome):
        message = "" if outcome in ("SUCCEEDED", "RELEASED") else f"because {held['token']}"
        about = {**held, "outcome": outcome, "tables": (), "message": message}
        if held["role"] == "PLAN" and outcome == "SKIPPED":
            about["outcome"] = outcome = "SUCCEEDED"
            about["message"] = ""
        if held["role"] == "PLAN" and outcome == "SUCCEEDED":
            about["tables"] = self.some_tables()
        service = self.api.worker_service
        self.call(task_id, "finish", about, self.api.workers.FinishJob, service.FinishJobRequest(
            id=held["id"], lease_token=held["token"], message=about["message"],
            outcome=service.JobOutcome.Value(f"JOB_OUTCOME_{outcome}"),
            table_names=about["tables"]), lambda _: ("OK",))

    # --- both

    def step(self):
        with self.shared.lock:
            live = list(self.shared.live)
        if len(live) < LIVE_TASKS:
            self.create()
            return
        verb = self.random.choices(
            ["lease", "work", "get", "label", "change_tables", "abort", "retry", "delete"],
            [30, 40, 8, 4, 4, 5, 8, 1])[0]
        if verb == "lease":
            self.lease()
        elif verb == "work":
            self.work()
        else:
            self.use(verb, self.random.choice(live))

    def run(self):
        try:
            while self.shared.nsteps < self.nsteps:
                self.step()
        except BaseException as failure:  # the main thread tells
            self.failure = failure


def events_of(api, task_id):
    """All of a task's events as the model has them; None if it is gone."""
    found, token = [], ""
    while True:
        try:
            page = api.tasks.ListTaskEvents(api.task_service.ListTaskEventsRequest(
                id=task_id, page_size=50, page_token=token), timeout=TIMEOUT_S)
        except grpc.RpcError as error:
            assert error.code() == grpc.StatusCode.NOT_FOUND, error
            return None
        for event in page.events:
            state, stage = api.task.TaskState, api.task.TaskStage
            found.append(model.Event(word(state, event.previous_state), word(state, event.state),
                                     word(stage, event.stage), event.message, event.actor))
        token = page.next_page_token
        if not token:
            return found


def check(shared):
    """What the model cannot explain."""
    wrong, nevents = [], 0
    for task_id, first in shared.first.items():
        events = events_of(shared.api, task_id)
        if events is not None:
            born = model.Event("", "PENDING", "WAIT_FOR_START", "", "client")
            if events[:1] != [born]:
                wrong.append(f"{task_id} begins with {events[:1]}")
                continue
            nevents += len(events)
            events = events[1:]
        why = model.explain(first, shared.calls[task_id], events)
        if why:
            history = "\n  ".join(str(call) for call in sorted(shared.calls[task_id],
                                                             key=lambda call: call.began))
            wrong.append(f"{task_id}: no order of its calls explains\n  {why}\n"
                         f"all calls:\n  {history}")
    return wrong, nevents


def main(address, seed, nsteps, kind):
    shared = Shared(address, kind)
    actors = [Actor(shared, f"{kind.lower()}-{i}", f"{seed}-{kind}-{i}", nsteps)
              for i in range(THREADS)]
    for actor in actors:
        actor.start()
    for actor in actors:
        actor.join()
    failures = [repr(actor.failure) for actor in actors if actor.failure]
    wrong, nevents = ([], 0) if failures else check(shared)
    for text in failures + wrong[:3]:
        print(text)
    print(json.dumps({
        "steps": shared.nsteps, "tasks": len(shared.first), "events": nevents,
        "wrong": len(failures) + len(wrong),
        "verbs": {" ".join(key): n for key, n in sorted(shared.verbs.items())}}))


if __name__ == "__main__":
    sys.path.insert(0, sys.argv[1])
    main(sys.argv[2], sys.argv[3], int(sys.argv[4]), sys.argv[5])
