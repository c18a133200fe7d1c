"""
Each alert's condition fires the alert and the state without it does not: Prometheus' own tool evaluates the rules, over
series that are written down here; and test_alert_faults.py makes it happen. Documents go with alerts and metrics.
"""
import ast
import json
import pathlib
import re

import pytest

from sluicetest import metrics
from sluicetest.alerts import ALERTS, DOCS, MINUTES, firing
from sluicetest.program import run

HERE = pathlib.Path(__file__).parent


# --- all alerts

GATEWAY = 'job="sluice-gateway",instance="g"'
GROWS = f"0+60x{MINUTES}"


def buckets(name, labels, slow):
    """A histogram of calls that take over a second, or none."""
    return {f'{name}_bucket{{{GATEWAY},{labels},le="1"}}': "0x20" if slow else GROWS,
            f'{name}_bucket{{{GATEWAY},{labels},le="2.5"}}': GROWS,
            f'{name}_bucket{{{GATEWAY},{labels},le="+Inf"}}': GROWS}


def calls(code, reason=""):
    return {f'sluice_grpc_calls_total{{{GATEWAY},method="M",code="{code}",reason="{reason}"}}': GROWS}


def requests(status, route="/v1/tasks"):
    return {f'sluice_http_requests_total{{job="sluice-rest",instance="r",route="{route}",status="{status}"}}': GROWS}


def gateway(name, values=GROWS, labels=""):
    return {f"{name}{{{GATEWAY}{labels}}}": values}


def worker(name, values=GROWS, labels=""):
    return {f'{name}{{job="sluice-worker",instance="w"{labels}}}': values}


# The alert, series with which it fires alone, and series that are much the same, with which none fires.
CASES = [
    ("SluiceProgramDown", gateway("up", "0x20"), gateway("up", "1x20")),
    ("SluiceDatabaseAway", {**gateway("sluice_database_connections", "0x20", ',lane="read"'),
                            **gateway("sluice_database_connections", "2x20", ',lane="write"')},
     gateway("sluice_database_connections", "1x20", ',lane="read"')),
    ("SluiceDatabaseErrors", gateway("sluice_database_errors_total", GROWS, ',class="53"'),
     gateway("sluice_database_errors_total", GROWS, ',class="40"')),
    ("SluiceDatabaseBusy", buckets("sluice_database_batch_duration_seconds", 'lane="read"', True),
     buckets("sluice_database_batch_duration_seconds", 'lane="read"', False)),
    ("SluiceDatabaseBusy", gateway("sluice_database_queries_refused_total"),
     gateway("sluice_database_queries_refused_total", "7x20")),
    ("SluiceNoWorker", {**gateway("sluice_jobs_oldest_ready_age_seconds", "100x20", ',capability="c"'),
                        **gateway("sluice_jobs", "0x20", ',capability="c",role="FULL",state="leased"')},
     {**gateway("sluice_jobs_oldest_ready_age_seconds", "100x20", ',capability="c"'),
      **gateway("sluice_jobs", "1x20", ',capability="c",role="FULL",state="leased"')}),
    ("SluiceJobsWait", gateway("sluice_jobs_oldest_ready_age_seconds", "1000x20", ',capability="c"'),
     gateway("sluice_jobs_oldest_ready_age_seconds", "800x20", ',capability="c"')),
    ("SluiceJobsExpired", gateway("sluice_jobs", "1x20", ',capability="c",role="FULL",state="expired"'),
     gateway("sluice_jobs", "0x20", ',capability="c",role="FULL",state="expired"')),
    ("SluiceLeasesLost", calls("ABORTED", "LEASE_LOST"), calls("ABORTED", "ETAG_MISMATCH")),
    ("SluiceTasksFail", gateway("sluice_tasks_ended_total", GROWS, ',kind="BULKLOAD",state="FAILED"'),
     gateway("sluice_tasks_ended_total", GROWS, ',kind="BULKLOAD",state="KILLED"')),
    ("SluiceJobsRepeat", gateway("sluice_job_ends_total", GROWS, ',outcome="RETRY"'),
     gateway("sluice_job_ends_total", "0x18 2 2 2", ',outcome="RETRY"')),
    ("SluiceSecretsClosed", gateway("sluice_secrets_unopened_total"), gateway("sluice_secrets_unopened_total", "7x20")),
    ("SluiceSecretKeysOld", gateway("sluice_secret_keys_current", "0x20"), gateway("sluice_secret_keys_current", "1x20")),
    ("SluiceWorkerCutOff", worker("sluice_worker_leases_failed_total"),
     worker("sluice_worker_leases_failed_total", "0+1x20")),
    ("SluiceSyncLag", worker("sluice_worker_sync_lag_seconds", "400x20"),
     worker("sluice_worker_sync_lag_seconds", "0x18 400 400")),
    ("SluiceBadRows", worker("sluice_worker_bad_rows_total", GROWS, ',connector="FILE"'),
     worker("sluice_worker_bad_rows_total", "9x20", ',connector="FILE"')),
    ("SluiceGrpcErrors", {**calls("INTERNAL"), **calls("OK")},
     {**calls("NOT_FOUND"), **calls("UNAVAILABLE", "NO_WORKER"), **calls("OK")}),
    ("SluiceGrpcSlow", buckets("sluice_grpc_call_duration_seconds", 'method="s/GetTask"', True),
     buckets("sluice_grpc_call_duration_seconds", 'method="s/LeaseJob"', True)),
    ("SluiceHttpErrors", {**requests("5xx"), **requests("2xx")},
     {**requests("5xx", "/readyz"), **requests("4xx"), **requests("2xx")}),
    ("SluiceConnectionsCut", gateway("sluice_grpc_connections_cut_total"),
     gateway("sluice_grpc_connections_cut_total", "3x20")),
    ("SluiceDescriptors", {**gateway("process_open_fds", "900x20"), **gateway("process_max_fds", "1000x20")},
     {**gateway("process_open_fds", "700x20"), **gateway("process_max_fds", "1000x20")}),
    ("SluiceRetentionStuck", gateway("sluice_retention_failures_total"),
     gateway("sluice_retention_failures_total", "9x20")),
    ("SluiceCertificateExpires", worker("sluice_tls_certificate_remaining_seconds", "1200000x20", ',option="gateway-cert"'),
     worker("sluice_tls_certificate_remaining_seconds", "1300000x20", ',option="gateway-cert"')),
]


@pytest.mark.parametrize("alert, fault, well", CASES, ids=[f"{c[0]}{n}" for n, c in enumerate(CASES)])
def test_an_alert_fires_when_it_is_to(tmp_path, alert, fault, well):
    assert firing(tmp_path, fault) == {alert}
    assert firing(tmp_path, well) == set()


def test_each_alert_has_a_case():
    assert {alert for alert, _, _ in CASES} == set(ALERTS)


# Where its condition is made to happen to real programs. What takes too long for a test is a drill in the runbook: None.
FAULTS = {
    "SluiceProgramDown": "test_a_program_is_gone",
    "SluiceDatabaseAway": "test_the_database_is_away",
    "SluiceDatabaseErrors": "test_the_database_takes_no_writes",
    "SluiceDatabaseBusy": "test_somebody_holds_a_lock_in_the_database",
    "SluiceNoWorker": "test_nobody_takes_the_jobs",
    "SluiceJobsWait": "test_nobody_takes_the_jobs",
    "SluiceJobsExpired": "test_a_worker_dies_and_another_is_cut_off",
    "SluiceLeasesLost": "test_workers_sleep_and_lose_their_leases",
    "SluiceTasksFail": "test_a_task_fails_for_its_rows",
    "SluiceJobsRepeat": "test_a_destination_is_away",
    "SluiceSecretsClosed": "test_a_gateway_lacks_a_key",
    "SluiceSecretKeysOld": "test_a_file_of_keys_is_spoilt",
    "SluiceWorkerCutOff": "test_a_worker_dies_and_another_is_cut_off",
    "SluiceSyncLag": "hbase/test_sync.py::test_what_a_person_does_to_the_peer_is_told_and_not_undone",
    "SluiceBadRows": "test_a_task_fails_for_its_rows",
    "SluiceGrpcErrors": "test_the_database_is_away",
    "SluiceGrpcSlow": "test_somebody_holds_a_lock_in_the_database",
    "SluiceHttpErrors": "test_the_gateway_behind_rest_is_away",
    "SluiceConnectionsCut": "integration/test_hostile_grpc.py::test_many_that_reset",
    "SluiceDescriptors": "test_clients_take_all_descriptors",
    "SluiceRetentionStuck": "test_the_archive_has_no_folder",
    "SluiceCertificateExpires": "test_certificates_come_to_their_end",
}


@pytest.mark.parametrize("alert", ALERTS)
def test_each_alert_is_made_to_happen(alert):
    """By a test that names it, or by hand as the runbook says."""
    where = FAULTS[alert]
    if where is None:
        entry = re.search(rf"^## {alert}\n(.*?)(?=^## |\Z)", (DOCS / "runbook.md").read_text(), re.M | re.S)[1]
        assert re.search(r"^\*\*Drill\.\*\*.*^```sh\n", entry, re.M | re.S)
        return
    file, _, name = where.rpartition("::")
    tree = ast.parse((HERE.parent / (file or "integration/test_alert_faults.py")).read_text())
    (test,) = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == name]
    assert alert in {node.value for node in ast.walk(test) if isinstance(node, ast.Constant)}


def test_the_rules_are_what_promtool_takes():
    metrics.promtool("check", "rules", DOCS / "alerts.yaml")


# --- documents

def test_each_alert_has_an_entry_in_the_runbook():
    text = (DOCS / "runbook.md").read_text()
    entries = re.split(r"^## ", text, flags=re.MULTILINE)[1:]
    assert [e.split("\n", 1)[0] for e in entries] == ALERTS
    for entry in entries:
        assert re.findall(r"^\*\*(.*?)\*\*", entry, flags=re.MULTILINE) == ["What it means.", "Look at.", "Do."]
    anchors = re.findall(r"runbook: docs/runbook.md#(\w+)", (DOCS / "alerts.yaml").read_text())
    assert anchors == [a.lower() for a in ALERTS]
    assert set(re.findall(r"\]\(#(\w+)\)", text)) <= set(anchors)


def test_the_commands_of_the_runbook_exist(build):
    text = (DOCS / "runbook.md").read_text()
    commands = set(re.findall(r"`sluice (?:--gateway \$GATEWAY )?(\w+ \w+)", text))
    offered = re.findall(r"^  (\w+ [\w-]+) ", run(build / "sluice", "--help").stdout, re.MULTILINE)
    assert len(commands) >= 5 and commands <= set(offered), commands - set(offered)


def names_in(text):
    return set(re.findall(r"\b((?:sluice|process)_[a-z_]+)\b", text))


def test_documents_name_metrics_that_exist():
    known = set(re.findall(r"^\| `(\w+)` \| (?:counter|gauge)", (DOCS / "metrics.md").read_text(), re.MULTILINE))
    for name in re.findall(r"^\| `(\w+)` \| histogram", (DOCS / "metrics.md").read_text(), re.MULTILINE):
        known |= {f"{name}_bucket", f"{name}_sum", f"{name}_count"}
    dashboard = json.loads((DOCS / "grafana" / "sluice.json").read_text())
    expressions = [t["expr"] for p in dashboard["panels"] for t in p.get("targets", [])]
    assert len(expressions) > 30
    assert names_in(" ".join(expressions)) <= known
    assert names_in((DOCS / "alerts.yaml").read_text()) <= known
