"""The examples of clients in other languages do what docs/clients.md says, against the real programs."""
import pathlib
import subprocess

import psycopg2
import pytest

from sluicetest.wait import scale

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILT = ROOT / "build/examples"  # where the tier `examples` of scripts/test builds them
LANGUAGES = sorted(folder.name for folder in (ROOT / "examples").iterdir() if folder.is_dir())
PEOPLE = [("1", "Ada"), ("2", "Grace"), ("3", "Edsger")]  # examples/people.csv


@pytest.fixture(params=LANGUAGES)
def language(request):
    if not (BUILT / request.param / "example").exists():
        pytest.skip(f"examples/build.sh has not built {request.param}")
    return request.param


def start(language, *arguments):
    """An example that hangs ends with 124."""
    return subprocess.Popen(["timeout", f"{60 * scale()}", BUILT / language / "example", *arguments],
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def finish(process):
    out, err = process.communicate()
    return process.returncode, out, err


def rows(database, table):
    with psycopg2.connect(database.url) as connection, connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM {table} ORDER BY 1")
        return cursor.fetchall()


@pytest.fixture
def served(stack):
    stack.start_gateway()
    stack.start_worker()
    return stack


def states(out, of):
    """The states of a task in the order in which the example has printed them."""
    return [line.split()[1].strip(",").removeprefix("TASK_STATE_")
            for line in out.splitlines() if line.startswith(of)]


def test_an_example_does_what_it_says(language, served, destination):
    arguments = (served.gateway.address, str(ROOT / "examples"), destination.url)
    status, out, err = finish(start(language, *arguments))
    assert status == 0, out + err
    ids = list(dict.fromkeys(line.split()[0] for line in out.splitlines() if line.startswith("proc-")))
    assert len(ids) == 2
    assert states(out, ids[0])[-1] == "SUCCEEDED"
    assert f"{ids[0]} TASK_STATE_SUCCEEDED, 3 rows" in out
    assert states(out, ids[1]) == ["KILLED"]
    assert rows(destination, f"people_{language}") == PEOPLE
    assert "refused: " in out
    assert "  reason INVALID_FIELD" in out
    assert "  field task.bulkload.instances: " in out
    assert served.state(ids[1]) == "KILLED"

    # Its data sources are there now, and rows are written again by their keys.
    status, out, err = finish(start(language, *arguments))
    assert status == 0, out + err
    assert rows(destination, f"people_{language}") == PEOPLE


def test_an_example_fails_when_its_import_fails(language, served, destination, tmp_path):
    """There is no people.csv."""
    status, out, err = finish(
        start(language, served.gateway.address, str(tmp_path), destination.url))
    assert status == 1, out + err
    assert "FAILED" in out


def test_a_watch_goes_on_when_the_gateway_is_back(language, stack, destination):
    """Without a worker the task waits, so the watch is there when the gateway dies."""
    stack.start_gateway()
    process = start(language, stack.gateway.address, str(ROOT / "examples"), destination.url)
    try:
        first = process.stdout.readline()
        assert "PENDING" in first, first + process.stderr.read()
        stack.gateway.kill()
        stack.gateway.start()
        stack.start_worker()
        status, out, err = finish(process)
    finally:
        process.terminate()
    assert status == 0, first + out + err
    assert rows(destination, f"people_{language}") == PEOPLE


def test_each_language_is_there():
    assert LANGUAGES == ["cpp", "go", "java", "node", "python"]
