"""docker/: what docs/docker.md promises, in the order in which somebody would find out."""
import os
import pathlib
import re
import shutil
import ssl
import subprocess
import uuid

import pytest

from compose import PROGRAMS, ROOT, SERVICES, STEPS
from sluicetest.rest import Rest
from sluicetest.wait import scale, wait_until

PAGE = (ROOT / "docs/docker.md").read_text()
MB = 1000 * 1000
LIBRARY = "/usr/local/lib/sluice/libduckdb.so"
ROWS = 300_000


def section(title):
    """The blocks of commands below a heading."""
    text = re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", PAGE, re.M | re.S)[1]
    return re.findall(r"^```sh\n(.*?)^```$", text, re.M | re.S)


@pytest.fixture
def page(compose):
    """Runs commands of the page, with our port and in a folder of ours; gives what they print."""
    def run(commands):
        script = commands.replace("localhost:12311", f"127.0.0.1:{compose.port}")
        script = 'curl() { command curl -sS --fail-with-body "$@"; }\n' + script
        done = subprocess.run(["bash", "-ec", script], cwd=compose.folder, env=compose.environment,
                              capture_output=True, text=True, timeout=200 * scale(), check=False)
        assert done.returncode == 0, (commands, done.stdout, done.stderr)
        return done.stdout
    return run


@pytest.fixture
def sources(compose):
    """The data sources that the page makes are there."""
    names = [s["name"] for s in compose.rest.get("/v1/dataSources").json().get("dataSources", [])]
    if "warehouse" not in names:
        pytest.fail("the test of the page comes first")


@pytest.fixture
def big_file(compose):
    """Rows enough for a kill to come while they are read."""
    file = compose.files / "big.csv"
    if not file.exists():
        file.write_text("".join(f"{n},{uuid.uuid4().hex * 4}\n" for n in range(ROWS)))
        file.chmod(0o644)
    return file.name


def test_up_makes_all_healthy(compose):
    for service in SERVICES:
        assert compose.health(service) == "healthy"
    for step in STEPS:
        state = compose.inspect(step)["State"]
        assert (state["Status"], state["ExitCode"]) == ("exited", 0)


def test_the_import_of_the_page_arrives(compose, page):
    create, look = section("Import a file")
    assert '"success":"true"' in page(create).replace(" ", "")
    (task,) = compose.tasks()
    compose.wait_for_task(task)
    said = page(look)
    assert task in said and "Zürich" in said and "Washington, D.C." in said
    assert compose.psql("warehouse", 'SELECT count(*) FROM "default".cities') == "4"


def test_secrets_of_data_sources_are_sealed(compose, sources):
    """With a key that the database's container does not have."""
    held = compose.psql("sluice", "SELECT parameters_json FROM data_source WHERE name = 'warehouse'")
    assert re.search(r'"password": *"sealed\.v1\.[0-9a-f]{8}\.', held) and "choose-one" not in held
    assert "keys" not in str(compose.inspect("postgres")["Mounts"])
    page_says = re.search(r"`(docker compose run --rm -T migrate secret rotate)`", PAGE)[1]
    assert "sealed anew" in compose(*page_says.split()[2:])


@pytest.mark.parametrize("service", PROGRAMS)
def test_metrics_are_for_the_network_of_the_containers(compose, service):
    ask = f"exec 3<>/dev/tcp/{service}/9464; printf 'GET /metrics HTTP/1.0\r\n\r\n' >&3; cat <&3"
    said = compose("exec", "-T", "postgres", "bash", "-c", ask)
    assert said.splitlines()[0].endswith(" 200 OK") and "\nsluice_build_info{" in said
    published = compose.inspect(service)["NetworkSettings"]["Ports"]
    assert [port for port, bound in published.items() if bound] == (["12311/tcp"] if service == "rest" else [])


def test_looking_works_as_the_page_says(page):
    (commands,) = section("Look at it")
    said = page(commands)
    assert said.count("SERVING\n") == 3 and '"event":"listening"' in said


def test_health_sees_what_is_away(compose):
    """The database: then neither the gateway nor REST serves; the worker lives."""
    def ask(service, *what):
        return compose("exec", "-T", service, "sluice", "healthcheck", *what, check=False)
    compose("pause", "postgres")
    try:
        for service in ("gateway", "rest"):
            wait_until(lambda s=service: compose.health(s) == "unhealthy", 60, f"{service} is unhealthy")
        assert ask("worker", "worker") == "SERVING\n" and compose.health("worker") == "healthy"
    finally:
        compose("unpause", "postgres")
    compose.wait_until_healthy(*SERVICES)
    assert ask("gateway") == ask("rest", "rest") == "SERVING\n"


def test_a_back_up_is_restored(compose, page):
    dump, restore, copy, keys = section("Back up and restore")
    before = compose.tasks()
    page(dump)
    compose.psql("sluice", "TRUNCATE task, job, task_event CASCADE")
    assert compose.tasks() == {}
    page(restore)
    assert compose.tasks() == before != {}
    page(copy)
    held = subprocess.run(["tar", "-tzf", compose.folder / "sluice-volumes.tar.gz"], check=True,
                          capture_output=True, text=True).stdout.split()
    assert {"./database/PG_VERSION", "./secrets/database_password"} <= set(held)
    assert not any("secret_keys" in name for name in held)
    page(keys)
    assert re.fullmatch("[0-9a-f]{64}\n", (compose.folder / "sluice-secret-keys").read_text())
    assert compose.tasks() == before


# --- what is safe

def status_of(pid):
    lines = pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()
    return {key: value.split() for key, value in (line.split(":", 1) for line in lines)}


@pytest.mark.parametrize("service", SERVICES)
def test_a_container_has_no_rights_that_it_does_not_need(compose, service):
    status = status_of(compose.pid_of(service))
    assert "0" not in status["Uid"] + status["Gid"]
    for capabilities in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
        assert int(status[capabilities][0], 16) == 0
    assert status["NoNewPrivs"] == ["1"]
    for folder in ("/", "/usr/local/bin", "/etc", "/var/lib"):
        failed = compose.docker("exec", "--user", "0", compose.id_of(service), "sh", "-c",
                                f"touch {folder}/x 2>&1", check=False)
        assert "Read-only file system" in failed


@pytest.mark.parametrize("service", [*SERVICES, *STEPS])
def test_a_container_is_limited(compose, service):
    container = compose.inspect(service)
    host = container["HostConfig"]
    assert host["Memory"] > 0 and host["NanoCpus"] > 0 and host["PidsLimit"] > 0
    assert host["ReadonlyRootfs"] and not host["Privileged"] and host["CapDrop"] == ["ALL"]
    assert "no-new-privileges:true" in host["SecurityOpt"]
    assert host["RestartPolicy"]["Name"] == ("no" if service in STEPS else "unless-stopped")
    assert host["LogConfig"]["Config"] == {"max-size": "10m", "max-file": "3"}
    assert container["Config"]["User"] in ("999:999", "10001:10001")


def command_lines():
    for file in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        try:
            yield file.read_bytes()
        except OSError:
            pass


def test_the_password_and_the_key_are_seen_by_nobody_else(compose):
    password, key = compose.secrets()
    assert re.fullmatch("[0-9a-f]{64}", password) and re.fullmatch("[0-9a-f]{64}", key) and key != password
    ids = compose("ps", "-a", "-q").split()
    shown = [compose.docker("inspect", *ids), compose("logs", "--no-color"), compose("config"),
             *(compose.docker("history", "--no-trunc", compose.inspect(s)["Image"]) for s in PROGRAMS),
             *(pathlib.Path(f"/proc/{compose.pid_of(s)}/environ").read_text() for s in PROGRAMS)]
    for secret in (password, key):
        assert [text[:200] for text in shown if secret in text] == []
        assert not any(secret.encode() in line for line in command_lines())
    for service in ("rest", "worker"):
        assert "/var/lib/sluice" not in str(compose.inspect(service)["Mounts"])


def test_the_password_is_what_opens_the_database(compose):
    def connect(password):
        return compose("exec", "-T", "-e", f"PGPASSWORD={password}", "postgres", "psql", "-h", "postgres",
                       "-U", "sluice", "-w", "-At", "-c", "SELECT 1", check=False)
    assert connect("wrong") == ""
    password, _ = compose.secrets()
    assert connect(password) == "1\n"


# --- images

@pytest.mark.parametrize("service", [*PROGRAMS, "migrate"])
def test_an_image_is_small_and_has_one_program(compose, service):
    base = int(compose.docker("image", "inspect", "-f", "{{.Size}}", "debian:12-slim"))
    image = compose.image_of(service)
    assert image["Size"] - base < 150 * MB
    found = compose.docker("run", "--rm", "--network=none", "--entrypoint=find", image["Id"], "/usr/local",
                           "-type", "f", "-not", "-path", "/usr/local/share/*").split()
    program = [] if service == "migrate" else [f"/usr/local/bin/sluice-{service}"]
    library = [LIBRARY] if service == "worker" else []
    assert sorted(found) == sorted(["/usr/local/bin/sluice", *program, *library])
    packages = compose.docker("run", "--rm", "--network=none", "--entrypoint=dpkg-query", image["Id"], "-W",
                              "-f", "${Package}\\n").split()
    assert "gcc" not in packages and not any(name.endswith("-dev") for name in packages)
    assert ("libh2o-evloop0.13" in packages) == (service in PROGRAMS)


@pytest.mark.parametrize("service", PROGRAMS)
def test_an_image_needs_no_shell(compose, service):
    """Nothing of Debian's own programs is there."""
    image = compose.image_of(service)
    said = compose.docker("run", "--rm", "--network=none", "--tmpfs=/usr/bin", image["Id"], "--version")
    assert said.startswith(f"sluice-{service} ")
    assert image["Config"]["Healthcheck"]["Test"][:2] == ["CMD", "sluice"]
    assert image["Config"]["Entrypoint"] == [f"sluice-{service}"]


# --- what dies, and what goes on

@pytest.mark.parametrize("service", SERVICES)
def test_what_is_killed_heals(compose, sources, big_file, service):
    """While an import runs: no task is lost, and each row arrives once."""
    before = compose.tasks()
    table = f"after_{service}"
    task = compose.create_import(big_file, table)
    compose.wait_for_task(task, "RUNNING")
    compose.kill(service)
    compose.wait_for_task(task)
    compose.wait_until_healthy(*SERVICES)
    assert compose.tasks() == {**before, task: "SUCCEEDED"}
    assert compose.psql("warehouse", f'SELECT count(*), count(DISTINCT "ROW") FROM "default".{table}'
                        ) == f"{ROWS}|{ROWS}"


def test_more_workers_are_a_number(compose, page):
    (commands,) = section("Settings")
    page(commands)
    assert len(compose("ps", "-q", "worker").split()) == 3


# --- TLS

def test_one_more_file_turns_tls_on(compose, engine, monkeypatch):
    """As docs/tls.md has it; and off again."""
    folder = engine.folder / "tls"
    shutil.rmtree(folder, ignore_errors=True)
    local = "localhost,127.0.0.1"
    subprocess.run([ROOT / "scripts/certificates", folder, f"gateway,{local}", f"rest,{local}", "worker", "cli"],
                   check=True, capture_output=True)
    for key in folder.glob("*.key"):
        os.chown(key, 10001, 10001)
    files = f"{compose.environment['COMPOSE_FILE']}:{ROOT / 'docker/compose.tls.yaml'}"
    with monkeypatch.context() as patch:
        patch.setitem(compose.environment, "COMPOSE_FILE", files)
        patch.setitem(compose.environment, "SLUICE_TLS_DIR", str(folder))
        compose.up(*PROGRAMS)
        trusted = ssl.create_default_context(cafile=folder / "ca.pem")
        assert Rest(compose.port, context=trusted).get("/v1/tasks").status == 200
        with pytest.raises(OSError):
            compose.rest.get("/readyz")
        assert "STATE" in compose("run", "--rm", "-T", "--no-deps", "cli", "task", "list")
    compose.up()
    assert compose.rest.get("/readyz").status == 200


# --- stop, upgrade

def test_a_stop_is_clean(compose):
    compose("stop")
    try:
        states = {s: compose.inspect(s)["State"] for s in SERVICES}
        assert {s: (state["ExitCode"], state["OOMKilled"]) for s, state in states.items()} == {
            s: (0, False) for s in SERVICES}
        for service in PROGRAMS:
            assert '"event":"stopped"' in compose("logs", "--no-color", "--tail=3", service)
    finally:
        compose.up()


def test_new_images_find_what_the_old_ones_left(compose, monkeypatch):
    before = compose.tasks()
    secrets = compose.secrets()
    old = {service: compose.inspect(service)["Image"] for service in PROGRAMS}
    for name in (*PROGRAMS, "cli"):
        compose.docker("build", "-q", "-t", f"sluice-{name}:next", "-",
                       stdin=f"FROM sluice-{name}:latest\nLABEL next=yes\n")
    compose("down")
    assert compose("ps", "-a", "-q") == ""
    monkeypatch.setitem(compose.environment, "SLUICE_TAG", "next")
    compose.up()
    assert all(compose.inspect(service)["Image"] != old[service] for service in PROGRAMS)
    assert "the schema is up to date" in compose("logs", "--no-color", "migrate")
    for step in ("secrets", "keys"):
        assert "left as it is" in compose("logs", "--no-color", step)
    assert compose.tasks() == before != {} and compose.secrets() == secrets
    task = compose.create_import("big.csv", "after_upgrade")
    compose.wait_for_task(task)


def test_nothing_is_left_in_the_end(compose):
    compose("--profile", "*", "down", "-v")
    for kind in ("container", "volume", "network"):
        assert compose.docker(kind, "ls", "-q", "--filter", "label=com.docker.compose.project=sluice") == ""
    assert os.listdir(compose.files)  # which is not theirs
