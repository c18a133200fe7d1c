"""
Whether a history can be of a Sluice that keeps its promises; said independently of the server.

Each check yields what is wrong, as (kind, text). CHECKS are all of them.
"""
import collections

# (state before, state after): who does it. Within a state only labels, stages and messages change.
LEGAL = {
    ("", "PENDING"): "client",
    ("PENDING", "RUNNING"): "worker",
    ("PENDING", "KILLED"): "client",
    ("RUNNING", "SUCCEEDED"): "worker",
    ("RUNNING", "FAILED"): "worker",
    ("RUNNING", "KILLED"): "client",
    ("FAILED", "PENDING"): "client",
    ("KILLED", "PENDING"): "client",
}
ENDS_A_JOB = ("SUCCEEDED", "SKIPPED", "FAILED")


def group(items, key):
    found = collections.defaultdict(list)
    for item in items:
        found[key(item)].append(item)
    return found


def versions(events):
    """The events that made a version of the task each, in order; what a worker says makes none."""
    return [e for i, e in enumerate(events)
            if i == 0 or e.actor == "client" or (e.state, e.stage) != (e.previous, events[i - 1].stage)]


def deletes(history):
    """When the first deletion of each task began, whatever came of it."""
    found = {}
    for call in history.calls:
        if call.verb == "delete":
            found[call.task] = min(call.began, found.get(call.task, call.began))
    return found


def check_creates(history):
    """What was acknowledged is there, once."""
    deleted = deletes(history)
    for create in history.creates:
        there = history.requests.get(create.request_id, [])
        if len(set(create.ids)) > 1 or len(there) > 1:
            yield "created twice", f"{create.request_id}: {set(create.ids)}, there are {there}"
        for task in set(create.ids):
            if task not in deleted and (task not in history.tasks or task not in there):
                yield "lost", f"{task}, request {create.request_id}, there are {there}"
    for call in history.calls:
        if call.reply == "NOT_FOUND" and deleted.get(call.task, call.ended) >= call.ended:
            yield "lost", f"nobody had deleted it: {call}"


def check_events(history):
    """A task's events are a path through its states, each once and in order."""
    for task, seen in history.tasks.items():
        events = history.events.get(task, [])
        before, last = "", 0
        for event in events:
            if event.seq <= last:
                yield "event order", f"{task}: {event} after number {last}"
            who = "client" if event.actor == "client" else "worker"
            if event.previous != before:
                yield "event gap", f"{task}: {event} after {before}"
            elif event.previous != event.state and LEGAL.get((before, event.state)) != who:
                yield "illegal transition", f"{task}: {event}"
            before, last = event.state, event.seq
        if not events or events[0].state != "PENDING" or before != seen.state:
            yield "event gap", f"{task} is {seen}, its events are {events}"
        elif len(versions(events)) != seen.version:
            yield "version", f"{task} is {seen} after {len(versions(events))} changes: {events}"


def check_replies(history):
    """A reply shows the task as its history has it at that version."""
    changes = {task: versions(events) for task, events in history.events.items()}
    for call in history.calls:
        if not isinstance(call.reply, tuple) or call.task not in changes:
            continue
        number = call.reply.version
        event = changes[call.task][number - 1] if 0 < number <= len(changes[call.task]) else None
        if not event or (event.state, event.stage) != (call.reply.state, call.reply.stage):
            yield "reply without history", f"{call}: the history has {event}"
        elif {"abort": "KILLED", "retry": "PENDING"}.get(call.verb, event.state) != event.state:
            yield "reply without history", f"{call} does not do what was asked for"
        elif call.verb == "label" and call.reply.label != call.about["label"]:
            yield "reply without history", f"{call} does not do what was asked for"


def check_changes(history):
    """No two calls that change a task make the same version, and a version has one label."""
    for task, calls in group(history.calls, lambda call: call.task).items():
        calls = [call for call in calls if isinstance(call.reply, tuple)]
        made = collections.Counter(c.reply.version for c in calls if c.verb in ("label", "retry"))
        for number, n in made.items():
            if n > 1:
                yield "version made twice", f"{task}: {number}"
        labels = collections.defaultdict(set)
        for call in calls:
            labels[call.reply.version].add(call.reply.label)
        for number, found in labels.items():
            if len(found) > 1:
                yield "reply without history", f"{task}: version {number} has labels {found}"


def check_time(history):
    """Who asks after an answer is there sees it, or what came later."""
    for task, calls in group(history.calls, lambda call: call.task).items():
        calls = [call for call in calls if isinstance(call.reply, tuple)]
        ends = iter(sorted(calls, key=lambda call: call.ended))
        ended, newest = next(ends, None), None
        for call in sorted(calls, key=lambda call: call.began):
            while ended and ended.ended < call.began:
                newest = max(newest or 0, ended.reply.version)
                ended = next(ends, None)
            if newest and call.reply.version < newest:
                yield "time", f"{call} after version {newest} was seen of {task}"
        if task in history.tasks and calls and \
                max(c.reply.version for c in calls) > history.tasks[task].version:
            yield "time", f"{task} is {history.tasks[task]}, which is older than a reply"


def may_be_retried(history, task, since, until, from_start):
    """Whether a retry may have taken place in that time."""
    return any(call.verb == "retry" and call.task == task and call.began < until
               and call.over > since and not isinstance(call.reply, str)
               and (call.about["from_start"] or not from_start)
               for call in history.calls)


def check_leases(history):
    """A token is given once; tokens grow, and attempts do but for a retry from the start."""
    for job, leases in group(history.leases, lambda lease: lease.job).items():
        leases = sorted(leases, key=lambda lease: lease.token)
        for one, next_one in zip(leases, leases[1:]):
            if one.token == next_one.token:
                yield "token given twice", f"{job}: {one} and {next_one}"
            elif next_one.ended < one.began:
                yield "token went back", f"{job}: {next_one} before {one}"
            elif next_one.attempt < one.attempt and not may_be_retried(
                    history, one.task, one.began, next_one.ended, from_start=True):
                yield "attempt went back", f"{job}: {one}, then {next_one}"


def check_works(history):
    """A lease that is lost is good for nothing, and a job ends once."""
    leases = group(history.leases, lambda lease: lease.job)
    for job, works in group(history.works, lambda work: work.job).items():
        for work in works:
            newer = [lease for lease in leases[job]
                     if lease.token > work.token and lease.ended < work.began]
            if newer and work.is_taken:
                yield "late call taken", f"{work} after {newer[0]}"
        ends = sorted((w for w in works if w.verb == "finish" and w.is_taken
                       and w.outcome in ENDS_A_JOB), key=lambda work: work.token)
        for one, next_one in zip(ends, ends[1:]):
            if one.token != next_one.token and not may_be_retried(
                    history, one.task, one.began, next_one.ended, from_start=False):
                yield "job finished twice", f"{one}, then {next_one}"


def check_watches(history):
    """A watch that goes on from its cursors tells each event once, in order, and none is missing."""
    for number, watch in enumerate(history.watches):
        told = group(watch, lambda item: item[0])
        for task, items in told.items():
            seqs = [seq for _, seq in items]
            if any(a >= b for a, b in zip(seqs, seqs[1:])):
                yield "watch told twice", f"watch {number}, {task}: {seqs}"
        for task, events in history.events.items():
            missing = {event.seq for event in events} - {seq for _, seq in told.get(task, [])}
            if missing:
                yield "watch missed", f"watch {number}, {task}: {sorted(missing)}"


def check_sinks(history):
    """A table holds each row of its source once."""
    for sink in history.sinks:
        if any(sink[1:]):
            yield "rows", str(sink)


CHECKS = (check_creates, check_events, check_replies, check_changes, check_time, check_leases,
          check_works, check_watches, check_sinks)


def check(history):
    """All that is wrong."""
    return [found for function in CHECKS for found in function(history)]
