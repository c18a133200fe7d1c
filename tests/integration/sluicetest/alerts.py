"""Which alerts of docs/alerts.yaml fire: Prometheus' own tool evaluates the rules, over what programs have shown."""
import json
import pathlib
import re

from . import metrics

DOCS = pathlib.Path(__file__).resolve().parents[3] / "docs"
ALERTS = re.findall(r"- alert: (\w+)\n", (DOCS / "alerts.yaml").read_text())
MINUTES = 20  # the time at which it is asked which alerts fire


def firing(folder, series):
    """The names of the alerts that fire after series ({name with labels: values, one a minute}) have come in."""
    test = {
        "rule_files": [str(DOCS / "alerts.yaml")],
        "evaluation_interval": "1m",
        "tests": [{
            "interval": "1m",
            "input_series": [{"series": name, "values": values} for name, values in series.items()],
            "promql_expr_test": [
                {"expr": f'count(ALERTS{{alertname="{alert}",alertstate="firing"}}) or vector(0)',
                 "eval_time": f"{MINUTES}m", "exp_samples": [{"labels": "{}", "value": 0}]}
                for alert in ALERTS],
        }],
    }
    path = folder / "test.yaml"
    path.write_text(json.dumps(test))  # which is YAML, too
    said = metrics.promtool("test", "rules", path, may_fail=True)
    return {name for name in ALERTS if f'alertname=\\"{name}\\"' in said}


def series_of(job, *scrapes):
    """Scrapes of a program, a minute apart; None: it did not answer. What the last one says goes on."""
    return {name: " ".join("_" if v is None else f"{v:g}" for v in values + values[-1:] * (MINUTES - len(values)))
            for name, values in _values(job, scrapes).items()}


def series_of_late(job, before, after):
    """What was counted between two scrapes was counted four minutes ago, all at once."""
    held = MINUTES - 4
    return series_of(job, *[before] * held, after)


def series_of_lasting(job, before, after):
    """What came between two scrapes comes again each minute, for a quarter of an hour."""
    held = 5
    families = {**before.families, **after.families}
    gauges = {name for name, family in families.items() if family.kind == "gauge"}
    found = {}
    for name, (first, last) in _values(job, (before, after)).items():
        growth = 0 if name.split("{")[0] in gauges else (last or 0) - (first or 0)
        begun = [last + growth * n for n in range(MINUTES + 1 - held)] if last is not None else []
        values = [first] * held + begun
        found[name] = " ".join("_" if v is None else f"{v:.15g}" for v in values)
    return found


def _values(job, scrapes):
    """{name with labels: the value in each scrape}; `up` is what Prometheus itself adds."""
    found = {}

    def note(minute, name, pairs, value):
        labels = ",".join(f'{k}="{v}"' for k, v in (("job", job), ("instance", "i"), *pairs))
        found.setdefault(f"{name}{{{labels}}}", [None] * len(scrapes))[minute] = value
    for minute, scrape in enumerate(scrapes):
        note(minute, "up", (), 0 if scrape is None else 1)
        for family in scrape.families.values() if scrape else ():
            for (name, pairs), value in family.samples.items():
                note(minute, name, pairs, value)
    return found
