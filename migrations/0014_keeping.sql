-- 0014_keeping: what has ended goes in time, tokens of leases outlive a restored database, and older programs
-- run on newer schemas.
--
-- Why: tables grow with each task and each event, so a gateway that is told to removes what is older than some
-- days, in small steps. And a database that is restored from a backup has forgotten leases that it gave: had a
-- token been the number of leases, the same one would be given twice, and destinations, which have seen newer
-- ones, would refuse the next leases. So a token is the time of its lease, too, and a lease that is given after
-- the restore has a newer one than any that was given before.
--
-- An older program that still runs leases by the same function. It removes nothing.

-- The ended tasks, the oldest first.
CREATE INDEX task_ended ON task (end_time, id) WHERE end_time IS NOT NULL;

-- Which gateway removes what is old, and how far it came; one row.
CREATE TABLE retention (
    is_only       boolean PRIMARY KEY DEFAULT true CHECK (is_only),
    holder        text NOT NULL DEFAULT '',
    hold_end_time timestamptz NOT NULL DEFAULT '-infinity',
    event_seq     bigint NOT NULL DEFAULT 0 -- events up to this one were looked at
);
INSERT INTO retention DEFAULT VALUES;

-- The oldest program that may run on this schema, as the number of its newest migration. A migration that an older
-- program cannot live with sets it.
CREATE TABLE schema_support (
    is_only boolean PRIMARY KEY DEFAULT true CHECK (is_only),
    oldest  integer NOT NULL
);
INSERT INTO schema_support (oldest) VALUES (14);

-- From this token on a job's leases belong to its present run; what was written under older ones was before a
-- retry from the start.
ALTER TABLE job ADD COLUMN first_token bigint NOT NULL DEFAULT 0;

-- The token that follows another one: the time, in milliseconds since 1970, if that is more.
CREATE FUNCTION lease_token_after(p_token bigint)
RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT greatest(p_token + 1, floor(extract(epoch FROM now()) * 1000)::bigint)
$$;

-- As before, with tokens that outlive a restored database.
CREATE OR REPLACE FUNCTION job_take(p_workers text[], p_lease_ms bigint, p_capabilities text[],
                         p_time timestamptz, p_id text)
RETURNS TABLE (n bigint, leased job, leased_task task, place timestamptz)
LANGUAGE plpgsql
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
#variable_conflict use_column
DECLARE
    v_ids    text[];
    v_places timestamptz[];
    v_has_task boolean[];
BEGIN
    SELECT array_agg(l.id), array_agg(l.place), array_agg(l.has_task)
      INTO v_ids, v_places, v_has_task
      FROM job_lock(p_capabilities, cardinality(p_workers), p_time, p_id) l;
    IF v_ids IS NULL THEN
        RETURN;
    END IF;
    PERFORM job_give_up(j.id)
       FROM unnest(v_ids, v_has_task) AS l(id, has_task) JOIN job j ON j.id = l.id
      WHERE l.has_task AND job_is_lost(j);

    RETURN QUERY
        WITH given AS MATERIALIZED (
            SELECT l.place, l.ord, j.id, j.task_id, j.role, j.role IN ('PEER', 'INCR') AS makes_peer,
                   row_number() OVER (ORDER BY l.ord) AS n, t AS task_was,
                   j.role <> 'RELEASE' AND (t.state <> 'RUNNING' OR t.stage <> job_stage(j.role)) AS is_new
              FROM unnest(v_ids, v_places, v_has_task) WITH ORDINALITY AS l(id, place, has_task, ord)
              JOIN job j ON j.id = l.id
              JOIN task t ON t.id = j.task_id
             WHERE j.state IN ('READY', 'RUNNING')
               AND (j.role = 'RELEASE' OR t.state IN ('PENDING', 'RUNNING'))
               AND (l.has_task OR NOT job_changes_task(j, t))),
        taken AS (
            UPDATE job j
               SET state = 'RUNNING', attempt = j.attempt + 1, tries = j.tries + 1,
                   lease_token = lease_token_after(j.lease_token), worker_id = p_workers[given.n],
                   lease_end_time = now() + p_lease_ms * interval '1 ms',
                   start_time = coalesce(j.start_time, now()), end_time = NULL
              FROM given
             WHERE j.id = given.id
            RETURNING given.n, given.place, given.task_was, j),
        moved AS MATERIALIZED ( -- for the first of a task's jobs
            SELECT DISTINCT ON (task_id) task_id, n, job_stage(role) AS stage, is_new,
                   bool_or(makes_peer) OVER (PARTITION BY task_id) AS makes_peer
              FROM given
             WHERE is_new OR (makes_peer AND NOT (task_was).has_peer)
             ORDER BY task_id, given.n),
        begun AS (
            UPDATE task t
               SET state = 'RUNNING', stage = moved.stage, version = t.version + moved.is_new::int,
                   update_time = now(), start_time = coalesce(t.start_time, now()), end_time = NULL,
                   has_peer = t.has_peer OR moved.makes_peer
              FROM moved
             WHERE t.id = moved.task_id
            RETURNING t.id, moved.n, t.state, t.stage, t.message, moved.is_new),
        new_event AS (
            INSERT INTO task_event (task_id, actor, state, stage, message)
            SELECT b.id, p_workers[b.n], b.state, b.stage, b.message FROM begun b WHERE b.is_new
             ORDER BY b.n)
        SELECT taken.n, taken.j, taken.task_was, taken.place FROM taken;
END $$;

-- As before. A start from the beginning notes from which token on jobs belong to it.
CREATE OR REPLACE FUNCTION task_retry(p_id text, p_from text[], p_same text[], p_to text,
                                      p_actor text, p_from_start boolean, OUT old_state text,
                                      OUT task task)
LANGUAGE plpgsql AS $$
DECLARE
    v_step integer;
BEGIN
    SELECT t.* INTO task FROM task t WHERE t.id = p_id FOR NO KEY UPDATE;
    old_state := task.state;
    IF old_state IS NULL OR old_state = ANY (p_same) OR NOT old_state = ANY (p_from)
       OR task.delete_time IS NOT NULL THEN
        RETURN;
    END IF;

    PERFORM 1 FROM job WHERE task_id = p_id ORDER BY step, id FOR UPDATE;
    DELETE FROM job WHERE task_id = p_id AND role = 'RELEASE';
    IF p_from_start AND EXISTS (SELECT 1 FROM job WHERE task_id = p_id AND role = 'PLAN') THEN
        DELETE FROM job WHERE task_id = p_id AND role <> 'PLAN';
    END IF;
    DELETE FROM difference d
     WHERE d.task_id = p_id
       AND (p_from_start OR EXISTS (SELECT 1 FROM job j
                                     WHERE j.task_id = p_id AND j.role = 'CHECK'
                                       AND j.state = 'FAILED' AND j.table_name = d.table_name));
    UPDATE job
       SET rows_read = 0, rows_written = 0, bad_rows = 0, bytes_read = 0, bytes_total = 0,
           fraction = 0, checkpoint = NULL, checkpoint_time = NULL, sync_time = NULL,
           regions_done = 0, regions_total = 0, lag = NULL, queued_logs = 0, cells = NULL,
           missing = NULL, extra = NULL, changed_values = NULL, changed_timestamps = NULL,
           repaired = NULL
     WHERE task_id = p_id AND (p_from_start OR (role = 'CHECK' AND state = 'FAILED'));
    SELECT min(step) INTO v_step FROM job
     WHERE task_id = p_id AND (p_from_start OR state NOT IN ('SUCCEEDED', 'SKIPPED'));
    -- The token grows, so that a worker that still has the job under an older one has lost it.
    UPDATE job
       SET state = CASE WHEN step = v_step THEN 'READY' ELSE 'WAITING' END,
           lease_token = lease_token_after(lease_token), lease_end_time = now(), tries = 0, message = '',
           end_time = NULL
     WHERE task_id = p_id AND (p_from_start OR state IN ('FAILED', 'KILLED'));
    IF p_from_start THEN
        UPDATE job SET attempt = 0, worker_id = '', start_time = NULL, first_token = lease_token
         WHERE task_id = p_id;
        DELETE FROM bad_row WHERE task_id = p_id;
        UPDATE task SET start_time = NULL WHERE id = p_id;
    END IF;
    task := task_move(p_id, p_to, 'WAIT_FOR_START', '', p_actor);
END $$;

-- Whether nothing is left to do for a task: it has ended, nobody waits for its deletion, no job of it is open, and
-- nothing of it is at its source.
CREATE FUNCTION task_is_over(p_task task)
RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT p_task.end_time IS NOT NULL AND p_task.delete_time IS NULL
       AND NOT EXISTS (SELECT FROM job j
                        WHERE j.task_id = p_task.id AND j.state IN ('WAITING', 'READY', 'RUNNING'))
       AND (NOT p_task.has_peer
            OR EXISTS (SELECT FROM job j
                        WHERE j.task_id = p_task.id AND j.role = 'RELEASE'
                          AND j.state IN ('SUCCEEDED', 'SKIPPED')))
$$;

-- The tasks that have been over for more than p_days, the oldest first, at most p_n.
CREATE FUNCTION retention_tasks(p_days bigint, p_n bigint)
RETURNS TABLE (id text, version bigint)
LANGUAGE plpgsql STABLE ROWS 100
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_sort = off AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
        SELECT t.id, t.version FROM task t
         WHERE t.end_time < now() - make_interval(days => p_days::integer) AND task_is_over(t)
         ORDER BY t.end_time, t.id
         LIMIT p_n;
END $$;

-- Removes those of the tasks that have not changed since they had these versions, and leaves tombstones. Who has a
-- task locked is about to change it, so it stays. After a second no other one is begun. Returns how many went.
CREATE FUNCTION retention_remove(p_ids text[], p_versions bigint[])
RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    v_id    text;
    v_task  task;
    v_count bigint := 0;
BEGIN
    FOR v_id IN SELECT id FROM unnest(p_ids) AS given(id) ORDER BY id COLLATE "C" LOOP
        SELECT t.* INTO v_task FROM task t WHERE t.id = v_id FOR UPDATE SKIP LOCKED;
        IF v_task.version = p_versions[array_position(p_ids, v_id)] AND task_is_over(v_task) THEN
            PERFORM task_remove(v_task);
            v_count := v_count + 1;
        END IF;
        EXIT WHEN clock_timestamp() > now() + interval '1 s';
    END LOOP;
    RETURN v_count;
END $$;

-- The next p_n events that are older than p_days, in their order. goes tells those that can go: their task has not
-- ended, since those of an ended one go with it, and they are not its newest, which tells how it is.
CREATE FUNCTION retention_events(p_days bigint, p_n bigint)
RETURNS TABLE (seq bigint, task_id text, goes boolean)
LANGUAGE plpgsql STABLE ROWS 100
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_sort = off AS $$
#variable_conflict use_column
DECLARE
    v_event record;
BEGIN
    FOR v_event IN
        SELECT e.seq, e.task_id, e.time FROM task_event e
         WHERE e.seq > (SELECT r.event_seq FROM retention r)
         ORDER BY e.seq LIMIT p_n
    LOOP
        EXIT WHEN v_event.time >= now() - make_interval(days => p_days::integer);
        seq := v_event.seq;
        task_id := v_event.task_id;
        goes := EXISTS (SELECT FROM task t WHERE t.id = v_event.task_id AND t.end_time IS NULL)
            AND EXISTS (SELECT FROM task_event n
                         WHERE n.task_id = v_event.task_id AND n.seq > v_event.seq);
        RETURN NEXT;
    END LOOP;
END $$;
