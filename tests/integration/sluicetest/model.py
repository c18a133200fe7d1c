"""
What tasks may do, restated, and a check of what many clients saw against it.

run_clients does random calls by several clients in a process of its own and gives a record of each;
check_history has all records of all processes, and what is in the database in the end. Records know
when a call began and ended, by a clock that all processes share, so what one client was told binds
what others may be told later.
"""
import collections
import random
import threading
import time

import grpc

STATES = ("", "PENDING", "RUNNING", "SUCCEEDED", "FAILED", "KILLED")

# Who may lead a task from one state to another. Who leaves it in one changes marks or its stage.
LEGAL = {("", "PENDING"): "client", ("FAILED", "PENDING"): "client", ("KILLED", "PENDING"): "client",
         ("PENDING", "RUNNING"): "worker", ("RUNNING", "SUCCEEDED"): "worker",
         ("RUNNING", "FAILED"): "worker", ("PENDING", "KILLED"): "client",
         ("RUNNING", "KILLED"): "client"}
CHANGES = ("create", "abort", "retry", "update", "tables")
CONTINUE = 1
OUTCOMES = {"SUCCEEDED": 12, "SKIPPED": 1, "FAILED": 3, "RETRY": 3, "RELEASED": 1}  # how likely
MAX_NEW = 4  # tasks of a list that are kept in mind
ENDED_JOBS = {"SUCCEEDED", "SKIPPED", "FAILED", "KILLED"}
REFUSALS = {"abort": {"SUCCEEDED", "FAILED"}, "retry": {"PENDING", "RUNNING", "SUCCEEDED"}}

Record = collections.namedtuple("Record", "client start end op task sent code etag state extra")
Event = collections.namedtuple("Event", "actor state stage")


def versions_of(events):
    """The events that made a new etag, by its number; others tell of a job that is tried again."""
    versions, last = [None], Event("", "", "")
    for event in events:
        if event.actor == "client" or event[1:] != last[1:]:
            versions.append(event)
            last = event
    return versions


class TaskCheck:
    """One task: its records by their ends, its events, row and jobs (none if it was deleted)."""

    def __init__(self, task_id, records, events, task, jobs):
        self.id, self.records, self.task, self.jobs = task_id, records, task, jobs
        self.versions = versions_of(events)
        self.events = events
        self.wrong = []
        self.deletes = [r for r in records if r.op == "delete" and r.code == "OK"]
        self.changes = [r for r in records if r.code == "OK" and r.op in CHANGES]

    def say(self, text, *records):
        self.wrong.append("\n    ".join([f"{self.id}: {text}", *map(str, records)]))

    def check(self):
        self.check_order()
        if self.task:
            self.check_path()
            self.check_changes()
            self.check_end()
        elif not self.deletes:
            self.say("is gone, and nobody was told that it was deleted")
        return self.wrong

    def check_path(self):
        before = Event("", "", "")
        for event in self.events:
            who = "client" if event.actor == "client" else "worker"
            if event.state != before.state and LEGAL.get((before.state, event.state)) != who:
                self.say(f"a {who} led it from {before} to {event}")
            if (event.state == "SUCCEEDED") != (event.stage == "FINISHED"):
                self.say(f"{event} has another stage")
            before = event

    def check_changes(self):
        """Each change of which a client was told is in the history, once, and the other way round."""
        by_etag = collections.defaultdict(list)
        for r in self.changes:
            by_etag[r.etag].append(r)
            if r.etag >= len(self.versions) or self.versions[r.etag].state != r.state:
                self.say("is acknowledged and not in the history", r)
        for etag, event in enumerate(self.versions[1:], 1):
            if event.actor != "client":
                continue
            before = self.versions[etag - 1].state if etag > 1 else ""
            op = ("create" if not before else "update" if before == event.state
                  else "abort" if event.state == "KILLED" else "retry")
            ops = [r.op for r in by_etag[etag]]
            if op not in ops and not (op == "update" and "tables" in ops):
                self.say(f"nobody was told of {op} to etag {etag}", *by_etag[etag])
            # An abort of what is killed, and tables that are there, change nothing.
            if sum(told not in ("abort", "tables") for told in ops) > 1:
                self.say(f"etag {etag} is that of two changes", *by_etag[etag])

    def check_end(self):
        state, etag, name = self.task
        if etag != len(self.versions) - 1 or state != self.versions[-1].state:
            self.say(f"is {state} with etag {etag}; its history ends with {self.versions[-1]}, "
                     f"{len(self.versions) - 1}")
        named = max((r for r in self.changes if r.op == "update"), key=lambda r: r.etag, default=None)
        if named and named.sent[1] != name:
            self.say(f"is called {name}", named)
        is_open = any(job not in ENDED_JOBS for job in self.jobs)
        is_well = all(job in ("SUCCEEDED", "SKIPPED") for job in self.jobs)
        if is_open != (state in ("PENDING", "RUNNING")) or is_well != (state == "SUCCEEDED"):
            self.say(f"is {state}, and its jobs {self.jobs}")
        by_workers = [(event, before) for event, before in zip(self.events[1:], self.events)
                      if event.actor != "client"]
        self.check_outcome("FAILED", [e.actor for e, _ in by_workers if e.state == "FAILED"])
        self.check_outcome("RETRY", [e.actor for e, before in by_workers if e[1:] == before[1:]])

    def check_outcome(self, outcome, actors):
        """As often as workers were told that a job ended so there is an event of theirs."""
        told = [r.client for r in self.records
                if r.op == "finish" and r.code == "OK" and r.extra[2] == outcome]
        if sorted(told) != sorted(actors):
            self.say(f"{told} were told of {outcome}, in the history are {actors}")

    def check_order(self):
        """What was told binds what is told later."""
        known, pending = 0, collections.deque(self.records)
        first_delete = min((r.start for r in self.records if r.op == "delete"), default=1e99)
        for r in sorted(self.records, key=lambda r: r.start):
            while pending and pending[0].end <= r.start:
                known = max(known, pending.popleft().etag)
            if r.code == "OK" and any(d.end <= r.start for d in self.deletes):
                self.say("was deleted before", r)
            if r.code == "NOT_FOUND" and first_delete >= r.end:
                self.say("was not deleted", r)
            if r.etag and r.etag < known + (r.op in ("retry", "update")):
                self.say(f"etag {known} was told before", r)
            if r.etag and r.op in ("retry", "update") and r.sent[0] not in (0, r.etag - 1):
                self.say("is done under an old etag", r)
            if r.code == "FAILED_PRECONDITION" and self.task and r.op in REFUSALS:
                later = {event.state for event in self.versions[max(known, 1):]}
                if not later & REFUSALS[r.op]:
                    self.say("is refused, and was in no such state", r)


def check_fencing(records):
    """No job has two leases under one token, and nothing is taken under an old one."""
    leases, wrong = collections.defaultdict(list), []
    stops = collections.defaultdict(list)
    for r in records:
        if r.op == "lease" and r.extra:
            leases[r.extra[0]].append(r)
        if r.op in ("abort", "retry", "delete") and r.code == "OK":
            stops[r.task].append(r)
    for job, given in leases.items():
        tokens = {r.extra[1]: r for r in given}
        if len(tokens) != len(given):
            wrong.append(f"{job}: one token twice: {given}")
        wrong += [f"{job}: {b} after {a}" for a in given for b in given
                  if a.end <= b.start and b.extra[1] <= a.extra[1]]
    for r in records:
        if r.op not in ("report", "finish") or r.code != "OK":
            continue
        mine = next(lease for lease in leases[r.extra[0]] if lease.extra[1] == r.extra[1])
        newer = [lease for lease in leases[r.extra[0]]
                 if lease.extra[1] > r.extra[1] and lease.end <= r.start]
        stopped = [s for s in stops[r.task] if mine.end <= s.start and s.end <= r.start]
        if newer or stopped:
            wrong.append(f"{r} is taken after {newer or stopped}")
    return wrong


def check_history(records, tasks):
    """What is wrong, as texts. tasks: events, row and jobs of those that there are, by id."""
    by_task = collections.defaultdict(list)
    for r in sorted(records, key=lambda r: r.end):
        by_task[r.task].append(r)
    wrong = check_fencing(records)
    for task_id in filter(None, by_task):
        wrong += TaskCheck(task_id, by_task[task_id], *tasks.get(task_id, ([], None, []))).check()
    return wrong


class ModelClient:
    """One client: the same seed asks for the same things as long as it gets the same answers."""

    WEIGHTS = {"create": 6, "get": 10, "list": 5, "abort": 8, "retry": 12, "update": 12, "delete": 1,
               "lease": 22, "report": 16, "finish": 22, "late": 6}

    def __init__(self, name, api, seed, templates, capabilities):
        self.name, self.api, self.capabilities = name, api, capabilities
        self.random = random.Random(seed)
        self.templates = templates
        self.known = collections.deque(maxlen=24)  # ids of tasks, and the etags they had
        self.held, self.lost = [], collections.deque(maxlen=16)  # leases: (task, job, token)
        self.records = []
        self.ncalls = 0

    def call(self, op, method, request, task="", sent=(0, ""), extra=()):
        """Gives the reply, or None; and whether it is what the call is for."""
        start = time.monotonic()
        try:
            reply, code = method(request, timeout=60), "OK"
        except grpc.RpcError as error:
            reply, code = None, error.code().name
            if code not in ("FAILED_PRECONDITION", "ABORTED", "NOT_FOUND"):
                raise
        end = time.monotonic()
        self.ncalls += 1
        if op == "lease":
            task = reply.job.task_id
            extra = (reply.job.id, reply.job.lease_token) if task else ()
        if op == "report" and reply and reply.directive != CONTINUE:
            code = "STOP"
        tasks = reply.tasks if op == "list" else [reply] if getattr(reply, "etag", "") else []
        for t in tasks:
            self.record(start, end, op, t.id, sent, code, int(t.etag), STATES[t.state], extra)
        self.known.extend((t.id, int(t.etag)) for t in
                          self.random.sample(list(tasks), min(MAX_NEW, len(tasks))))
        if not tasks:
            self.record(start, end, op, task, sent, code, 0, "", extra)
        return reply, code == "OK"

    def record(self, *what):
        self.records.append(Record(self.name, *what))

    def step(self):
        op = self.random.choices(list(self.WEIGHTS), list(self.WEIGHTS.values()))[0]
        if op in ("abort", "retry", "update", "delete", "get") and not self.known:
            op = "create"
        if op in ("report", "finish") and not self.held:
            op = "lease"
        if op != "late" or self.lost:
            getattr(self, op)()

    def choose(self):
        """A task, and now and then the etag that it had when it was last seen."""
        task, etag = self.random.choice(self.known)
        return task, etag if self.random.random() < 0.3 else 0

    def create(self):
        request = self.api.task_service.CreateTaskRequest()
        request.task.CopyFrom(self.random.choice(self.templates))
        self.call("create", self.api.tasks.CreateTask, request)

    def get(self):
        task, _ = self.choose()
        self.call("get", self.api.tasks.GetTask, self.api.task_service.GetTaskRequest(
            id=task, view=self.random.choice((0, 1))), task)

    def list(self):
        """Others' tasks become known."""
        asked = self.random.choice(("", "state = KILLED OR state = FAILED", "-state = SUCCEEDED"))
        self.call("list", self.api.tasks.ListTasks,
                  self.api.task_service.ListTasksRequest(page_size=20, filter=asked))

    def change(self, op, method, request_type, **more):
        task, etag = self.choose()
        self.call(op, method, request_type(id=task, etag=str(etag or ""), **more), task, (etag, ""))

    def abort(self):
        self.change("abort", self.api.tasks.AbortTask, self.api.task_service.AbortTaskRequest)

    def retry(self):
        self.change("retry", self.api.tasks.RetryTask, self.api.task_service.RetryTaskRequest,
                    from_start=self.random.random() < 0.3)

    def delete(self):
        self.change("delete", self.api.tasks.DeleteTask, self.api.task_service.DeleteTaskRequest)

    def update(self):
        task, etag = self.choose()
        request = self.api.task_service.UpdateTaskRequest()
        request.task.id, request.task.etag = task, str(etag or "")
        name = f"{self.name}-{self.ncalls}"
        has_tables = task.startswith("wal-") and self.random.random() < 0.5
        op = "tables" if has_tables else "update"
        if op == "tables":
            request.task.incremental_sync.table_names.extend(
                self.random.sample(("t1", "t2", "t3"), self.random.randint(1, 3)))
            request.update_mask.paths.append("incremental_sync.table_names")
        else:
            request.task.display_name = name
            request.update_mask.paths.append("display_name")
        self.call(op, self.api.tasks.UpdateTask, request, task, (etag, name))

    def lease(self):
        reply, _ = self.call("lease", self.api.workers.LeaseJob,
                             self.api.worker_service.LeaseJobRequest(
                                 worker_id=self.name, capabilities=self.capabilities))
        if reply.job.id:
            self.held.append((reply.job.task_id, reply.job.id, reply.job.lease_token))

    def report_under(self, lease):
        task, job, token = lease
        request = self.api.worker_service.ReportJobRequest(id=job, lease_token=token)
        request.progress.rows_written = self.random.randrange(100)
        return self.call("report", self.api.workers.ReportJob, request, task,
                         extra=(job, token, ""))[1]

    def finish_under(self, lease):
        task, job, token = lease
        outcome = self.random.choices(range(len(OUTCOMES)), OUTCOMES.values())[0]
        request = self.api.worker_service.FinishJobRequest(
            id=job, lease_token=token, outcome=outcome + 1, message="a reason")
        self.call("finish", self.api.workers.FinishJob, request, task,
                  extra=(job, token, list(OUTCOMES)[outcome]))

    def report(self):
        lease = self.random.choice(self.held)
        if not self.report_under(lease):
            self.held.remove(lease)

    def finish(self):
        """Ends a job, or forgets that it has it, as one that sleeps."""
        lease = self.held.pop(self.random.randrange(len(self.held)))
        self.lost.append(lease)
        if self.random.random() < 0.9:
            self.finish_under(lease)

    def late(self):
        self.report_under(self.random.choice(self.lost))


def run_clients(protos, address, names, seed, nsteps, capabilities, templates):
    """For a process of its own: a thread a client. Gives all records."""
    import sys
    sys.path.insert(0, str(protos))
    from .grpc_client import Api
    api = Api(address)
    made = [api.task.Task.FromString(template) for template in templates]
    clients = [ModelClient(name, api, f"{seed} {name}", made, capabilities) for name in names]
    failures = []

    def run(client):
        try:
            while client.ncalls < nsteps and not failures:
                client.step()
        except Exception as error:  # tells the parent, which prints it
            failures.append(f"{client.name}: {error!r}")
    threads = [threading.Thread(target=run, args=(client,)) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    api.close()
    return ([tuple(r) for client in clients for r in client.records],
            sum(client.ncalls for client in clients), failures)
