"""The fixtures themselves: a PostgreSQL that survives what tests do to it."""
import psycopg2
import pytest

from sluicetest.wait import wait_until


def test_a_commit_survives_a_kill_of_postgresql(database):
    database.rows("CREATE TABLE t AS SELECT 1 AS a")
    database.cluster.kill()
    with pytest.raises(psycopg2.OperationalError):
        database.value("SELECT a FROM t")
    database.cluster.start()
    assert database.value("SELECT a FROM t") == 1


def test_databases_are_apart(database, destination):
    database.rows("CREATE TABLE t ()")
    assert destination.value("SELECT to_regclass('t')") is None


def test_waiting_ends():
    with pytest.raises(AssertionError, match="never"):
        wait_until(lambda: False, timeout_s=0.01, what="never")
