"""sluice(1), and what the command lines of all programs have in common."""
import json
import pathlib
import re
import signal
import subprocess

import pytest

from sluicetest.importer import Importer
from sluicetest.program import Program, run
from sluicetest.wait import scale, wait_until

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAMS = ["sluice", "sluice-gateway", "sluice-rest", "sluice-worker"]
SETTINGS = {
    "sluice": ["healthcheck"],  # which is not run
    "sluice-gateway": ["--database-url", "postgresql://user:hidden@db.example/x"],
    "sluice-rest": [],
    "sluice-worker": [],
}


# --- all programs

@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize("option", ["--help", "-h"])
def test_help_names_every_option_and_its_variable(build, program, option):
    done = run(build / program, option)
    assert done.stdout.startswith(f"Usage: {program} [OPTION ...]")
    assert done.stderr == ""
    for name in ["--log-level LEVEL", "[SLUICE_LOG_LEVEL]", "--check-config", "-h, --help",
                 "-V, --version"]:
        assert name in done.stdout


@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize("option", ["--version", "-V"])
def test_version_is_one_line(build, program, option):
    assert re.fullmatch(rf"{program} [0-9]+\.[0-9]+\.[0-9]+\n", run(build / program, option).stdout)


def settings_of(printed):
    """What --print-config says."""
    return dict(line.split(" = ", 1) for line in printed.splitlines() if not line.startswith("#"))


@pytest.mark.parametrize("program", PROGRAMS)
def test_config_is_printed_with_secrets_masked_or_only_checked(build, program):
    done = run(build / program, *SETTINGS[program], "--log-level", "debug", "--print-config")
    assert "# from the command line\nlog-level = debug\n" in done.stdout
    assert "hidden" not in done.stdout + done.stderr
    assert program != "sluice-gateway" or settings_of(done.stdout)["database-url"] == "***"
    checked = run(build / program, *SETTINGS[program], "--check-config")
    assert (checked.stdout, checked.stderr) == ("", "")


@pytest.mark.parametrize("program", PROGRAMS)
def test_settings_come_from_line_environment_file_and_default_in_that_order(build, program, tmp_path):
    file = tmp_path / "sluice.conf"
    file.write_text("log-level = error\n")

    def level(*options, **env):
        out = run(build / program, *SETTINGS[program], "--print-config", *options, **env).stdout
        return settings_of(out)["log-level"]
    assert level() == "info"
    assert level(SLUICE_LOG_LEVEL="") == "info"
    assert level("--config", file) == "error"
    assert level(SLUICE_CONFIG=str(file)) == "error"
    assert level("--config", file, SLUICE_LOG_LEVEL="warn") == "warn"
    assert level("--log-level=debug", "--config", file, SLUICE_LOG_LEVEL="warn") == "debug"


@pytest.mark.parametrize("program", PROGRAMS)
def test_what_is_printed_is_a_file_of_settings(build, program, tmp_path):
    file = tmp_path / "sluice.conf"
    printed = run(build / program, *SETTINGS[program], "--log-level", "warn", "--print-config").stdout
    file.write_text(printed)
    operands = [option for option in SETTINGS[program] if not program.startswith("sluice-")]
    again = run(build / program, *operands, "--config", file, "--print-config").stdout
    assert settings_of(again) == settings_of(printed)


@pytest.mark.parametrize("program", PROGRAMS)
def test_errors_in_a_file_are_told_with_their_lines(build, program, tmp_path):
    file = tmp_path / "sluice.conf"
    file.write_text("# mine\nlog-levle = info\nlog-level\n")
    done = run(build / program, *SETTINGS[program], "--config", file, "--check-config", check=False)
    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        f"{file}:2: 'log-levle' is not a setting of {program}",
        f"{file}:3: is not NAME = VALUE",
        f"Try '{program} --help'."]


def test_the_page_of_settings_is_what_the_programs_say(build):
    checked = subprocess.run([ROOT / "tools" / "configuration.py", build], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_sighup_reads_the_settings_again(build, tmp_path):
    file = tmp_path / "worker.conf"
    file.write_text("log-level = info\n")
    worker = Program(build / "sluice-worker", tmp_path / "worker.log", "--config", file, "--gateway", "127.0.0.1:1")
    worker.start(wait_for="started")
    try:
        file.write_text("log-level = warn\nmax-jobs = 3\n")
        worker.process.send_signal(signal.SIGHUP)
        assert worker.wait_for_event("a changed setting wants a restart")["name"] == "max-jobs"
        file.write_text("log-level = loud\n")
        worker.process.send_signal(signal.SIGHUP)
        assert "'loud' is not a log level" in worker.wait_for_event("settings not read again")["error"]
        file.write_text("log-level = info\n")
        offset = worker.log.stat().st_size
        worker.process.send_signal(signal.SIGHUP)
        assert worker.wait_for_event("settings read again", offset=offset)["log_level"] == "info"
    finally:
        worker.stop()
    text = worker.log.read_text()
    assert text.count('"settings read again"') == 1, "at log level warn it is not told"


WRONG = {
    "sluice": (["--timeout-ms", "0", "-o", "xml", "--nope", "task", "get"],
               ["timeout-ms: '0' is not a whole number from 1 to 600000 ms",
                "'--nope' is not an option"]),
    "sluice-gateway": (["extra", "--lease-ms", "soon", "--max-batch=0", "--nope"],
                       ["lease-ms: 'soon' is not a whole number from 1000 to 600000 ms",
                        "max-batch: '0' is not a whole number from 1 to 1024",
                        "'--nope' is not an option",
                        "argument 1 is not an option, and no operands are taken",
                        "--database-url or SLUICE_DATABASE_URL must be given"]),
    "sluice-rest": (["--request-timeout-ms", "-1", "--legacy-error-status", "201", "--log-level",
                     "loud", "-x"],
                    ["request-timeout-ms: '-1' is not a whole number from 1 to 600000 ms",
                     "legacy-error-status: '201' is not a whole number from 0 to 200",
                     "'-x' is not an option"]),
    "sluice-worker": (["--max-jobs", "65", "--grace-ms", "x", "--gateway"],
                      ["max-jobs: '65' is not a whole number from 1 to 64",
                       "grace-ms: 'x' is not a whole number from 0 to 600000 ms",
                       "--gateway needs a value"]),
}


@pytest.mark.parametrize("program", PROGRAMS)
def test_every_wrong_option_is_told_at_once(build, program):
    options, errors = WRONG[program]
    done = run(build / program, *options, check=False)
    assert done.returncode == 2
    lines = done.stderr.splitlines()
    assert [line for line in errors if line not in lines] == []
    assert lines[-1] == f"Try '{program} --help'."
    assert done.stdout == ""


def test_a_secret_behind_a_misspelt_option_is_not_repeated(build):
    for options in (["--databse-url", "postgresql://u:hidden@h/d"],
                    ["--databse-url=postgresql://u:hidden@h/d"]):
        done = run(build / "sluice-gateway", *options, check=False)
        assert done.returncode == 2 and "--databse-url" in done.stderr
        assert "hidden" not in done.stderr


@pytest.mark.parametrize("url", [
    "postgresql://u:hidden/x@h/d", "postgresql://u:x@hidden@h/d", "nonsense hidden"])
def test_a_password_in_a_wrong_url_is_not_repeated(build, url):
    done = run(build / "sluice-gateway", "--database-url", url, check=False)
    assert done.returncode == 1 and "the database URL" in done.stderr
    assert "hidden" not in done.stdout + done.stderr


@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize("option", ["--help", "--version"])
def test_help_and_version_are_there_whatever_else_is_wrong(build, program, option):
    done = run(build / program, "--nonsense", option)
    assert program in done.stdout and done.stderr == ""


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_wrong_log_level_is_told(build, program):
    done = run(build / program, *SETTINGS[program], "--log-level", "loud", check=False)
    assert done.returncode == 2
    assert "log-level" in done.stderr and "'loud'" in done.stderr


@pytest.mark.parametrize("program,options", [
    ("sluice-gateway", ["--database-wait-ms", "0", "--database-url",
                        "postgresql://nobody@/none?host=/nowhere"]),
    ("sluice-rest", ["--listen", "127.0.0.1:1:1"]),
])
def test_a_program_that_cannot_start_fails_and_says_why(build, program, options):
    done = run(build / program, *options, check=False)
    assert done.returncode in (1, 2) and done.stderr


# --- commands

@pytest.mark.parametrize("arguments,said", [
    ([], "a command is missing"),
    (["nope"], "'nope' is not a command"),
    (["task", "nope"], "'task nope' is not a command"),
    (["task", "get"], "usage: sluice task get ID"),
    (["source", "list", "extra"], "usage: sluice source list"),
    (["-o", "xml", "source", "list"], "--output: 'xml' is not table or json"),
])
def test_a_wrong_command_is_told(build, arguments, said):
    done = run(build / "sluice", *arguments, check=False)
    assert done.returncode == 2
    assert said in done.stderr and "Try 'sluice --help'." in done.stderr


def test_healthcheck_tells_by_its_exit_code(stack):
    gateway = stack.start_gateway()
    assert stack.cli("healthcheck").stdout == "SERVING\n"
    gateway.stop()
    done = stack.cli("healthcheck", check=False)
    assert done.returncode == 1
    assert "cannot be reached" in done.stderr


def test_healthcheck_says_no_when_the_database_is_away(stack):
    stack.start_gateway()
    stack.database.cluster.kill()
    wait_until(lambda: stack.cli("healthcheck", check=False).returncode == 1,
               what="healthcheck says no")
    stack.database.cluster.start()
    wait_until(lambda: stack.cli("healthcheck", check=False).stdout == "SERVING\n",
               what="healthcheck says yes")


def test_migrate_brings_an_empty_database_up_to_date(build, database):
    def migrate(verb, **more):
        return run(build / "sluice", "--database-url", database.url, "migrate", verb, **more)
    before = migrate("status", check=False)
    assert before.returncode == 1 and "0001_init" in before.stdout
    applied = migrate("up").stdout.splitlines()
    assert applied[0].startswith("applied 0001_init")
    assert migrate("up").stdout == "the schema is up to date\n"
    after = migrate("status")
    assert len(after.stdout.splitlines()) == 1 + len(applied)
    assert run(build / "sluice", "migrate", "status", SLUICE_DATABASE_URL=database.url
               ).stdout == after.stdout


def test_migrate_status_as_json(build, database):
    def status(**more):
        return run(build / "sluice", "--database-url", database.url, "migrate", "status", "-o",
                   "json", **more)
    before = status(check=False)
    assert before.returncode == 1
    assert json_lines_of(before)[0] == {"migration": "0001_init", "state": "pending"}
    run(build / "sluice", "--database-url", database.url, "migrate", "up")
    lines = json_lines_of(status())
    assert {line["state"] for line in lines} == {"applied"}
    assert all(line["appliedTime"] for line in lines)


def test_migrate_needs_a_database(build):
    done = run(build / "sluice", "migrate", "up", check=False)
    assert done.returncode == 1
    assert done.stderr == ("sluice: --database-url or SLUICE_DATABASE_URL must be given"
                           " (INVALID_ARGUMENT)\n")


def test_a_gateway_refuses_an_older_schema_and_says_what_to_run(build, database):
    done = run(build / "sluice-gateway", "--database-url", database.url, "--listen", "127.0.0.1:0",
               check=False)
    assert done.returncode == 1
    assert "sluice migrate up" in done.stderr


# --- data sources

def json_of(done):
    return json.loads(done.stdout)


def json_lines_of(done):
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_data_sources_are_kept(stack):
    stack.start_gateway()
    cli = stack.cli
    added = cli("source", "add", "hdfs", "--type", "file", "--param", "root=/data", "-o", "json")
    assert json_of(added)["name"] == "hdfs"
    assert json_of(added)["type"] == "DATA_SOURCE_TYPE_FILE"
    cli("source", "add", "ld", "--type", "postgres", "--parameters-json",
        '{"url": "postgresql://u@db.example/w", "password": "hidden"}')

    table = cli("source", "list").stdout
    assert [line.split()[:2] for line in table.splitlines()] == [
        ["NAME", "TYPE"], ["hdfs", "FILE"], ["ld", "POSTGRES"]]
    assert "hidden" not in table
    assert [s["name"] for s in json_lines_of(cli("-o", "json", "source", "list"))] == ["hdfs", "ld"]
    got = json_of(cli("source", "get", "ld", "-o", "json"))
    assert json.loads(got["parametersJson"]) == {"url": "postgresql://u@db.example/w",
                                                 "password": "***"}

    cli("source", "update", "hdfs", "--param", "root=/other")
    assert json.loads(json_of(cli("source", "get", "hdfs", "-o", "json"))["parametersJson"]) == {
        "root": "/other"}
    assert cli("source", "remove", "hdfs").stdout == ""
    assert [s["name"] for s in json_lines_of(cli("-o", "json", "source", "list"))] == ["ld"]


def test_parameters_come_from_a_file(stack, tmp_path):
    stack.start_gateway()
    file = tmp_path / "ld.json"
    file.write_text('{"clusterKey": "ld.example:30020:root:hidden"}')
    added = stack.cli("source", "add", "ld", "--type", "lindorm", "--parameters-file", file)
    assert "ld.example:30020:root:***" in added.stdout and "hidden" not in added.stdout
    assert "hidden" in stack.database.value("SELECT parameters_json FROM data_source")


@pytest.mark.parametrize("arguments,said", [
    (["source", "get", "none"], "data source 'none' does not exist (NOT_FOUND)"),
    (["source", "remove", "none"], "data source 'none' does not exist (NOT_FOUND)"),
    (["source", "add", "x"], "--type must be given: file, postgres, hbase, lindorm, hdfs, s3 or spark"
     " (INVALID_ARGUMENT)"),
    (["source", "add", "x", "--type", "ftp"], "--type: 'ftp' is none of FILE, POSTGRES, HBASE,"
     " LINDORM, HDFS, S3, SPARK (INVALID_ARGUMENT)"),
    (["source", "add", "x", "--type", "file", "--param", "root"],
     "--param: number 1 is not KEY=VALUE (INVALID_ARGUMENT)"),
    (["source", "add", "x", "--type", "file", "--parameters-file", "/nowhere"],
     "--parameters-file: /nowhere cannot be read: No such file or directory (NOT_FOUND)"),
    (["source", "add", "x", "--type", "file", "--parameters-file", "/dev/zero"],
     "--parameters-file: /dev/zero has more than 65536 bytes, which is what is taken"
     " (INVALID_ARGUMENT)"),
    (["source", "add", "x", "--type", "file", "--parameters-file", "x", "--param", "a=b"],
     "--param, --parameters-json and --parameters-file exclude each other (INVALID_ARGUMENT)"),
    (["source", "add", "x", "--type", "file"], "parameters.root: is missing (INVALID_ARGUMENT)"),
    (["task", "get", "none"], "task 'none' does not exist (NOT_FOUND)"),
    (["task", "watch", "none"], "task 'none' does not exist (NOT_FOUND)"),
    (["task", "abort", "none"], "task 'none' does not exist (NOT_FOUND)"),
    (["task", "retry", "none"], "task 'none' does not exist (NOT_FOUND)"),
    (["task", "delete", "none"], "task 'none' does not exist (NOT_FOUND)"),
    (["task", "bad-rows", "none"], "task 'none' does not exist (NOT_FOUND)"),
    (["task", "list", "--state", "odd"],
     "--state: 'odd' is none of PENDING, RUNNING, SUCCEEDED, FAILED, KILLED (INVALID_ARGUMENT)"),
])
def test_what_the_gateway_refuses_is_told(module_stack, arguments, said):
    done = module_stack.cli(*arguments, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (1, "", f"sluice: {said}\n")


# --- tasks

def create(cli, importer, column="Int", **reader):
    config = {"filePath": importer.name, "column": ["k", "v"], **reader}
    target = {"namespace": "public", "lindormTable": importer.name,
              "columns": ["ROW||String", f"f:v||{column}"]}
    return cli("task", "create", "--source", "hdfs", "--destination", "ld", "--reader-config",
               json.dumps(config), "--writer-config", json.dumps(target), "--driver-spec", "small",
               "--file-type", "csv")


def test_a_task_is_created_watched_and_shown(module_stack, importer):
    cli = module_stack.cli
    importer.write("a.csv", "".join(f"k{n},{n}\n" for n in range(1000)))
    done = create(cli, importer)
    task_id = done.stdout.strip()
    assert re.fullmatch(r"proc-[0-9]+-[0-9a-f]{32}", task_id) and done.stdout == f"{task_id}\n"

    watched = cli("task", "watch", task_id)
    assert watched.stdout.splitlines()[-1] == "SUCCEEDED"
    assert re.search(r"\[#{30}\] 100 %  SUCCEEDED  1000 rows", watched.stdout)
    assert cli("task", "watch", "-q", task_id).stdout == "SUCCEEDED\n"
    assert json_of(cli("task", "watch", "-o", "json", task_id))["state"] == "TASK_STATE_SUCCEEDED"

    text = cli("task", "get", task_id).stdout
    for said in [f"task       {task_id}\n", "state      SUCCEEDED (FINISHED)\n",
                 "progress   100 %, 1000 rows read, 1000 written, 0 bad\n"]:
        assert said in text
    task = json_of(cli("task", "get", task_id, "-o", "json"))
    assert task["progress"]["rowsWritten"] == "1000"
    assert [job["role"] for job in task["jobs"]] == ["JOB_ROLE_SCHEMA", "JOB_ROLE_FULL"]
    assert importer.count() == 1000


def test_tasks_are_listed_newest_first(module_stack, importer):
    cli = module_stack.cli
    importer.write("a.csv", "k,1\n")
    ids = [create(cli, importer).stdout.strip() for _ in range(3)]
    for task_id in ids:
        cli("task", "watch", "-q", task_id)
    lines = cli("task", "list", "--limit", "2").stdout.splitlines()
    assert lines[0].split()[:3] == ["TASK", "STATE", "DONE"]
    assert [line.split()[0] for line in lines[1:]] == ids[:0:-1]
    assert [t["id"] for t in json_lines_of(cli("task", "list", "-o", "json"))][:3] == ids[::-1]
    ended = json_lines_of(cli("task", "list", "-o", "json", "--state", "succeeded"))
    assert {t["state"] for t in ended} == {"TASK_STATE_SUCCEEDED"}
    assert cli("task", "list", "-o", "json", "--state", "pending").stdout == ""


def test_a_task_that_fails_is_told_by_watch(module_stack, importer):
    importer.write("a.csv", "k,x\n")
    task_id = create(module_stack.cli, importer).stdout.strip()
    done = module_stack.cli("task", "watch", task_id, check=False)
    assert done.returncode == 3
    assert done.stdout.splitlines()[-1] == (
        f"FAILED: {importer.name}/a.csv: row 1, column 'v': 'x' is not an INT"
        " (-2147483648 to 2147483647)")


def test_bad_rows_are_listed(module_stack, importer):
    cli = module_stack.cli
    importer.write("a.csv", "k,x\nl,2\nm,y\n")
    task_id = create(cli, importer, maxBadRows=2).stdout.strip()
    cli("task", "watch", "-q", task_id)
    lines = cli("task", "bad-rows", task_id).stdout.splitlines()
    assert lines[0].split() == ["FILE", "ROW", "COLUMN", "REASON"]
    assert [line.split()[:3] for line in lines[1:]] == [
        [f"{importer.name}/a.csv", "1", "v"], [f"{importer.name}/a.csv", "3", "v"]]
    assert [row["row"] for row in json_lines_of(cli("task", "bad-rows", task_id, "-o", "json"))] \
        == ["1", "3"]


def test_a_task_is_aborted_retried_and_deleted(module_stack, importer):
    cli = module_stack.cli
    importer.write("a.csv", "k,1\nstop,2\n")
    importer.make_table('"ROW" text PRIMARY KEY, "f:v" int')
    with importer.gate("ROW") as gate:
        gate.close("stop")
        task_id = create(cli, importer).stdout.strip()
        gate.wait_until_reached("stop")
        assert "state      KILLED (WAIT_FOR_SUCCESS)\n" in cli("task", "abort", task_id).stdout
        done = cli("task", "watch", "-q", task_id, check=False)
        assert (done.returncode, done.stdout) == (3, "KILLED\n")
        assert "state      PENDING (WAIT_FOR_START)\n" in cli(
            "task", "retry", task_id, "--from-start").stdout
        gate.open("stop")
    assert cli("task", "watch", "-q", task_id).stdout == "SUCCEEDED\n"
    refused = cli("task", "retry", task_id, check=False)
    assert refused.returncode == 1
    assert refused.stderr == (f"sluice: task '{task_id}' is SUCCEEDED: only a failed or killed one"
                              " can be retried (FAILED_PRECONDITION)\n")
    assert cli("task", "delete", task_id).stdout == ""
    assert cli("task", "get", task_id, check=False).returncode == 1
    assert importer.count() == 2


def test_what_is_wrong_with_a_task_is_told(module_stack):
    done = module_stack.cli("task", "create", "--source", "hdfs", "--destination", "ld",
                            check=False)
    assert done.returncode == 1
    assert done.stderr.splitlines()[:2] == [
        "sluice: driverSpec is missing; small, medium, large or xlarge is expected"
        " (INVALID_ARGUMENT)",
        "  task.bulkload.driver_spec: driverSpec is missing; small, medium, large or xlarge is"
        " expected"]


def test_watch_outlives_a_gateway_that_restarts(stack, destination):
    """As scripts that wait for the end of an import need it."""
    stack.start_gateway()
    stack.start_worker()
    stack.add_usual_sources(destination)
    importer = Importer(stack, destination, "watched")
    importer.write("a.csv", "k,1\nstop,2\n")
    importer.make_table('"ROW" text PRIMARY KEY, "f:v" int')
    with importer.gate("ROW") as gate:
        gate.close("stop")
        task_id = create(stack.cli, importer).stdout.strip()
        gate.wait_until_reached("stop")
        watch = stack.program("sluice", "--gateway", stack.gateway.address, "task", "watch",
                              task_id, log="watch").start(wait_for=None)
        wait_until(lambda: "RUNNING" in watch.log_tail(), what="watch shows the task")
        stack.gateway.stop()
        stack.gateway.start()
        gate.open("stop")
        assert watch.process.wait(timeout=60 * scale()) == 0
    assert watch.log_tail().splitlines()[-1] == "SUCCEEDED"


# --- what a task is made with, and changed by

def make_task(stack, *more, **options):
    return stack.cli("task", "create", "--source", "files", "--destination", "ld",
                     "--reader-config", '{"filePath":"people.csv","column":["id","age"]}',
                     "--writer-config", '{"columns":["ROW||String","f:age||Int"],'
                     '"namespace":"ns","lindormTable":"people"}', "--driver-spec", "small",
                     "--file-type", "csv", *more, **options)


@pytest.fixture
def with_sources(stack):
    stack.start_gateway()
    stack.cli("source", "add", "files", "--type", "file", "--param", "root=/srv/files")
    stack.cli("source", "add", "ld", "--type", "postgres", "--param", "url=postgresql://u@db.example/w")
    return stack


def test_a_task_is_named_and_marked(with_sources):
    made = json_of(make_task(with_sources, "--display-name", "people, nightly", "--label", "team=core",
                          "--label", "note=a=b", "--label", "empty=", "-o", "json"))
    assert made["displayName"] == "people, nightly"
    assert made["labels"] == {"team": "core", "note": "a=b", "empty": ""}
    for wrong in ("team", "=core"):
        done = make_task(with_sources, "--label", wrong, check=False)
        assert done.returncode == 1
        assert f"--label: '{wrong}' is not KEY=VALUE" in done.stderr


def test_a_request_id_makes_one_task(with_sources):
    request_id = "9d8ec6a5-6e3c-4f8f-8f0a-0a4f0b8f2c11"
    first = make_task(with_sources, "--request-id", request_id).stdout
    assert make_task(with_sources, "--request-id", request_id).stdout == first
    assert make_task(with_sources).stdout != first


def test_an_etag_guards_a_change(with_sources):
    cli = with_sources.cli
    made = json_of(make_task(with_sources, "-o", "json"))
    for verb in ("abort", "delete"):
        done = cli("task", verb, made["id"], "--etag", "99", check=False)
        assert done.returncode == 1 and "etag" in done.stderr, done
    killed = json_of(cli("task", "abort", made["id"], "--etag", made["etag"], "-o", "json"))
    assert killed["state"] == "TASK_STATE_KILLED"
    assert cli("task", "retry", made["id"], "--etag", made["etag"], check=False).returncode == 1
    cli("task", "delete", made["id"], "--etag", killed["etag"])

    source = json_of(cli("source", "get", "files", "-o", "json"))
    changed = json_of(cli("source", "update", "files", "--param", "root=/b", "--etag",
                          source["etag"], "-o", "json"))
    for verb in (["update", "files", "--param", "root=/c"], ["remove", "files"]):
        done = cli("source", *verb, "--etag", source["etag"], check=False)
        assert done.returncode == 1 and "etag" in done.stderr, done
    cli("source", "remove", "files", "--etag", changed["etag"])


def test_events_of_a_task(with_sources):
    cli = with_sources.cli
    made = make_task(with_sources).stdout.strip()
    cli("task", "abort", made)
    head, *lines = [line.split() for line in cli("task", "events", made).stdout.splitlines()]
    assert head == ["TIME", "WHO", "STATE", "STAGE", "MESSAGE"]
    assert [line[1:3] for line in lines] == [["client", "PENDING"], ["client", "KILLED"]]
    assert [e["state"] for e in json_lines_of(cli("task", "events", made, "-o", "json"))] == [
        "TASK_STATE_PENDING", "TASK_STATE_KILLED"]
    done = cli("task", "events", "none", check=False)
    assert done.returncode == 1 and "task 'none' does not exist" in done.stderr


def test_all_that_is_wrong_with_a_task_is_told(with_sources):
    done = with_sources.cli("task", "create", "--source", "files", "--destination", "ld",
                            check=False)
    _, *lines = done.stderr.splitlines()
    assert [line.split(":")[0].strip() for line in lines] == [
        f"task.bulkload.{field}" for field in ("driver_spec", "file_type", "reader_config_json",
                                               "writer_config_json")]
    # One thing wrong is told by one line.
    done = with_sources.cli("source", "get", "no name", check=False)
    assert len(done.stderr.splitlines()) == 1
