"""
What a task is and what each call does to it, said a second time and independently of the server;
and whether the replies and events of calls that overlapped can have come from it.

A task of the model never changes: each step returns a new one, so that the search can go back.
"""
import dataclasses
import typing

LEASE_S = 1.0  # what the gateway is started with
BACKOFF_S = 1.0  # the first one after a RETRY

# Roles in the order of their steps.
ORDER = {role: i for i, role in enumerate(["PLAN", "SCHEMA", "PEER", "FULL", "BULKLOAD", "CHECK",
                                           "INCR", "RELEASE"])}
STAGES = {"PLAN": "WAIT_FOR_SCHEMA", "SCHEMA": "WAIT_FOR_SCHEMA", "PEER": "WAIT_FOR_SCHEMA",
          "CHECK": "WAIT_FOR_CHECK"}
OPEN = ("WAITING", "READY", "RUNNING")
DONE = ("SUCCEEDED", "SKIPPED")


class Job(typing.NamedTuple):
    role: str
    table: str
    id: str  # "" until a worker was told
    state: str = "WAITING"
    token: int = 0  # the least that it may be
    attempt: int = 0
    free_at: float = 0.0  # not leased again before
    message: str = ""


class Task(typing.NamedTuple):
    kind: str
    tables: tuple
    options: tuple  # of "create_table", "bulkload", "verify", "full"
    state: str
    stage: str
    version: int
    message: str
    labels: str
    jobs: tuple
    nevents: int = 0
    has_peer: bool = False  # the source may have one
    is_leaving: bool = False  # it was deleted, and goes when the peer is gone


class Event(typing.NamedTuple):
    previous: str
    state: str
    stage: str
    message: str
    actor: str


@dataclasses.dataclass
class Call:
    """One call of a client: when, what, and what came of it."""
    began: float
    ended: float
    verb: str
    about: dict
    reply: tuple

    def __str__(self):
        return f"{self.began:.4f}-{self.ended:.4f} {self.verb} {self.about} -> {self.reply}"


def plan(kind, tables, options):
    """The jobs of a task, in order; the first step's are READY."""
    if any("*" in table for table in tables):
        return (Job("PLAN", "", "", "READY"),)
    roles = {"BULKLOAD": ["SCHEMA", "FULL"],
             "FULL_MIGRATION": ["SCHEMA", "FULL"] + ["BULKLOAD"] * ("bulkload" in options)
                               + ["CHECK"] * ("verify" in options),
             "INCREMENTAL_SYNC": ["SCHEMA"] * ("create_table" in options)
                                 + ["FULL"] * ("full" in options)}[kind]
    jobs = [Job(role, table, "") for role in roles for table in tables]
    if kind == "INCREMENTAL_SYNC":
        jobs += [Job("PEER", "", "")] * ("full" in options) + [Job("INCR", "", "")]
    return ready(tuple(jobs))


def ready(jobs):
    """Makes READY what waits in the first step that is not done."""
    left = [ORDER[job.role] for job in jobs if job.state not in DONE]
    return tuple(job._replace(state="READY", free_at=0.0)
                 if left and job.state == "WAITING" and ORDER[job.role] == min(left) else job
                 for job in jobs)


def create(kind, tables, options):
    return Task(kind, tables, options, "PENDING", "WAIT_FOR_START", 1, "", "",
                plan(kind, tables, options))


# Each step returns the task that it leaves (None: there is none), the reply, and the events.


def move(task, state, stage, message, actor):
    event = Event(task.state, state, stage, message, actor)
    task = task._replace(state=state, stage=stage, message=message, version=task.version + 1)
    return task, [event]


def seen(task):
    """What a client sees of a task, but for its jobs."""
    return ("OK", task.state, task.stage, task.version, task.message, task.labels)


def guarded(task, call):
    """The refusal that comes before all others, or None."""
    if task is None:
        return ("NOT_FOUND",)
    if call.about.get("etag") not in (None, task.version):
        return ("ABORTED",)
    return None


def end_open_jobs(jobs, failed=None):
    return tuple(job._replace(state="FAILED" if job is failed else "KILLED", message="")
                 if job.state in OPEN else job for job in jobs)


def release(task):
    """A task that has ended lets go of its source, if there may be a peer of it."""
    if not task.has_peer:
        return task
    jobs = [job for job in task.jobs if job.role != "RELEASE"]
    old = next((job for job in task.jobs if job.role == "RELEASE"), Job("RELEASE", "", "", token=-1))
    return task._replace(jobs=(*jobs, old._replace(state="READY", token=old.token + 1, free_at=0.0,
                                                   message="")))


def trouble(jobs):
    """What the first of the jobs that are at work says."""
    said = [(ORDER[job.role], job.id, job.message) for job in jobs
            if job.message and job.state in ("READY", "RUNNING")]
    return min(said)[2] if said else ""


def say(task, message, actor):
    """Another message of a task is an event, and no new version of it."""
    if message == task.message:
        return task, []
    return (task._replace(message=message),
            [Event(task.state, task.state, task.stage, message, actor)])


def speaks(task, job):
    return task.state == ("KILLED" if job.role == "RELEASE" else "RUNNING")


def abort(task, call):
    if refusal := guarded(task, call):
        return task, refusal, []
    if task.state == "KILLED":
        return task, seen(task), []
    if task.state not in ("PENDING", "RUNNING"):
        return task, ("FAILED_PRECONDITION",), []
    task, events = move(task._replace(jobs=end_open_jobs(task.jobs)), "KILLED", task.stage, "",
                        "client")
    return release(task), seen(task), events


def retry(task, call):
    if refusal := guarded(task, call):
        return task, refusal, []
    if task.state not in ("FAILED", "KILLED") or task.is_leaving:
        return task, ("FAILED_PRECONDITION",), []
    again = call.about["from_start"]
    jobs = tuple(job for job in task.jobs if job.role != "RELEASE")
    if again and any(job.role == "PLAN" for job in jobs):
        jobs = tuple(job for job in jobs if job.role == "PLAN")
    jobs = tuple(job._replace(state="WAITING", token=job.token + 1,
                              attempt=0 if again else job.attempt, message="")
                 if again or job.state in ("FAILED", "KILLED") else job for job in jobs)
    task, events = move(task._replace(jobs=ready(jobs)), "PENDING", "WAIT_FOR_START", "", "client")
    return task, seen(task), events


def delete(task, call):
    if refusal := guarded(task, call):
        return task, refusal, []
    if not task.has_peer or task.is_leaving:
        return None, ("OK",), []
    task, events = move(task._replace(jobs=end_open_jobs(task.jobs), is_leaving=True), "KILLED",
                        task.stage, "", "client")
    return release(task), ("OK",), events


def label(task, call):
    if refusal := guarded(task, call):
        return task, refusal, []
    if task.is_leaving:
        return task, ("FAILED_PRECONDITION",), []
    task, events = move(task._replace(labels=call.about["labels"]), task.state, task.stage,
                        task.message, "client")
    return task, seen(task), events


def change_tables(task, call):
    """The whole new list of a sync; its jobs for all tables are given out anew."""
    if refusal := guarded(task, call):
        return task, refusal, []
    if task.state == "SUCCEEDED" or task.is_leaving:
        return task, ("FAILED_PRECONDITION",), []
    tables = call.about["tables"]
    if tables == task.tables:
        return task, seen(task), []
    is_open = task.state in ("PENDING", "RUNNING")
    had = {(job.role, job.table): job for job in task.jobs}
    jobs = []
    for new in plan(task.kind, tables, task.options):
        job = had.get((new.role, new.table), new._replace(state="WAITING" if is_open else "KILLED"))
        if job.role == "PEER" and job.state in DONE:
            job = job._replace(state="WAITING" if is_open else "KILLED", message="")
        if job.role in ("PEER", "INCR") and job.state in OPEN:
            job = job._replace(state="WAITING", token=job.token + 1)
        jobs.append(job)
    jobs = tuple(jobs + [job for job in task.jobs if job.role == "RELEASE"])
    task, events = move(task._replace(tables=tables, jobs=ready(jobs) if is_open else jobs),
                        task.state, task.stage, task.message, "client")
    return task, seen(task), events


def get(task, call):
    if task is None:
        return task, ("NOT_FOUND",), []
    jobs = tuple(sorted((job.role, job.table, job.state, job.attempt) for job in task.jobs))
    return task, seen(task) + (jobs,), []


def lease(task, call):
    """A reply that names a job of this task: may it have been given out, in this way?"""
    told = call.about
    is_release = told["role"] == "RELEASE"
    if task is None or not is_release and task.state not in ("PENDING", "RUNNING"):
        return task, None, []
    for i, job in enumerate(task.jobs):
        if (job.role, job.table) == (told["role"], told["table"]) and job.id in ("", told["id"]):
            break
    else:
        return task, None, []
    if job.state not in ("READY", "RUNNING") or call.ended < job.free_at:
        return task, None, []
    job = job._replace(id=told["id"], state="RUNNING", token=max(job.token + 1, told["token"]),
                       attempt=job.attempt + 1, free_at=call.began + LEASE_S)
    task = task._replace(jobs=task.jobs[:i] + (job,) + task.jobs[i + 1:])
    reply = ("OK", job.token, job.attempt, task.tables)
    stage = STAGES.get(job.role, "WAIT_FOR_SUCCESS")
    task = task._replace(has_peer=task.has_peer or job.role in ("PEER", "INCR"))
    if is_release or (task.state, task.stage) == ("RUNNING", stage):
        return task, reply, []
    task, events = move(task, "RUNNING", stage, task.message, told["worker"])
    return task, reply, events


def find(task, call):
    """The job that a worker speaks of, and in what way it still has it."""
    for i, job in enumerate(task.jobs if task else ()):
        if job.id == call.about["id"]:
            if job.token != call.about["token"]:
                return i, job, "LOST"
            return i, job, "STOP" if job.state == "KILLED" else job.state
    return -1, None, "STOP"


def report(task, call):
    i, job, standing = find(task, call)
    if standing == "STOP":
        return task, ("OK", "STOP"), []
    if standing != "RUNNING":
        return task, ("ABORTED",), []
    message = call.about["says"]
    is_new = message != job.message
    job = job._replace(free_at=max(job.free_at, call.began + LEASE_S), message=message)
    task, events = task._replace(jobs=task.jobs[:i] + (job,) + task.jobs[i + 1:]), []
    if is_new and speaks(task, job):
        task, events = say(task, message or trouble(task.jobs), call.about["worker"])
    return task, ("OK", "CONTINUE"), events


def finish(task, call):
    i, job, standing = find(task, call)
    if standing == "STOP" and job and call.about["outcome"] == "RELEASED":
        return task, ("OK",), []  # the worker has stopped
    if standing in ("STOP", "LOST"):
        return task, ("ABORTED",), []
    if standing != "RUNNING":
        return task, ("OK",), []  # a repeat
    outcome, message, worker = call.about["outcome"], call.about["message"], call.about["worker"]

    def put(**change):
        return task._replace(jobs=task.jobs[:i] + (job._replace(**change),) + task.jobs[i + 1:])

    if outcome == "RELEASED":
        return put(state="READY", attempt=job.attempt - 1, free_at=0.0), ("OK",), []
    if job.role == "RELEASE":
        return finish_release(task, job, put, call)
    if outcome == "FAILED":
        task, events = move(task._replace(jobs=end_open_jobs(task.jobs, job)), "FAILED", task.stage,
                            message, worker)
        return release(task), ("OK",), events
    if outcome == "RETRY":
        task = put(state="READY", free_at=call.began + BACKOFF_S,
                   message=message)._replace(message=message)
        return task, ("OK",), [Event(task.state, task.state, task.stage, message, worker)]
    task = put(state=outcome, message=message)
    task = task._replace(message=task.message and trouble(task.jobs))
    if job.role == "PLAN":
        planned = [new._replace(state="WAITING")
                   for new in plan(task.kind, call.about["tables"], task.options)]
        task = task._replace(jobs=task.jobs + tuple(planned))
    task = task._replace(jobs=ready(task.jobs))
    if any(job.state not in DONE for job in task.jobs):
        return task, ("OK",), []
    task, events = move(task, "SUCCEEDED", "FINISHED", "", worker)
    return task, ("OK",), events


def finish_release(task, job, put, call):
    """It is tried again as long as it takes; when it is done, a task that was deleted goes."""
    outcome, message, worker = call.about["outcome"], call.about["message"], call.about["worker"]
    if outcome in DONE and task.is_leaving:
        return None, ("OK",), []
    is_heard = speaks(task, job)
    if outcome == "RETRY":
        task = put(state="READY", free_at=call.began + BACKOFF_S, message=message)
    else:
        task = put(state=outcome, message=message)
    if not is_heard:
        return task, ("OK",), []
    task, events = say(task, "" if outcome in DONE else message, worker)
    return task, ("OK",), events


STEPS = {"abort": abort, "retry": retry, "delete": delete, "label": label,
         "change_tables": change_tables, "get": get, "lease": lease, "report": report,
         "finish": finish}


def explain(task, calls, events):
    """
    Whether there is an order of the calls, in which each takes effect between its begin and its
    end, that gives all their replies and exactly these events; events is None if nobody could read
    them. Returns "", or what the longest order that fits could not go on with.
    """
    calls = sorted(calls, key=lambda call: call.began)
    dead_ends = set()
    best = (-1, "")

    def candidates(done):
        """Calls that may be next: those that began before any other one that is left had ended."""
        left, first_end = [], float("inf")
        for number, call in enumerate(calls):
            if call.began > first_end:
                break
            if not done >> number & 1:
                left.append(number)
                first_end = min(first_end, call.ended)
        return iter([number for number in left if calls[number].began <= first_end])

    everything = (1 << len(calls)) - 1
    path = [(task, 0, candidates(0))]  # (task, bits of the calls done, the calls to try next)
    while path:
        task, done, numbers = path[-1]
        if done == everything:
            if events is None or task is None or task.nevents == len(events):
                return ""
            best = max(best, (len(calls), f"events that no call explains: {events[task.nevents:]}"))
        for number in numbers:
            call = calls[number]
            after, reply, made = STEPS[call.verb](task, call)
            if reply != call.reply:
                if len(path) > best[0]:
                    best = (len(path), f"{call}\n    the model says {reply}\n    of {task}")
                continue
            if after is not None and made:
                n = after.nevents
                if events is not None and tuple(events[n:n + len(made)]) != tuple(made):
                    if len(path) > best[0]:
                        best = (len(path), f"{call}\n    the model has the event {made[0]}\n"
                                           f"    the server {events[n:n + 1]}")
                    continue
                after = after._replace(nevents=n + len(made))
            state = (after, done | 1 << number)
            if state not in dead_ends:
                dead_ends.add(state)
                path.append((*state, candidates(state[1])))
                break
        else:
            path.pop()
    return best[1]
