"""
Who may call: what a scanner sees of each listener, with no token, a wrong one, one that has expired or was revoked, one without the scope,
and from addresses that are not allowed. Refusals are logged, and tell nothing of what there is.
"""
import json
import socket
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest

from sluicetest.certificates import Authority
from sluicetest.grpc_client import Api, error_of
from sluicetest.program import run
from sluicetest.rest import Rest
from sluicetest.stack import Stack
from sluicetest.wait import wait_until

SECRET_NAME = "nobody-may-know-this-name"
ELSEWHERE = "10.0.0.0/8"  # where no test comes from
TRICKS = {"X-Forwarded-For": "10.1.2.3", "Forwarded": "for=10.1.2.3", "X-Real-IP": "10.1.2.3",
          "X-Client-IP": "10.1.2.3", "True-Client-IP": "10.1.2.3", "Via": "1.1 10.1.2.3"}


def make_token(stack, name, scopes, *options):
    """A token, and the id that it is revoked by."""
    made = database_cli(stack, "token", "create", "--name", name, "--scopes", scopes, *options)
    return made.stdout.strip(), made.stderr.split()[1]


def database_cli(stack, *arguments, check=True):
    return run(stack.build / "sluice", "--database-url", stack.database.url, *arguments,
               check=check)


def bearer(token):
    return [("authorization", f"Bearer {token}")]


@pytest.fixture(scope="module")
def guarded(build, protos, shared_cluster, tmp_path_factory):
    """A Stack whose gateway wants tokens; REST and the worker have their own, and tokens has one of each scope."""
    stack = Stack(build, shared_cluster.create_database(), tmp_path_factory.mktemp("stack"))
    stack.destination = shared_cluster.create_database()
    stack.migrate()
    stack.tokens = {scope: make_token(stack, f"the-{scope}", scope)[0]
                    for scope in ["read", "write", "worker", "admin"]}
    stack.tokens["expired"] = make_token(stack, "old", "admin", "--expires", "1s")[0]
    files = {}
    for name, scopes in [("rest", "read,write"), ("hand", "worker")]:
        files[name] = stack.folder / f"{name}.token"
        files[name].write_text(make_token(stack, name, scopes)[0] + "\n")
    stack.rest_file = files["rest"]
    try:
        stack.start_gateway("--require-token")
        stack.start_rest("--gateway-token-file", files["rest"])
        stack.start_worker("--gateway-token-file", files["hand"])
        add_source(stack, SECRET_NAME, stack.tokens["admin"])
        wait_until(lambda: not is_let_in(stack.api, stack.tokens["expired"]), what="a token expires")
        yield stack
    finally:
        stack.stop()


def add_source(stack, name, token):
    api = stack.api
    source = api.data_source.DataSource(name=name, parameters_json='{"root": "/tmp"}',
                                        type=api.data_source.DATA_SOURCE_TYPE_FILE)
    return api.data_sources.CreateDataSource(
        api.data_source_service.CreateDataSourceRequest(data_source=source),
        metadata=bearer(token))


def list_tasks(api, metadata=()):
    return api.tasks.ListTasks(api.task_service.ListTasksRequest(), metadata=metadata, timeout=60)


def reason_of(error):
    """The reason in the details of an error, or None."""
    trailers = dict(error.trailing_metadata() or [])
    packed = trailers.get("grpc-status-details-bin", b"")
    found = [r for r in ["TOKEN_MISSING", "TOKEN_INVALID", "SCOPE_MISSING", "CLIENT_LIMIT"]
             if r.encode() in packed]
    return found[0] if found else None


def check_tells_nothing(error):
    told = f"{error.details()} {error.trailing_metadata()}"
    for secret in [SECRET_NAME, "sluice_", "the-read", "10.0.0.0"]:
        assert secret not in told


def refusals(program, event="call refused"):
    return [line for line in program.events() if line["event"] == event]


# --- tokens at the gateway

WRONG = {
    "none": [],
    "unknown": bearer("sluice_" + "0" * 64),
    "empty": [("authorization", "Bearer ")],
    "another scheme": [("authorization", "Basic c2x1aWNlOnNsdWljZQ==")],
    "long": bearer("x" * 4000),
    "in another header": [("x-authorization", "Bearer sluice")],
}


@pytest.mark.parametrize("what", WRONG)
def test_a_call_without_a_valid_token_is_refused(guarded, what):
    error = error_of(list_tasks, guarded.api, WRONG[what])
    assert error.code() == grpc.StatusCode.UNAUTHENTICATED
    assert reason_of(error) in ["TOKEN_MISSING", "TOKEN_INVALID"]
    check_tells_nothing(error)


def test_an_expired_token_is_refused_as_an_unknown_one_is(guarded):
    unknown = error_of(list_tasks, guarded.api, WRONG["unknown"])
    expired = error_of(list_tasks, guarded.api, bearer(guarded.tokens["expired"]))
    assert (expired.code(), expired.details()) == (unknown.code(), unknown.details())


@pytest.mark.parametrize("path", ["/sluice.v1.TaskService/Nothing", "/no.such.Service/Method",
                                  "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"])
def test_who_has_no_token_is_not_told_which_methods_there_are(guarded, path):
    call = guarded.api.channel.stream_stream(path)
    error = error_of(lambda: list(call(iter([b""]), timeout=60)))
    assert error.code() == grpc.StatusCode.UNAUTHENTICATED


def test_health_needs_no_token(guarded):
    assert guarded.cli("healthcheck").stdout == "SERVING\n"


CALLS = {  # method, and the scope that it wants; each fails in another way when it is let in
    "tasks.GetTask": ("GetTaskRequest", "task_service", "read"),
    "tasks.AbortTask": ("AbortTaskRequest", "task_service", "write"),
    "tasks.DeleteTask": ("DeleteTaskRequest", "task_service", "write"),
    "data_sources.GetDataSource": ("GetDataSourceRequest", "data_source_service", "read"),
    "data_sources.DeleteDataSource": ("DeleteDataSourceRequest", "data_source_service", "admin"),
    "workers.LeaseJob": ("LeaseJobRequest", "worker_service", "worker"),
}


@pytest.mark.parametrize("method", CALLS)
@pytest.mark.parametrize("scope", ["read", "write", "worker", "admin"])
def test_a_token_allows_what_its_scope_says(guarded, method, scope):
    message, module, wanted = CALLS[method]
    stub, _, name = method.partition(".")
    call = getattr(getattr(guarded.api, stub), name)
    request = getattr(getattr(guarded.api, module), message)()
    error = error_of(call, request, metadata=bearer(guarded.tokens[scope]), timeout=60)
    if scope in (wanted, "admin"):
        assert error.code() in [grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.NOT_FOUND]
    else:
        assert error.code() == grpc.StatusCode.PERMISSION_DENIED
        assert reason_of(error) == "SCOPE_MISSING"
        assert error.details() == f"scope '{wanted}' is one that the token does not have"


def test_a_refusal_is_logged_with_who_but_not_with_the_token(guarded):
    error_of(list_tasks, guarded.api, bearer(guarded.tokens["worker"]))

    def is_logged():
        return [r for r in refusals(guarded.gateway) if r["code"] == "PERMISSION_DENIED"]
    line = wait_until(is_logged, what="a refusal is logged")[-1]
    assert line["peer"] == "127.0.0.1" and line["token"].startswith("the-")
    for program in guarded.programs:
        assert "sluice_" not in program.log.read_text()


def test_a_revoked_token_is_refused_within_seconds_and_a_new_one_counts(guarded):
    token, token_id = make_token(guarded, "short", "read")
    wait_until(lambda: is_let_in(guarded.api, token), what="a new token counts")
    assert guarded.rest.request("GET", "/v1/tasks", headers={"Authorization": f"Bearer {token}"}).status == 200
    database_cli(guarded, "token", "revoke", token_id)
    wait_until(lambda: not is_let_in(guarded.api, token), what="a revoked token is refused")
    unknown, revoked = [error_of(list_tasks, guarded.api, m) for m in (WRONG["unknown"], bearer(token))]
    assert (revoked.code(), revoked.details()) == (unknown.code(), unknown.details())
    assert guarded.rest.request("GET", "/v1/tasks", headers={"Authorization": f"Bearer {token}"}).status == 401
    wait_until(lambda: [e["name"] for e in refusals(guarded.gateway, "token counts no more")][-1:] == ["short"],
               what="that is logged")


def is_let_in(api, token):
    try:
        list_tasks(api, bearer(token))
    except grpc.RpcError as error:
        assert error.code() == grpc.StatusCode.UNAUTHENTICATED
        return False
    return True


def test_the_history_and_the_log_say_who_did_it(guarded):
    api = guarded.api
    add_source(guarded, "audited", guarded.tokens["admin"])
    line = refusals(guarded.gateway, "data source created")[-1]
    assert (line["name"], line["actor"]) == ("audited", "the-admin")
    error_of(add_source, guarded, "audited", guarded.tokens["admin"])
    delete = api.data_source_service.DeleteDataSourceRequest(name="audited")
    api.data_sources.DeleteDataSource(delete, metadata=bearer(guarded.tokens["admin"]))
    lines = [e["event"] for e in guarded.gateway.events() if e.get("name") == "audited"]
    assert lines == ["data source created", "data source deleted"]


# --- tokens by the command line

def test_the_database_has_no_token_and_the_list_shows_none(guarded):
    shown = database_cli(guarded, "token", "list").stdout
    lines = [json.loads(line) for line in
             database_cli(guarded, "-o", "json", "token", "list").stdout.splitlines()]
    assert {line["name"]: line["scopes"] for line in lines}["rest"] == "read,write"
    dump = guarded.database.value("SELECT array_agg(t)::text FROM access_token t")
    for token in guarded.tokens.values():
        assert token not in shown and token not in str(lines) and token not in str(dump)


@pytest.mark.parametrize("arguments, error", [
    (["--name", "x"], "--name and --scopes must be given"),
    (["--name", "", "--scopes", "read"], "name: it must have 1 to 64 bytes"),
    (["--name", "n" * 65, "--scopes", "read"], "name: it must have 1 to 64 bytes"),
    (["--name", "client", "--scopes", "read"], "stands for another one"),
    (["--name", "x", "--scopes", "read,root"], "'root' is none of read, write, worker and admin"),
    (["--name", "x", "--scopes", ""], "'' is none of"),
    (["--name", "x", "--scopes", "read", "--expires", "soon"], "not a time like 90d"),
    (["--name", "x", "--scopes", "read", "--expires", "0d"], "--expires"),
])
def test_a_token_that_makes_no_sense_is_not_made(guarded, arguments, error):
    done = database_cli(guarded, "token", "create", *arguments, check=False)
    assert done.returncode == 1 and error in done.stderr and done.stdout == ""


def test_what_is_not_there_cannot_be_revoked(guarded):
    done = database_cli(guarded, "token", "revoke", "0123456789abcdef", check=False)
    assert done.returncode == 1 and "token '0123456789abcdef' does not exist" in done.stderr


def test_the_command_line_shows_its_token(guarded):
    token = guarded.folder / "read.token"
    token.write_text(guarded.tokens["read"])
    assert guarded.cli("task", "list", check=False).returncode == 1
    guarded.cli("--gateway-token-file", token, "task", "list")
    done = guarded.cli("--gateway-token-file", token, "source", "remove", "x", check=False)
    assert "scope 'admin'" in done.stderr
    done = guarded.cli("--gateway-token-file", guarded.folder / "none", "task", "list", check=False)
    assert "gateway-token-file: " in done.stderr and done.returncode == 1


# --- HTTP

def test_requests_without_a_token_may_do_what_rests_own_may(guarded):
    assert guarded.rest.get("/v1/tasks").status == 200
    refused = guarded.rest.send_json("POST", "/v1/dataSources", {
        "name": "x", "type": "DATA_SOURCE_TYPE_FILE", "parametersJson": '{"root": "/tmp"}'})
    assert refused.status == 403
    assert refused.json()["error"]["details"][0]["reason"] == "SCOPE_MISSING"


def test_a_requests_own_token_counts_in_the_place_of_rests(guarded):
    def ask(token, path="/v1/tasks"):
        return guarded.rest.request("GET", path, headers={"Authorization": f"Bearer {token}"})
    assert ask(guarded.tokens["read"]).status == 200
    assert ask(guarded.tokens["worker"]).status == 403
    for token in ["nonsense", guarded.tokens["expired"], "caf\xe9", "x" * 2000]:
        refused = ask(token)
        assert refused.status == 401, token
        assert refused.headers["www-authenticate"] == 'Bearer realm="sluice"'
        assert refused.json()["error"]["status"] == "UNAUTHENTICATED"


def test_the_old_calls_are_refused_in_their_own_form(guarded):
    refused = guarded.rest.request("GET", "/pro/proc/proc-1-0/info",
                                   headers={"Authorization": "Bearer nonsense"})
    assert refused.status == 401
    assert refused.json() == {"success": "false",
                              "message": "the token is unknown, was revoked or has expired"}
    assert refused.headers["www-authenticate"].startswith("Bearer")


def test_a_token_file_is_read_again_when_it_changes(guarded):
    good = guarded.rest_file.read_text()
    guarded.rest_file.write_text("spoilt\n")
    wait_until(lambda: guarded.rest.get("/v1/tasks").status == 401, what="the file is read")
    guarded.rest_file.write_text(good)
    wait_until(lambda: guarded.rest.get("/v1/tasks").status == 200, what="and again")


# --- networks

@pytest.fixture(scope="module")
def walled(build, protos, shared_cluster, tmp_path_factory):
    """A Stack that serves another network than that of the tests."""
    stack = Stack(build, shared_cluster.create_database(), tmp_path_factory.mktemp("walled"))
    try:
        watched = ["--allow", ELSEWHERE, "--metrics-listen", "127.0.0.1:0"]
        stack.start_gateway(*watched)
        stack.start_rest(*watched)
        stack.start_worker(*watched, "--health-listen", "127.0.0.1:0")
        yield stack
    finally:
        stack.stop()


@pytest.mark.parametrize("trick", [None, *TRICKS])
def test_calls_from_elsewhere_are_refused_whatever_their_headers_say(walled, trick):
    metadata = [(trick.lower(), TRICKS[trick])] if trick else []
    error = error_of(list_tasks, walled.api, metadata)
    assert error.code() == grpc.StatusCode.PERMISSION_DENIED
    assert error.details() == "permission denied" and reason_of(error) is None
    check_tells_nothing(error)
    assert refusals(walled.gateway)[-1]["peer"] == "127.0.0.1"


def test_not_even_health_is_told_to_elsewhere(walled):
    done = walled.cli("healthcheck", check=False)
    assert done.returncode == 1 and "permission denied" in done.stderr
    health = walled.worker.wait_for_event("started")["health_port"]
    done = walled.cli("--worker", f"127.0.0.1:{health}", "healthcheck", "worker", check=False)
    assert done.returncode == 1
    assert refusals(walled.worker)[-1]["peer"] == "127.0.0.1"


def check_health(address, metadata=(), credentials=None):
    """grpc.health.v1, of a gateway or a worker."""
    channel = grpc.secure_channel(address, credentials) if credentials else grpc.insecure_channel(address)
    with channel:
        return channel.unary_unary("/grpc.health.v1.Health/Check")(b"", metadata=metadata, timeout=60)


@pytest.mark.parametrize("trick", [None, *TRICKS])
@pytest.mark.parametrize("program", ["gateway", "worker"])
def test_no_header_opens_health_to_elsewhere(walled, program, trick):
    address = walled.gateway.address
    if program == "worker":
        address = f"127.0.0.1:{walled.worker.wait_for_event('started')['health_port']}"
    error = error_of(check_health, address, [(trick.lower(), TRICKS[trick])] if trick else [])
    assert (error.code(), error.details()) == (grpc.StatusCode.PERMISSION_DENIED, "permission denied")


HTTP_LISTENERS = {
    "REST": lambda stack: (stack.shim, stack.shim.port),
    "metrics of the gateway": lambda stack: (stack.gateway, stack.gateway.metrics_port),
    "metrics of REST": lambda stack: (stack.shim, stack.shim.metrics_port),
    "metrics of the worker": lambda stack: (stack.worker, stack.worker.metrics_port),
}


@pytest.mark.parametrize("trick", [None, *TRICKS])
@pytest.mark.parametrize("listener", HTTP_LISTENERS)
def test_connections_from_elsewhere_are_closed_unread(walled, listener, trick):
    program, port = HTTP_LISTENERS[listener](walled)
    header = f"{trick}: {TRICKS[trick]}\r\n" if trick else ""
    with socket.create_connection(("127.0.0.1", port), timeout=60) as s:
        try:
            s.sendall(f"GET /healthz HTTP/1.1\r\nHost: x\r\n{header}\r\n".encode())
            answer = s.recv(4096)
        except ConnectionError:
            answer = b""
    assert answer == b""
    assert refusals(program, "connection refused")[-1]["peer"] == "127.0.0.1"


def has_ipv6():
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as s:
            s.bind(("::1", 0))
    except OSError:
        return False
    return True


@pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6")
@pytest.mark.parametrize("allowed, is_in", [("127.0.0.0/8", True), ("::ffff:127.0.0.0/104", True),
                                            ("::1,fd00::/8", False), ("::/0", False)])
def test_an_address_that_is_mapped_into_ipv6_counts_as_itself(stack, allowed, is_in):
    """A listener at [::] sees 127.0.0.1 as ::ffff:127.0.0.1."""
    stack.migrate()
    everywhere = ["--allow", allowed, "--metrics-listen", "[::]:0"]
    gateway = stack.program("sluice-gateway", "--database-url", stack.database.url, "--listen", "[::]:0", *everywhere).start()
    rest = stack.program("sluice-rest", "--gateway", gateway.address, "--listen", "[::]:0", *everywhere).start()
    worker = stack.program("sluice-worker", "--gateway", gateway.address, "--health-listen", "[::]:0",
                           *everywhere).start(wait_for="started")
    health = f"127.0.0.1:{worker.wait_for_event('started')['health_port']}"
    try:
        api = Api(gateway.address)
        for call in [lambda: list_tasks(api), lambda: check_health(gateway.address), lambda: check_health(health)]:
            if is_in:
                call()
            else:
                assert error_of(call).code() == grpc.StatusCode.PERMISSION_DENIED
        for port in [rest.port, rest.metrics_port, gateway.metrics_port, worker.metrics_port]:
            if is_in:
                assert Rest(port).get("/healthz").status == 200
            else:
                with pytest.raises(OSError):
                    Rest(port).get("/healthz")
        api.close()
    finally:
        for program in (worker, rest, gateway):
            program.stop()


# --- listeners that are open

@pytest.mark.parametrize("options, is_right", [
    ([], False),
    (["--allow", "10.0.0.1/8"], False),
    (["--allow", ELSEWHERE], True),
    (["--insecure"], True),
])
@pytest.mark.parametrize("program", ["sluice-gateway --listen", "sluice-rest --listen",
                                     "sluice-worker --health-listen"])
def test_a_listener_that_others_reach_does_not_start_unguarded(build, program, options, is_right):
    name, listen = program.split()
    url = ["--database-url", "postgresql:///none"] if name == "sluice-gateway" else []
    for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:0"]:
        done = run(build / name, *url, listen, address, *options, "--check-config", check=False)
        assert done.returncode == (0 if is_right else 2), done.stderr
        assert is_right or "allow" in done.stderr


def test_a_token_guards_a_gateway_but_is_none_of_rests_to_check(build):
    url = ["--database-url", "postgresql:///none", "--listen", "0.0.0.0:0"]
    run(build / "sluice-gateway", *url, "--require-token", "--check-config")
    done = run(build / "sluice-rest", "--listen", "0.0.0.0:0", "--gateway-token-file", "/dev/null",
               "--check-config", check=False)
    assert done.returncode == 2 and "give --allow" in done.stderr


@pytest.mark.parametrize("program", ["sluice-gateway", "sluice-rest", "sluice-worker"])
def test_metrics_are_not_for_all_either(build, program):
    url = ["--database-url", "postgresql:///none"] if program == "sluice-gateway" else []
    listen = [*url, "--metrics-listen", "0.0.0.0:0", "--check-config"]
    done = run(build / program, *listen, check=False)
    assert done.returncode == 2 and "metrics-listen: other machines" in done.stderr
    run(build / program, *listen, "--allow", ELSEWHERE)


# --- certificates

def test_a_certificate_may_stand_in_for_a_token(stack, tmp_path):
    ca = Authority(tmp_path, "ours")
    server, client = ca.issue("server", "IP:127.0.0.1"), ca.issue("ana", "DNS:ana.example")
    stack.migrate()
    token, _ = make_token(stack, "the-writer", "write")
    cert, key = client.read()
    stack.credentials = grpc.ssl_channel_credentials(ca.cert.read_bytes(), key, cert)
    stack.start_gateway("--require-token", "--certificate-scopes", "read", "--tls-cert", server.cert,
                        "--tls-key", server.key, "--tls-client-ca", ca.cert)
    list_tasks(stack.api)
    abort = stack.api.task_service.AbortTaskRequest(id="proc-1-x")
    error = error_of(stack.api.tasks.AbortTask, abort)
    assert (error.code(), reason_of(error)) == (grpc.StatusCode.PERMISSION_DENIED, "SCOPE_MISSING")
    assert refusals(stack.gateway)[-1]["certificate"] == "ana.example"
    error = error_of(stack.api.tasks.AbortTask, abort, metadata=bearer(token))
    assert error.code() != grpc.StatusCode.PERMISSION_DENIED
    assert error_of(list_tasks, stack.api, bearer("nonsense")).code() == \
        grpc.StatusCode.UNAUTHENTICATED


@pytest.mark.parametrize("options, error", [
    (["--require-token", "--certificate-scopes", "read"], "it says nothing without"),
    (["--certificate-scopes", "root"], "'root' is none of read, write, worker and admin"),
])
def test_certificate_scopes_that_make_no_sense_are_refused(build, options, error):
    done = run(build / "sluice-gateway", "--database-url", "postgresql:///none", *options,
               "--check-config", check=False)
    assert done.returncode == 2 and error in done.stderr


# --- limits

def test_a_client_that_calls_too_often_is_told_when_to_try_again(stack):
    stack.start_gateway("--client-calls-per-second", 5)

    def find_errors():
        calls = [stack.api.tasks.ListTasks.future(stack.api.task_service.ListTasksRequest()) for _ in range(30)]
        return [call for call in calls if call.exception()]
    errors = wait_until(find_errors, what="it calls too often")
    assert all(e.code() == grpc.StatusCode.RESOURCE_EXHAUSTED for e in errors)
    assert reason_of(errors[0]) == "CLIENT_LIMIT"
    assert b"google.rpc.RetryInfo" in dict(errors[0].trailing_metadata())["grpc-status-details-bin"]
    wait_until(stack.is_served, what="it may call again")


def test_a_client_has_so_many_calls_at_a_time(stack):
    stack.start_gateway("--client-calls-at-a-time", 2)
    request = stack.api.task_service.WatchTasksRequest()
    watches = [stack.api.tasks.WatchTasks(request) for _ in range(2)]
    for watch in watches:
        next(watch)
    error = error_of(list_tasks, stack.api)
    assert error.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
    watches[0].cancel()
    wait_until(stack.is_served, what="one of them has ended")
    watches[1].cancel()


def test_rest_limits_each_address(stack):
    stack.start_gateway()
    stack.start_rest("--client-calls-per-second", 5)

    def ask(number):
        return stack.rest.request("GET", "/v1/tasks", headers={"X-Forwarded-For": f"10.0.0.{number}"})

    def find_refused():
        with ThreadPoolExecutor(30) as pool:
            replies = list(pool.map(ask, range(30)))
        assert all(reply.status in (200, 429) for reply in replies)
        return [reply for reply in replies if reply.status == 429]
    refused = wait_until(find_refused, what="it asks too often")
    assert refused[0].headers["retry-after"] == "1"
    assert refused[0].json()["error"]["status"] == "RESOURCE_EXHAUSTED"
    assert stack.rest.get("/healthz").status == 200
