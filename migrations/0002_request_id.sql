-- 0002_request_id: a task remembers the request that made it.
--
-- Why: who does not know what became of a CreateTask sends it again under the same request id, and
-- gets the task that is there. The id is a column of the task, so both are stored or neither is, and
-- it is kept as long as the task. The digest tells whether the request is the same one.
--
-- An older program that still runs makes tasks without a request id, as before.

ALTER TABLE task
    ADD COLUMN request_id text COLLATE "C",
    ADD COLUMN request_digest bytea,
    ADD CONSTRAINT task_request CHECK ((request_id IS NULL) = (request_digest IS NULL));

CREATE UNIQUE INDEX task_request_id ON task (request_id) WHERE request_id IS NOT NULL;
