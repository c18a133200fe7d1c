"""The HTTP routes as rest-shim/routes.c has them, and the fields of the forms of LTS."""
import collections
import pathlib
import re

SHIM = pathlib.Path(__file__).resolve().parents[3] / "rest-shim"

# body is NO_BODY, FORM, JSON or JSON_MAYBE; body_field "" is the whole request.
Route = collections.namedtuple("Route", "verb path method style body body_field")

ROW = re.compile(r'\{"([A-Z]+)", "([^"]+)",\s*(?:"/[^"]*/(\w+)"|NULL),\s*ROUTE_(\w+),\s*ROUTE_\w+,\s*ROUTE_(\w+)'
                 r'(?:,\s*(?:\.body_field = )?"(\w+)")?')
FORM = re.compile(r"const struct lts_field (\w+)_fields\[\] = \{(.*?)\n\};", re.DOTALL)
FIELD = re.compile(r'\{"(\w+)",\s*"[\w.]+",\s*(true|false),')


def routes(style):
    """The rows of the table in that style, "V1" or "LTS", that call a method."""
    text = (SHIM / "routes.c").read_text()
    rows = [Route(*row) for row in ROW.findall(text)]
    assert len(rows) == len(re.findall(r'^    \{"[A-Z]+", "', text,
                                       re.MULTILINE)), "a row reads otherwise"
    return [row for row in rows if row.style == style and row.method]


def form_fields():
    """{form: {field: whether it is required}}"""
    found = {}
    for file in sorted(SHIM.glob("lts*.c")):
        for name, rows in FORM.findall(file.read_text()):
            found[name] = {field: required == "true" for field, required in FIELD.findall(rows)}
    return found
