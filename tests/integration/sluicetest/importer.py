"""Imports in the words of the tests: files, the request, and what the table holds then."""
import json

import psycopg2

from .program import run
from .wait import wait_until


class Importer:
    """
    The imports of one test: a folder of files and a table of its own.

        importer.write("a.csv", "1,x\\n")
        importer.run({"id": "ROW||Int", "name": "f:name||String"})
        assert importer.rows() == [(1, "x")]
    """

    def __init__(self, stack, destination, name):
        self.stack = stack
        self.destination = destination
        self.name = name  # of the folder and of the table
        self.folder = stack.files / name
        self.folder.mkdir()

    # --- files

    def write(self, name, content):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def write_parquet(self, name, select):
        """Writes the rows of a query of DuckDB's."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        duckdb(self.stack.build, f"COPY ({select}) TO '{path}' (FORMAT parquet)")
        return path

    # --- tasks

    def submit(self, columns, file_type="CSV", path=None, reader=None, writer=None,
               driver="LARGE", **task):
        """
        Creates a task and gives its id. columns is {source: target}; reader and writer are more
        members of the two configurations.
        """
        api = self.stack.api
        spec = api.task.BulkloadSpec(
            reader_config_json=json.dumps({"filePath": self.name if path is None else path,
                                           "column": list(columns), **(reader or {})}),
            writer_config_json=json.dumps({"namespace": "public", "lindormTable": self.name,
                                           "columns": list(columns.values()), **(writer or {})}),
            driver_spec=api.task.DriverSpec.Value(f"DRIVER_SPEC_{driver}"), instances=5,
            file_type=api.task.FileType.Value(f"FILE_TYPE_{file_type}"))
        wanted = api.task.Task(**{"source": "hdfs", "destination": "ld", "bulkload": spec, **task})
        return api.tasks.CreateTask(api.task_service.CreateTaskRequest(task=wanted)).id

    def end(self, task_id, state="SUCCEEDED", timeout_s=60):
        return self.stack.wait_for_state(task_id, state, timeout_s)

    def run(self, columns, *arguments, **more):
        """Imports; gives the task, which must have succeeded."""
        return self.end(self.submit(columns, *arguments, **more))

    def fail(self, columns, *arguments, **more):
        """Tries to import; gives the message of the task, which must have failed."""
        return self.end(self.submit(columns, *arguments, **more), "FAILED").message

    def bad_rows(self, task):
        """(file, row, column, reason) of each, in the API's order."""
        api = self.stack.api
        reply = api.tasks.ListBadRows(api.task_service.ListBadRowsRequest(id=task.id))
        assert reply.next_page_token == ""
        return [(row.file, row.row, row.column, row.reason) for row in reply.bad_rows]

    def retry(self, task_id, from_start=False):
        api = self.stack.api
        return api.tasks.RetryTask(
            api.task_service.RetryTaskRequest(id=task_id, from_start=from_start))

    def abort(self, task_id):
        api = self.stack.api
        return api.tasks.AbortTask(api.task_service.AbortTaskRequest(id=task_id))

    # --- the table

    @property
    def table(self):
        return f'public."{self.name}"'

    def make_table(self, columns):
        self.destination.rows(f"CREATE TABLE {self.table} ({columns})")

    def rows(self, select="*", order=1):
        return self.destination.rows(f"SELECT {select} FROM {self.table} ORDER BY {order}")

    def count(self):
        return self.destination.value(f"SELECT count(*) FROM {self.table}")

    def types(self):
        """{column: type} as SQL writes them."""
        return dict(self.destination.rows(
            "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute"
            " WHERE attrelid = %s::regclass AND attnum > 0", self.table))

    def units(self, task_id):
        """{number of the split: when it was done}, as the destination remembers them."""
        return dict(self.destination.rows(
            "SELECT number, done_time FROM sluice_import.import_unit WHERE task_id = %s", task_id))

    def gate(self, column="id"):
        return Gate(self, column)


class Gate:
    """
    Stops an import where a test wants it: the destination does not take a row whose text in column
    is a key of `closed` until that key is opened. The table must be there.

        with importer.gate() as gate:
            gate.close("row-7")
            task = importer.submit(...)
            gate.wait_until_reached("row-7")
            ...
            gate.open("row-7")
    """

    def __init__(self, importer, column):
        self.importer = importer
        self.column = column
        self.connection = psycopg2.connect(importer.destination.url)
        self.connection.autocommit = True
        self.keys = {}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.connection.close()  # which opens all

    def _run(self, sql, *values):
        with self.connection.cursor() as cursor:
            cursor.execute(sql, values)
            return cursor.fetchall() if cursor.description else None

    def close(self, text):
        number = self.keys[text] = len(self.keys) + 1
        self._run("SELECT pg_advisory_lock(%s, %s)", self._table(), number)
        function = f'public."gate_{number}_{self.importer.name}"'
        self._run(f"CREATE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
                  f" PERFORM pg_advisory_xact_lock_shared({self._table()}, {number});"
                  " RETURN NEW; END $$")
        self._run(f"CREATE TRIGGER gate_{number} BEFORE INSERT ON {self.importer.table}"
                  f" FOR EACH ROW WHEN (NEW.\"{self.column}\"::text = '{text}')"
                  f" EXECUTE FUNCTION {function}()")

    def _table(self):
        return self._run("SELECT %s::regclass::oid::int", self.importer.table)[0][0]

    def sessions(self, text):
        """The server's processes that stand before it."""
        return {pid for pid, in self._run(
            "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
            " AND classid::bigint = %s AND objid::bigint = %s",
            self._table(), self.keys[text])}

    def waiting(self, text):
        """How many they are."""
        return len(self.sessions(text))

    def wait_until_reached(self, text, timeout_s=60):
        wait_until(lambda: self.waiting(text), timeout_s, what=f"the import comes to {text}")

    def open(self, text):
        self._run("SELECT pg_advisory_unlock(%s, %s)", self._table(), self.keys[text])


def duckdb(build, *statements):
    """Runs statements of DuckDB's."""
    run(build / "duckdb_sql", *statements)

