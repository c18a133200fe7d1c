"""A stream of changes that is read as it comes, on a thread of its own."""
import threading

import grpc
from google.protobuf import json_format

from .client import Failure
from .wait import wait_until


class Watch:
    """
    Messages are dicts as proto3's JSON has them, with short names for the type.

        watch = Watch(stack.api, filter='state = RUNNING').wait_for("SYNCED")
        watch.wait_for("CHANGED", state="SUCCEEDED")
        watch.close()
    """

    def __init__(self, api, task_id=None, **request):
        service = api.task_service
        if task_id:
            self.call = api.tasks.WatchTask(service.WatchTaskRequest(id=task_id, **request))
        else:
            self.call = api.tasks.WatchTasks(service.WatchTasksRequest(**request))
        self.messages = []
        self.failure = None
        self.is_over = False
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def _read(self):
        try:
            for message in self.call:
                self.messages.append(flatten(message))
        except grpc.RpcError as error:
            self.failure = Failure.of(error)
        self.is_over = True

    def find(self, kind, **fields):
        """The first message of that type with these values."""
        return next((m for m in self.messages
                     if m["type"] == kind and all(m.get(k) == v for k, v in fields.items())), None)

    def wait_for(self, kind, timeout_s=60, **fields):
        """Waits until find finds one; returns the watch."""
        def found():
            got = self.find(kind, **fields)
            assert got or not self.is_over, f"the watch ended: {self.failure}"
            return got
        wait_until(found, timeout_s, what=f"{kind} {fields} of {len(self.messages)} messages")
        return self

    def wait_for_end(self, timeout_s=60):
        """The Failure it ends with, or None."""
        wait_until(lambda: self.is_over, timeout_s, what="the watch ends")
        return self.failure

    def changes(self):
        """What has happened, without what there was and how far it is."""
        return [m for m in self.messages if m["type"] in ("CHANGED", "DELETED")]

    def states(self, task_id):
        return [m["state"] for m in self.changes() if m["id"] == task_id and "state" in m]

    def last_cursor(self):
        return next(m["cursor"] for m in reversed(self.messages) if m["cursor"])

    def close(self):
        self.call.cancel()
        self.thread.join()


def flatten(message):
    """A TaskChange with what tests look at on top."""
    whole = json_format.MessageToDict(message)
    flat = {"type": whole["type"].removeprefix("TASK_CHANGE_TYPE_"),
            "cursor": whole.get("cursor", ""), "id": whole.get("task", {}).get("id"),
            "task": whole.get("task"), "event": whole.get("event")}
    if flat["event"]:
        flat["state"] = flat["event"]["state"].removeprefix("TASK_STATE_")
        flat["before"] = flat["event"].get("previousState", "").removeprefix("TASK_STATE_")
        flat["sequence"] = int(flat["event"]["sequence"])
    return flat
