"""Many imports at once, each of which stands still with rows in hand until a test lets all of them go on."""
import psycopg2

from sluicetest.wait import wait_until

from .history import Sink

NROWS = 4  # in two files; the last one is what they stand before
GATE = 4711


class Held:
    """
    held = Held(stack, destination)
    held.start(40, "a")          # imports into 40 new tables, every second one with a key
    held.wait_until_held()
    held.open() ; held.wait_for_end()
    """

    def __init__(self, stack, destination):
        self.stack = stack
        self.destination = destination
        folder = stack.files / "held"
        folder.mkdir()
        (folder / "a.csv").write_text("1,x\n2,x\n")
        (folder / "b.csv").write_text("3,x\n4,x\n")
        self.connection = psycopg2.connect(destination.url)
        self.connection.autocommit = True
        self.tasks = {}  # of the last start: table: id
        self._run(f"CREATE FUNCTION public.gate() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
                  f" PERFORM pg_advisory_xact_lock_shared({GATE}); RETURN NEW; END $$")

    def _run(self, sql):
        with self.connection.cursor() as cursor:
            cursor.execute(sql)

    def close(self):
        """They stand still again."""
        self._run(f"SELECT pg_advisory_lock({GATE})")

    def open(self):
        self._run(f"SELECT pg_advisory_unlock({GATE})")

    def start(self, count, name):
        self.close()
        self.tasks = {}
        for number in range(count):
            table = f"held_{name}_{number}"
            key = "PRIMARY KEY" if number % 2 else ""
            self._run(f"CREATE TABLE public.{table} (id int {key}, v text);"
                      f"CREATE TRIGGER gate BEFORE INSERT ON public.{table} FOR EACH ROW"
                      f" WHEN (NEW.id = {NROWS}) EXECUTE FUNCTION public.gate()")
            self.tasks[table] = self._create(table)

    def _create(self, table):
        api = self.stack.api
        task = api.task.Task(source="hdfs", destination="ld", bulkload=api.task.BulkloadSpec(
            reader_config_json='{"filePath":"held","column":["id","v"]}',
            writer_config_json=f'{{"namespace":"public","lindormTable":"{table}",'
                               '"columns":["id","v"]}',
            driver_spec=api.task.DRIVER_SPEC_SMALL, instances=1,
            file_type=api.task.FILE_TYPE_CSV))
        return api.tasks.CreateTask(api.task_service.CreateTaskRequest(task=task)).id

    def held_by(self):
        """{task: worker} of those that are leased for their rows now."""
        return dict(self.stack.database.rows(
            "SELECT task_id, worker_id FROM job WHERE role = 'FULL' AND state = 'RUNNING'"))

    def wait_until_held(self):
        def all_stand():
            self.stack.check_programs()
            return self.destination.value(
                "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
                " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
                f" AND objid = {GATE}") >= len(self.tasks)
        wait_until(all_stand, 60, what="all imports stand still")

    def wait_for_end(self):
        """All of the last start succeed."""
        for task in self.tasks.values():
            self.stack.wait_for_state(task, "SUCCEEDED", 60)

    def sinks(self):
        """What is wrong with the rows of the last start's tables."""
        found = []
        for table in self.tasks:
            rows = self.destination.rows(f"SELECT id, v FROM public.{table} ORDER BY id")
            wanted = [(n + 1, "x") for n in range(NROWS)]
            if rows != wanted:
                found.append(Sink(table, len(set(wanted) - set(rows)), len(rows) - len(set(rows)),
                                  len(set(rows) - set(wanted))))
        return found
