"""What a program shows at --metrics-listen, read strictly (prometheus.io, "Exposition formats", 0.0.4)."""
import http.client
import pathlib
import re
import subprocess

NAME = r"[a-z][a-z0-9_]*"
SAMPLE = re.compile(rf'({NAME})(?:\{{(.*)\}})? (-?[0-9.e+-]+|\+Inf|NaN)')
LABEL = re.compile(rf'({NAME})="((?:[^"\\]|\\.)*)"(?:,|$)')
HELP = re.compile(rf"# HELP ({NAME}) (.*\.)")
TYPE = re.compile(rf"# TYPE ({NAME}) (counter|gauge|histogram)")
PROMTOOL = pathlib.Path(__file__).resolve().parents[3] / "third_party" / "prometheus" / "promtool"


class Family:
    def __init__(self, name, help_text):
        self.name = name
        self.help = help_text
        self.kind = None
        self.samples = {}  # (name of the sample, ((label, value), ...)): value

    @property
    def labels(self):
        said = re.search(r" Labels: ([a-z_, ]+)\.$", self.help)
        return said[1].split(", ") if said else []


class Scrape:
    """
    What was shown at one moment:

        scrape.get("sluice_grpc_calls_total", method="...", code="OK")   the sum of what has these labels
    """

    def __init__(self, text):
        self.text = text
        self.families = {}
        family = None
        assert text.endswith("\n")
        for line in text.splitlines():
            if line.startswith("# HELP"):
                family = Family(*HELP.fullmatch(line).groups())
                assert family.name not in self.families, f"{family.name} comes twice"
                self.families[family.name] = family
            elif line.startswith("# TYPE"):
                name, family.kind = TYPE.fullmatch(line).groups()
                assert name == family.name
            else:
                self._add(family, line)

    @staticmethod
    def _add(family, line):
        name, labels, value = SAMPLE.fullmatch(line).groups()
        pairs = LABEL.findall(labels or "")
        assert name.removeprefix(family.name) in (["", ] if family.kind != "histogram"
                                                  else ["_bucket", "_sum", "_count"]), line
        assert [k for k, _ in pairs if k != "le"] == family.labels, line
        key = (name, tuple(pairs))
        assert key not in family.samples, f"{line} comes twice"
        family.samples[key] = float(value)

    def get(self, name, **labels):
        """None: there is no such sample."""
        family = next((f for n, f in self.families.items() if name in (n, n + "_count", n + "_sum", n + "_bucket")))
        found = [value for (sample, pairs), value in family.samples.items()
                 if sample == name and labels.items() <= dict(pairs).items()]
        return sum(found) if found else None


def get(port, path, method="GET", timeout_s=60):
    """(status, headers, text)"""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout_s)
    try:
        connection.request(method, path)
        reply = connection.getresponse()
        return reply.status, reply.headers, reply.read().decode()
    finally:
        connection.close()


def scrape(port, timeout_s=60):
    status, headers, text = get(port, "/metrics", timeout_s=timeout_s)
    assert (status, headers["content-type"]) == (200, "text/plain; version=0.0.4; charset=utf-8")
    return Scrape(text)


def promtool(*arguments, stdin=None, may_fail=False):
    """Runs promtool and gives what it says; it must find nothing wrong, unless it may."""
    assert PROMTOOL.exists(), "promtool is missing; run: scripts/deps test"
    done = subprocess.run([PROMTOOL, *map(str, arguments)], input=stdin, capture_output=True, text=True, timeout=120)
    said = done.stdout + done.stderr
    assert done.returncode == 0 or may_fail, said
    return said
