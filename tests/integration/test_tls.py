"""
TLS: who shows the right certificate is served, everybody else is turned away before anything is said, and certificates are
renewed while programs run.
"""
import json
import pathlib
import re
import socket
import ssl
import subprocess
import time
import warnings
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest

from sluicetest.certificates import Authority, Pair
from sluicetest.grpc_client import Api, error_of
from sluicetest.program import environment, run
from sluicetest.rest import Rest
from sluicetest.seed import CREATE, csv_bytes, form
from sluicetest.stack import Stack
from sluicetest.wait import scale, wait_until

ROOT = pathlib.Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def ca(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("ca"), "ours")


@pytest.fixture(scope="module")
def foreign(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("foreign"), "foreign")


@pytest.fixture(scope="module")
def server_pair(ca):
    return ca.issue("server", "IP:127.0.0.1")


@pytest.fixture(scope="module")
def client_pair(ca):
    return ca.issue("alice", "DNS:alice.example")


def server_options(pair, client_ca=None):
    options = ["--tls-cert", pair.cert, "--tls-key", pair.key]
    return [*options, "--tls-client-ca", client_ca.cert] if client_ca else options


def client_options(ca, pair=None):
    options = ["--gateway-ca", ca.cert]
    return [*options, "--gateway-cert", pair.cert, "--gateway-key", pair.key] if pair else options


def credentials(ca, pair=None):
    cert, key = pair.read() if pair else (None, None)
    return grpc.ssl_channel_credentials(ca.cert.read_bytes(), key, cert)


def trust(ca, pair=None):
    """What a client of HTTPS goes by."""
    context = ssl.create_default_context(cafile=ca.cert)
    if pair:
        context.load_cert_chain(pair.cert, pair.key)
    return context


@pytest.fixture(scope="module")
def mutual(build, protos, shared_cluster, tmp_path_factory, ca, server_pair, client_pair):
    """A Stack whose gateway and REST want certificates of their clients, and with a worker that has one."""
    stack = Stack(build, shared_cluster.create_database(), tmp_path_factory.mktemp("stack"))
    stack.credentials = credentials(ca, client_pair)
    stack.destination = shared_cluster.create_database()
    try:
        stack.start_gateway(*server_options(server_pair, ca))
        stack.start_rest(*server_options(server_pair, ca), *client_options(ca, client_pair))
        stack.start_worker(*client_options(ca, ca.issue("worker-1", "DNS:worker-1.example")),
                           "--health-listen", "127.0.0.1:0", *server_options(server_pair, ca))
        stack.add_usual_sources(stack.destination)
        stack.rest = Rest(stack.shim.port, context=trust(ca, client_pair))
        yield stack
    finally:
        stack.stop()


def list_tasks(api):
    return api.tasks.ListTasks(api.task_service.ListTasksRequest(page_size=1), timeout=10 * scale())


def refusal(address, trust):
    """The error that a client's first call ends with."""
    api = Api(address, credentials=trust)
    try:
        return error_of(list_tasks, api)
    finally:
        api.close()


def count_failures(program):
    return sum(line["event"] == "a handshake has failed" for line in program.events())


# --- the gateway

def test_a_client_with_a_certificate_is_served(mutual, ca, client_pair):
    assert len(list_tasks(mutual.api).tasks) == 0
    assert mutual.cli(*client_options(ca, client_pair), "healthcheck").stdout == "SERVING\n"


@pytest.mark.parametrize("who", ["nobody", "expired", "foreign", "a server", "themselves"])
def test_other_clients_are_not(mutual, ca, foreign, who):
    pair = {"nobody": lambda: None,
            "expired": lambda: ca.issue("expired", "DNS:expired.example", days=-1),
            "foreign": lambda: foreign.issue("alice", "DNS:alice.example"),
            "a server": lambda: ca.issue("no-client", "DNS:server.example", usage="serverAuth"),
            "themselves": lambda: Authority(ca.folder, "ours").as_pair()}[who]()
    before = count_failures(mutual.gateway)
    error = refusal(mutual.gateway.address, credentials(ca, pair))
    assert error.code() == grpc.StatusCode.UNAVAILABLE
    assert not error.trailing_metadata()
    wait_until(lambda: count_failures(mutual.gateway) > before, what="the refusal is logged")
    assert mutual.cli(*client_options(ca, pair), "healthcheck", check=False).returncode == 1
    list_tasks(mutual.api)


def test_a_server_of_another_ca_is_not_taken_for_the_gateway(mutual, foreign, client_pair):
    done = mutual.cli(*client_options(foreign, client_pair), "task", "list", check=False)
    assert done.returncode == 1 and "cannot be reached" in done.stderr


def test_a_server_by_another_name_is_not_taken_for_the_gateway(stack, ca):
    stack.start_gateway(*server_options(ca.issue("elsewhere", "IP:127.0.0.9", "DNS:localhost")))
    done = stack.cli(*client_options(ca), "task", "list", check=False)
    assert done.returncode == 1 and "cannot be reached" in done.stderr


def old_tls():
    """A client that speaks TLS 1.1 at most, by whatever cipher."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")
    return context


def check_closed(port, sent):
    """The port closes a connection that begins so, without any of what it serves."""
    with socket.create_connection(("127.0.0.1", port), 10 * scale()) as raw:
        got = b""
        try:
            raw.sendall(sent)
            while part := raw.recv(4096):
                got += part
        except ConnectionError:
            pass
    assert len(got) < 100 and b"sluice" not in got.lower()


def test_old_tls_is_refused(mutual):
    with socket.create_connection(("127.0.0.1", mutual.gateway.port), 10) as raw:
        with pytest.raises((ssl.SSLError, ConnectionError)):
            old_tls().wrap_socket(raw)


PLAIN = {"HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "HTTP/1.1": b"GET / HTTP/1.1\r\n\r\n",
         "a record that is too long": b"\x16\x03\x01\xff\xff" + bytes(70000), "zeroes": bytes(5000)}


@pytest.mark.parametrize("sent", PLAIN.values(), ids=PLAIN)
def test_plaintext_where_tls_is_spoken(mutual, sent):
    check_closed(mutual.gateway.port, sent)
    assert refusal(mutual.gateway.address, None).code() == grpc.StatusCode.UNAVAILABLE
    assert mutual.cli("task", "list", check=False).returncode == 1
    list_tasks(mutual.api)


def test_tls_where_plaintext_is_spoken(stack, ca, client_pair):
    stack.start_gateway()
    error = refusal(stack.gateway.address, credentials(ca, client_pair))
    assert error.code() == grpc.StatusCode.UNAVAILABLE
    done = stack.cli(*client_options(ca), "healthcheck", check=False)
    assert done.returncode == 1 and "cannot be reached" in done.stderr
    list_tasks(stack.api)


# --- REST

def curl(*options):
    return subprocess.run(["curl", "--silent", "--show-error", "--max-time", "20", *[str(o) for o in options]],
                          capture_output=True, text=True, check=False)


def test_the_usual_create_by_curl(mutual, ca, client_pair):
    """The documented call, with nothing but the certificates beside it; all programs speak TLS, so the rows arrive by it."""
    folder = mutual.files / "csv"
    folder.mkdir()
    (folder / "rows.csv").write_bytes(csv_bytes(range(100)))
    done = curl("--cacert", ca.cert, "--cert", client_pair.cert, "--key", client_pair.key, "--data",
                form("csv/", "CSV"), f"https://127.0.0.1:{mutual.shim.port}{CREATE}")
    assert done.returncode == 0, done.stderr
    task_id = json.loads(done.stdout)["message"]
    mutual.wait_for_state(task_id, "SUCCEEDED")
    assert mutual.destination.value('SELECT count(*) FROM "default".bulkload_test') == 100
    events = mutual.api.tasks.ListTaskEvents(
        mutual.api.task_service.ListTaskEventsRequest(id=task_id)).events
    assert events[0].actor == "alice.example"  # what REST has shown


def test_healthcheck_of_rest_and_worker(mutual, ca, foreign, client_pair):
    port = mutual.worker.wait_for_event("started")["health_port"]
    where = ["--rest", mutual.shim.address, "--worker", f"127.0.0.1:{port}"]

    def ask(what, *options):
        return run(mutual.build / "sluice", *where, *options, "healthcheck", what, check=False)
    pair = ["--gateway-cert", client_pair.cert, "--gateway-key", client_pair.key]
    for what in ("rest", "worker"):
        assert ask(what, "--health-ca", ca.cert, *pair).stdout == "SERVING\n"
        for wrong in ([], ["--health-ca", ca.cert], ["--health-ca", foreign.cert, *pair]):
            done = ask(what, *wrong)
            assert done.returncode == 1 and "(UNAVAILABLE)" in done.stderr, done


def test_healthcheck_of_a_server_that_refuses_after_the_handshake(build, ca, server_pair):
    """TLS 1.3 tells a client only when it reads that its certificate is missing. The server waits until that is read."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(server_pair.cert, server_pair.key)
    context.load_verify_locations(ca.cert)
    context.verify_mode = ssl.CERT_REQUIRED

    def serve(listener):
        with listener.accept()[0] as plain:
            with pytest.raises(ssl.SSLError):
                context.wrap_socket(plain.dup(), server_side=True)
            while plain.recv(4096):
                pass
    with socket.create_server(("127.0.0.1", 0)) as listener, ThreadPoolExecutor(1) as pool:
        served = pool.submit(serve, listener)
        done = run(build / "sluice", "--rest", f"127.0.0.1:{listener.getsockname()[1]}", "--health-ca", ca.cert,
                   "healthcheck", "rest", check=False)
        served.result()
    assert done.returncode == 1 and done.stderr.endswith(
        "does not answer: it ended TLS; does it ask for a certificate? (UNAVAILABLE)\n"), done


@pytest.mark.parametrize("who", ["nobody", "expired", "foreign"])
def test_other_clients_are_not_served_by_rest(mutual, ca, foreign, who):
    pair = {"nobody": lambda: None,
            "expired": lambda: ca.issue("expired-http", "DNS:expired.example", days=-1),
            "foreign": lambda: foreign.issue("bob", "DNS:bob.example")}[who]()
    before = count_failures(mutual.shim)
    with pytest.raises(OSError):
        Rest(mutual.shim.port, context=trust(ca, pair)).get("/readyz")
    wait_until(lambda: count_failures(mutual.shim) > before, what="the refusal is logged")
    last = [line for line in mutual.shim.events() if line["event"] == "a handshake has failed"][-1]
    assert last["peer"] == "127.0.0.1" and last["error"]
    assert mutual.rest.get("/readyz").status == 200


@pytest.mark.parametrize("who", ["nobody", "expired", "foreign"])
def test_other_clients_do_not_reach_the_health_of_a_worker(mutual, ca, foreign, client_pair, who):
    address = f"127.0.0.1:{mutual.worker.wait_for_event('started')['health_port']}"
    pair = {"nobody": lambda: None,
            "expired": lambda: ca.issue("expired-health", "DNS:expired.example", days=-1),
            "foreign": lambda: foreign.issue("carol", "DNS:carol.example")}[who]()

    def check(shown):
        with grpc.secure_channel(address, credentials(ca, shown)) as channel:
            channel.unary_unary("/grpc.health.v1.Health/Check")(b"", timeout=60)
    before = count_failures(mutual.worker)
    assert error_of(check, pair).code() == grpc.StatusCode.UNAVAILABLE
    wait_until(lambda: count_failures(mutual.worker) > before, what="the refusal is logged")
    check(client_pair)


def test_curl_does_not_take_another_server_for_rest(mutual, foreign, client_pair):
    done = curl("--cacert", foreign.cert, "--cert", client_pair.cert, "--key", client_pair.key,
                f"https://127.0.0.1:{mutual.shim.port}/readyz")
    assert done.returncode == 60  # CURLE_PEER_FAILED_VERIFICATION


def test_old_tls_and_other_protocols_are_refused_by_rest(mutual, ca, client_pair):
    with socket.create_connection(("127.0.0.1", mutual.shim.port), 10) as raw:
        with pytest.raises((ssl.SSLError, ConnectionError)):
            old_tls().wrap_socket(raw)
    context = trust(ca, client_pair)
    context.set_alpn_protocols(["h2"])
    with socket.create_connection(("127.0.0.1", mutual.shim.port), 10) as raw:
        with pytest.raises((ssl.SSLError, ConnectionError)):
            context.wrap_socket(raw, server_hostname="127.0.0.1").recv(1)
    context.set_alpn_protocols(["h2", "http/1.1"])
    with socket.create_connection(("127.0.0.1", mutual.shim.port), 10) as raw:
        with context.wrap_socket(raw, server_hostname="127.0.0.1") as secured:
            assert secured.selected_alpn_protocol() == "http/1.1"
            assert secured.version() == "TLSv1.3"
            assert not secured.session_reused and not secured.session.has_ticket


@pytest.mark.parametrize("sent", PLAIN.values(), ids=PLAIN)
def test_plaintext_where_rest_speaks_tls(mutual, sent):
    check_closed(mutual.shim.port, sent)
    assert mutual.rest.get("/readyz").status == 200


def test_the_gateway_stops_in_time_whatever_clients_do(stack, ca, server_pair):
    """One that waits for changes, and one in the middle of a handshake."""
    stack.credentials = credentials(ca)
    stack.start_gateway(*server_options(server_pair))
    watch = stack.api.tasks.WatchTasks(stack.api.task_service.WatchTasksRequest())
    next(iter(watch))
    with socket.create_connection(("127.0.0.1", stack.gateway.port), 10) as half:
        half.sendall(b"\x16\x03\x01")
        start = time.monotonic()
        stack.gateway.stop()
        assert time.monotonic() - start < 6 * scale()
    with pytest.raises(grpc.RpcError):
        list(watch)


def test_half_handshakes_hold_up_nobody(mutual, ca):
    """More than there is room for; each that was begun ends, and others are served meanwhile."""
    half = []
    try:
        for _ in range(1200):
            raw = socket.create_connection(("127.0.0.1", mutual.shim.port), 10 * scale())
            half.append(raw)
            raw.sendall(b"\x16\x03\x01\x02\x00\x01")
        assert mutual.rest.get("/v1/tasks?pageSize=1").status == 200
        assert half[0].recv(100) == b""  # it made room
        half[-1].settimeout(30 * scale())
        assert half[-1].recv(100) == b""  # its time was up
    finally:
        for raw in half:
            raw.close()
    assert mutual.rest.get("/v1/tasks?pageSize=1").status == 200


def test_a_stop_is_done_in_time_whatever_clients_do(stack, ca, server_pair):
    """One that is idle, one in the middle of a handshake, and one that does not read what it has asked for."""
    stack.start_gateway()
    stack.start_rest(*server_options(server_pair))
    rest = Rest(stack.shim.port, context=trust(ca))
    idle = rest.connect()
    idle.request("GET", "/readyz")
    assert idle.getresponse().read()
    half = socket.create_connection(("127.0.0.1", stack.shim.port), 10)
    half.sendall(b"\x16\x03\x01")
    deaf = trust(ca).wrap_socket(socket.create_connection(("127.0.0.1", stack.shim.port), 10),
                                 server_hostname="127.0.0.1")
    deaf.sendall(b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n" * 20)
    start = time.monotonic()
    stack.shim.stop()
    assert time.monotonic() - start < 6 * scale()
    for one in (idle, half, deaf):
        one.close()


# --- as docs/tls.md says

def settings_of(service, folder):
    """What docker/compose.tls.yaml adds to a container."""
    text = (ROOT / "docker/compose.tls.yaml").read_text()
    lines = re.search(rf"^  {service}:\n(.*?)(?=^  \w|\Z)", text, re.M | re.S)[1]
    return {name: value.replace("/run/tls", str(folder))
            for name, value in re.findall(r"^ +(SLUICE_\w+): (\S+)$", lines, re.M)}


def test_the_settings_for_containers_with_the_certificates_of_the_page(stack, tmp_path):
    """The programs with what their containers have, and the commands that these are asked for their health by."""
    page = (ROOT / "docs/tls.md").read_text()
    names = re.search(r"scripts/certificates docker/tls (.*)\n", page)[1].split()
    folder = tmp_path / "tls"
    subprocess.run([ROOT / "scripts/certificates", folder, *names], check=True, capture_output=True)
    assert [file.name for file in folder.iterdir() if file.suffix == ".key" and file.stat().st_mode & 0o77] == []

    def start(program, service, wait_for="listening"):
        program.env = settings_of(service, folder)
        return program.start(wait_for=wait_for)
    stack.migrate()
    stack.gateway = start(stack.program("sluice-gateway", "--database-url", stack.database.url,
                                        "--listen", "127.0.0.1:0"), "gateway")
    to_gateway = ["--gateway", stack.gateway.address]
    stack.shim = start(stack.program("sluice-rest", *to_gateway, "--listen", "127.0.0.1:0"), "rest")
    worker = start(stack.program("sluice-worker", *to_gateway, "--health-listen", "127.0.0.1:0"),
                   "worker", "started")
    stack.workers.append(worker)

    def ask(service, *arguments):
        return run(stack.build / "sluice", *arguments, **settings_of(service, folder)).stdout
    health_port = worker.wait_for_event("started")["health_port"]
    assert ask("gateway", *to_gateway, "healthcheck") == "SERVING\n"
    assert ask("rest", "--rest", stack.shim.address, "healthcheck", "rest") == "SERVING\n"
    assert ask("worker", "--worker", f"127.0.0.1:{health_port}", "healthcheck", "worker") == "SERVING\n"
    assert "STATE" in ask("cli", *to_gateway, "task", "list")
    ca = ssl.create_default_context(cafile=folder / "ca.pem")
    assert Rest(stack.shim.port, context=ca).get("/v1/tasks").status == 200
    assert refusal(stack.gateway.address,
                   grpc.ssl_channel_credentials((folder / "ca.pem").read_bytes())
                   ).code() == grpc.StatusCode.UNAVAILABLE


# --- renewal

def is_served(address, ca):
    api = Api(address, credentials=credentials(ca))
    try:
        list_tasks(api)
    except grpc.RpcError:
        return False
    finally:
        api.close()
    return True


def test_new_certificates_are_used_without_a_restart(stack, ca, foreign):
    """Open connections go on, and files that cannot be used are as good as none."""
    used = ca.issue("used", "IP:127.0.0.1")
    fresh = foreign.issue("fresh", "IP:127.0.0.1")
    stack.credentials = credentials(ca)
    stack.start_gateway(*server_options(used))
    list_tasks(stack.api)

    used.cert.write_text("-----BEGIN CERTIFICATE-----\nhalf")
    wait_until(lambda: is_served(stack.gateway.address, ca) and any(
        line["event"] == "new certificates are not used" for line in stack.gateway.events()),
        what="the broken file is told of, and the old one used")

    fresh.copy_to(used)
    wait_until(lambda: is_served(stack.gateway.address, foreign), what="the new one is used")
    assert not is_served(stack.gateway.address, ca)
    list_tasks(stack.api)


def test_rest_uses_new_certificates_without_a_restart(stack, ca, foreign):
    used, fresh = ca.issue("used-http", "IP:127.0.0.1"), foreign.issue("fresh-http", "IP:127.0.0.1")
    stack.start_gateway()
    stack.start_rest(*server_options(used))
    before = Rest(stack.shim.port, context=trust(ca)).connect()
    before.request("GET", "/readyz")
    assert before.getresponse().read()
    raw = socket.create_connection(("127.0.0.1", stack.shim.port), 10)  # shakes hands later

    fresh.copy_to(used)

    def is_new():
        try:
            return Rest(stack.shim.port, context=trust(foreign)).get("/readyz").status == 200
        except ssl.SSLError:
            return False
    wait_until(is_new, what="the new one is used")
    with pytest.raises(ssl.SSLError):
        Rest(stack.shim.port, context=trust(ca)).get("/readyz")
    before.request("GET", "/readyz")
    assert before.getresponse().status == 200
    before.close()
    trust(ca).wrap_socket(raw, server_hostname="127.0.0.1").close()


def copy_of(ca, path):
    path.write_bytes(ca.cert.read_bytes())
    return Pair(path, path.with_suffix(".key"))


def test_clients_use_new_certificates_without_a_restart(stack, ca, foreign, shared_cluster, tmp_path):
    """
    The CA of all and every certificate are replaced while REST, a worker and a cli that watches run; then the gateway is
    another one, so that nothing is left of what was.
    """
    names = ["gateway", "rest", "worker", "cli"]
    used = {name: ca.issue(f"renewed-{name}", "IP:127.0.0.1") for name in names}
    trusted = copy_of(ca, tmp_path / "ca.pem")
    stack.credentials = credentials(ca, used["cli"])
    stack.start_gateway(*server_options(used["gateway"], trusted))
    stack.start_rest(*client_options(trusted, used["rest"]))
    stack.start_worker(*client_options(trusted, used["worker"]))
    stack.add_usual_sources(shared_cluster.create_database())
    for name in ("l1", "l2"):  # nobody works for these
        stack.add_source(name, "LINDORM", {"clusterKey": "ld.example:30020"})
    waiting = stack.rest.post_form("/hbase/fulldata/create", "src=l1&dst=l2&tableNames=t").json()["message"]
    watch = subprocess.Popen(
        [stack.build / "sluice", "--gateway", stack.gateway.address, *map(str, client_options(trusted, used["cli"])),
         "task", "watch", waiting], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment())
    assert "PENDING" in watch.stdout.readline()

    used["rest"].cert.write_text("-----BEGIN CERTIFICATE-----\nhalf")
    wait_until(lambda: stack.rest.get("/v1/tasks").status == 200 and any(
        line["event"] == "new certificates are not used" for line in stack.shim.events()),
        what="the broken file is told of, and the old one used")

    for name in names:
        foreign.issue(f"fresh-{name}", f"DNS:{name}.example", "IP:127.0.0.1").copy_to(used[name])
    foreign.as_pair().copy_to(trusted)
    wait_until(lambda: refusal(stack.gateway.address, credentials(ca)).code() and any(
        line["event"] == "new certificates are used" for line in stack.gateway.events()),
        what="the gateway has new ones")
    stack.gateway.kill()
    stack.gateway.start()

    wait_until(lambda: stack.rest.get("/v1/tasks").status == 200, what="REST is let in")
    (stack.files / "csv").mkdir()
    (stack.files / "csv" / "rows.csv").write_bytes(csv_bytes(range(10)))
    made = stack.rest.post_form(CREATE, form("csv/", "CSV")).json()["message"]
    stack.use_credentials(credentials(foreign, used["cli"]))
    stack.wait_for_state(made, "SUCCEEDED")
    events = stack.api.tasks.ListTaskEvents(stack.api.task_service.ListTaskEventsRequest(id=made)).events
    assert events[0].actor == "rest.example"
    assert watch.poll() is None
    assert stack.rest.get(f"/hbase/fulldata/{waiting}/abort").status == 200
    told, wrong = watch.communicate(timeout=60 * scale())
    assert (told.splitlines()[-1], watch.returncode) == ("KILLED", 3), wrong


# --- the start

@pytest.mark.parametrize("content, error", [
    ("no certificate", "tls-cert: is no certificate in PEM"),
    ("expired", "tls-cert: the certificate has expired"),
    ("another key", "tls-key: does not belong to the certificate"),
    ("no key", "tls-key: is no private key in PEM"),
    ("no file", "tls-key: "),
    ("no CA", "tls-client-ca: is no certificate in PEM"),
])
def test_files_that_are_wrong_are_told_of_at_the_start(stack, ca, content, error):
    stack.migrate()
    pair = ca.issue(content.replace(" ", "-"), "IP:127.0.0.1", days=-1 if content == "expired" else 30)
    client_ca = pair.cert.with_name("client-ca.pem")
    client_ca.write_bytes(ca.cert.read_bytes())
    if content == "no certificate":
        pair.cert.write_text("hello")
    elif content == "another key":
        pair.key.write_bytes(ca.key.read_bytes())
    elif content == "no key":
        pair.key.write_bytes(pair.cert.read_bytes())
    elif content == "no file":
        pair.key.unlink()
    elif content == "no CA":
        client_ca.write_bytes(b"")
    done = run(stack.build / "sluice-gateway", "--database-url", stack.database.url, "--listen",
               "127.0.0.1:0", *server_options(pair), "--tls-client-ca", client_ca, check=False)
    assert done.returncode == 1
    assert f'"error":"{error}' in done.stderr, done.stderr
