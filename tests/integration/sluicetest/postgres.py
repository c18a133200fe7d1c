"""A PostgreSQL of our own: it can be killed at any moment and started again."""
import contextlib
import glob
import itertools
import os
import pathlib
import pwd
import shutil
import signal
import subprocess
import tempfile
import urllib.parse

import psycopg2

from .sockets import is_waited_at
from .standstill import stop_process
from .wait import scale, wait_until

SETTINGS = {
    "listen_addresses": "''",
    "max_connections": "200",
    "shared_buffers": "64MB",
    "max_wal_size": "2GB",
    "fsync": "on",
    "synchronous_commit": "on",
    "log_line_prefix": "'%m [%p] %d %a '",
    "log_lock_waits": "on",
}


MEMORY = "/dev/shm"
MIN_MEMORY_BYTES = 4 << 30


def make_folder(on_disk=False):
    """
    A folder for a server, in memory if there is much of it: who is killed loses nothing there that a disk would keep, and a
    disk's file system takes most of the time of tests that make and drop databases.
    """
    free = shutil.disk_usage(MEMORY).free if os.path.isdir(MEMORY) else 0
    where = "/tmp" if on_disk or free < MIN_MEMORY_BYTES else MEMORY
    return pathlib.Path(tempfile.mkdtemp(prefix="sluice-pg-", dir=where))


def find_bin():
    """The folder of the newest server that is installed."""
    found = glob.glob("/usr/lib/postgresql/*/bin/postgres")
    if not found:
        raise RuntimeError("PostgreSQL is missing. Run: scripts/deps test")
    newest = max(found, key=lambda path: int(path.split("/")[4]))
    return pathlib.Path(newest).parent


def children_of(pid):
    try:
        out = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text()
    except OSError:
        return []
    return [int(child) for child in out.split()]


def is_alive(pid):
    try:
        state = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return False
    return state not in "ZX"


class Cluster:
    """
    One data folder and, while it is up, one postmaster. A Unix socket is the only way in. A test may choose
    where, and settings of its own.
    """

    def __init__(self, folder=None, **settings):
        self.folder = folder or make_folder()
        self.log = self.folder / "log"
        self.bin = find_bin()
        self.process = None
        self._names = itertools.count(1)
        self._as_user = []
        if os.geteuid() == 0:  # the server refuses to run as root
            user = pwd.getpwnam("postgres")
            os.chown(self.folder, user.pw_uid, user.pw_gid)
            self._as_user = ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}",
                             "--clear-groups", "--"]
        subprocess.run(
            [*self._as_user, self.bin / "initdb", "-D", self.folder / "data", "-U", "postgres",
             "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"],
            check=True, stdout=subprocess.DEVNULL, cwd="/")
        with open(self.folder / "data" / "postgresql.conf", "a", encoding="utf-8") as f:
            f.write(f"unix_socket_directories = '{self.folder}'\n")
            f.writelines(f"{name} = {value}\n" for name, value in {**SETTINGS, **settings}.items())

    def start(self):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [*self._as_user, self.bin / "postgres", "-D", self.folder / "data"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/", start_new_session=True)
        wait_until(self._is_ready, timeout_s=60, what="PostgreSQL accepts connections")

    def _is_ready(self):
        if self.process.poll() is not None:
            raise AssertionError(f"PostgreSQL ended: {self.log.read_text()[-2000:]}")
        try:
            psycopg2.connect(self.url("postgres")).close()
        except psycopg2.OperationalError:
            return False
        return True

    def wait_until_ready(self):
        """It may have ended of itself, and is started then."""
        def is_back():
            if self.process.poll() is not None:
                self.start()
            return self._is_ready()
        wait_until(is_back, timeout_s=60, what="PostgreSQL is back")

    def kill(self):
        """kill -9 of the postmaster and all that it started, as when the machine loses power."""
        if self.process.poll() is None:
            stop_process(self.process.pid)  # so that it starts nothing more
        pids = [self.process.pid, *children_of(self.process.pid)]
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.process.wait()
        wait_until(lambda: not any(is_alive(pid) for pid in pids), what="PostgreSQL is gone")

    def pause(self):
        """The postmaster stands still: no connection is made; sessions that are there go on."""
        stop_process(self.process.pid)

    def is_waited_for(self):
        """A connection waits for the postmaster, which stands still."""
        return is_waited_at(self.folder / ".s.PGSQL.5432")

    def resume(self):
        self.process.send_signal(signal.SIGCONT)

    def stop(self):
        """A fast shutdown: sessions are ended, all is written."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            self.process.wait(timeout=60 * scale())

    def restart(self):
        self.kill()
        self.start()

    def restart_immediately(self):
        """As `pg_ctl restart -m immediate`: nothing is written at the end, and the log is replayed."""
        self._stop_immediately()
        self.start()

    def _stop_immediately(self):
        self.process.send_signal(signal.SIGQUIT)
        self.process.wait(timeout=60 * scale())

    def set(self, name, value):
        """By ALTER SYSTEM; None takes it back. Sessions that are there have been told when those that come have it."""
        self.execute("postgres", f"ALTER SYSTEM SET {name} = '{value}'" if value else f"ALTER SYSTEM RESET {name}")
        before = self.execute("postgres", "SELECT pg_conf_load_time()")
        self.execute("postgres", "SELECT pg_reload_conf()")
        wait_until(lambda: self.execute("postgres", "SELECT pg_conf_load_time()") > before, what="settings are read again")

    def ask_for_password_of(self, role):
        """From now on the role logs in by its password alone."""
        hba = self.folder / "data" / "pg_hba.conf"
        rule = f"local all {role} scram-sha-256\n"
        if rule not in hba.read_text():
            hba.write_text(rule + hba.read_text())
        self.execute("postgres", "SELECT pg_reload_conf()")

        def is_asked():
            try:
                psycopg2.connect(self.url("postgres").replace("postgres@", f"{role}@")).close()
            except psycopg2.OperationalError:
                return True
            return False
        wait_until(is_asked, what=f"the password of {role} is asked for")

    def remove(self):
        """Stops for good; one that is killed would leave what its processes shared in memory."""
        if self.process and self.process.poll() is None:
            self.resume()
            self._stop_immediately()
        shutil.rmtree(self.folder, ignore_errors=True)

    def url(self, database):
        host = urllib.parse.quote(str(self.folder), safe="")
        return f"postgresql://postgres@/{database}?host={host}"

    def create_database(self, like=None):
        """A fresh database: an empty one, or a copy of another one, in which nobody works."""
        name = f"test_{next(self._names)}"
        self.execute("postgres", f"CREATE DATABASE {name}" + (f" TEMPLATE {like.name}" if like else ""))
        return Database(self, name)

    def drop_database(self, name):
        """Its sessions are ended; the server itself waits for them for five seconds only."""
        def is_dropped():
            try:
                self.execute("postgres", f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
            except psycopg2.errors.ObjectInUse:
                return False
            return True
        wait_until(is_dropped, what=f"database {name} is dropped")

    def execute(self, database, sql, *values):
        """Runs one statement outside any transaction; gives its rows, if it has any."""
        connection = psycopg2.connect(self.url(database))
        try:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(sql, values or None)
                return cursor.fetchall() if cursor.description else None
        finally:
            connection.close()


class Database:
    """One database of a cluster."""

    def __init__(self, cluster, name):
        self.cluster = cluster
        self.name = name

    @property
    def url(self):
        return self.cluster.url(self.name)

    def rows(self, sql, *values):
        return self.cluster.execute(self.name, sql, *values)

    def value(self, sql, *values):
        return self.rows(sql, *values)[0][0]

    @contextlib.contextmanager
    def standing_still(self):
        """Its sessions, of now, do not answer; connections are made all the same."""
        pids = [pid for pid, in self.rows("SELECT pid FROM pg_stat_activity"
                                          " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                                          " AND backend_type = 'client backend'")]
        for pid in pids:
            stop_process(pid)
        try:
            yield
        finally:
            for pid in pids:
                os.kill(pid, signal.SIGCONT)

    def drop(self):
        self.cluster.drop_database(self.name)
