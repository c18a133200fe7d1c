-- $1: the task; $2: its 32 hex digits.
INSERT INTO job (id, task_id, step, role, state, capability)
VALUES ('schema-' || $2, $1, 0, 'SCHEMA', 'READY', 'bulkload:file:postgres'),
       ('fulldata-' || $2, $1, 1, 'FULL', 'WAITING', 'bulkload:file:postgres')
