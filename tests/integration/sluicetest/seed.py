"""The documented create call, byte for byte, and rows to go with it."""
import csv
import decimal
import io

COLUMNS = ["id", "intcol", "doublecol", "stringcol", "string1col", "decimalcol"]

CREATE = "/pro/proc/bulkload/create"
FORM = (
    'src=hdfs&dst=ld&readerConfig={"filePath":"parquet/","column":["id","intcol","doublecol",'
    '"stringcol","string1col","decimalcol"]}&writerConfig={"columns":["ROW||String",'
    '"f:intcol||Int","f:doublecol||Double","f:stringcol||String","f:string1col||String",'
    '"f:decimalcol||Decimal"],"namespace":"default","lindormTable":"bulkload_test",'
    '"compression":"zstd"}&driverSpec=large&instances=5&fileType=Parquet'
)


def form(folder="parquet/", file_type="Parquet"):
    return FORM.replace('"parquet/"', f'"{folder}"').replace(
        "fileType=Parquet", f"fileType={file_type}")


def row(n):
    """Row n of a table that has all the same rows every time."""
    return (f"row-{n:09d}", (n * 7919) % 2147483647 - 1073741824, n / 8,
            f"text {n % 1000}, \"quoted\"", f"line one {n}\nline two",
            decimal.Decimal(n) / 100)


def csv_bytes(numbers):
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\n").writerows(row(n) for n in numbers)
    return out.getvalue().encode()
