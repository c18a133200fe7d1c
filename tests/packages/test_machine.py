"""
The life of the packages on a machine, in its order: an older version is installed, set up and used, upgraded, removed. The
systemd is a real one, so what units forbid is forbidden.
"""
import json
import os
import pathlib
import re
import signal
import socket

import pytest

from sluicetest.rest import Rest
from sluicetest.wait import wait_until

SERVICES = ("sluice-gateway", "sluice-rest", "sluice-worker")
PASSWORD = "not-in-any-log-1b7c"


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


@pytest.fixture(scope="module")
def ports():
    return {"gateway": free_port(), "rest": free_port()}


@pytest.fixture(scope="module")
def installed(machine, older_packages):
    """The packages of an older version; what apt said."""
    machine.apt("update")
    return machine.install(older_packages.values())


@pytest.fixture(scope="module")
def set_up(machine, server, ports, installed):
    """The three services run, on a database of the server's, as docs/packages.md says."""
    server.execute("postgres", f"CREATE ROLE sluice LOGIN PASSWORD '{PASSWORD}'")
    server.execute("postgres", "CREATE DATABASE sluice OWNER sluice")
    server.execute("postgres", "CREATE DATABASE warehouse OWNER sluice")
    etc = machine.root / "etc/sluice"
    secret = etc / "gateway.secrets/database-password"
    secret.write_text(PASSWORD + "\n")
    secret.chmod(0o600)
    append(etc / "gateway.conf", f"listen = 127.0.0.1:{ports['gateway']}", "database-url = postgresql://sluice@/sluice?host=/srv/postgres",
           "database-password-file = /run/credentials/sluice-gateway.service/secret_database-password")
    append(etc / "rest.conf", f"listen = 127.0.0.1:{ports['rest']}", f"gateway = 127.0.0.1:{ports['gateway']}")
    append(etc / "worker.conf", f"gateway = 127.0.0.1:{ports['gateway']}", "max-jobs = 3")
    machine("sluice", "--database-url", "postgresql://sluice@/sluice?host=/srv/postgres", "--database-password-file",
            "/etc/sluice/gateway.secrets/database-password", "migrate", "up")
    machine("systemctl", "restart", *SERVICES)
    return Rest(ports["rest"])


def append(file, *lines):
    with open(file, "a", encoding="utf-8") as settings:
        settings.writelines(f"{line}\n" for line in lines)


def process_of(machine, service):
    """Its number on this machine, and its fields in /proc."""
    inside = machine.property(service, "MainPID")
    for status in pathlib.Path("/proc").glob("[0-9]*/status"):
        try:
            fields = dict(re.findall(r"^(\w+):\s*(.*)$", status.read_text(), re.MULTILINE))
        except OSError:
            continue
        if fields.get("NSpid", "").split()[1:] == [inside] and fields["Name"] == service[:15]:
            return int(fields["Pid"]), fields
    raise AssertionError(f"{service} has no process")


def import_file(rest, table):
    """By the documented call; waits until it has succeeded."""
    reader = {"filePath": "rows.csv", "column": ["id", "text"]}
    writer = {"namespace": "default", "lindormTable": table, "columns": ["ROW||Int", "f:text||String"]}
    reply = rest.post_form("/pro/proc/bulkload/create", f"src=files&dst=warehouse&readerConfig={json.dumps(reader)}&writerConfig="
                           f"{json.dumps(writer)}&driverSpec=small&instances=1&fileType=CSV")
    assert reply.status == 200, reply.text
    task = reply.json()["message"]
    wait_until(lambda: state_of(rest, task) == "TASK_STATE_SUCCEEDED", 60, f"{task} succeeds")
    return task


def state_of(rest, task):
    return rest.get(f"/v1/tasks/{task}").json()["state"]


def test_what_lacks_settings_is_not_started_and_says_what_to_do(machine, installed):
    assert "--database-url or SLUICE_DATABASE_URL must be given" in installed
    assert "Complete /etc/sluice/gateway.conf, then: systemctl enable --now sluice-gateway" in installed
    assert not machine.is_active("sluice-gateway") and machine.is_active("sluice-worker")
    states = [machine("systemctl", "is-enabled", service, check=False).strip() for service in SERVICES]
    assert states == ["disabled", "enabled", "enabled"]  # REST and workers need no settings


def test_programs_run_and_settings_are_not_for_everybody(machine, installed):
    for program in (*SERVICES, "sluice"):
        assert re.fullmatch(rf"{program} \d+\.\d+\.\d+\n", machine(program, "--version"))
    for name in ("gateway", "rest", "worker"):
        assert machine("stat", "-c", "%a %U:%G", f"/etc/sluice/{name}.conf").strip() == "640 root:sluice"
        assert machine("stat", "-c", "%a %U:%G", f"/etc/sluice/{name}.secrets").strip() == "700 root:root"
    user = machine("getent", "passwd", "sluice").strip().split(":")
    assert user[5:] == ["/nonexistent", "/usr/sbin/nologin"]
    assert machine("systemd-analyze", "verify", "--man=no", *[f"{service}.service" for service in SERVICES]) == ""


def test_an_import_runs_behind_all_that_units_forbid(machine, server, set_up):
    assert all(machine.is_active(service) for service in SERVICES)
    folder = machine.root / "srv/import"
    folder.mkdir()
    (folder / "rows.csv").write_text("".join(f"{n},text {n}\n" for n in range(1000)))
    url = "postgresql://sluice@/warehouse?host=/srv/postgres"
    for name, kind, parameters in (("files", "FILE", {"root": "/srv/import"}), ("warehouse", "POSTGRES", {"url": url, "password": PASSWORD})):
        reply = set_up.send_json("POST", "/v1/dataSources", {"name": name, "type": f"DATA_SOURCE_TYPE_{kind}",
                                                             "parametersJson": json.dumps(parameters)})
        assert reply.status == 200, reply.text
    import_file(set_up, "t1")
    assert server.execute("warehouse", 'SELECT count(*) FROM "default".t1') == [(1000,)]
    for service in SERVICES:
        _, fields = process_of(machine, service)
        assert fields["Uid"].split()[0] == machine("id", "-u", "sluice").strip()
        assert (fields["NoNewPrivs"], fields["Seccomp"], fields["CapBnd"]) == ("1", "2", "0" * 16)
        assert machine.property(service, "StatusText") == "serving"
    assert PASSWORD not in machine("journalctl", "--no-pager", "-o", "cat")


def test_a_reload_is_told_and_what_hangs_is_started_again(machine, set_up):
    append(machine.root / "etc/sluice/worker.conf", "log-level = debug")
    machine("systemctl", "reload", "sluice-worker")
    wait_until(lambda: "settings read again" in machine("journalctl", "-u", "sluice-worker", "-o", "cat"), 20, "it is read")
    assert machine.is_active("sluice-worker")

    drop_in = machine.root / "etc/systemd/system/sluice-gateway.service.d"
    drop_in.mkdir(parents=True)
    (drop_in / "test.conf").write_text("[Service]\nWatchdogSec=5\n")
    machine("systemctl", "daemon-reload")
    machine("systemctl", "restart", "sluice-gateway")
    process, _ = process_of(machine, "sluice-gateway")
    os.kill(process, signal.SIGSTOP)
    wait_until(lambda: machine.is_active("sluice-gateway") and machine.property("sluice-gateway", "NRestarts") != "0", 60,
               "systemd starts it again")
    assert process_of(machine, "sluice-gateway")[0] != process


def test_an_upgrade_keeps_settings_and_tasks_and_starts_what_ran(machine, server, packages, set_up):
    machine("systemctl", "stop", "sluice-worker")
    before = {name: (machine.root / f"etc/sluice/{name}.conf").read_text() for name in ("gateway", "rest", "worker")}
    running = {service: machine.property(service, "MainPID") for service in ("sluice-gateway", "sluice-rest")}
    machine.install(packages.values())
    version = machine("dpkg-query", "-W", "-f", "${Version}", "sluice-gateway")
    assert version == packages["sluice-gateway"].name.split("_")[1] != "0.0.9-1"
    for name, text in before.items():
        assert (machine.root / f"etc/sluice/{name}.conf").read_text() == text
    assert [machine.is_active(service) for service in SERVICES] == [True, True, False]  # somebody had stopped it
    assert all(machine.property(service, "MainPID") != process for service, process in running.items())
    machine("systemctl", "start", "sluice-worker")
    wait_until(lambda: set_up.get("/readyz").status == 200, 30, "REST reaches the gateway")
    assert len(set_up.get("/v1/tasks").json()["tasks"]) == 1
    import_file(set_up, "t2")
    assert server.execute("warehouse", 'SELECT count(*) FROM "default".t2') == [(1000,)]


def test_a_removal_stops_services_and_a_purge_leaves_what_people_made(machine, server, set_up):
    names = ["sluice", "sluice-cli", *SERVICES]
    machine.apt("remove", *names)
    assert not any(machine.is_active(service) for service in SERVICES)
    assert not list((machine.root / "usr/bin").glob("sluice*")) and not (machine.root / "usr/lib/sluice").exists()
    assert (machine.root / "etc/sluice/gateway.conf").exists()
    machine.apt("purge", *names)
    left = sorted(str(file.relative_to(machine.root)) for file in (machine.root / "etc/sluice").rglob("*"))
    assert left == ["etc/sluice/gateway.secrets", "etc/sluice/gateway.secrets/database-password"]
    assert machine("dpkg", "-l", "sluice*", check=False).count("\nii") == 0
    assert not [file for file in (machine.root / "etc/systemd/system").rglob("sluice*") if file.suffix == ".service"]
    assert not list((machine.root / "var/lib/systemd/deb-systemd-helper-enabled").rglob("sluice*"))
    assert server.execute("warehouse", 'SELECT count(*) FROM "default".t2') == [(1000,)]
