"""Large files of rows, and whether a table holds exactly those rows."""
import csv
import decimal
import hashlib

import psycopg2

from .importer import duckdb

COLUMNS = {"id": "ROW||String", "intcol": "f:intcol||Int", "doublecol": "f:doublecol||Double",
           "stringcol": "f:stringcol||String", "string1col": "f:string1col||String",
           "decimalcol": "f:decimalcol||Decimal"}
SQL_COLUMNS = {name: name for name in COLUMNS}
SQL_TABLE = ("id text, intcol int, doublecol double precision, stringcol text, string1col text,"
             " decimalcol numeric")


def row(n):
    """Row n: all kinds of texts, and every key once."""
    return (f"row-{n:09d}", (n * 7919) % 2147483647 - 1073741824, n / 8,
            f"text {n % 1000}, \"quoted\"" if n % 10 else None, f"line one {n}\nline two\t\\",
            decimal.Decimal(n).scaleb(-2))


ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


def copy_line(values):
    """A row as PostgreSQL's COPY writes it as text."""
    fields = []
    for value in values:
        if isinstance(value, str):
            fields.append(value.translate(ESCAPES))
        elif isinstance(value, float):
            fields.append(repr(value).removesuffix(".0"))  # both write the shortest digits
        else:
            fields.append("\\N" if value is None else str(value))
    return "\t".join(fields) + "\n"


class Digest:
    """Takes in text in pieces; two are equal when what they took in is."""

    def __init__(self):
        self.md5 = hashlib.md5()
        self.lines = 0

    def write(self, data):
        self.md5.update(data)
        self.lines += data.count(b"\n")

    def get(self):
        return self.lines, self.md5.hexdigest()


def digest_table(database, table, columns, order):
    """(rows, hash) of a table in the order of a column of text."""
    names = ", ".join(f'"{column}"' for column in columns)
    digest = Digest()
    connection = psycopg2.connect(database.url)
    try:
        with connection.cursor() as cursor:
            cursor.copy_expert(
                f'COPY (SELECT {names} FROM {table} ORDER BY "{order}" COLLATE "C") TO STDOUT',
                digest)
    finally:
        connection.close()
    return digest.get()


class BigFiles:
    """
    The rows from 0 to count as so many CSV files and, made of these, Parquet files. digest is what
    digest_table gives for a table with exactly these rows.
    """

    def __init__(self, build, folder, count, nfiles):
        assert count % nfiles == 0
        self.count = count
        self.csv = [folder / f"part-{n}.csv" for n in range(nfiles)]
        self.parquet = [path.with_suffix(".parquet") for path in self.csv]
        digest = Digest()
        for n, path in enumerate(self.csv):
            rows = [row(i) for i in range(n * count // nfiles, (n + 1) * count // nfiles)]
            with open(path, "w", newline="", encoding="utf-8") as file:
                csv.writer(file, lineterminator="\n").writerows(rows)
            digest.write("".join(map(copy_line, rows)).encode())
        self.digest = digest.get()
        types = ("{'id': 'VARCHAR', 'intcol': 'INTEGER', 'doublecol': 'DOUBLE',"
                 " 'stringcol': 'VARCHAR', 'string1col': 'VARCHAR', 'decimalcol': 'DECIMAL(18,2)'}")
        options = f"header=false, delim=',', quote='\"', escape='\"', columns={types}"
        duckdb(build, *(f"COPY (SELECT * FROM read_csv('{source}', {options}))"
                        f" TO '{target}' (FORMAT parquet)"
                        for source, target in zip(self.csv, self.parquet)))

    def check(self, importer, columns):
        """The table holds these rows, no more and no less."""
        targets = [target.split("||")[0] for target in columns.values()]
        assert digest_table(importer.destination, importer.table, targets,
                            targets[0]) == self.digest
