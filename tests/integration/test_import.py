"""A bulk import from request to table: what is in the files is in the table, exactly, or told."""
import datetime
import decimal
import json
import os
import re
import uuid

import grpc
import pytest

from sluicetest import seed
from sluicetest.grpc_client import error_of
from sluicetest.importer import duckdb
from sluicetest.wait import wait_until

D = decimal.Decimal


# --- the documented request

def expected_sample(count):
    return [seed.row(n) for n in range(count)]


@pytest.mark.parametrize("file_type", ["Parquet", "CSV"])
def test_the_documented_request_imports_a_folder(module_stack, importer, file_type):
    """Into the table that it names, under the schema that it names."""
    folder = f"{file_type.lower()}/"
    csv = module_stack.files / "csv" / "sample.csv"
    parquet = module_stack.files / "parquet" / "sample.parquet"
    csv.parent.mkdir(exist_ok=True)
    parquet.parent.mkdir(exist_ok=True)
    csv.write_bytes(seed.csv_bytes(range(5000)))
    duckdb(module_stack.build,
           f"COPY (SELECT column0 AS id, column1::INTEGER AS intcol, column2::DOUBLE AS doublecol,"
           f" column3 AS stringcol, column4 AS string1col, column5::DECIMAL(18,2) AS decimalcol"
           f" FROM read_csv('{csv}', header=false, all_varchar=true, quote='\"', escape='\"'))"
           f" TO '{parquet}' (FORMAT parquet)")
    importer.destination.rows('DROP TABLE IF EXISTS "default".bulkload_test')
    body = seed.form(folder, file_type)
    assert file_type != "Parquet" or body == seed.FORM

    reply = module_stack.rest.post_form(seed.CREATE, body)

    assert reply.status == 200
    assert re.fullmatch(rb'\{"success":"true","message":"proc-[1-9][0-9]*-[0-9a-f]{32}"\}',
                        reply.body)
    task = importer.end(reply.json()["message"])
    assert (task.progress.rows_read, task.progress.rows_written, task.progress.bad_rows) == (
        5000, 5000, 0)
    columns = [c.split("||")[0] for c in json.loads(task.bulkload.writer_config_json)["columns"]]
    assert columns == ["ROW", "f:intcol", "f:doublecol", "f:stringcol", "f:string1col",
                       "f:decimalcol"]
    names = ", ".join(f'"{c}"' for c in columns)
    assert importer.destination.rows(
        f'SELECT {names} FROM "default".bulkload_test ORDER BY "ROW"') == expected_sample(5000)


# --- types

# What of a text becomes which value, and in which type of column.
CSV_VALUES = {
    "Boolean": ("boolean", [("true", True), ("FALSE", False), ("t", True), ("F", False),
                            ("1", True), ("0", False), ("yes", True), (" No ", False)]),
    "Byte": ("smallint", [("-128", -128), ("127", 127), ("+5", 5), ("007", 7)]),
    "Short": ("smallint", [("-32768", -32768), ("32767", 32767)]),
    "Int": ("integer", [("-2147483648", -2147483648), (" 2147483647", 2147483647)]),
    "Long": ("bigint", [("-9223372036854775808", -2**63), ("9223372036854775807", 2**63 - 1)]),
    "Float": ("real", [("0.1", "0.1"), ("3.4028235e38", "3.4028235e+38"), ("-1e-45", "-1e-45"),
                       ("16777217", "1.6777216e+07"), ("Infinity", "Infinity")]),
    "Double": ("double precision", [("0.1", 0.1), ("1.7976931348623157e308",) * 2, ("5e-324",) * 2,
                                    ("-inf", float("-inf")), (".5", 0.5), ("1E3", 1000.0)]),
    "Decimal": ("numeric", [("1.10", D("1.10")), ("-0.000001", D("-0.000001")), ("1e3", D(1000)),
                            ("12345678901234567890123456789012345678",
                             D("12345678901234567890123456789012345678")),
                            ("0.12345678901234567890123456789012345678",
                             D("0.12345678901234567890123456789012345678"))]),
    "String": ("text", [("plain", "plain"), ('""', ""), ('"a ""b"" c"', 'a "b" c'),
                        ('"x\ny\r\nz"', "x\ny\r\nz"), ('","', ","), (" kept ", " kept "),
                        ("žluťoučký 🐎", "žluťoučký 🐎"), ("\\N", "\\N")]),
    "Varbinary": ("bytea", [("text", b"text"), ("\\x00ff", b"\x00\xff"), ('""', b""),
                            ("\\x", b""), ("é", "é".encode())]),
}


@pytest.mark.parametrize("name", CSV_VALUES)
def test_csv_values_of_a_type_arrive(importer, name):
    made, values = CSV_VALUES[name]
    importer.write("a.csv", "".join(f"{i},{text}\n" for i, (text, _) in enumerate(values)))
    importer.run({"i": "ROW||Int", "v": f"f:v||{name}"})
    assert importer.types() == {"ROW": "integer", "f:v": made}
    # As text, so that float's digits are the server's word.
    select = '"f:v"::text' if name == "Float" else '"f:v"'
    got = [bytes(v) if isinstance(v, memoryview) else v
           for v, in importer.rows(select, order='"ROW"')]
    assert got == [type(got[i])(v) for i, (_, v) in enumerate(values)]


def test_nan_arrives(importer):
    importer.write("a.csv", "1,nan,NaN,NAN\n")
    importer.run({"i": "ROW||Int", "f": "f:f||FLOAT", "d": "f:d||double", "n": "f:n||Decimal"})
    assert importer.rows('"f:f"::text, "f:d"::text, "f:n"::text') == [("NaN", "NaN", "NaN")]


@pytest.mark.parametrize("name", CSV_VALUES)
def test_every_type_may_be_a_row_key(importer, name):
    made, values = CSV_VALUES[name]
    importer.write("a.csv", f"{values[0][0]},1\n")
    importer.run({"k": f"ROW||{name}", "i": "f:i||Int"})
    assert importer.types()["ROW"] == made
    assert importer.destination.value(
        "SELECT string_agg(a.attname, ',') FROM pg_index i JOIN pg_attribute a"
        " ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)"
        " WHERE i.indisprimary AND i.indrelid = %s::regclass", importer.table) == "ROW"
    assert importer.count() == 1


def test_an_empty_field_is_null_in_every_type(importer):
    types = list(CSV_VALUES)
    importer.write("a.csv", "1" + "," * len(types) + "\n")
    importer.run({"k": "ROW||Int", **{t: f"f:{t}||{t}" for t in types}})
    assert importer.rows() == [(1, *[None] * len(types))]



# DuckDB's text for a value, what it is written as, and what arrives.
PARQUET_VALUES = [
    ("true", "Boolean", True),
    ("(-128)::TINYINT", "Byte", -128),
    ("255::UTINYINT", "Short", 255),
    ("(-32768)::SMALLINT", "Short", -32768),
    ("2147483647::INTEGER", "Int", 2147483647),
    ("4294967295::UINTEGER", "Long", 4294967295),
    ("(-9223372036854775808)::BIGINT", "Long", -2**63),
    ("18446744073709551615::UBIGINT", "Decimal", D(2**64 - 1)),
    ("5::BIGINT", "Byte", 5),
    ("0.1::FLOAT", "Float", 0.1),
    ("0.1::FLOAT", "Double", 0.10000000149011612),
    ("0.1::DOUBLE", "Double", 0.1),
    ("0.1::DOUBLE", "Decimal", D("0.1")),
    ("7::DOUBLE", "Int", 7),
    ("(-12.34)::DECIMAL(4,2)", "Decimal", D("-12.34")),
    ("(-12.34)::DECIMAL(9,2)", "Double", -12.34),
    ("1234567890.12::DECIMAL(18,2)", "Decimal", D("1234567890.12")),
    ("12345678901234567890123456789.012345678::DECIMAL(38,9)", "Decimal",
     D("12345678901234567890123456789.012345678")),
    ("'text é'", "String", "text é"),
    ("'bytes'", "Varbinary", b"bytes"),
    ("'\\x00\\xFF'::BLOB", "Varbinary", b"\x00\xff"),
    ("'utf-8'::BLOB", "String", "utf-8"),
    ("42::BIGINT", "String", "42"),
    ("(-0.50)::DECIMAL(4,2)", "String", "-0.50"),
    ("true", "String", "true"),
    ("DATE '2024-02-29'", "String", "2024-02-29"),
    ("TIMESTAMP '2024-02-29 12:34:56.789'", "String", "2024-02-29 12:34:56.789"),
    ("NULL::INTEGER", "Int", None),
    ("NULL::VARCHAR", "String", None),
]


def test_parquet_values_of_all_types_arrive(importer):
    columns = {f"c{i}": f"f:c{i}||{kind}" for i, (_, kind, _) in enumerate(PARQUET_VALUES)}
    select = ", ".join(f"{value} AS c{i}" for i, (value, _, _) in enumerate(PARQUET_VALUES))
    importer.write_parquet("a.parquet", f"SELECT 'k' AS k, {select}")
    importer.run({"k": "ROW||String", **columns}, "PARQUET")
    got = [bytes(v) if isinstance(v, memoryview) else v for v in importer.rows()[0][1:]]
    assert got == [value for _, _, value in PARQUET_VALUES]


def test_sql_form_writes_types_that_only_sql_has(importer):
    """Dates, times, JSON and UUIDs, from Parquet's own types and from CSV's texts."""
    some = uuid.UUID("123e4567-e89b-12d3-a456-426614174000")
    importer.make_table("id int PRIMARY KEY, d date, t timestamp, z timestamptz, j json, b jsonb,"
                        " u uuid, v varchar(5), c char(3), n numeric(6,2)")
    importer.write("a.csv", "1,2024-02-29,2024-02-29 12:34:56.789,2024-02-29T12:34:56+02:00,"
                            f'"{{""a"": [1, 2]}}","{{""a"": 1}}",{some},abcde,xyz,1.005\n')
    columns = {c: c for c in "id d t z j b u v c n".split()}
    importer.run(columns, path=f"{importer.name}/a.csv")
    importer.write_parquet(
        "a.parquet", "SELECT 2 AS id, DATE '2024-02-29' AS d,"
        " TIMESTAMP '2024-02-29 12:34:56.789' AS t,"
        " TIMESTAMPTZ '2024-02-29 12:34:56+02:00' AS z, '{\"a\": [1, 2]}' AS j, '{\"a\": 1}' AS b,"
        f" UUID '{some}' AS u, 'abcde' AS v, 'xyz' AS c, 1.005::DECIMAL(9,3) AS n")
    importer.run(columns, "PARQUET", path=f"{importer.name}/a.parquet")
    at = datetime.datetime(2024, 2, 29, 12, 34, 56, 789000)
    row = (datetime.date(2024, 2, 29), at, "2024-02-29 10:34:56+00", {"a": [1, 2]}, {"a": 1},
           str(some), "abcde", "xyz", D("1.01"))
    assert importer.rows("id, d, t, (z AT TIME ZONE 'UTC')::text || '+00', j, b, u, v, c, n") == [
        (1, *row), (2, *row)]


# --- HBase form and SQL form

def test_sql_form_fills_an_existing_table(importer):
    importer.make_table("id int PRIMARY KEY, \"odd \"\"name\" text, untouched text DEFAULT 'd'")
    importer.write("a.csv", "1,x\n2,y\n")
    task = importer.run({"a": "id", "b": 'odd "name'})
    assert importer.rows() == [(1, "x", "d"), (2, "y", "d")]
    assert [importer.stack.api.task.JobState.Name(job.state) for job in task.jobs] == [
        "JOB_STATE_SKIPPED", "JOB_STATE_SUCCEEDED"]  # no table was made


def test_sql_form_needs_its_table(importer):
    importer.write("a.csv", "1\n")
    assert importer.fail({"a": "id"}) == f"there is no table public.{importer.name}"


def test_sql_form_needs_its_columns(importer):
    importer.make_table("id int, must text NOT NULL")
    importer.write("a.csv", "1,2\n")
    where = f"table public.{importer.name}: column"
    assert importer.fail({"a": "id", "b": "nope"}) == f"{where} 'nope' is not there"
    assert importer.fail({"a": "id"}).startswith(
        f"{where} 'must' may not be null and has no default")


def test_hbase_form_refuses_a_table_that_does_not_fit(importer):
    importer.make_table('"ROW" text PRIMARY KEY, "f:n" text')
    importer.write("a.csv", "1,2\n")
    assert importer.fail({"k": "ROW||String", "n": "f:n||Int"}) == (
        f"table public.{importer.name}: column 'f:n' is text; for INT it has to be"
        " integer, bigint or numeric")


def test_hbase_form_adds_missing_columns(importer):
    importer.make_table('"ROW" text PRIMARY KEY, "f:a" int')
    importer.destination.rows(f"INSERT INTO {importer.table} VALUES ('k1', 1), ('k2', 2)")
    importer.write("a.csv", "k1,9\nk3,7\n")
    importer.run({"k": "ROW||String", "b": "f:b||Int"})
    # As a put does: it leaves the columns alone that it does not name.
    assert importer.rows() == [("k1", 1, 9), ("k2", 2, None), ("k3", None, 7)]


def test_a_schema_is_made_when_it_is_missing(importer):
    importer.write("a.csv", "k\n")
    importer.run({"k": "ROW||String"}, writer={"namespace": "a new one"})
    assert importer.destination.value(f'SELECT * FROM "a new one"."{importer.name}"') == "k"


# --- rows of the same key

def test_rows_replace_rows_of_the_same_key(importer):
    columns = {"k": "ROW||String", "a": "f:a||Int", "b": "f:b||String"}
    importer.write("a.csv", "k1,1,x\nk2,2,y\n")
    importer.run(columns)
    importer.write("a.csv", "k2,3,\nk3,4,z\n")
    task = importer.run(columns)
    assert importer.rows() == [("k1", 1, "x"), ("k2", 3, None), ("k3", 4, "z")]
    assert (task.progress.rows_read, task.progress.rows_written) == (2, 2)


@pytest.mark.parametrize("has_rows", [False, True], ids=["new_table", "table_with_rows"])
def test_of_equal_keys_in_a_split_the_last_wins(importer, has_rows):
    columns = {"k": "ROW||Int", "v": "f:v||Int"}
    if has_rows:
        importer.write("a.csv", "1,0\n500,0\n")
        importer.run(columns)
    rows = [(n % 1000, n) for n in range(5000)]
    importer.write("a.csv", "".join(f"{k},{v}\n" for k, v in rows))
    task = importer.run(columns)
    assert importer.rows() == sorted(dict(rows).items())
    assert task.progress.rows_read == 5000


def test_equal_keys_in_several_files_leave_one_row(importer):
    for name in "abc":
        importer.write(f"{name}.csv", f"1,{name}\n2,{name}\n")
    importer.run({"k": "ROW||Int", "v": "f:v||String"})
    assert [k for k, _ in importer.rows()] == [1, 2]


def test_equal_keys_can_be_refused(importer):
    columns = {"k": "ROW||String", "v": "f:v||Int"}
    importer.write("a.csv", "x,1\ny,2\nz,3\ny,4\n")
    message = importer.fail(columns, reader={"duplicates": "error"})
    assert f"{importer.name}/a.csv: row 4" in message and "'y'" in message and "row 2" in message
    assert importer.count() == 0


def test_equal_keys_in_several_files_can_be_refused(importer):
    columns = {"k": "ROW||String", "v": "f:v||Int"}
    importer.write("a.csv", "x,1\ny,2\n")
    importer.write("b.csv", "z,3\ny,4\n")
    message = importer.fail(columns, reader={"duplicates": "error"}, driver="SMALL")
    assert f"{importer.name}/b.csv: row 2" in message and "'y'" in message


def test_equal_keys_are_found_on_both_sides_of_an_abort(importer):
    importer.write("a.csv", "a1,1\na2,2\n")
    importer.write("b.csv", "b1,3\nstop,4\n")
    importer.write("c.csv", "c1,5\na2,6\n")
    importer.make_table('"ROW" text PRIMARY KEY, "f:v" int')
    with importer.gate("ROW") as gate:
        gate.close("stop")
        task_id = importer.submit({"k": "ROW||String", "v": "f:v||Int"}, driver="SMALL",
                                  reader={"duplicates": "error"})
        gate.wait_until_reached("stop")
        importer.abort(task_id)
        wait_until(lambda: not gate.waiting("stop"), what="the import gives up")
    importer.retry(task_id)
    message = importer.end(task_id, "FAILED").message
    assert message == (f"{importer.name}/c.csv: row 2: its key 'a2' is that of row 2 of"
                       f" {importer.name}/a.csv")
    assert importer.rows() == [("a1", 1), ("a2", 2), ("b1", 3), ("stop", 4)]


def test_keys_of_earlier_imports_are_not_duplicates(importer):
    columns = {"k": "ROW||String", "v": "f:v||Int"}
    importer.write("a.csv", "x,1\n")
    importer.run(columns, reader={"duplicates": "error"})
    importer.write("a.csv", "x,2\ny,3\n")
    importer.run(columns, reader={"duplicates": "error"})
    assert importer.rows() == [("x", 2), ("y", 3)]


def test_a_table_without_a_key_takes_equal_rows(importer):
    importer.make_table("a int, b text")
    importer.write("a.csv", "1,x\n1,x\n1,x\n")
    importer.run({"a": "a", "b": "b"})
    assert importer.count() == 3


# --- CSV

CSV_FORMS = {
    "plain": ("a,1\nb,2\n", {}),
    "no_line_end_at_the_end": ("a,1\nb,2", {}),
    "crlf": ("a,1\r\nb,2\r\n", {}),
    "byte_order_mark": ("\ufeffa,1\nb,2\n", {}),
    "header": ("k,v\na,1\nb,2\n", {"header": True}),
    "header_in_another_order": ("v,other,k\n1,-,a\n2,-,b\n", {"header": True}),
    "header_with_byte_order_mark_and_crlf": ("\ufeffk,v\r\na,1\r\nb,2\r\n", {"header": True}),
    "quoted_header": ('"v","k"\n1,a\n2,b\n', {"header": True}),
    "semicolon": ("a;1\nb;2\n", {"delimiter": ";"}),
    "tab": ("a\t1\nb\t2\n", {"delimiter": "\t"}),
    "backslash_t": ("a\t1\nb\t2\n", {"delimiter": "\\t"}),
    "misspelt_delimiter": ("a|1\nb|2\n", {"delimite": "|"}),
    "quoted": ('"a","1"\n"b","2"\n', {}),
    "empty_lines": ("a,1\n\n\nb,2\n\n", {}),
}


@pytest.mark.parametrize("form", CSV_FORMS)
def test_csv_may_have_this_form(importer, form):
    content, reader = CSV_FORMS[form]
    importer.write("a.csv", content)
    importer.run({"k": "ROW||String", "v": "f:v||Int"}, reader=reader)
    assert importer.rows() == [("a", 1), ("b", 2)]


def test_line_ends_inside_quotes_belong_to_the_value(importer):
    importer.write("a.csv", 'a,"one\ntwo\r\nthree","say ""hi"""\nb,",\n",""\n')
    importer.run({"k": "ROW||String", "v": "f:v||String", "w": "f:w||String"})
    assert importer.rows() == [("a", "one\ntwo\r\nthree", 'say "hi"'), ("b", ",\n", "")]


def test_a_column_may_have_a_type_behind_its_name(importer):
    importer.write("a.csv", "k,v\na,1\n")
    importer.run({"k|string": "ROW||String", "v|int": "f:v||Int"}, reader={"header": True})
    assert importer.rows() == [("a", 1)]


def test_a_large_file_is_cut_in_the_right_places(importer):
    """Splits are 32 MiB. Nearly all line ends of the file are inside quotes, so a wrong cut shows."""
    count = 2200
    value = ("a,\n" * 3000 + '"') * 4
    quoted = value.replace('"', '""')
    with open(importer.folder / "a.csv", "w", newline="", encoding="utf-8") as file:
        for n in range(count):
            file.write(f'{n},"{quoted}{n}"\n')
    assert (importer.folder / "a.csv").stat().st_size > 64 << 20
    task = importer.run({"k": "ROW||Int", "v": "f:v||String"})
    assert importer.destination.rows(
        f"SELECT count(*), count(*) FILTER (WHERE \"f:v\" = %s || \"ROW\"), min(\"ROW\"),"
        f" max(\"ROW\") FROM {importer.table}", value) == [(count, count, 0, count - 1)]
    assert task.progress.rows_read == count


@pytest.mark.parametrize("content", ["", "\ufeff"], ids=["nothing", "byte_order_mark"])
@pytest.mark.parametrize("has_header", [False, True], ids=["no_header", "header"])
def test_an_empty_file_gives_no_rows(importer, content, has_header):
    importer.write("a.csv", content)
    task = importer.run({"k": "ROW||String"}, reader={"header": has_header})
    assert importer.count() == 0  # the table is there
    assert (task.progress.rows_read, task.progress.fraction) == (0, 1)


def test_an_empty_parquet_file_gives_no_rows(importer):
    importer.write_parquet("a.parquet", "SELECT 'x' AS k WHERE false")
    importer.run({"k": "ROW||String"}, "PARQUET")
    assert importer.count() == 0


# --- which files

def test_all_files_of_a_folder_are_read(importer):
    for n, name in enumerate(["b.csv", "a.csv", "sub/c.csv", "sub/deeper/d.csv", "no_extension"]):
        importer.write(name, f"{n},{name}\n")
    importer.run({"k": "ROW||Int", "v": "f:v||String"})
    assert [v for _, v in importer.rows()] == ["b.csv", "a.csv", "sub/c.csv", "sub/deeper/d.csv",
                                               "no_extension"]


def test_one_file_can_be_named(importer):
    importer.write("a.csv", "1\n")
    importer.write("b.csv", "2\n")
    importer.run({"k": "ROW||Int"}, path=f"{importer.name}/b.csv")
    assert importer.rows() == [(2,)]


def test_names_that_begin_with_underscore_or_dot_are_passed_over(importer):
    importer.write("a.csv", "1\n")
    for name in ["_SUCCESS", ".hidden", "_temporary/part.csv", ".crc/part.csv", "sub/_x"]:
        importer.write(name, "no number\n")
    importer.run({"k": "ROW||Int"})
    assert importer.rows() == [(1,)]


def test_a_link_within_the_root_is_followed(importer):
    target = importer.write("a.csv", "1\n")
    (importer.folder / "b.csv").symlink_to(target.name)
    importer.run({"k": "ROW||Int"}, path=f"{importer.name}/b.csv")
    assert importer.rows() == [(1,)]


@pytest.mark.parametrize("kind", ["file", "folder", "file_in_folder"])
def test_a_link_out_of_the_root_is_refused(importer, tmp_path, kind):
    (tmp_path / "secret.csv").write_text("1\n")
    link = importer.folder / "link"
    link.symlink_to(tmp_path if kind == "folder" else tmp_path / "secret.csv")
    path = importer.name if kind == "file_in_folder" else f"{importer.name}/link"
    assert importer.fail({"k": "ROW||Int"}, path=path) == (
        f"path '{importer.name}/link' leads outside of the data source's folder")
    assert importer.destination.value("SELECT to_regclass(%s)", importer.table) is None


@pytest.mark.parametrize("path", ["../x", "a/../../x", "a/..", "/etc/passwd", ".."])
def test_a_path_out_of_the_root_is_refused_at_once(importer, path):
    error = error_of(importer.submit, {"k": "ROW||Int"}, path=path)
    assert error.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert f"'{path}' is outside of the data source" in error.details()


def test_a_folder_without_files_is_an_error(importer):
    importer.write("_SUCCESS", "")
    assert importer.fail({"k": "ROW||Int"}) == f"there is no file in folder '{importer.name}'"


def test_a_missing_folder_is_an_error(importer):
    assert importer.fail({"k": "ROW||Int"}, path="not/there") == (
        "there is no file or folder 'not/there'")


def test_what_is_no_parquet_file_is_an_error(importer):
    importer.write("a.parquet", "PAR1 and then nothing of the kind")
    message = importer.fail({"k": "ROW||Int"}, "PARQUET")
    assert message.startswith(f"file '{importer.name}/a.parquet' cannot be read as Parquet")


# --- bad rows

# Each breaks one column of a row: type, what stands there, and what is said of it.
BAD_VALUES = [
    ("Boolean", "maybe", "'maybe' is not a BOOLEAN (true or false)"),
    ("Byte", "128", "'128' is not a BYTE (-128 to 127)"),
    ("Short", "-32769", "'-32769' is not a SHORT (-32768 to 32767)"),
    ("Int", "2147483648", "'2147483648' is not an INT (-2147483648 to 2147483647)"),
    ("Int", "1.5", "'1.5' is not an INT (-2147483648 to 2147483647)"),
    ("Int", "12a", "'12a' is not an INT (-2147483648 to 2147483647)"),
    ("Long", "9223372036854775808", "'9223372036854775808' is not a LONG"
                                    " (-9223372036854775808 to 9223372036854775807)"),
    ("Float", "1e39", "'1e39' is not a FLOAT (at most 3.4e38)"),
    ("Double", "1e309", "'1e309' is not a DOUBLE (at most 1.8e308)"),
    ("Decimal", "ten", "'ten' is not a DECIMAL"),
    ("Decimal", "9" * 39, f"'{'9' * 39}' is beyond a DECIMAL of 38 digits"),
    ("String", b"\xff\xfe", "'??' is not UTF-8"),
    ("String", b"a\0b", "'a?b' has a byte 0x00"),
    ("Varbinary", "\\x0g", "'\\x0g' is not a VARBINARY (behind \\x come pairs of hex digits)"),
]


def bad_values_file():
    """A good row, then for each bad value a row in which all else is right, then a good row."""
    width = len(BAD_VALUES)
    lines = [b"0" + b"," * width]
    for i, (_, text, _) in enumerate(BAD_VALUES):
        fields = [b""] * width
        fields[i] = text if isinstance(text, bytes) else text.encode()
        lines.append(b",".join([str(i + 1).encode(), *fields]))
    lines.append(b"99" + b"," * width)
    return b"\n".join(lines) + b"\n"


def bad_values_columns():
    return {"k": "ROW||Int", **{f"c{i}": f"f:c{i}||{kind}"
                                for i, (kind, _, _) in enumerate(BAD_VALUES)}}


def test_bad_rows_within_the_budget_are_kept_and_the_rest_arrives(importer):
    importer.write("a.csv", bad_values_file())
    task = importer.run(bad_values_columns(), reader={"maxBadRows": len(BAD_VALUES)})
    assert [row[0] for row in importer.rows()] == [0, 99]
    progress = task.progress
    assert (progress.rows_read, progress.rows_written, progress.bad_rows) == (
        len(BAD_VALUES) + 2, 2, len(BAD_VALUES))
    assert importer.bad_rows(task) == [
        (f"{importer.name}/a.csv", i + 2, f"c{i}", reason)
        for i, (_, _, reason) in enumerate(BAD_VALUES)]


def test_one_bad_row_over_the_budget_fails_the_import(importer):
    importer.write("a.csv", bad_values_file())
    message = importer.fail(bad_values_columns(), reader={"maxBadRows": len(BAD_VALUES) - 1})
    assert message == (f"{importer.name}/a.csv: row {len(BAD_VALUES) + 1}, column"
                       f" 'c{len(BAD_VALUES) - 1}': {BAD_VALUES[-1][2]}"
                       " (more bad rows than maxBadRows)")


@pytest.mark.parametrize("i", range(len(BAD_VALUES)), ids=lambda i: f"{BAD_VALUES[i][0]}_{i}")
def test_without_a_budget_the_first_bad_row_fails_the_import(importer, i):
    kind, text, reason = BAD_VALUES[i]
    raw = text if isinstance(text, bytes) else text.encode()
    importer.write("a.csv", b"1,\n2,%s\n3,\n" % raw)
    message = importer.fail({"k": "ROW||Int", "v": f"f:v||{kind}"})
    assert message == f"{importer.name}/a.csv: row 2, column 'v': {reason}"
    assert importer.count() == 0  # nothing of a split that failed is there


def test_bad_rows_are_listed_over_http(module_stack, importer):
    importer.write("a.csv", "k,v\n1,x\n2,2\n3,\"y\"\n")
    task = importer.run({"k": "ROW||Int", "v": "f:v||Int"},
                        reader={"maxBadRows": 5, "header": True})
    first = module_stack.rest.get(f"/v1/tasks/{task.id}/badRows?page_size=1").json()
    assert first["badRows"] == [{
        "file": f"{importer.name}/a.csv", "row": "2", "byteOffset": "4", "column": "v",
        "reason": "'x' is not an INT (-2147483648 to 2147483647)", "raw": "MSx4"}]
    token = first["nextPageToken"]
    rest = module_stack.rest.get(
        f"/v1/tasks/{task.id}/badRows?page_size=1&page_token={token}").json()
    assert [row["row"] for row in rest["badRows"]] == ["4"]
    assert rest.get("nextPageToken", "") == ""
    assert importer.bad_rows(task) == [
        (f"{importer.name}/a.csv", n, "v", f"'{text}' is not an INT (-2147483648 to 2147483647)")
        for n, text in [(2, "x"), (4, "y")]]


BAD_RECORDS = {
    "too_few_fields": ("1,2\n3\n", "row 2: 1 field, but 2 expected"),
    "too_many_fields": ("1,2\n3,4,5\n", "row 2: 3 fields, but 2 expected"),
    "null_key": ("1,2\n,4\n", "row 2, column 'k': null, but the column needs a value"),
    "text_behind_a_quote": ('1,2\n3,"4"x\n', "row 2: field 2: text behind the quote that ends a"
                                             " field"),
    "quote_inside": ('1,2\n3,4"4"\n', "row 2: field 2: a quote inside a field that does not begin"
                                      " with one"),
}


@pytest.mark.parametrize("name", BAD_RECORDS)
def test_a_record_that_is_wrong_is_told(importer, name):
    content, said = BAD_RECORDS[name]
    importer.write("a.csv", content)
    columns = {"k": "ROW||Int", "v": "f:v||String"}
    assert importer.fail(columns) == f"{importer.name}/a.csv: {said}"
    task = importer.run(columns, reader={"maxBadRows": 1})
    assert importer.rows() == [(1, "2")] and task.progress.bad_rows == 1


def test_a_quote_that_is_never_closed_is_told(importer):
    importer.write("a.csv", '1,2\n3,"4\n5,6\n')
    message = importer.fail({"k": "ROW||Int", "v": "f:v||String"}, reader={"maxBadRows": 100})
    assert message == (f"file '{importer.name}/a.csv', row 2 (from byte 4 on): a quote is opened,"
                       " but never closed")


def test_a_column_that_the_header_lacks_is_told(importer):
    importer.write("a.csv", "k,v\n1,2\n")
    assert importer.fail({"k": "ROW||Int", "nope": "f:v||Int"}, reader={"header": True}) == (
        f"file '{importer.name}/a.csv' has no column 'nope'; its header has: k, v")


def test_a_column_that_parquet_lacks_is_told(importer):
    importer.write_parquet("a.parquet", "SELECT 1 AS k, 2 AS v")
    assert importer.fail({"k": "ROW||Int", "nope": "f:v||Int"}, "PARQUET") == (
        f"file '{importer.name}/a.parquet' has no column 'nope'; it has k, v")


def test_a_parquet_type_that_cannot_be_written_is_told(importer):
    importer.write_parquet("a.parquet", "SELECT 1 AS k, [1, 2] AS v")
    assert importer.fail({"k": "ROW||Int", "v": "f:v||Int"}, "PARQUET") == (
        f"column 'v' of file '{importer.name}/a.parquet' is LIST in Parquet and cannot be written"
        " as INT")


def test_bad_rows_of_parquet(importer):
    importer.write_parquet("a.parquet", "SELECT * FROM (VALUES (1::BIGINT, 1.0::DOUBLE),"
                           " (2147483648, 2.0), (3, 3.5), (NULL, 4.0), (5, NULL)) t(k, v)")
    columns = {"k": "ROW||Int", "v": "f:v||Int"}
    file = f"{importer.name}/a.parquet"
    assert importer.fail(columns, "PARQUET") == (
        f"{file}: row 2, column 'k': '2147483648' is not an INT (-2147483648 to 2147483647)")
    task = importer.run(columns, "PARQUET", reader={"maxBadRows": 3})
    assert importer.rows() == [(1, 1), (5, None)]
    assert importer.bad_rows(task) == [
        (file, 2, "k", "'2147483648' is not an INT (-2147483648 to 2147483647)"),
        (file, 3, "v", "'3.5' is not an INT (-2147483648 to 2147483647)"),
        (file, 4, "k", "null, but the column needs a value")]


def test_limits_of_sql_columns_are_checked(importer):
    importer.make_table("id int PRIMARY KEY, v varchar(3), n numeric(5,2), t text NOT NULL,"
                        " d date, ts timestamp, u uuid, j json")
    importer.write("a.csv", "1,abc,999.99,x,,,,\n"
                            "2,abcd,1,x,,,,\n"
                            "3,äöü,1000,x,,,,\n"
                            "4,,,,,,,\n"
                            "5,,,x,2023-02-29,,,\n"
                            "6,,,x,,2024-01-01 00:00:00+02,,\n"
                            "7,,,x,,,123,\n"
                            "8,,,x,,,,{\n")
    task = importer.run({c: c for c in "id v n t d ts u j".split()}, reader={"maxBadRows": 7})
    assert importer.rows("id, v, n, t") == [(1, "abc", D("999.99"), "x")]
    assert [row[1:] for row in importer.bad_rows(task)] == [
        (2, "v", "'abcd' has 4 characters, but at most 3 fit"),
        (3, "n", "'1000' is beyond a DECIMAL(5,2)"),
        (4, "t", "null, but the column needs a value"),
        (5, "d", "'2023-02-29' is not a DATE (yyyy-MM-dd)"),
        (6, "ts", "'2024-01-01 00:00:00+02' has an offset, but the column has no time zone"),
        (7, "u", "'123' is not a UUID"),
        (8, "j", "'{' is not JSON")]


def test_a_row_that_the_destination_refuses_is_named(importer):
    importer.make_table("id int PRIMARY KEY, n int CONSTRAINT n_is_small CHECK (n < 100)")
    importer.write("a.csv", "".join(f"{i},{i}\n" for i in range(1, 151)))
    message = importer.fail({"id": "id", "n": "n"})
    assert f"{importer.name}/a.csv" in message and "n_is_small" in message
    assert "row 100" in message
    assert importer.count() == 0


def test_another_unique_index_refuses_rows(importer):
    importer.make_table("id int PRIMARY KEY, v int CONSTRAINT v_is_unique UNIQUE")
    importer.write("a.csv", "1,1\n2,2\n3,1\n")
    message = importer.fail({"id": "id", "v": "v"})
    assert f"{importer.name}/a.csv" in message and "v_is_unique" in message
    assert importer.count() == 0


# --- files that change, and beginning anew

COLUMNS = {"id": "ROW||String", "v": "f:v||Int"}


def aborted_in_the_middle(importer):
    """An import of which the first of two files is in the table; the gate's key is 'stop'."""
    importer.write("a.csv", "a1,1\na2,2\n")
    importer.write("b.csv", "b1,3\nstop,4\n")
    importer.make_table('"ROW" text PRIMARY KEY, "f:v" int')
    with importer.gate("ROW") as gate:
        gate.close("stop")
        task_id = importer.submit(COLUMNS, driver="SMALL")
        gate.wait_until_reached("stop")
        importer.abort(task_id)
        wait_until(lambda: not gate.waiting("stop"), what="the import gives up")
    assert importer.rows() == [("a1", 1), ("a2", 2)]
    return task_id


CHANGES = {
    "rewritten": lambda folder: (folder / "b.csv").write_text("b1,3\nstop,5\n"),
    "longer": lambda folder: (folder / "b.csv").open("a").write("b3,5\n"),
    "touched": lambda folder: os.utime(folder / "a.csv", (1, 1)),
    "added": lambda folder: (folder / "c.csv").write_text("c1,5\n"),
    "removed": lambda folder: (folder / "b.csv").unlink(),
    "renamed": lambda folder: (folder / "b.csv").rename(folder / "c.csv"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_files_that_changed_since_the_abort_are_not_mixed(importer, change):
    task_id = aborted_in_the_middle(importer)
    CHANGES[change](importer.folder)
    importer.retry(task_id)
    assert importer.end(task_id, "FAILED").message == (
        f"the files under '{importer.name}' have changed since the import began: retry it from the"
        " start")
    assert importer.rows() == [("a1", 1), ("a2", 2)]


def test_retry_from_the_start_reads_the_files_as_they_are_now(importer):
    task_id = aborted_in_the_middle(importer)
    importer.write("a.csv", "a1,10\n")
    importer.write("b.csv", "b1,11\n")
    importer.retry(task_id, from_start=True)
    task = importer.end(task_id)
    assert importer.rows() == [("a1", 10), ("a2", 2), ("b1", 11)]
    assert (task.progress.rows_read, task.progress.rows_written) == (2, 2)


def test_a_failed_import_can_be_retried_when_the_reason_is_gone(importer):
    importer.write("a.csv", "a1,1\n")
    importer.write("b.csv", "b1,x\n")
    task_id = importer.submit(COLUMNS, driver="SMALL")
    importer.end(task_id, "FAILED")
    importer.write("b.csv", "b1,2\n")
    importer.retry(task_id, from_start=True)
    assert importer.end(task_id).message == ""
    assert importer.rows() == [("a1", 1), ("b1", 2)]


def test_a_retry_from_the_start_forgets_bad_rows(importer):
    importer.write("a.csv", "a1,x\n")
    importer.write("b.csv", "b1,y\n")
    task_id = importer.submit(COLUMNS, driver="SMALL", reader={"maxBadRows": 1})
    importer.end(task_id, "FAILED")
    importer.write("a.csv", "a1,1\n")
    importer.retry(task_id, from_start=True)
    task = importer.end(task_id)
    assert importer.bad_rows(task) == [
        (f"{importer.name}/b.csv", 1, "v", "'y' is not an INT (-2147483648 to 2147483647)")]
    assert task.progress.bad_rows == 1


# --- a destination that is away

def test_a_destination_that_is_down_is_waited_for(importer, second_cluster):
    database = second_cluster.create_database()
    importer.stack.add_source("away", "POSTGRES", {"url": database.url})
    importer.write("a.csv", "k,1\n")
    second_cluster.kill()
    task_id = importer.submit(COLUMNS, destination="away")

    def is_waiting():
        task = importer.stack.task(task_id)
        assert task.end_time.seconds == 0
        return "PostgreSQL" in task.message and task
    task = wait_until(is_waiting, what="the task says what it waits for")
    assert database.name not in task.message or "password" not in task.message
    attempts = task.jobs[0].attempt
    wait_until(lambda: importer.stack.task(task_id).jobs[0].attempt > attempts,
               what="another attempt")

    second_cluster.start()
    task = importer.end(task_id)
    assert task.message == ""
    assert database.rows(f"SELECT * FROM {importer.table}") == [("k", 1)]


def test_a_database_that_does_not_exist_fails_the_import(importer):
    importer.stack.add_source(f"none_{importer.name}"[:60], "POSTGRES",
                              {"url": importer.destination.cluster.url("no_such_database")})
    importer.write("a.csv", "k,1\n")
    message = importer.fail(COLUMNS, destination=f"none_{importer.name}"[:60])
    assert 'database "no_such_database" does not exist' in message


def test_a_destination_that_is_read_only_for_a_while_is_waited_for(importer):
    """An operator makes it so, or a service that sees little room left."""
    name = importer.destination.name
    importer.make_table("id int, v text")
    importer.write("a.csv", "1,x\n")
    importer.destination.rows(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    try:
        task = importer.submit({"id": "id", "v": "v"})
        wait_until(lambda: "read-only" in importer.stack.task(task).message,
                   timeout_s=30, what="the task says why it waits")
    finally:
        importer.stack.database.cluster.execute(
            "postgres", f"ALTER DATABASE {name} RESET default_transaction_read_only")
    importer.end(task)
    assert importer.rows() == [(1, "x")]


def test_bookkeeping_is_gone_when_an_import_has_succeeded(importer):
    importer.write("a.csv", "k,1\n")
    task = importer.run(COLUMNS)
    wait_until(lambda: not importer.units(task.id), what="the units are forgotten")
    assert importer.destination.value(
        "SELECT count(*) FROM sluice_import.import_task WHERE task_id = %s", task.id) == 0
