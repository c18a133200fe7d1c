"""Clients, workers and watchers on threads of their own; what they did and were told becomes a History."""
import http.client
import json
import random
import threading
import time
import uuid

import grpc

from .history import Call, Create, Event, History, Lease, Seen, Work

TIMEOUT_S = 3
# What a call may end with when nobody can say whether it took place.
UNKNOWN = {"UNAVAILABLE", "UNKNOWN", "DEADLINE_EXCEEDED", "RESOURCE_EXHAUSTED", "CANCELLED"}
REFUSALS = {"ABORTED", "NOT_FOUND", "FAILED_PRECONDITION"}
LIVE_TASKS = 8


def word(enum, number):
    """RUNNING for TASK_STATE_RUNNING; "" for the value 0."""
    name = enum.Name(number)
    prefix = "".join("_" + c if c.isupper() else c for c in enum.DESCRIPTOR.name).upper()[1:] + "_"
    return name.removeprefix(prefix) if number else ""


class Recorder:
    """What all threads share. apis are clients of different gateways."""

    def __init__(self, apis, rest):
        self.apis = apis
        self.rest = rest
        self.history = History()
        self.lock = threading.Lock()
        self.live = []
        self.codes = {}
        self.is_ending = threading.Event()  # nothing new is begun
        self.is_over = threading.Event()

    def note(self, items, item):
        with self.lock:
            items.append(item)

    def count(self, what):
        with self.lock:
            self.codes[what] = self.codes.get(what, 0) + 1

    def seen(self, task):
        types = self.apis[0].task
        return Seen(word(types.TaskState, task.state), word(types.TaskStage, task.stage),
                    int(task.etag), task.labels.get("v", ""))

    # --- one call

    def ask(self, function, request):
        """(reply, code): reply is None unless code is OK."""
        try:
            reply, code = function(request, timeout=TIMEOUT_S), "OK"
        except grpc.RpcError as error:
            reply, code = None, error.code().name
            if code not in UNKNOWN | REFUSALS:
                raise
        self.count(code)
        return reply, code

    def call(self, verb, task, about, function, request, read):
        """A call about a task, once. Gives what it was told, None if that is not known."""
        began = time.monotonic()
        reply, code = self.ask(function, request)
        told = read(reply) if code == "OK" else None if code in UNKNOWN else code
        self.note(self.history.calls, Call(began, time.monotonic(), verb, task, about, told))
        return told

    def create(self, api, task, wait):
        """One request, repeated until it is answered; wait is called between two tries."""
        create = Create(str(uuid.uuid4()), [])
        self.note(self.history.creates, create)
        request = api.task_service.CreateTaskRequest(task=task, request_id=create.request_id)
        while not create.ids:
            reply, code = self.ask(api.tasks.CreateTask, request)
            assert code == "OK" or code in UNKNOWN, code
            if reply:
                create.ids.append(reply.id)
            elif not wait():
                return None
        return create

    def use(self, api, dice, verb, task):
        """A verb, with what it asks for chosen by dice."""
        tasks, service, about = api.tasks, api.task_service, {}
        if verb == "abort":
            method, request = tasks.AbortTask, service.AbortTaskRequest(id=task)
        elif verb == "retry":
            about["from_start"] = dice.random() < 0.3
            method, request = tasks.RetryTask, service.RetryTaskRequest(
                id=task, from_start=about["from_start"])
        elif verb == "get":
            method, request = tasks.GetTask, service.GetTaskRequest(id=task)
        elif verb == "delete":
            return self.call(verb, task, about, tasks.DeleteTask,
                             service.DeleteTaskRequest(id=task), lambda _: "OK")
        else:
            about["label"] = f"{dice.getrandbits(40):x}"
            method, request = tasks.UpdateTask, service.UpdateTaskRequest(
                task=api.task.Task(id=task, labels={"v": about["label"]}),
                update_mask={"paths": ["labels"]})
        return self.call(verb, task, about, method, request, self.seen)

    # --- the end

    def read_end(self, api, database):
        """What there is, when nothing happens any more."""
        history, types = self.history, api.task
        for task, request in database.rows("SELECT id, request_id FROM task"):
            history.tasks[task] = self.seen(api.tasks.GetTask(api.task_service.GetTaskRequest(id=task)))
            history.requests.setdefault(request, []).append(task)
            history.events[task] = events = []
            token = ""
            while not events or token:
                page = api.tasks.ListTaskEvents(api.task_service.ListTaskEventsRequest(
                    id=task, page_size=500, page_token=token))
                events += [Event(e.sequence, word(types.TaskState, e.previous_state),
                                 word(types.TaskState, e.state), word(types.TaskStage, e.stage),
                                 e.message, e.actor) for e in page.events]
                token = page.next_page_token
                if not page.events:
                    break


class Actor(threading.Thread):
    """A thread whose choices come from a seed; the storm tells what it failed of."""

    def __init__(self, recorder, name, seed):
        super().__init__(name=name, daemon=True)
        self.recorder = recorder
        self.dice = random.Random(f"{seed}-{name}")
        self.failure = None

    @property
    def api(self):
        return self.dice.choice(self.recorder.apis)

    def rest_a_little(self):
        """Whether to go on afterwards."""
        self.recorder.is_over.wait(self.dice.uniform(0, 0.05))
        return not self.recorder.is_ending.is_set()

    def run(self):
        try:
            self.work()
        except BaseException as failure:  # the main thread tells
            self.failure = failure


class Client(Actor):
    """Creates tasks that the workers of this file do, and uses the verbs on them."""

    VERBS = {"get": 10, "label": 6, "abort": 4, "retry": 8, "delete": 1}

    def work(self):
        while self.rest_a_little():
            with self.recorder.lock:
                live = list(self.recorder.live)
            if len(live) < LIVE_TASKS:
                self.create()
                continue
            verb = self.dice.choices(list(self.VERBS), list(self.VERBS.values()))[0]
            task = self.dice.choice(live)
            told = self.recorder.use(self.api, self.dice, verb, task)
            if verb == "delete" or told == "NOT_FOUND" or self.dice.random() < 0.01:
                with self.recorder.lock:
                    if task in self.recorder.live:
                        self.recorder.live.remove(task)

    def create(self):
        if self.dice.random() < 0.2:
            created = self.create_by_rest()
        else:
            api = self.api
            task = api.task.Task(source="from", destination="to")
            task.full_migration.table_names.append("ns:people")
            created = self.recorder.create(api, task, self.rest_a_little)
            if created and self.dice.random() < 0.2:  # a client that did not see the answer
                reply, _ = self.recorder.ask(api.tasks.CreateTask, api.task_service.CreateTaskRequest(
                    task=task, request_id=created.request_id))
                if reply:
                    created.ids.append(reply.id)
        if created and created.ids:
            with self.recorder.lock:
                self.recorder.live.append(created.ids[0])

    def create_by_rest(self):
        create = Create(str(uuid.uuid4()), [])
        self.recorder.note(self.recorder.history.creates, create)
        body = json.dumps({"source": "from", "destination": "to",
                           "fullMigration": {"tableNames": ["ns:people"]}})
        headers = {"Content-Type": "application/json", "Idempotency-Key": create.request_id}
        while not create.ids:
            try:
                reply = self.recorder.rest.request("POST", "/v1/tasks", body, headers)
                self.recorder.count(f"HTTP {reply.status}")
                if reply.status == 200:
                    create.ids.append(reply.json()["id"])
                    break
                assert reply.status in (429, 499, 500, 502, 503, 504), reply
            except (OSError, http.client.HTTPException) as error:
                self.recorder.count(type(error).__name__)
            if not self.rest_a_little():
                return None
        return create


class Worker(Actor):
    """Leases jobs and works as badly as a worker may: too slow, twice, and after it has lost its lease."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.held = []
        self.chosen = {}  # (job, token): its outcome, which repeats tell again

    def work(self):
        while not self.recorder.is_over.is_set():
            if len(self.held) < 4 or self.dice.random() < 0.4:
                self.lease()
            if self.held:
                self.use(self.dice.choice(self.held))
            if len(self.held) > 6:
                self.held.pop(0)
            self.rest_a_little()

    def lease(self):
        api, began = self.api, time.monotonic()
        wait = {"nanos": 200 * 1000 * 1000}
        reply, code = self.recorder.ask(api.workers.LeaseJob, api.worker_service.LeaseJobRequest(
            worker_id=self.name, wait_duration=wait, capabilities=["full_migration:hbase:lindorm"]))
        assert code in UNKNOWN | {"OK"}, code
        if not reply or not reply.HasField("job"):
            return
        job = reply.job
        lease = Lease(began, time.monotonic(), job.task_id, job.id, job.lease_token, job.attempt)
        self.recorder.note(self.recorder.history.leases, lease)
        self.held.append(lease)

    def use(self, lease):
        """A report or an end; in the end phase all that is leased ends."""
        is_ending = self.recorder.is_ending.is_set()
        if not is_ending and self.dice.random() < 0.4:
            self.report(lease)
            return
        outcome = "SUCCEEDED" if is_ending else self.dice.choices(
            ["SUCCEEDED", "FAILED", "RETRY", "RELEASED"], [12, 2, 1, 1])[0]
        self.finish(lease, self.chosen.setdefault((lease.job, lease.token), outcome))
        if lease in self.held and self.dice.random() < 0.7:
            self.held.remove(lease)

    def report(self, lease):
        api = self.api
        service = api.worker_service
        self._tell("report", lease, "", api.workers.ReportJob, service.ReportJobRequest(
            id=lease.job, lease_token=lease.token, progress=api.task.Progress(),
            message=self.dice.choice(["", "", "a", "b"])),
            lambda reply: reply.directive != service.DIRECTIVE_STOP)

    def finish(self, lease, outcome):
        api = self.api
        service = api.worker_service
        self._tell("finish", lease, outcome, api.workers.FinishJob, service.FinishJobRequest(
            id=lease.job, lease_token=lease.token,
            message="" if outcome == "SUCCEEDED" else f"because {lease.token}",
            outcome=service.JobOutcome.Value(f"JOB_OUTCOME_{outcome}")), lambda _: True)

    def _tell(self, verb, lease, outcome, function, request, is_taken):
        began = time.monotonic()
        reply, code = self.recorder.ask(function, request)
        taken = is_taken(reply) if code == "OK" else None if code in UNKNOWN else False
        self.recorder.note(self.recorder.history.works, Work(
            began, time.monotonic(), verb, lease.task, lease.job, lease.token, outcome, taken))


class Watcher(Actor):
    """Watches all tasks at one gateway or another, and goes on from the last cursor."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.cursor = ""
        self.is_synced = threading.Event()
        self.told = []
        self.call = None
        self.recorder.history.watches.append(self.told)

    def work(self):
        while not self.recorder.is_over.is_set():
            api = self.api
            self.call = api.tasks.WatchTasks(api.task_service.WatchTasksRequest(cursor=self.cursor))
            try:
                for change in self.call:
                    self.take(api, change)
            except grpc.RpcError as error:
                self.recorder.count(f"watch {error.code().name}")
                if error.code().name not in UNKNOWN:
                    raise
            self.recorder.is_over.wait(0.05)

    def take(self, api, change):
        if change.type == api.task.TASK_CHANGE_TYPE_SYNCED:
            self.is_synced.set()
        if change.HasField("event"):
            self.told.append((change.task.id, change.event.sequence))
        self.cursor = change.cursor or self.cursor
