-- 0005_planning: the jobs that follow from a plan, and tables of a sync that change.
--
-- Why: which tables a pattern means is known only when a job of role PLAN has found out, and the
-- tables of a sync may change while it runs. Either way a task gets other jobs than it had, while
-- workers report, and clients abort, retry and delete.
--
-- An older program that still runs does all as before: functions that it calls keep their names and
-- take what they took. It cannot end a job of role PLAN; its worker is told that the lease is lost,
-- and another gateway takes it in.

-- What tells whether a request is the one that made a task. Labels and a name are part of it only
-- where there are some, so that digests of older tasks stay right.
CREATE FUNCTION request_digest(p_kind text, p_source text, p_destination text, p_spec bytea,
                               p_display_name text, p_labels jsonb)
RETURNS bytea LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN octet_length(marks) = 0 THEN digest ELSE sha256(digest || marks) END
      FROM (SELECT sha256(convert_to(concat_ws(E'\n', p_kind, p_source, p_destination, ''), 'UTF8')
                          || p_spec) AS digest,
                   convert_to(concat_ws(E'\n', nullif(p_display_name, ''),
                                        nullif(p_labels, '{}')::text), 'UTF8') AS marks) parts
$$;

-- A point in time by its microseconds since 1970.
CREATE FUNCTION time_from_us(p_us bigint)
RETURNS timestamptz LANGUAGE sql IMMUTABLE STRICT AS $$
    SELECT timestamptz 'epoch' + p_us * interval '1 microsecond'
$$;

-- The sum of what the jobs of a task have done. How far it is, is how far those are that move rows
-- or compare them: by bytes if all of them know theirs, else each counts the same.
DROP FUNCTION task_progress(text, text);
CREATE FUNCTION task_progress(p_id text, p_state text)
RETURNS TABLE (rows_read bigint, rows_written bigint, bad_rows bigint, bytes_read bigint,
               bytes_total bigint, fraction double precision, checkpoint_time timestamptz,
               sync_time timestamptz)
LANGUAGE sql STABLE AS $$
    SELECT coalesce(sum(j.rows_read), 0)::bigint, coalesce(sum(j.rows_written), 0)::bigint,
           coalesce(sum(j.bad_rows), 0)::bigint, coalesce(sum(j.bytes_read), 0)::bigint,
           coalesce(sum(j.bytes_total), 0)::bigint,
           CASE WHEN p_state = 'SUCCEEDED' THEN 1
                WHEN bool_and(j.bytes_total > 0) FILTER (WHERE is_main)
                THEN least(sum(j.bytes_read)::float8 / sum(j.bytes_total)::float8, 1)
                ELSE coalesce(avg(CASE WHEN j.state IN ('SUCCEEDED', 'SKIPPED') THEN 1
                                       ELSE j.fraction END) FILTER (WHERE is_main), 0) END,
           min(j.checkpoint_time), min(j.sync_time)
      FROM job j
     CROSS JOIN LATERAL (SELECT j.role NOT IN ('PLAN', 'SCHEMA')) r(is_main)
     WHERE j.task_id = p_id
$$;

-- Gives a locked task the jobs of a plan. Jobs of the same role and table stay as they are, but for
-- that of role INCR: it works on all tables, so whoever has it loses it, and the next one goes on
-- from its checkpoint with the new ones. Jobs for other tables go. A plan that is only a job of role
-- PLAN does not know the tables: all that there is stays then, and waits. In a task that has ended
-- new jobs have, too, so that a retry takes them up. Nothing becomes READY here.
CREATE FUNCTION task_set_jobs(p_task_id text, p_job_ids text[], p_roles text[], p_steps integer[],
                              p_tables text[])
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_is_open boolean := (SELECT state IN ('PENDING', 'RUNNING') FROM task WHERE id = p_task_id);
    v_knows_tables boolean := p_roles <> '{PLAN}';
BEGIN
    PERFORM 1 FROM job WHERE task_id = p_task_id ORDER BY step, id FOR UPDATE;
    IF v_knows_tables THEN
        DELETE FROM job j
         WHERE j.task_id = p_task_id AND j.role NOT IN ('PLAN', 'INCR')
           AND NOT EXISTS (SELECT 1 FROM unnest(p_roles, p_tables) AS p(role, table_name)
                            WHERE p.role = j.role AND p.table_name = j.table_name);
        UPDATE job j SET table_name = p.table_name
          FROM unnest(p_roles, p_tables) AS p(role, table_name)
         WHERE j.task_id = p_task_id AND j.role = 'INCR' AND p.role = 'INCR';
    END IF;
    UPDATE job
       SET state = 'WAITING', lease_token = lease_token + 1, lease_end_time = now(), tries = 0,
           message = ''
     WHERE task_id = p_task_id AND state IN ('WAITING', 'READY', 'RUNNING')
       AND (role = 'INCR' OR NOT v_knows_tables);
    INSERT INTO job (id, task_id, step, role, state, table_name, capability, end_time)
    SELECT p.id, t.id, p.step, p.role, CASE WHEN v_is_open THEN 'WAITING' ELSE 'KILLED' END,
           p.table_name, lower(concat_ws(':', t.kind, s.type, d.type)),
           CASE WHEN NOT v_is_open THEN now() END
      FROM unnest(p_job_ids, p_roles, p_steps, p_tables) AS p(id, role, step, table_name)
      JOIN task t ON t.id = p_task_id
      JOIN data_source s ON s.name = t.source
      JOIN data_source d ON d.name = t.destination
     WHERE p.role = 'PLAN'
        OR NOT EXISTS (SELECT 1 FROM job j
                        WHERE j.task_id = p_task_id AND j.role = p.role
                          AND j.table_name = p.table_name);
END $$;

-- Changes what users may change of a task; NULL leaves a thing as it is. p_spec, with other tables,
-- comes with the plan that follows from it. p_version, if it is not 0, is the only version that this
-- is right for, be it only that the tables need no change. outcome: DONE; NOT_FOUND; CHANGED if it
-- has another etag; RACED if it has another version. is_ready: a job became READY.
CREATE FUNCTION task_update(p_id text, p_etag text, p_display_name text, p_labels jsonb,
                            p_actor text, p_version bigint, p_spec bytea, p_job_ids text[],
                            p_roles text[], p_steps integer[], p_tables text[],
                            OUT outcome text, OUT is_ready boolean, OUT task task)
LANGUAGE plpgsql AS $$
BEGIN
    is_ready := false;
    SELECT t.* INTO task FROM task t WHERE t.id = p_id FOR NO KEY UPDATE;
    outcome := CASE WHEN task.id IS NULL THEN 'NOT_FOUND'
                    WHEN p_etag <> '' AND p_etag <> task.version::text THEN 'CHANGED'
                    WHEN p_version > 0 AND p_version <> task.version THEN 'RACED'
                    ELSE 'DONE' END;
    IF outcome <> 'DONE' THEN
        task := NULL;
        RETURN;
    END IF;
    IF p_spec IS NULL AND p_display_name IS NULL AND p_labels IS NULL THEN
        RETURN;
    END IF;

    UPDATE task t
       SET display_name = coalesce(p_display_name, t.display_name),
           labels = coalesce(p_labels, t.labels), spec = coalesce(p_spec, t.spec),
           version = t.version + 1, update_time = now()
     WHERE t.id = p_id
    RETURNING t.* INTO task;
    INSERT INTO task_event (task_id, actor, state, stage, message)
    VALUES (p_id, p_actor, task.state, task.stage, task.message);
    IF p_spec IS NOT NULL THEN
        PERFORM task_set_jobs(p_id, p_job_ids, p_roles, p_steps, p_tables);
        DELETE FROM job WHERE task_id = p_id AND role = 'PLAN' AND NOT id = ANY (p_job_ids);
        is_ready := task.state IN ('PENDING', 'RUNNING') AND task_advance(p_id, p_actor);
    END IF;
END $$;

-- As before, and forgets the points in time of a sync. From the start on, a task with a job of role
-- PLAN has no others: what its patterns mean is found out anew.
CREATE OR REPLACE FUNCTION task_retry(p_id text, p_from text[], p_same text[], p_to text,
                                      p_actor text, p_from_start boolean, OUT old_state text,
                                      OUT task task)
LANGUAGE plpgsql AS $$
DECLARE
    v_step integer;
BEGIN
    SELECT t.* INTO task FROM task t WHERE t.id = p_id FOR NO KEY UPDATE;
    old_state := task.state;
    IF old_state IS NULL OR old_state = ANY (p_same) OR NOT old_state = ANY (p_from) THEN
        RETURN;
    END IF;

    PERFORM 1 FROM job WHERE task_id = p_id ORDER BY step, id FOR UPDATE;
    IF p_from_start AND EXISTS (SELECT 1 FROM job WHERE task_id = p_id AND role = 'PLAN') THEN
        DELETE FROM job WHERE task_id = p_id AND role <> 'PLAN';
    END IF;
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
               bytes_read = 0, bytes_total = 0, fraction = 0, checkpoint = NULL, start_time = NULL,
               checkpoint_time = NULL, sync_time = NULL
         WHERE task_id = p_id;
        DELETE FROM bad_row WHERE task_id = p_id;
        UPDATE task SET start_time = NULL WHERE id = p_id;
    END IF;
    task := task_move(p_id, p_to, 'WAIT_FOR_START', '', p_actor);
END $$;

-- As before, with the points in time of a sync, and for a job of role PLAN that succeeded with the
-- jobs that follow. outcome is UNPLANNED, and nothing happens, if there are none: such a job does
-- not end well without tables.
DROP FUNCTION job_finish(text, bigint, text, text, bigint, bigint, bigint, bigint, bigint,
                         double precision, bigint, bigint);
CREATE FUNCTION job_finish(p_id text, p_token bigint, p_outcome text, p_message text,
                           p_rows_read bigint, p_rows_written bigint, p_bad_rows bigint,
                           p_bytes_read bigint, p_bytes_total bigint, p_fraction double precision,
                           p_backoff_ms bigint, p_max_tries bigint,
                           p_checkpoint_time timestamptz DEFAULT NULL,
                           p_sync_time timestamptz DEFAULT NULL, p_job_ids text[] DEFAULT NULL,
                           p_roles text[] DEFAULT NULL, p_steps integer[] DEFAULT NULL,
                           p_tables text[] DEFAULT NULL,
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
                    WHEN v_job.state <> 'RUNNING' THEN 'DONE'
                    WHEN v_job.role = 'PLAN' AND p_outcome IN ('SUCCEEDED', 'SKIPPED')
                         AND p_job_ids IS NULL THEN 'UNPLANNED'
                    ELSE 'DONE' END;
    IF outcome <> 'DONE' OR v_job.state <> 'RUNNING' THEN
        RETURN;
    END IF;

    IF p_outcome IN ('SUCCEEDED', 'SKIPPED') THEN
        UPDATE job
           SET state = p_outcome, message = p_message, end_time = now(), tries = 0
         WHERE id = p_id;
        UPDATE task SET message = '' WHERE id = v_job.task_id AND message <> '';
        IF v_job.role = 'PLAN' THEN
            PERFORM task_set_jobs(v_job.task_id, p_job_ids, p_roles, p_steps, p_tables);
        END IF;
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
           fraction = CASE WHEN p_outcome = 'SUCCEEDED' THEN 1
                           ELSE coalesce(p_fraction, fraction) END,
           checkpoint_time = coalesce(p_checkpoint_time, checkpoint_time),
           sync_time = coalesce(p_sync_time, sync_time)
     WHERE id = p_id;
END $$;
