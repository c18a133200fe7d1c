"""Files that want more memory than they are worth: the task ends as it should, and the worker lives and stays small."""
import random

import pytest

from sluicetest.wait import is_sanitized

MIB = 1 << 20
MAX_BYTES = 900 * MIB  # of the worker, with DuckDB's own 192 MiB
COLUMNS = {"id": "ROW||Int", "name": "f:name||String"}


@pytest.fixture(autouse=True)
def worker_is_well(module_stack):
    yield
    module_stack.check_programs()
    if not is_sanitized():
        assert module_stack.worker.peak_memory_bytes() < MAX_BYTES


def check_it_imports(importer):
    """The worker takes the next task."""
    importer.folder.joinpath("bomb").unlink(missing_ok=True)
    importer.write("good.csv", "1,x\n")
    importer.run(COLUMNS)
    assert importer.rows() == [(1, "x")]


@pytest.mark.parametrize("select, words", [
    ("SELECT 1 AS id, repeat('a', 700000000) AS name", ["memory"]),
    (f"SELECT 1 AS id, {'[' * 60}1{']' * 60} AS name", ["name"]),
], ids=["a value of 700 MB", "lists in lists"])
def test_parquet_that_becomes_large(importer, select, words):
    importer.write_parquet("bomb", select)
    assert importer.folder.joinpath("bomb").stat().st_size < 64 * MIB
    message = importer.fail(COLUMNS, "PARQUET")
    assert any(word in message.lower() for word in words), message
    check_it_imports(importer)


def test_parquet_whose_dictionary_stands_for_much(importer):
    """200 MB of rows in a file of some KB are rows all the same."""
    importer.write_parquet("bomb", "SELECT range::int AS id, repeat('ab', 5000) AS name FROM range(20000)")
    assert importer.folder.joinpath("bomb").stat().st_size < MIB
    importer.end(importer.submit(COLUMNS, "PARQUET"), timeout_s=300)
    assert importer.count() == 20_000


def test_parquet_with_bytes_by_chance(importer):
    """Sizes of pages, counts, offsets: whatever they say, a task ends. The bytes are chosen by a fixed seed."""
    path = importer.write_parquet("bomb", "SELECT range::int AS id, 'row ' || range AS name FROM range(1000)")
    whole, chance = path.read_bytes(), random.Random(1)
    tasks = []
    for number in range(12):
        folder = importer.folder / f"d{number}"
        folder.mkdir()
        data = bytearray(whole)
        # Heads of pages are at the beginning, the metadata is at the end.
        places = [*range(4, 60), *range(len(data) - 300, len(data) - 4)]
        for place in chance.sample(places, 1 + number % 4):
            data[place] = chance.choice([0, 1, 0x7f, 0x80, 0xff, chance.randrange(256)])
        (folder / "x.parquet").write_bytes(data)
        tasks.append(importer.submit(COLUMNS, "PARQUET", path=f"{importer.name}/d{number}"))
    ends = []
    for task in tasks:
        try:
            ends.append(importer.end(task, "FAILED", 120).state)
        except AssertionError as e:
            assert "SUCCEEDED" in str(e)
    assert len(ends) > 2
    path.unlink()


@pytest.mark.parametrize("head", [b'1,"', b"1,", b'1,x\n2,"'], ids=["quoted", "bare", "second"])
def test_csv_with_a_record_of_a_gigabyte(importer, head):
    """Its bytes are not there: the file is a hole."""
    with open(importer.folder / "bomb", "wb") as file:
        file.write(head)
        file.truncate(1 << 30)
    message = importer.fail(COLUMNS)
    assert "bomb" in message and ("MiB" in message or "NUL" in message or "longer" in message), message
    check_it_imports(importer)
