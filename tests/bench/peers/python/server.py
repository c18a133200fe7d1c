#!/usr/bin/python3 -B
# Copyright The Sluice authors
# SPDX-License-Identifier: Apache-2.0
"""
tests/bench/peers/python/server.py DATABASE_URL MODULES steps|one - CreateTask and GetTask as one writes them in
Python: grpcio with 16 threads, each with a connection of psycopg in its compiled form, prepared statements, a transaction
each. "steps": a statement for each table; "one": each call is one statement that was tuned by hand. MODULES is a folder
with the modules that protoc has made. Prints its port.
"""
import concurrent.futures
import pathlib
import sys
import threading
import uuid

import grpc
import psycopg

url, modules, way = sys.argv[1:]
sys.path.insert(0, modules)
from sluice.v1 import task_pb2, task_service_pb2_grpc  # noqa: E402

NTHREADS = 16
HERE = pathlib.Path(__file__).resolve().parents[1]
local = threading.local()


SQL = {path: (HERE / f"{path}.sql").read_text(encoding="utf-8")
       for path in ("create", "get", "steps/insert_task", "steps/insert_jobs", "steps/insert_event", "steps/select_task",
                    "steps/select_jobs")}


def connect():
    """This thread's connection."""
    if not hasattr(local, "connection"):
        local.connection = psycopg.connect(url, autocommit=True, cursor_factory=psycopg.RawCursor)
    return local.connection


def run(connection, path, *values):
    cursor = connection.execute(SQL[path], values, prepare=True)
    return cursor.fetchall() if cursor.description else []


def insert(digits, *values):
    """What is stored for a create: the task's row."""
    connection = connect()
    if way == "one":
        return run(connection, "create", digits, *values)[0]
    with connection.transaction():
        (task,) = run(connection, "steps/insert_task", digits, *values)
        run(connection, "steps/insert_jobs", task[0], digits)
        run(connection, "steps/insert_event", task[0])
    return task


def select(task_id):
    """A task's row, or None, and those of its jobs."""
    connection = connect()
    if way == "one":
        rows = run(connection, "get", task_id)
        return (rows[0][:14], [row[14:] for row in rows]) if rows else (None, [])
    rows = run(connection, "steps/select_task", task_id)
    return (rows[0], run(connection, "steps/select_jobs", task_id)) if rows else (None, [])


def set_time(field, time):
    if time:
        field.FromDatetime(time)


class Tasks(task_service_pb2_grpc.TaskServiceServicer):
    def CreateTask(self, request, context):
        wanted = request.task
        digits = uuid.uuid4().hex
        spec = wanted.bulkload.SerializeToString()
        (task_id, kind, source, destination, state, stage, version, created, updated) = insert(
            digits, wanted.source, wanted.destination, spec)
        task = task_pb2.Task(
            id=task_id, kind=f"TASK_KIND_{kind}", source=source, destination=destination,
            state=f"TASK_STATE_{state}", stage=f"TASK_STAGE_{stage}", etag=str(version),
            bulkload=wanted.bulkload,
            jobs=[task_pb2.Job(id=f"schema-{digits}", role="JOB_ROLE_SCHEMA", state="JOB_STATE_READY"),
                  task_pb2.Job(id=f"fulldata-{digits}", role="JOB_ROLE_FULL", state="JOB_STATE_WAITING")])
        set_time(task.create_time, created)
        set_time(task.update_time, updated)
        return task

    def GetTask(self, request, context):
        row, jobs = select(request.id)
        if not row:
            context.abort(grpc.StatusCode.NOT_FOUND, "there is no such task")
        (task_id, kind, source, destination, spec, state, stage, message, version, created, updated,
         started, ended, display_name) = row
        task = task_pb2.Task(
            id=task_id, kind=f"TASK_KIND_{kind}", source=source, destination=destination,
            state=f"TASK_STATE_{state}", stage=f"TASK_STAGE_{stage}", message=message,
            etag=str(version), display_name=display_name,
            bulkload=task_pb2.BulkloadSpec.FromString(spec))
        set_time(task.create_time, created)
        set_time(task.update_time, updated)
        set_time(task.start_time, started)
        set_time(task.end_time, ended)
        for job_id, role, job_state, table, attempt, message, worker, started, ended in jobs:
            job = task.jobs.add(
                id=job_id, role=f"JOB_ROLE_{role}", state=f"JOB_STATE_{job_state}", table=table,
                attempt=attempt, message=message, worker_id=worker)
            set_time(job.start_time, started)
            set_time(job.end_time, ended)
        return task


server = grpc.server(concurrent.futures.ThreadPoolExecutor(NTHREADS))
task_service_pb2_grpc.add_TaskServiceServicer_to_server(Tasks(), server)
print(server.add_insecure_port("127.0.0.1:0"), flush=True)
server.start()
server.wait_for_termination()
