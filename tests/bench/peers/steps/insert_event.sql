-- $1: the task.
INSERT INTO task_event (task_id, actor, state, stage) VALUES ($1, 'client', 'PENDING', 'WAIT_FOR_START')
