"""Sluice with clusters for data sources, and its tasks, by gRPC with dicts as proto3's JSON has them."""
import json

from sluicetest.client import Client
from sluicetest.wait import wait_until

ENDED = {"SUCCEEDED", "FAILED", "KILLED"}


class Sluice:
    """
    All programs up, with data sources `source` and `target`:

        task = sluice.copy([table])                      a full migration
        sluice.wait(task)
        task = sluice.sync([table], full=True)           an incremental sync
        sluice.wait(task, "RUNNING")
        sluice.worker.kill(); sluice.start_worker()      and whatever else a Stack can do

    What is after the tables is in extraAttrs: verify="full", concurrency=2 and so on.
    """

    def __init__(self, stack):
        self.stack = stack
        self.client = Client(stack.reflected())
        self.source = "source"  # what tasks are created with
        self.destination = "target"

    def __getattr__(self, name):
        return getattr(self.stack, name)

    def add_cluster(self, name, cluster, **parameters):
        """A data source of type HBASE; cluster is a Cluster or a key."""
        key = cluster if isinstance(cluster, str) else cluster.key
        self.client.add_source(name, "HBASE", {"clusterKey": key, **parameters})

    def copy(self, tables, create_table=True, bulkload=False, **attrs):
        """Creates a full migration: its id. Tables may get new names: "t1/t2"."""
        return self._create("fullMigration", attrs, tableNames=tables, createTable=create_table, bulkload=bulkload)

    def sync(self, tables, create_table=True, **attrs):
        """Creates an incremental sync: its id."""
        return self._create("incrementalSync", attrs, tableNames=tables, createTable=create_table)

    def _create(self, kind, attrs, **spec):
        spec["extraAttrsJson"] = json.dumps(attrs) if attrs else ""
        return self.client("CreateTask", task={"source": self.source, "destination": self.destination,
                                               kind: spec})["id"]

    def task(self, task_id):
        return self.client.task(task_id)

    def jobs(self, task_id):
        """Each job by role and table: ("FULL", "t1")."""
        return {(job["role"].removeprefix("JOB_ROLE_"), job.get("table", "")): job
                for job in self.task(task_id)["jobs"]}

    def events(self, task_id):
        """Oldest first."""
        return self._all("ListTaskEvents", task_id, "events")

    def differences(self, task_id):
        """The first ones that a check found."""
        return self._all("ListDifferences", task_id, "differences")

    def _all(self, method, task_id, member):
        found, token = [], ""
        while True:
            page = self.client(method, id=task_id, pageSize=1000, pageToken=token)
            found += page.get(member, [])
            token = page.get("nextPageToken")
            if not token:
                return found

    def wait(self, task_id, state="SUCCEEDED", timeout_s=120):
        """Waits for a state, and gives the task; fails at once when the task ends in another one."""
        def reached():
            self.stack.check_programs()
            task = self.task(task_id)
            now = task["state"].removeprefix("TASK_STATE_")
            assert now == state or now not in ENDED, f"{task_id} is {now}: {json.dumps(task, indent=1)}"
            return task if now == state else None
        return wait_until(reached, timeout_s, what=f"{task_id} is {state}")

    def abort(self, task_id):
        return self.client("AbortTask", id=task_id)

    def retry(self, task_id):
        return self.client("RetryTask", id=task_id)

    def delete(self, task_id):
        return self.client("DeleteTask", id=task_id)
