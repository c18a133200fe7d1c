-- 0001_init: the tables of Sluice 0.1 and the transitions between states.
--
-- Why: all that a crash must not lose is in these tables; the processes keep nothing. An older
-- program that still runs does not exist, for this is the first version.
--
-- States and other enums are text, as the .proto files name the values without their prefix, so
-- that a row reads as a message does. Ids and names sort by bytes (COLLATE "C"): their order, and
-- the indexes, do not depend on the system's locales.
--
-- A job is leasable when it is READY or RUNNING and its lease_end_time has passed. A new job's has;
-- a backoff is a lease_end_time in the future. The token grows with each lease and each retry:
-- who reports under an older one has lost the job.
--
-- Lock order, in every statement: a task, then its jobs by (step, id); several tasks by their ids.
-- While a task is locked the states and tokens of its jobs stand still, because leases, too, lock
-- the task. What takes several steps is a function: each statement in it has a snapshot of its own,
-- so it sees what was committed while the function waited for the task's lock.

CREATE TABLE data_source (
    name            text COLLATE "C" PRIMARY KEY,
    type            text NOT NULL CHECK (type IN ('FILE', 'POSTGRES')),
    parameters_json text NOT NULL,
    version         bigint NOT NULL DEFAULT 1,
    create_time     timestamptz NOT NULL DEFAULT now(),
    update_time     timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE task (
    id          text COLLATE "C" PRIMARY KEY,
    seq         bigint GENERATED ALWAYS AS IDENTITY UNIQUE, -- lists are in this order
    kind        text NOT NULL CHECK (kind IN ('BULKLOAD')),
    source      text COLLATE "C" NOT NULL REFERENCES data_source,
    destination text COLLATE "C" NOT NULL REFERENCES data_source,
    spec        bytea NOT NULL, -- the packed message of the kind
    state       text NOT NULL
                CHECK (state IN ('PENDING', 'RUNNING', 'SUCCEEDED', 'FAILED', 'KILLED')),
    stage       text NOT NULL
                CHECK (stage IN ('WAIT_FOR_START', 'WAIT_FOR_SCHEMA', 'WAIT_FOR_SUCCESS',
                                 'WAIT_FOR_CHECK', 'FINISHED')),
    message     text NOT NULL DEFAULT '',
    version     bigint NOT NULL DEFAULT 1,
    create_time timestamptz NOT NULL DEFAULT now(),
    update_time timestamptz NOT NULL DEFAULT now(),
    start_time  timestamptz,
    end_time    timestamptz,
    CHECK ((end_time IS NOT NULL) = (state IN ('SUCCEEDED', 'FAILED', 'KILLED')))
) WITH (fillfactor = 90, autovacuum_vacuum_scale_factor = 0.05);

CREATE INDEX task_kind ON task (kind, seq);
CREATE INDEX task_state ON task (state, seq);
-- For the deletion of a data source: which task names it?
CREATE INDEX task_source ON task (source);
CREATE INDEX task_destination ON task (destination);

-- The <n> of the ids proc-<n>-<hex>.
CREATE SEQUENCE bulkload_number AS bigint;

-- The rows that change most: each report of a worker renews a lease.
CREATE TABLE job (
    id             text COLLATE "C" PRIMARY KEY,
    task_id        text COLLATE "C" NOT NULL REFERENCES task ON DELETE CASCADE,
    step           integer NOT NULL CHECK (step >= 0), -- a step begins when those before are done
    role           text NOT NULL
                   CHECK (role IN ('SCHEMA', 'FULL', 'BULKLOAD', 'MERGE', 'INCR', 'CHECK')),
    state          text NOT NULL
                   CHECK (state IN ('WAITING', 'READY', 'RUNNING', 'SUCCEEDED', 'SKIPPED', 'FAILED',
                                    'KILLED')),
    table_name     text NOT NULL DEFAULT '',
    attempt        integer NOT NULL DEFAULT 0,
    tries          integer NOT NULL DEFAULT 0, -- leases in a row without progress
    lease_token    bigint NOT NULL DEFAULT 0,
    lease_end_time timestamptz NOT NULL DEFAULT now(),
    worker_id      text NOT NULL DEFAULT '',
    rows_read      bigint NOT NULL DEFAULT 0,
    rows_written   bigint NOT NULL DEFAULT 0,
    bad_rows       bigint NOT NULL DEFAULT 0,
    bytes_read     bigint NOT NULL DEFAULT 0,
    bytes_total    bigint NOT NULL DEFAULT 0,
    fraction       double precision NOT NULL DEFAULT 0,
    checkpoint     bytea,
    message        text NOT NULL DEFAULT '',
    start_time     timestamptz,
    end_time       timestamptz,
    CHECK ((end_time IS NOT NULL) = (state IN ('SUCCEEDED', 'SKIPPED', 'FAILED', 'KILLED')))
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 200,
        autovacuum_analyze_scale_factor = 0.05);

CREATE INDEX job_task ON job (task_id, step, id);
CREATE INDEX job_leasable ON job (lease_end_time, id) WHERE state IN ('READY', 'RUNNING');

-- The history of a task: one row for each change of it.
CREATE TABLE task_event (
    task_id text COLLATE "C" NOT NULL REFERENCES task ON DELETE CASCADE,
    seq     bigint GENERATED ALWAYS AS IDENTITY,
    time    timestamptz NOT NULL DEFAULT now(),
    actor   text NOT NULL, -- who: a user, or a worker's id
    state   text NOT NULL,
    stage   text NOT NULL,
    message text NOT NULL DEFAULT '',
    PRIMARY KEY (task_id, seq)
);

-- The rows of the source that a task left out. The key makes a repeated report harmless.
CREATE TABLE bad_row (
    task_id     text COLLATE "C" NOT NULL REFERENCES task ON DELETE CASCADE,
    file        text COLLATE "C" NOT NULL,
    row_no      bigint NOT NULL,
    byte_offset bigint NOT NULL,
    column_name text NOT NULL,
    reason      text NOT NULL,
    raw         bytea NOT NULL,
    PRIMARY KEY (task_id, file, row_no, byte_offset)
);

-- The sum of what the jobs of a task have done.
CREATE FUNCTION task_progress(p_id text, p_state text)
RETURNS TABLE (rows_read bigint, rows_written bigint, bad_rows bigint, bytes_read bigint,
               bytes_total bigint, fraction double precision)
LANGUAGE sql STABLE AS $$
    SELECT coalesce(sum(j.rows_read), 0)::bigint, coalesce(sum(j.rows_written), 0)::bigint,
           coalesce(sum(j.bad_rows), 0)::bigint, coalesce(sum(j.bytes_read), 0)::bigint,
           coalesce(sum(j.bytes_total), 0)::bigint,
           CASE WHEN p_state = 'SUCCEEDED' THEN 1
                WHEN sum(j.bytes_total) > 0
                THEN least(sum(j.bytes_read)::float8 / sum(j.bytes_total)::float8, 1)
                ELSE 0 END
      FROM job j
     WHERE j.task_id = p_id
$$;

-- Puts a task, which the caller has locked, into a state and writes down the event.
CREATE FUNCTION task_move(p_id text, p_state text, p_stage text, p_message text, p_actor text)
RETURNS task LANGUAGE plpgsql AS $$
DECLARE
    v_task task;
BEGIN
    UPDATE task
       SET state = p_state, stage = p_stage, message = p_message, version = version + 1,
           update_time = now(),
           end_time = CASE WHEN p_state IN ('SUCCEEDED', 'FAILED', 'KILLED') THEN now() END
     WHERE id = p_id
    RETURNING * INTO v_task;
    INSERT INTO task_event (task_id, actor, state, stage, message)
    VALUES (p_id, p_actor, p_state, p_stage, p_message);
    RETURN v_task;
END $$;

-- Ends the jobs of a locked task that have not ended: FAILED, with the message, the one that is
-- named, KILLED all others. p_failed_id may be NULL.
CREATE FUNCTION task_end_jobs(p_task_id text, p_failed_id text, p_message text)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM 1 FROM job
      WHERE task_id = p_task_id AND state IN ('WAITING', 'READY', 'RUNNING')
      ORDER BY step, id
        FOR NO KEY UPDATE;
    UPDATE job
       SET state = CASE WHEN id = p_failed_id THEN 'FAILED' ELSE 'KILLED' END,
           message = CASE WHEN id = p_failed_id THEN p_message ELSE '' END,
           end_time = now()
     WHERE task_id = p_task_id AND state IN ('WAITING', 'READY', 'RUNNING');
END $$;

-- Stops a task. In one of the states p_from it goes to p_to and its jobs to KILLED; in one of
-- p_same, as in all others, nothing happens: the caller sees by old_state which it was. old_state
-- is NULL if there is no such task.
CREATE FUNCTION task_abort(p_id text, p_from text[], p_same text[], p_to text, p_actor text,
                           p_reason text, OUT old_state text, OUT task task)
LANGUAGE plpgsql AS $$
BEGIN
    SELECT t.* INTO task FROM task t WHERE t.id = p_id FOR NO KEY UPDATE;
    old_state := task.state;
    IF old_state = ANY (p_from) AND NOT old_state = ANY (p_same) THEN
        PERFORM task_end_jobs(p_id, NULL, NULL);
        task := task_move(p_id, p_to, task.stage, p_reason, p_actor);
    END IF;
END $$;

-- Takes a task up again. As task_abort; p_from_start forgets all that was done.
CREATE FUNCTION task_retry(p_id text, p_from text[], p_same text[], p_to text, p_actor text,
                           p_from_start boolean, OUT old_state text, OUT task task)
LANGUAGE plpgsql AS $$
DECLARE
    v_step integer;
BEGIN
    SELECT t.* INTO task FROM task t WHERE t.id = p_id FOR NO KEY UPDATE;
    old_state := task.state;
    IF old_state IS NULL OR old_state = ANY (p_same) OR NOT old_state = ANY (p_from) THEN
        RETURN;
    END IF;

    PERFORM 1 FROM job WHERE task_id = p_id ORDER BY step, id FOR NO KEY UPDATE;
    SELECT min(step) INTO v_step FROM job
     WHERE task_id = p_id AND (p_from_start OR state NOT IN ('SUCCEEDED', 'SKIPPED'));
    -- The token grows, so that a worker that still has the job under an older one has lost it.
    UPDATE job
       SET state = CASE WHEN step = v_step THEN 'READY' ELSE 'WAITING' END,
           lease_token = lease_token + 1, lease_end_time = now(), tries = 0, message = '',
           end_time = NULL
     WHERE task_id = p_id AND (p_from_start OR state IN ('FAILED', 'KILLED'));
    IF p_from_start THEN
        UPDATE job
           SET attempt = 0, worker_id = '', rows_read = 0, rows_written = 0, bad_rows = 0,
               bytes_read = 0, bytes_total = 0, fraction = 0, checkpoint = NULL, start_time = NULL
         WHERE task_id = p_id;
        DELETE FROM bad_row WHERE task_id = p_id;
        UPDATE task SET start_time = NULL WHERE id = p_id;
    END IF;
    task := task_move(p_id, p_to, 'WAIT_FOR_START', '', p_actor);
END $$;

-- Removes a task in one of the states p_from with all that belongs to it. As task_abort; task is
-- the row as it was.
CREATE FUNCTION task_delete(p_id text, p_from text[], OUT old_state text, OUT task task)
LANGUAGE plpgsql AS $$
BEGIN
    SELECT t.* INTO task FROM task t WHERE t.id = p_id FOR UPDATE;
    old_state := task.state;
    IF old_state = ANY (p_from) THEN
        PERFORM 1 FROM job WHERE task_id = p_id ORDER BY step, id FOR UPDATE;
        DELETE FROM task t WHERE t.id = p_id;
    END IF;
END $$;

-- Fails a job of a locked task, and with it the task.
CREATE FUNCTION job_fail(p_task_id text, p_stage text, p_id text, p_message text, p_actor text)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM task_end_jobs(p_task_id, p_id, p_message);
    PERFORM task_move(p_task_id, 'FAILED', p_stage, p_message, p_actor);
END $$;

-- Fails a job that its workers lost again and again; the caller has locked it and its task. Returns
-- true, so that a query can tell such jobs from others by calling it.
CREATE FUNCTION job_give_up(p_id text)
RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    PERFORM job_fail(t.id, t.stage, j.id,
                     format('given up: lost by its workers %s times in a row without progress',
                            j.tries),
                     j.worker_id)
       FROM job j
       JOIN task t ON t.id = j.task_id
      WHERE j.id = p_id;
    RETURN true;
END $$;

-- Goes on after a job of a locked task is done: the next step's jobs become READY when no other of
-- this step is open; the task has succeeded when none is. Returns whether a job became READY.
CREATE FUNCTION task_advance(p_task_id text, p_actor text)
RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    v_step integer;
BEGIN
    SELECT min(step) INTO v_step FROM job
     WHERE task_id = p_task_id AND state NOT IN ('SUCCEEDED', 'SKIPPED');
    IF v_step IS NULL THEN
        PERFORM task_move(p_task_id, 'SUCCEEDED', 'FINISHED', '', p_actor);
        RETURN false;
    END IF;
    PERFORM 1 FROM job
      WHERE task_id = p_task_id AND step = v_step AND state = 'WAITING'
      ORDER BY id
        FOR NO KEY UPDATE;
    UPDATE job SET state = 'READY', lease_end_time = now()
     WHERE task_id = p_task_id AND step = v_step AND state = 'WAITING';
    RETURN FOUND;
END $$;

-- Gives a job back that is to be leased again: at once and uncounted if it was released by its
-- worker, else after p_backoff_ms, doubled for each lease without progress but the first, up to 32
-- times as long. Returns whether it is READY now.
CREATE FUNCTION job_give_back(p_job job, p_is_released boolean, p_message text, p_backoff_ms bigint)
RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    IF p_is_released THEN
        UPDATE job
           SET state = 'READY', lease_end_time = now(), attempt = attempt - 1,
               tries = greatest(tries - 1, 0)
         WHERE id = p_job.id;
        RETURN true;
    END IF;
    UPDATE job
       SET state = 'READY', message = p_message,
           lease_end_time = now() + p_backoff_ms * interval '1 ms'
                                    * 2 ^ greatest(0, least(p_job.tries - 1, 5))
     WHERE id = p_job.id;
    UPDATE task SET message = p_message, update_time = now() WHERE id = p_job.task_id;
    INSERT INTO task_event (task_id, actor, state, stage, message)
    SELECT id, p_job.worker_id, state, stage, message FROM task WHERE id = p_job.task_id;
    RETURN p_backoff_ms <= 0;
END $$;

-- Takes in how a job ended: p_outcome is SUCCEEDED, SKIPPED, FAILED, RETRY or RELEASED. A RETRY
-- with p_max_tries leases in a row without progress is a failure. outcome: DONE, also for a repeat
-- under the same token; STOP if there is no such job, or it was killed; LOST if the token is not
-- the current one. is_ready: a job became READY. Of the progress NULL keeps what is stored.
CREATE FUNCTION job_finish(p_id text, p_token bigint, p_outcome text, p_message text,
                           p_rows_read bigint, p_rows_written bigint, p_bad_rows bigint,
                           p_bytes_read bigint, p_bytes_total bigint, p_fraction double precision,
                           p_backoff_ms bigint, p_max_tries bigint,
                           OUT outcome text, OUT is_ready boolean)
LANGUAGE plpgsql AS $$
DECLARE
    v_task task;
    v_job job;
BEGIN
    is_ready := false;
    SELECT t.* INTO v_task FROM task t WHERE t.id = (SELECT task_id FROM job WHERE id = p_id)
       FOR NO KEY UPDATE;
    SELECT j.* INTO v_job FROM job j WHERE j.id = p_id;
    outcome := CASE WHEN v_job.id IS NULL THEN 'STOP'
                    WHEN v_job.lease_token <> p_token THEN 'LOST'
                    WHEN v_job.state = 'KILLED' THEN 'STOP'
                    ELSE 'DONE' END;
    IF outcome <> 'DONE' OR v_job.state <> 'RUNNING' THEN
        RETURN;
    END IF;

    IF p_outcome IN ('SUCCEEDED', 'SKIPPED') THEN
        UPDATE job
           SET state = p_outcome, message = p_message, end_time = now(), tries = 0
         WHERE id = p_id;
        UPDATE task SET message = '' WHERE id = v_job.task_id AND message <> '';
        is_ready := task_advance(v_job.task_id, v_job.worker_id);
    ELSIF p_outcome = 'RELEASED' OR (p_outcome = 'RETRY' AND v_job.tries < p_max_tries) THEN
        is_ready := job_give_back(v_job, p_outcome = 'RELEASED', p_message, p_backoff_ms);
    ELSE
        PERFORM job_fail(v_job.task_id, v_task.stage, p_id, p_message, v_job.worker_id);
    END IF;
    UPDATE job
       SET rows_read = coalesce(p_rows_read, rows_read),
           rows_written = coalesce(p_rows_written, rows_written),
           bad_rows = coalesce(p_bad_rows, bad_rows),
           bytes_read = coalesce(p_bytes_read, bytes_read),
           bytes_total = coalesce(p_bytes_total, bytes_total),
           fraction = CASE WHEN p_outcome = 'SUCCEEDED' THEN 1 ELSE coalesce(p_fraction, fraction) END
     WHERE id = p_id;
END $$;
