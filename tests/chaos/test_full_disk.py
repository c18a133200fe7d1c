"""The volume of an import's destination is full for a while."""
import pytest

from chaostest.imports import COUNT, FOLDER, write_files
from chaostest.volume import Volume
from sluicetest.postgres import Cluster
from sluicetest.wait import wait_until


@pytest.fixture
def volume():
    made = Volume(200)
    if not made.is_small:
        made.data.rmdir()
        made.remove()
        pytest.skip("a volume can only be mounted by root")
    yield made
    made.remove()


@pytest.fixture
def small_cluster(volume):
    cluster = Cluster(volume.data, max_wal_size="64MB")
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.remove()


def test_a_server_that_cannot_even_begin_a_session_for_want_of_room_is_waited_for(
        stack, volume, small_cluster):
    """Such a server ends new sessions with an internal error, "could not write init file"."""
    database = small_cluster.create_database()
    database.rows("CREATE TABLE public.t (id int, text text)")
    stack.start_gateway()
    stack.add_usual_sources(database)
    write_files(stack.files / FOLDER)
    with volume.filled():
        for file in (volume.data / "data").rglob("pg_internal.init"):
            file.unlink()
        # The room that they had, too.
        with volume.filled("more"):
            stack.start_worker()
            api = stack.api
            task = api.tasks.CreateTask(api.task_service.CreateTaskRequest(task=api.task.Task(
                source="hdfs", destination="ld", bulkload=api.task.BulkloadSpec(
                    reader_config_json=f'{{"filePath":"{FOLDER}","column":["id","text"]}}',
                    writer_config_json='{"namespace":"public","lindormTable":"t",'
                                       '"columns":["id","text"]}',
                    driver_spec=api.task.DRIVER_SPEC_SMALL, instances=1,
                    file_type=api.task.FILE_TYPE_CSV)))).id
            wait_until(lambda: "could not write init file" in stack.task(task).message, 30,
                       what="the task says what it waits for")
    stack.wait_for_state(task, "SUCCEEDED")
    assert database.rows(COUNT % "t") == [(0, 0, 0)]
