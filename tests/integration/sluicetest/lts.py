"""Tasks of HBase by the LTS task API: how they are made and shown, and many of them at once."""
import json
import subprocess

FULL_KEYS = ["jobName", "tableNames", "dst", "fullJobs", "bulkloadJobs", "src", "mergeTasks",
             "state", "inrcJobs", "schemeTasks", "srcName", "dstName"]
INCR_KEYS = ["jobId", "tableNames", "dst", "offset", "src", "name", "syncDate", "state",
             "synctime", "srcName", "dstName"]
JOB_KEYS = ["attempt", "rowsRead", "rowsWritten", "bytesRead", "progress", "startTime", "endTime",
            "message"]  # what a job has besides in detail
REGION_KEYS = ["regionsDone", "regionsTotal"]  # what one of HBase has behind these

OK = b'{"success":"true","message":"ok"}'
FULL = "/hbase/fulldata"
INCR = "/hbase/incr"
NOBODY = {FULL: "workflow-0f1e2d3c4b5a49788796a5b4c3d20000",
          INCR: "wal-0f1e2d3c4b5a49788796a5b4c3d20000",
          "/pro/proc": "proc-7-0f1e2d3c4b5a49788796a5b4c3d20000"}

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def add_clusters(database, names=("hbase1", "hbase2")):
    """Data sources of type HBASE, straight in the database; nothing is behind them."""
    for name in names:
        database.rows("INSERT INTO data_source (name, type, parameters_json, address)"
                      " VALUES (%s, 'HBASE', %s, %s)", name,
                      json.dumps({"clusterKey": f"{name}.example:2181:/hbase"}), f"{name}.example")


# What a packed spec with the one table t1 is: it is field 1 of both messages.
SPEC = r"'\x0a027431'::bytea"


def seed_tasks(database, ntasks):
    """
    So many full migrations, each with two jobs, and as many incremental syncs, all ended. Returns
    their ids, oldest first.
    """
    made = {}
    for prefix, kind in [("workflow-", "FULL_MIGRATION"), ("wal-", "INCREMENTAL_SYNC")]:
        rows = database.rows(
            "INSERT INTO task (id, kind, source, destination, spec, state, stage, end_time)"
            f" SELECT %s || md5(n::text), %s, 'hbase1', 'hbase2', {SPEC}, 'SUCCEEDED', 'FINISHED',"
            "        now() FROM generate_series(1, %s) n ORDER BY n RETURNING seq, id",
            prefix, kind, ntasks)
        made[kind] = [task_id for _, task_id in sorted(rows)]
    database.rows(
        "INSERT INTO job (id, task_id, step, role, state, table_name, end_time)"
        " SELECT 'fulldata-' || md5(id || r), id, 0, r, 'SUCCEEDED', 't1', now()"
        "   FROM task CROSS JOIN unnest('{SCHEMA,FULL}'::text[]) r WHERE kind = 'FULL_MIGRATION'")
    database.rows("ANALYZE task, job")
    return made


def start(stack):
    """A gateway, REST, and two clusters with nothing behind them."""
    stack.start_gateway()
    stack.start_rest()
    for n in (1, 2):
        stack.add_source(f"hbase{n}", "HBASE",
                         {"clusterKey": f"zk{n}a.example,zk{n}b.example:2181:/hbase"})
    return stack


def curl(stack, *arguments):
    """What curl prints; the last argument is a path."""
    *options, path = arguments
    url = f"http://127.0.0.1:{stack.shim.port}{path}"
    return subprocess.run(["curl", "-sS", *options, url], capture_output=True, timeout=60,
                          check=True).stdout


def post(stack, path, form):
    """As the documentation posts forms."""
    return curl(stack, "-d", form, "-H", "Content-Type: application/x-www-form-urlencoded",
                "-X", "POST", path)


def created(body):
    """The id in the answer to a create."""
    answer = json.loads(body)
    assert list(answer) == ["success", "message"] and answer["success"] == "true", answer
    assert body == json.dumps(answer, separators=(",", ":")).encode()
    return answer["message"]


def create_full(stack, tables="t1", **more):
    form = {"src": "hbase1", "dst": "hbase2", "tableNames": tables, "bulkload": "true",
            "createTable": "true", **more}
    return created(post(stack, f"{FULL}/create", "&".join(f"{k}={v}" for k, v in form.items())))


def create_incr(stack, tables="t1", **more):
    form = {"src": "hbase1", "dst": "hbase2", "tableNames": tables, "createTable": "false", **more}
    return created(post(stack, f"{INCR}/create", "&".join(f"{k}={v}" for k, v in form.items())))


def listed(*tunnels):
    """The whole list, byte for byte."""
    whole = {"tunnels": list(tunnels), "success": "true", "message": "ok"}
    return json.dumps(whole, separators=(",", ":")).encode()


def check_refused(reply, status, *words):
    assert reply.status == status, reply.text
    error = reply.json()
    assert list(error) == ["success", "message"] and error["success"] == "false"
    for word in words:
        assert word in error["message"], error


def state_of(stack, base, task_id):
    word = "detail"
    return json.loads(curl(stack, f"{base}/{task_id}/{word}"))["data"]["state"]
