#!/usr/bin/python3
# Copyright The Sluice authors
# SPDX-License-Identifier: Apache-2.0
"""
examples/python/example.py ADDRESS FOLDER DATABASE - imports FOLDER/people.csv into the database, which
is a postgresql:// URL, follows the import, aborts another one and shows what an error tells.

docs/clients.md says more. Stubs are made by examples/build.sh.
"""
import json
import sys
import time
import uuid

import grpc
from google.rpc import error_details_pb2, status_pb2
from sluice.v1 import data_source_pb2 as sources, data_source_service_pb2 as source_calls
from sluice.v1 import task_pb2 as tasks, task_service_pb2 as task_calls
from sluice.v1.data_source_service_pb2_grpc import DataSourceServiceStub
from sluice.v1.task_service_pb2_grpc import TaskServiceStub

DEADLINE_S = 10  # of each call but a watch: none may wait for ever
KEEPALIVE = [("grpc.keepalive_time_ms", 20000)]  # notices a server that is gone without a word
ENDED = (tasks.TASK_STATE_SUCCEEDED, tasks.TASK_STATE_FAILED, tasks.TASK_STATE_KILLED)
MAY_PASS = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.UNKNOWN, grpc.StatusCode.DEADLINE_EXCEEDED)


def show_error(error):
    """Prints the code and the text of an error, and the details that it brings."""
    print(f"refused: {error.code().name}: {error.details()}")
    for key, value in error.trailing_metadata():
        if key == "grpc-status-details-bin":
            for detail in status_pb2.Status.FromString(value).details:
                info, bad = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
                if detail.Unpack(info):
                    print(f"  reason {info.reason} {dict(info.metadata)}")
                elif detail.Unpack(bad):
                    for violation in bad.field_violations:
                        print(f"  field {violation.field}: {violation.description}")


def create_source(stub, name, kind, parameters):
    source = sources.DataSource(name=name, type=kind, parameters_json=json.dumps(parameters))
    try:
        stub.CreateDataSource(source_calls.CreateDataSourceRequest(data_source=source),
                              timeout=DEADLINE_S)
    except grpc.RpcError as error:
        if error.code() != grpc.StatusCode.ALREADY_EXISTS:  # an earlier run has made it
            raise


def import_people(destination, instances=1):
    """A task that imports people.csv: two columns, the first of which is the key."""
    return tasks.Task(source="example-files", destination=destination, bulkload=tasks.BulkloadSpec(
        reader_config_json=json.dumps({"filePath": "people.csv", "column": ["id", "name"]}),
        writer_config_json=json.dumps({"namespace": "public", "lindormTable": "people_python",
                                       "columns": ["ROW||String", "f:name||String"]}),
        driver_spec=tasks.DRIVER_SPEC_SMALL, instances=instances,
        file_type=tasks.FILE_TYPE_CSV))


def create_task(stub, task):
    """Tries again with the same request_id, so that no second task is made whatever became of the first try."""
    request = task_calls.CreateTaskRequest(task=task, request_id=str(uuid.uuid4()))
    for delay_s in (0.1, 0.5, 2, None):
        try:
            return stub.CreateTask(request, timeout=DEADLINE_S)
        except grpc.RpcError as error:
            if delay_s is None or error.code() not in MAY_PASS:
                raise
            time.sleep(delay_s)


def watch(stub, task_id):
    """Prints what becomes of a task until it ends, and gives its last state."""
    cursor = ""
    while True:
        try:
            for change in stub.WatchTask(task_calls.WatchTaskRequest(id=task_id, cursor=cursor)):
                cursor = change.cursor or cursor
                if change.HasField("task"):
                    print(f"{task_id} {tasks.TaskState.Name(change.task.state)},"
                          f" {change.task.progress.rows_written} rows")
                    if change.task.state in ENDED:
                        return change.task.state
        except grpc.RpcError as error:
            if error.code() != grpc.StatusCode.UNAVAILABLE:
                raise
            time.sleep(0.5)  # the server was started anew, say; go on after the last change


def main(address, folder, database):
    with grpc.insecure_channel(address, KEEPALIVE, grpc.Compression.Gzip) as channel:
        source_stub, stub = DataSourceServiceStub(channel), TaskServiceStub(channel)
        postgres = sources.DATA_SOURCE_TYPE_POSTGRES
        create_source(source_stub, "example-files", sources.DATA_SOURCE_TYPE_FILE, {"root": folder})
        create_source(source_stub, "example-database", postgres, {"url": database})
        create_source(source_stub, "example-nowhere", postgres, {"url": "postgresql://127.0.0.1:1/x"})

        state = watch(stub, create_task(stub, import_people("example-database")).id)

        hopeless = create_task(stub, import_people("example-nowhere"))  # tried until it is aborted
        killed = stub.AbortTask(task_calls.AbortTaskRequest(id=hopeless.id), timeout=DEADLINE_S)
        print(f"{killed.id} {tasks.TaskState.Name(killed.state)}")

        try:
            create_task(stub, import_people("example-database", instances=-1))
        except grpc.RpcError as error:
            show_error(error)
        return 0 if state == tasks.TASK_STATE_SUCCEEDED else 1


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit("usage: example ADDRESS FOLDER DATABASE")
    sys.exit(main(*sys.argv[1:]))
