-- What a create stores: a task, its two jobs and its first event, by one statement, which is one transaction.
-- $1: 32 hex digits; $2, $3: data sources; $4: the spec.
WITH t AS (
  INSERT INTO task (id, kind, source, destination, spec, state, stage)
  VALUES ('proc-' || nextval('bulkload_number') || '-' || $1, 'BULKLOAD', $2, $3, $4, 'PENDING',
          'WAIT_FOR_START')
  RETURNING id, kind, source, destination, state, stage, version, create_time, update_time),
 j AS (
  INSERT INTO job (id, task_id, step, role, state, capability)
  SELECT v.prefix || $1, t.id, v.step, v.role, v.state, concat_ws(':', 'bulkload', 'file', 'postgres')
    FROM t, (VALUES ('schema-', 0, 'SCHEMA', 'READY'), ('fulldata-', 1, 'FULL', 'WAITING'))
            AS v(prefix, step, role, state)),
 e AS (
  INSERT INTO task_event (task_id, actor, state, stage)
  SELECT id, 'client', 'PENDING', 'WAIT_FOR_START' FROM t)
SELECT * FROM t
