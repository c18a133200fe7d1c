-- $1: the task.
SELECT id AS job_id, role, state AS job_state, table_name, attempt, message AS job_message, worker_id,
       start_time AS job_start_time, end_time AS job_end_time
  FROM job
 WHERE task_id = $1
 ORDER BY step, id
