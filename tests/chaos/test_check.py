"""The judge finds each kind of lie in a history, and none in a true one."""
import copy

import pytest

from chaostest.check import CHECKS, check
from chaostest.history import Call, Create, Event, History, Lease, Seen, Sink, Work

EVENTS = [
    Event(3, "", "PENDING", "WAIT_FOR_START", "", "client"),
    Event(5, "PENDING", "RUNNING", "WAIT_FOR_SCHEMA", "", "w1"),
    Event(6, "RUNNING", "RUNNING", "WAIT_FOR_SCHEMA", "slow", "w1"),  # makes no version
    Event(7, "RUNNING", "RUNNING", "WAIT_FOR_SCHEMA", "slow", "client"),  # a label
    Event(9, "RUNNING", "FAILED", "WAIT_FOR_SCHEMA", "", "w2"),
    Event(12, "FAILED", "PENDING", "WAIT_FOR_START", "", "client"),
    Event(13, "PENDING", "RUNNING", "WAIT_FOR_SCHEMA", "", "w1"),
    Event(20, "RUNNING", "SUCCEEDED", "FINISHED", "", "w1"),
]
TRUE = History(
    creates=[Create("r1", ["t1", "t1"]), Create("r2", ["t2"]), Create("r3", [])],
    calls=[
        Call(1, 2, "get", "t1", {}, Seen("PENDING", "WAIT_FOR_START", 1, "")),
        Call(4, 5, "label", "t1", {"label": "x"}, Seen("RUNNING", "WAIT_FOR_SCHEMA", 3, "x")),
        Call(7, 8, "retry", "t1", {"from_start": True}, Seen("PENDING", "WAIT_FOR_START", 5, "x")),
        Call(9, 9.5, "abort", "t1", {}, "ABORTED"),
        Call(9, 12, "delete", "t2", {}, None),
        Call(13, 14, "get", "t2", {}, "NOT_FOUND"),
    ],
    leases=[Lease(2, 3, "t1", "j", 1, 1), Lease(5, 5.5, "t1", "j", 2, 2),
            Lease(8.5, 9, "t1", "j", 4, 1)],
    works=[Work(3, 3.5, "report", "t1", "j", 1, "", True),
           Work(6, 6.2, "report", "t1", "j", 1, "", False),
           Work(6, 6.5, "finish", "t1", "j", 2, "FAILED", True),
           Work(10, 11, "finish", "t1", "j", 4, "SUCCEEDED", True),
           Work(12, 13, "finish", "t1", "j", 4, "SUCCEEDED", True)],
    watches=[[("t1", event.seq) for event in EVENTS] + [("t2", 21)]],
    tasks={"t1": Seen("SUCCEEDED", "FINISHED", 7, "x")},
    events={"t1": EVENTS},
    requests={"r1": ["t1"]},
    sinks=[Sink("a", 0, 0, 0)])


def test_a_true_history_is_believed():
    assert check(TRUE) == []


def replaced(number, **change):
    """The events with another one in the place of one of them."""
    return {"t1": [e._replace(**change) if i == number else e for i, e in enumerate(EVENTS)]}


LIES = {
    "an acknowledged task is gone": ("lost", lambda h: h.creates.append(Create("r4", ["t4"]))),
    "its task is that of another request": ("lost", lambda h: h.requests.update(r1=[])),
    "nobody deleted it": ("lost", lambda h: h.calls.append(Call(6, 7, "get", "t2", {}, "NOT_FOUND"))),
    "a repeat made a second task": ("created twice", lambda h: h.creates[0].ids.append("t9")),
    "a request has two tasks": ("created twice", lambda h: h.requests.update(r3=["t7", "t8"])),
    "SUCCEEDED from PENDING": ("illegal transition", lambda h: h.events.update(
        {"t1": EVENTS[:1] + [EVENTS[7]._replace(previous="PENDING")]})),
    "a client ends it well": ("illegal transition", lambda h: h.events.update(
        replaced(7, actor="client"))),
    "a worker retries": ("illegal transition", lambda h: h.events.update(replaced(5, actor="w1"))),
    "an event is missing": ("event gap", lambda h: h.events.update({"t1": EVENTS[:4] + EVENTS[5:]})),
    "there are no events": ("event gap", lambda h: h.events.update({"t1": []})),
    "the last one is missing": ("event gap", lambda h: h.events.update({"t1": EVENTS[:7]})),
    "an event is there twice": ("event order", lambda h: h.events.update(
        {"t1": EVENTS[:3] + EVENTS[2:]})),
    "events change places": ("event order", lambda h: h.events.update(replaced(2, seq=8))),
    "a change has no event": ("version", lambda h: h.tasks.update(
        t1=Seen("SUCCEEDED", "FINISHED", 8, "x"))),
    "a reply is of no version": ("reply without history", lambda h: h.calls.append(
        Call(20, 21, "get", "t1", {}, Seen("SUCCEEDED", "FINISHED", 9, "x")))),
    "a reply is of another state": ("reply without history", lambda h: h.calls.append(
        Call(1, 2, "get", "t1", {}, Seen("RUNNING", "WAIT_FOR_START", 1, "")))),
    "an abort aborts nothing": ("reply without history", lambda h: h.calls.append(
        Call(4, 5, "abort", "t1", {}, Seen("RUNNING", "WAIT_FOR_SCHEMA", 3, "x")))),
    "a label is another one": ("reply without history", lambda h: h.calls.append(
        Call(4, 5, "label", "t1", {"label": "y"}, Seen("RUNNING", "WAIT_FOR_SCHEMA", 3, "x")))),
    "a version has two labels": ("reply without history", lambda h: h.calls.append(
        Call(4, 5, "get", "t1", {}, Seen("RUNNING", "WAIT_FOR_SCHEMA", 3, "y")))),
    "two calls made a version": ("version made twice", lambda h: h.calls.append(
        Call(4, 5, "label", "t1", {"label": "x"}, Seen("RUNNING", "WAIT_FOR_SCHEMA", 3, "x")))),
    "time runs back": ("time", lambda h: h.calls.append(
        Call(5.5, 6, "get", "t1", {}, Seen("PENDING", "WAIT_FOR_START", 1, "")))),
    "the end is older than a reply": ("time", lambda h: h.tasks.update(
        t1=Seen("SUCCEEDED", "FINISHED", 4, "x"))),
    "a token is given twice": ("token given twice", lambda h: h.leases.append(
        Lease(6, 7, "t1", "j", 2, 2))),
    "a token is older than its lease": ("token went back", lambda h: h.leases.append(
        Lease(1, 1.5, "t1", "j", 3, 2))),
    "an attempt is not counted": ("attempt went back", lambda h: h.leases.append(
        Lease(9.5, 10, "t1", "j", 5, 0))),
    "a lost lease reports": ("late call taken", lambda h: h.works.append(
        Work(6, 7, "report", "t1", "j", 1, "", True))),
    "a lost lease finishes": ("late call taken", lambda h: h.works.append(
        Work(9.2, 9.4, "finish", "t1", "j", 2, "SUCCEEDED", True))),
    "a job ends twice": ("job finished twice", lambda h: h.works.append(
        Work(12, 13, "finish", "t1", "j", 5, "SUCCEEDED", True))),
    "a watch repeats": ("watch told twice", lambda h: h.watches[0].append(("t1", 20))),
    "a watch has another order": ("watch told twice", lambda h: h.watches[0].reverse()),
    "a watch leaves out": ("watch missed", lambda h: h.watches[0].remove(("t1", 9))),
    "a row is missing": ("rows", lambda h: h.sinks.append(Sink("b", 1, 0, 0))),
    "a row is there twice": ("rows", lambda h: h.sinks.append(Sink("b", 0, 1, 0))),
    "a row is of nowhere": ("rows", lambda h: h.sinks.append(Sink("b", 0, 0, 1))),
}


@pytest.mark.parametrize("what", LIES)
def test_a_lie_is_found(what):
    kind, tell = LIES[what]
    told = copy.deepcopy(TRUE)
    tell(told)
    assert kind in {found for found, _ in check(told)}


def test_each_check_finds_something():
    found = {kind for kind, _ in LIES.values()}
    for function in CHECKS:
        kinds = set()
        for _, tell in LIES.values():
            told = copy.deepcopy(TRUE)
            tell(told)
            kinds.update(kind for kind, _ in function(told))
        assert kinds & found, function.__name__
