"""A bulk import into HBase: what is in the files is in the table, byte for byte as HBase's own tools would write it."""
import decimal
import json
import struct

import pytest
from hbasetest.judge import cell, family

from sluicetest import metrics, seed
from sluicetest.importer import Importer, duckdb
from sluicetest.wait import wait_until

D = decimal.Decimal


class HBaseImporter(Importer):
    """
    Imports of one test into a table of the cluster `target`:

        importer.write("a.csv", "r1,1\\n")
        importer.run({"k": "ROW||String", "n": "f:n||Int"})
        assert importer.cells() == {(b"r1", b"f", b"n"): b"\\0\\0\\0\\1"}
    """

    def __init__(self, sluice, judge, cluster, table):
        super().__init__(sluice.stack, None, table)
        sluice.stack.add_source("hdfs", "FILE", {"root": str(sluice.stack.files)})
        self.sluice = sluice
        self.judge = judge
        self.cluster = cluster

    def submit(self, columns, *arguments, writer=None, **more):
        return super().submit(columns, *arguments, destination="target",
                              writer={"namespace": "default", **(writer or {})}, **more)

    def scan(self, **view):
        return self.judge.scan(self.cluster, self.name, see="visible", **{"limit": 1000000, **view})

    def cells(self):
        return {(c["row"], c["family"], c["qualifier"]): c["value"] for c in self.scan()}


@pytest.fixture
def importer(sluice, judge, target, table):
    return HBaseImporter(sluice, judge, target, table)


# --- the documented request

def big(n, size):
    return n.to_bytes(size, "big", signed=True)


def decimal_bytes(value):
    """java.math.BigDecimal's scale, which is not negative here, and unscaled value."""
    exponent = min(value.as_tuple().exponent, 0)
    unscaled = int(value.scaleb(-exponent))
    size = (unscaled if unscaled >= 0 else -unscaled - 1).bit_length() // 8 + 1
    return big(-exponent, 4) + big(unscaled, size)


def sample_cells(count, scale=None):
    """scale: of the decimals; without it the one that each has in its text."""
    cells = {}
    for n in range(count):
        key, *values = seed.row(n)
        if scale is not None:
            values[4] = values[4].quantize(D(1).scaleb(-scale))
        encoded = (big(values[0], 4), struct.pack(">d", values[1]), values[2].encode(), values[3].encode(),
                   decimal_bytes(values[4]))
        for name, value in zip(seed.COLUMNS[1:], encoded):
            cells[key.encode(), b"f", name.encode()] = value
    return cells


# HBase has no codec for ZSTD by itself; it uses a native one, or the one that is set: here the one for zlib.
ZSTD_SETTINGS = {"hbase.io.compress.zstd.codec": "org.apache.hadoop.io.compress.DefaultCodec"}


@pytest.fixture(scope="module")
def zstd_cluster(hbase):
    cluster = hbase.start("zstd", settings=ZSTD_SETTINGS)
    yield cluster
    cluster.kill()


@pytest.mark.both_versions
@pytest.mark.parametrize("file_type", ["Parquet", "CSV"])
def test_the_documented_request_imports_a_folder(importer, zstd_cluster, file_type):
    """Into the table that it names, which it makes; with the time of the task on all cells."""
    importer.sluice.add_cluster("ld", zstd_cluster)
    importer.cluster = zstd_cluster
    csv = importer.stack.files / "csv" / "sample.csv"
    parquet = importer.stack.files / "parquet" / "sample.parquet"
    csv.parent.mkdir()
    parquet.parent.mkdir()
    csv.write_bytes(seed.csv_bytes(range(2000)))
    duckdb(importer.stack.build,
           f"COPY (SELECT column0 AS id, column1::INTEGER AS intcol, column2::DOUBLE AS doublecol,"
           f" column3 AS stringcol, column4 AS string1col, column5::DECIMAL(18,2) AS decimalcol"
           f" FROM read_csv('{csv}', header=false, all_varchar=true, quote='\"', escape='\"'))"
           f" TO '{parquet}' (FORMAT parquet)")
    importer.name = "bulkload_test"
    importer.judge.drop(zstd_cluster, importer.name)
    body = seed.form(f"{file_type.lower()}/", file_type)
    assert file_type != "Parquet" or body == seed.FORM

    task_id = importer.stack.rest.post_form(seed.CREATE, body).json()["message"]

    task = importer.end(task_id)
    assert (task.progress.rows_read, task.progress.rows_written, task.progress.bad_rows) == (2000, 2000, 0)
    assert importer.cells() == sample_cells(2000, scale=2 if file_type == "Parquet" else None)
    times = {c["timestamp"] for c in importer.scan()}
    assert times == {task.create_time.seconds * 1000 + task.create_time.nanos // 1000000}
    assert judge_family(importer, "f")["COMPRESSION"] == "ZSTD"


def judge_family(importer, name):
    return importer.judge.describe(importer.cluster, importer.name)["families"][name]


def test_servers_that_cannot_compress_are_told_of(importer):
    importer.write("a.csv", "r1,1\n")
    message = importer.fail({"k": "ROW||String", "n": "f:n||Int"}, writer={"compression": "zstd"})
    assert message.startswith(f"table {importer.name} cannot be made with compression zstd: ")


# --- types

# What of a text becomes which bytes: org.apache.hadoop.hbase.util.Bytes.toBytes.
VALUES = {
    "Boolean": [("true", "ff"), ("0", "00")],
    "Byte": [("-128", "80"), ("127", "7f")],
    "Short": [("1", "0001"), ("300", "012c"), ("-1", "ffff")],
    "Int": [("0", "00000000"), ("123456", "0001e240"), ("-2147483648", "80000000")],
    "Long": [("1", "0000000000000001"), ("-2", "fffffffffffffffe"), ("1573560272951", "0000016e5f804837")],
    "Float": [("1.5", "3fc00000"), ("-2.25", "c0100000"), ("NaN", "7fc00000")],
    "Double": [("1.5", "3ff8000000000000"), ("-0.0", "8000000000000000"), ("NaN", "7ff8000000000000")],
    "Decimal": [("0", "0000000000"), ("128", "000000000080"), ("-129", "00000000ff7f"), ("123.45", "000000023039"),
                ("-0.000001", "00000006ff"),
                ("12345678901234567890123456789012345678", "000000000949b0f6f0023313c4499050de38f34e")],
    "String": [("中a", "e4b8ad61"), ('""', ""), ("x y", "782079")],
    "Varbinary": [("\\x00ff", "00ff"), ("text", "74657874")],
}


def test_values_of_all_types_arrive_as_hbase_writes_them(importer):
    for name, values in VALUES.items():
        importer.write(f"{name}/a.csv", "".join(f"{i},{text}\n" for i, (text, _) in enumerate(values)))
        importer.run({"i": "ROW||Int", "v": f"f:{name}||{name}"}, path=f"{importer.name}/{name}")
    assert importer.cells() == {
        (big(i, 4), b"f", name.encode()): bytes.fromhex(expected)
        for name, values in VALUES.items() for i, (_, expected) in enumerate(values)}


@pytest.mark.parametrize("name", VALUES)
def test_every_type_may_be_a_row_key(importer, name):
    text, expected = VALUES[name][0]
    importer.write("a.csv", f"{text},1\n")
    importer.run({"k": f"ROW||{name}", "i": "f:i||Byte"})
    assert importer.cells() == {(bytes.fromhex(expected), b"f", b"i"): b"\1"}


def test_imports_that_want_the_same_new_table_share_it(importer):
    for n in range(4):
        importer.write(f"{n}/a.csv", f"r{n},{n}\n")
    tasks = [importer.submit({"k": "ROW||String", "n": "f:n||Int"}, path=f"{importer.name}/{n}") for n in range(4)]
    for task in tasks:
        assert importer.end(task).progress.rows_written == 1
    assert importer.cells() == {(b"r%d" % n, b"f", b"n"): big(n, 4) for n in range(4)}


def test_a_null_writes_no_cell_and_takes_none_away(importer):
    importer.write("a.csv", "r1,a,\nr2,,\nr3,\"\",c\n")
    importer.run({"k": "ROW||String", "a": "f:a||String", "b": "g:b:c||String"})
    assert importer.cells() == {(b"r1", b"f", b"a"): b"a", (b"r3", b"f", b"a"): b"", (b"r3", b"g", b"b:c"): b"c"}
    importer.write("a.csv", "r1,,b\n")
    importer.run({"k": "ROW||String", "a": "f:a||String", "b": "g:b:c||String"})
    assert importer.cells()[b"r1", b"f", b"a"] == b"a"


def test_of_equal_keys_in_a_file_the_last_row_wins(importer):
    importer.stack.workers.pop().stop()
    worker = importer.stack.start_worker("--metrics-listen", "127.0.0.1:0")
    importer.write("a.csv", "".join(f"r{i % 7},{i}\n" for i in range(20000)))
    task = importer.run({"k": "ROW||String", "n": "f:n||Int"})
    assert task.progress.rows_written == 20000
    assert metrics.scrape(worker.metrics_port).get("sluice_worker_written_bytes_total", connector="HBASE") == 20000 * (2 + 4)
    assert importer.cells() == {(b"r%d" % (i % 7), b"f", b"n"): big(i, 4) for i in range(19993, 20000)}


@pytest.mark.parametrize("given, expected", [
    (1500000000000, 1500000000000), ("1500000000000", 1500000000000),
    ("2017-07-14 02:40:00", 1500000000000)])
def test_cells_have_the_timestamp_that_was_asked_for(importer, given, expected):
    importer.write("a.csv", "r1,1\n")
    importer.run({"k": "ROW||String", "n": "f:n||Int"}, writer={"timestamp": given})
    assert [c["timestamp"] for c in importer.scan()] == [expected]


# --- bad rows

def test_rows_that_do_not_fit_are_left_out_counted_and_kept(importer):
    longest = "k" * 32767
    huge = "v" * (11 * 1024 * 1024)  # HBase takes 10 MiB
    importer.write("a.csv", f'r1,1,a\n,2,b\n"",3,c\n{longest},4,d\n{longest}k,5,e\nr6,six,f\nr7,7,{huge}\nr8,8,h\n')
    task = importer.run({"k": "ROW||String", "n": "f:n||Int", "s": "f:s||String"}, reader={"maxBadRows": 5})
    assert (task.progress.rows_read, task.progress.rows_written, task.progress.bad_rows) == (8, 3, 5)
    assert {key[0] for key in importer.cells()} == {b"r1", longest.encode(), b"r8"}
    bad = {row: (column, reason) for _, row, column, reason in importer.bad_rows(task)}
    assert bad[2] == ("k", "null, but the column needs a value")
    assert bad[3] == ("k", "the row key is empty")
    assert bad[5] == ("k", "the row key has 32768 bytes; HBase takes at most 32767")
    assert bad[6][0] == "n"
    assert bad[7][0] == "s" and "exceeds limit of 10485760 bytes" in bad[7][1]


def test_one_bad_row_too_many_fails_the_import(importer):
    importer.write("a.csv", 'r1,1\n"",2\n')
    message = importer.fail({"k": "ROW||String", "n": "f:n||Int"})
    assert message == f"{importer.name}/a.csv: row 2, column 'k': the row key is empty"


# --- tables

def test_a_missing_table_is_made_with_families_and_regions(importer):
    """Of the files' size and their keys; in a namespace that is made, too."""
    value = "x" * 1000
    with importer.write("a.csv", "").open("w") as file:
        for i in range(100000):  # 102 MB
            file.write(f"key-{i:06d},{value},1\n")
    name = f"ns_{importer.name}:{importer.name}"
    importer.end(importer.submit({"k": "ROW||String", "v": "f:v||String", "n": "g:n||Byte"},
                                 writer={"namespace": name.split(":")[0]}), timeout_s=300)
    described = importer.judge.describe(importer.cluster, name)
    assert list(described["families"]) == ["f", "g"]
    assert described["families"]["f"]["COMPRESSION"] == "NONE"
    starts = [region["start"] for region in importer.judge.regions(importer.cluster, name)]
    assert len(starts) == 4
    # Where the parts of the file begin that are read at once: every 32 MiB.
    assert [int(s[4:10]) for s in starts[1:]] == pytest.approx([33000, 66000, 99000], abs=1500)
    counted = importer.judge.count(importer.cluster, name)
    assert counted["rows"] == 100000


def test_a_table_that_is_there_is_used_as_it_is(importer, judge):
    judge.create(importer.cluster, importer.name, [family("f", VERSIONS=3), "other"], regions=4)
    judge.write(importer.cluster, importer.name, cell(b"r1", b"other", b"x", b"kept", timestamp=1))
    importer.write("a.csv", "r1,1\n")
    importer.run({"k": "ROW||String", "n": "f:n||Int"})
    assert importer.cells() == {(b"r1", b"other", b"x"): b"kept", (b"r1", b"f", b"n"): big(1, 4)}
    assert judge_family(importer, "f")["VERSIONS"] == "3"


@pytest.mark.parametrize("what, message", [
    ("family", "table {t} exists and lacks the column families g, h; add them, or import into a table that is not "
               "there yet"),
    ("readonly", "table {t} is read-only (READONLY is true)"),
    ("disabled", "table {t} is not enabled"),
])
def test_a_table_that_does_not_fit_is_refused(importer, judge, what, message):
    families = ["f"] if what == "family" else ["f", "g", "h"]
    judge.create(importer.cluster, importer.name, families, **({"READONLY": "true"} if what == "readonly" else {}))
    if what == "disabled":
        judge.ask("disable", importer.cluster, table=importer.name)
    importer.write("a.csv", "r1,1,1,1,1\n")
    got = importer.fail({"k": "ROW||String", "n": "f:n||Int", "m": "g:m||Int", "o": "g:o||Int", "p": "h:p||Int"})
    assert got == message.format(t=importer.name)


@pytest.mark.parametrize("columns, reader, message", [
    ({"k": "k", "n": "n"}, {}, "writerConfig.columns: HBase has no SQL columns; ROW||Type and family:qualifier||Type "
                               "are expected"),
    ({"k": "ROW||Int", "n": "f:n||Int"}, {"duplicates": "error"},
     'readerConfig.duplicates: HBase cannot tell equal keys; "last" is expected'),
    ({"k": "ROW||Int"}, {}, "writerConfig.columns: a table has at least one family; the row key alone cannot be kept"),
])
def test_what_hbase_does_not_have_is_refused(importer, columns, reader, message):
    importer.write("a.csv", ",".join("1" for _ in columns) + "\n")
    assert importer.fail(columns, reader=reader) == message


# --- crashes

def test_a_worker_that_is_killed_loses_and_repeats_nothing(importer):
    """Several times, in the middle; the counts are those of the files."""
    for part in range(12):
        importer.write(f"part-{part:02d}.csv", seed.csv_bytes(range(part * 20000, (part + 1) * 20000)))
    columns = dict(zip(seed.COLUMNS, ["ROW||String", "f:intcol||Int", "f:doublecol||Double", "f:stringcol||String",
                                      "f:string1col||String", "f:decimalcol||Decimal"]))
    task_id = importer.submit(columns)
    stack = importer.stack
    for nth in range(1, 4):
        wait_until(lambda: stack.task(task_id).progress.rows_written >= nth * 50000, 120,
                   what=f"{nth * 50000} rows")
        stack.workers[-1].kill()
        stack.start_worker()
    task = importer.end(task_id, timeout_s=240)
    assert (task.progress.rows_read, task.progress.rows_written, task.progress.bad_rows) == (240000, 240000, 0)
    assert importer.judge.count(importer.cluster, importer.name)["rows"] == 240000
    raw = importer.judge.scan(importer.cluster, importer.name, see="raw", start=b"row-000050000", limit=1000)
    assert len({(c["row"], c["qualifier"], c["timestamp"]) for c in raw}) == len(raw)


def test_abort_keeps_what_is_written_and_retry_does_the_rest(importer):
    for part in range(8):
        importer.write(f"part-{part}.csv", seed.csv_bytes(range(part * 20000, (part + 1) * 20000)))
    columns = {"id": "ROW||String", "n": "f:n||Int", "d": "f:d||Double", "s": "f:s||String", "t": "f:t||String",
               "m": "f:m||Decimal"}
    task_id = importer.submit(columns)
    wait_until(lambda: importer.stack.task(task_id).progress.rows_written >= 20000, 60, what="a split")
    importer.abort(task_id)
    importer.end(task_id, "KILLED")
    importer.retry(task_id)
    task = importer.end(task_id, timeout_s=120)
    assert (task.progress.rows_read, task.progress.rows_written) == (160000, 160000)
    assert importer.judge.count(importer.cluster, importer.name)["rows"] == 160000


def test_a_region_server_that_is_killed_is_waited_for(importer, target):
    """And has all that it acknowledged, even of a table whose own wish is to keep no log."""
    importer.judge.create(target, importer.name, DURABILITY="SKIP_WAL")
    for part in range(8):
        importer.write(f"part-{part}.csv", seed.csv_bytes(range(part * 20000, (part + 1) * 20000)))
    columns = {"id": "ROW||String", "n": "f:n||Int", "d": "f:d||Double", "s": "f:s||String", "t": "f:t||String",
               "m": "f:m||Decimal"}
    task_id = importer.submit(columns)
    wait_until(lambda: importer.stack.task(task_id).progress.rows_written >= 20000, 60, what="a split")
    target.restart_region_server(0)
    task = importer.end(task_id, timeout_s=240)
    assert task.progress.rows_written == 160000
    assert importer.judge.count(importer.cluster, importer.name)["rows"] == 160000
    assert json.loads(task.bulkload.reader_config_json)["filePath"] == importer.name
