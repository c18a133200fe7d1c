-- A task by its id, a row a job.
SELECT t.id, t.kind, t.source, t.destination, t.spec, t.state, t.stage, t.message, t.version,
       t.create_time, t.update_time, t.start_time, t.end_time, t.display_name,
       j.id AS job_id, j.role, j.state AS job_state, j.table_name, j.attempt,
       j.message AS job_message, j.worker_id, j.start_time AS job_start_time,
       j.end_time AS job_end_time
  FROM task t
  LEFT JOIN job j ON j.task_id = t.id
 WHERE t.id = $1
 ORDER BY j.step, j.id
