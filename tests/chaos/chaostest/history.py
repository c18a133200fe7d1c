"""What clients and workers did and were told, and what there was in the end."""
import dataclasses
import typing

OPEN_END = float("inf")


class Event(typing.NamedTuple):
    seq: int
    previous: str
    state: str
    stage: str
    message: str
    actor: str


class Seen(typing.NamedTuple):
    """A task as a reply shows it."""
    state: str
    stage: str
    version: int
    label: str


@dataclasses.dataclass
class Create:
    """One request and its repeats."""
    request_id: str
    ids: list  # of each answer


@dataclasses.dataclass
class Call:
    """
    reply is a Seen, "OK", the code of a refusal, or None: nobody knows whether it took place, and it may do so
    at any later time.
    """
    began: float
    ended: float
    verb: str
    task: str
    about: dict
    reply: object

    @property
    def over(self):
        """Since when it can have no more effects."""
        return OPEN_END if self.reply is None else self.ended


@dataclasses.dataclass
class Lease:
    began: float
    ended: float
    task: str
    job: str
    token: int
    attempt: int


@dataclasses.dataclass
class Work:
    """A report or finish under a lease. is_taken: the gateway took it; None: nobody knows."""
    began: float
    ended: float
    verb: str
    task: str
    job: str
    token: int
    outcome: str
    is_taken: object


class Sink(typing.NamedTuple):
    """A table that was imported into: rows of the source that it lacks, has more than once, or that are no rows of it."""
    name: str
    missing: int
    repeated: int
    foreign: int


@dataclasses.dataclass
class History:
    creates: list = dataclasses.field(default_factory=list)
    calls: list = dataclasses.field(default_factory=list)
    leases: list = dataclasses.field(default_factory=list)
    works: list = dataclasses.field(default_factory=list)
    watches: list = dataclasses.field(default_factory=list)  # of each watcher, (task, seq) as they came
    # In the end:
    tasks: dict = dataclasses.field(default_factory=dict)  # id: Seen
    events: dict = dataclasses.field(default_factory=dict)  # id: [Event]
    requests: dict = dataclasses.field(default_factory=dict)  # request id: [task id]
    sinks: list = dataclasses.field(default_factory=list)
