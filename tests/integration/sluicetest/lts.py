"""Tasks of HBase as the LTS task API shows them, and many of them at once."""
import json

FULL_KEYS = ["jobName", "tableNames", "dst", "fullJobs", "bulkloadJobs", "src", "mergeTasks",
             "state", "inrcJobs", "schemeTasks", "srcName", "dstName"]
INCR_KEYS = ["jobId", "tableNames", "dst", "offset", "src", "name", "syncDate", "state",
             "synctime", "srcName", "dstName"]
JOB_KEYS = ["attempt", "rowsRead", "rowsWritten", "bytesRead", "progress", "startTime", "endTime",
            "message"]  # what a job has besides in detail

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
