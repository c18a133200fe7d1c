"""What containers need of the programs: health that a command asks for, and passwords in files."""
import re
import stat
from concurrent.futures import ThreadPoolExecutor

import pytest

from sluicetest.program import run
from sluicetest.wait import wait_until

PASSWORD = "it's a \\ pass@word/%"


@pytest.fixture
def login(cluster, database, tmp_path):
    """The URL of a role of its own that may log in only with PASSWORD, and the file that has it."""
    if not cluster.execute("postgres", "SELECT 1 FROM pg_roles WHERE rolname = 'sluice_login'"):
        cluster.execute("postgres", "CREATE ROLE sluice_login LOGIN SUPERUSER PASSWORD %s", PASSWORD)
    cluster.ask_for_password_of("sluice_login")
    file = tmp_path / "password"
    file.write_text(PASSWORD + "\n")
    return database.url.replace("postgres@", "sluice_login@"), file


# --- health

def test_healthcheck_asks_rest_whether_it_is_ready(stack):
    stack.start_gateway()
    shim = stack.start_rest()

    def ask(check=True):
        return run(stack.build / "sluice", "--rest", shim.address, "healthcheck", "rest", check=check)
    wait_until(lambda: ask(check=False).returncode == 0, what="rest is ready")
    assert ask().stdout == "SERVING\n"
    stack.gateway.stop()
    done = ask(check=False)
    assert (done.returncode, done.stdout) == (1, "NOT_SERVING: /readyz says 503\n")
    shim.stop()
    done = ask(check=False)
    assert done.returncode == 1 and "cannot be reached" in done.stderr


def test_healthcheck_gives_up_on_a_rest_that_hangs(stack):
    stack.start_gateway()
    shim = stack.start_rest()
    shim.pause()
    done = run(stack.build / "sluice", "--rest", shim.address, "--timeout-ms", "300", "healthcheck",
               "rest", check=False)
    assert done.returncode == 1 and "no answer in time" in done.stderr


@pytest.mark.parametrize("address,said", [
    ("nowhere", "is not an address like"),
    (":80", "is not an address like"),
    ("127.0.0.1:http", "cannot be reached"),
    ("[::1]:1", "cannot be reached"),
])
def test_healthcheck_tells_what_is_wrong_with_an_address(build, address, said):
    done = run(build / "sluice", "--rest", address, "healthcheck", "rest", check=False)
    assert done.returncode == 1 and said in done.stderr


def test_healthcheck_of_what_speaks_no_http_fails(stack):
    stack.start_gateway()
    done = run(stack.build / "sluice", "--rest", stack.gateway.address, "healthcheck", "rest",
               check=False)
    assert done.returncode == 1 and "answers, but no HTTP" in done.stderr


def test_healthcheck_tells_whether_a_worker_lives(stack):
    stack.start_gateway()
    worker = stack.start_worker("--health-listen", "127.0.0.1:0")
    port = worker.wait_for_event("started")["health_port"]

    def ask(*options, check=True):
        return run(stack.build / "sluice", "--worker", f"127.0.0.1:{port}", *options, "healthcheck", "worker", check=check)
    assert ask().stdout == "SERVING\n"
    stack.gateway.stop()
    assert ask().stdout == "SERVING\n"  # it waits, and is well
    worker.pause()
    assert ask("--timeout-ms", "300", check=False).returncode == 1
    worker.resume()
    assert ask().stdout == "SERVING\n"
    worker.stop()
    assert ask(check=False).returncode == 1


def test_a_worker_that_cannot_listen_does_not_start(stack):
    stack.start_gateway()
    done = run(stack.build / "sluice-worker", "--gateway", stack.gateway.address,
               "--health-listen", stack.gateway.address, check=False)
    assert done.returncode == 1 and stack.gateway.address in done.stderr


# --- passwords

def test_the_database_password_is_read_from_a_file(stack, login):
    url, file = login
    options = ["--database-url", url]
    with_file = [*options, "--database-password-file", file]
    refused = run(stack.build / "sluice", *options, "migrate", "up", check=False)
    assert refused.returncode == 1 and "password" in refused.stderr
    assert "applied 0001_init" in run(stack.build / "sluice", *with_file, "migrate", "up").stdout
    assert run(stack.build / "sluice", *with_file, "migrate", "status").returncode == 0
    gateway = stack.program("sluice-gateway", *with_file, "--listen", "127.0.0.1:0").start()
    stack.gateway = gateway
    assert stack.cli("healthcheck").stdout == "SERVING\n"
    assert PASSWORD not in gateway.log_tail()


def test_a_missing_password_file_is_told(stack, login):
    url, file = login
    options = ["--database-url", url, "--database-password-file", file.parent / "none"]
    for done in (run(stack.build / "sluice", *options, "migrate", "up", check=False),
                 run(stack.build / "sluice-gateway", *options, check=False)):
        assert done.returncode == 1
        assert "database-password-file" in done.stderr and "none cannot be read" in done.stderr


def test_secret_create_makes_a_password_once(build, tmp_path):
    file = tmp_path / "password"
    made = run(build / "sluice", "secret", "create", file)
    assert made.stdout == f"{file} is made\n"
    password = file.read_text()
    assert re.fullmatch("[0-9a-f]{64}\n", password) and password.strip() not in made.stdout
    assert stat.S_IMODE(file.stat().st_mode) == 0o444
    again = run(build / "sluice", "secret", "create", file)
    assert again.stdout == f"{file} is there, and left as it is\n"
    assert file.read_text() == password
    assert list(tmp_path.iterdir()) == [file]


def test_secret_create_makes_one_password_whoever_is_first(build, tmp_path):
    file = tmp_path / "password"
    with ThreadPoolExecutor(8) as pool:
        said = list(pool.map(lambda _: run(build / "sluice", "secret", "create", file).stdout,
                             range(8)))
    assert sum("is made" in text for text in said) == 1
    assert len(file.read_text()) == 65 and list(tmp_path.iterdir()) == [file]


def test_secret_create_tells_where_it_cannot(build, tmp_path):
    done = run(build / "sluice", "secret", "create", tmp_path / "none" / "password", check=False)
    assert done.returncode == 1 and "cannot be made" in done.stderr
