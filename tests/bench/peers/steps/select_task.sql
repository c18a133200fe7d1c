-- $1: the task.
SELECT id, kind, source, destination, spec, state, stage, message, version, create_time, update_time, start_time,
       end_time, display_name
  FROM task
 WHERE id = $1
