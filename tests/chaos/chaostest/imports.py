"""Imports that a storm is to disturb, into tables with and without a primary key."""
import time

import psycopg2

from .history import Sink
from .recorder import Actor

FILES, ROWS_A_FILE = 4, 4000
ROWS = FILES * ROWS_A_FILE
FOLDER = "rows"
KEPT_TABLES = 25

# Each row of the files, and what the table has instead: (missing, repeated, foreign).
COUNT = f"""
    SELECT count(*) FILTER (WHERE n IS NULL), count(*) FILTER (WHERE found > 1),
           count(*) FILTER (WHERE wanted IS NULL)
      FROM (SELECT id, text, count(*) AS found, 1 AS n FROM public.%s GROUP BY id, text) AS t
      FULL JOIN (SELECT i, 'row ' || i AS wanted FROM generate_series(0, {ROWS - 1}) AS i) AS w
        ON id = i AND text = wanted"""


def write_files(folder):
    folder.mkdir()
    for file in range(FILES):
        numbers = range(file * ROWS_A_FILE, (file + 1) * ROWS_A_FILE)
        (folder / f"{file}.csv").write_text("".join(f"{n},row {n}\n" for n in numbers))


class Importer(Actor):
    """One import after another; each is retried until it succeeds."""

    def __init__(self, recorder, name, seed, destination):
        super().__init__(recorder, name, seed)
        self.destination = destination
        self.ntables = 0
        self.tables = []  # that are still there
        self.judged = []  # Sinks of those that are not
        self.messages = []  # of imports that failed

    def work(self):
        while not self.recorder.is_ending.is_set():
            table = f"{self.name}_{self.ntables}".replace("-", "_")
            self.ntables += 1
            self.insist(self.make_table, table)
            self.tables.append(table)
            self.finish(self.create(table))
            if len(self.tables) > KEPT_TABLES:
                table = self.tables.pop(0)
                self.judged.append(self.insist(self.judge, table))
                self.insist(self.destination.rows, f"DROP TABLE IF EXISTS public.{table}")

    def pause(self):
        time.sleep(self.dice.uniform(0.02, 0.2))
        return True

    def insist(self, function, *arguments):
        """What needs the database is done when it is there."""
        while True:
            try:
                return function(*arguments)
            except psycopg2.Error:
                self.pause()

    def make_table(self, table):
        key = self.dice.choice(["PRIMARY KEY", ""])
        self.destination.rows(f"CREATE TABLE IF NOT EXISTS public.{table} (id int {key}, text text)")

    def judge(self, table):
        return Sink(table, *self.destination.rows(COUNT % table)[0])

    def create(self, table):
        api = self.api
        task = api.task.Task(source="hdfs", destination="ld", bulkload=api.task.BulkloadSpec(
            reader_config_json=f'{{"filePath":"{FOLDER}","column":["id","text"]}}',
            writer_config_json=f'{{"namespace":"public","lindormTable":"{table}",'
                               '"columns":["id","text"]}',
            driver_spec=api.task.DRIVER_SPEC_LARGE, instances=5,
            file_type=api.task.FILE_TYPE_CSV))
        return self.recorder.create(api, task, self.pause).ids[0]

    def finish(self, task):
        """Aborts it now and then, and retries what did not succeed."""
        while True:
            seen = self.recorder.use(self.api, self.dice, "get", task)
            state = seen.state if isinstance(seen, tuple) else seen
            if state == "SUCCEEDED":
                return
            if state in ("FAILED", "KILLED"):
                self.note_failure(task, state)
                self.go_on(task)
            elif state == "RUNNING" and self.dice.random() < 0.02:
                self.recorder.use(self.api, self.dice, "abort", task)
            self.pause()

    def note_failure(self, task, state):
        api = self.api
        if state == "FAILED":
            reply, _ = self.recorder.ask(api.tasks.GetTask, api.task_service.GetTaskRequest(id=task))
            self.messages.append(reply.message if reply else "")

    def go_on(self, task):
        """A retry from the start would import what is there a second time."""
        api = self.api
        self.recorder.call("retry", task, {"from_start": False}, api.tasks.RetryTask,
                           api.task_service.RetryTaskRequest(id=task), self.recorder.seen)

    def sinks(self):
        """Of all tables. The last ones are looked at when nobody can write to them any more."""
        return self.judged + [self.judge(table) for table in self.tables]
