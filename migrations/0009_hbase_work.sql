-- 0009_hbase_work: work on HBase clusters: peers, comparisons, and what running jobs say.
--
-- Why: a sync leaves something at its source, a replication peer, which must be disabled when the
-- sync stops and removed before the sync is forgotten, whether or not a worker lives at that moment.
-- So a task remembers that its source may have one, and whoever stops or deletes such a task leaves a
-- job of role RELEASE behind, which is leased although its task has ended. A task whose deletion was
-- asked for stays until that job is done.
--
-- A running job says what stands in its way, and tells regions, a lag, and what it found when it
-- compared tables. Progress comes as a JSON object whose members are columns of job: what it does not
-- have stays as it is.
--
-- An older program that still runs aborts, fails and deletes as a newer one does, for it calls the same
-- functions. It leases no jobs of role RELEASE, notes no peer when it leases one that makes it, takes in
-- no new fields of progress, and changes no limit of bytes; tasks that it makes have none for those who
-- report, as tasks that were made before, until it is changed.

ALTER TABLE task
    ADD COLUMN has_peer boolean NOT NULL DEFAULT false, -- the source may have a peer of it
    ADD COLUMN delete_time timestamptz,                 -- it goes when its peer is gone
    ADD COLUMN bytes_per_second bigint NOT NULL DEFAULT 0; -- each thread of a job; 0: no limit

ALTER TABLE job
    DROP CONSTRAINT job_role_check,
    ADD CONSTRAINT job_role_check
        CHECK (role IN ('PLAN', 'SCHEMA', 'PEER', 'FULL', 'BULKLOAD', 'MERGE', 'INCR', 'CHECK',
                        'RELEASE')),
    ADD COLUMN regions_done bigint NOT NULL DEFAULT 0,
    ADD COLUMN regions_total bigint NOT NULL DEFAULT 0,
    ADD COLUMN lag interval,
    ADD COLUMN queued_logs bigint NOT NULL DEFAULT 0,
    ADD COLUMN cells bigint, -- this and those below of a comparison; NULL: nothing was compared
    ADD COLUMN missing bigint,
    ADD COLUMN extra bigint,
    ADD COLUMN changed_values bigint,
    ADD COLUMN changed_timestamps bigint,
    ADD COLUMN repaired bigint;

-- One at most.
CREATE UNIQUE INDEX job_release ON job (task_id) WHERE role = 'RELEASE';

-- What a worker says of a job; NULL: nothing.
CREATE TYPE job_progress AS (
    rows_read bigint, rows_written bigint, bad_rows bigint, bytes_read bigint, bytes_total bigint,
    fraction double precision, checkpoint_time timestamptz, sync_time timestamptz,
    regions_done bigint, regions_total bigint, lag interval, queued_logs bigint, cells bigint,
    missing bigint, extra bigint, changed_values bigint, changed_timestamps bigint, repaired bigint);

-- The cells that a comparison found to differ. The key makes a repeated report harmless.
CREATE TABLE difference (
    task_id               text COLLATE "C" NOT NULL REFERENCES task ON DELETE CASCADE,
    table_name            text COLLATE "C" NOT NULL, -- the job's
    number                integer NOT NULL,
    type                  text NOT NULL
                          CHECK (type IN ('MISSING', 'EXTRA', 'CHANGED_VALUE', 'CHANGED_TIMESTAMP')),
    row_key               bytea NOT NULL,
    family                bytea NOT NULL,
    qualifier             bytea NOT NULL,
    source_timestamp      bigint NOT NULL,
    destination_timestamp bigint NOT NULL,
    source_value          bytea NOT NULL,
    destination_value     bytea NOT NULL,
    is_repaired           boolean NOT NULL,
    PRIMARY KEY (task_id, table_name, number)
);

-- As before, with what is new of progress. Jobs that only prepare or clean up do not count for how
-- far a task is.
DROP FUNCTION task_progress(text, text);
CREATE FUNCTION task_progress(p_id text, p_state text)
RETURNS TABLE (rows_read bigint, rows_written bigint, bad_rows bigint, bytes_read bigint,
               bytes_total bigint, fraction double precision, checkpoint_time timestamptz,
               sync_time timestamptz, regions_done bigint, regions_total bigint, lag interval,
               queued_logs bigint, cells bigint, missing bigint, extra bigint,
               changed_values bigint, changed_timestamps bigint, repaired bigint)
LANGUAGE sql STABLE AS $$
    SELECT coalesce(sum(j.rows_read), 0)::bigint, coalesce(sum(j.rows_written), 0)::bigint,
           coalesce(sum(j.bad_rows), 0)::bigint, coalesce(sum(j.bytes_read), 0)::bigint,
           coalesce(sum(j.bytes_total), 0)::bigint,
           CASE WHEN p_state = 'SUCCEEDED' THEN 1
                WHEN bool_and(j.bytes_total > 0) FILTER (WHERE is_main)
                THEN least(sum(j.bytes_read)::float8 / sum(j.bytes_total)::float8, 1)
                ELSE coalesce(avg(CASE WHEN j.state IN ('SUCCEEDED', 'SKIPPED') THEN 1
                                       ELSE j.fraction END) FILTER (WHERE is_main), 0) END,
           min(j.checkpoint_time), min(j.sync_time), coalesce(sum(j.regions_done), 0)::bigint,
           coalesce(sum(j.regions_total), 0)::bigint, max(j.lag),
           coalesce(sum(j.queued_logs), 0)::bigint, sum(j.cells)::bigint, sum(j.missing)::bigint,
           sum(j.extra)::bigint, sum(j.changed_values)::bigint, sum(j.changed_timestamps)::bigint,
           sum(j.repaired)::bigint
      FROM job j
     CROSS JOIN LATERAL (SELECT j.role NOT IN ('PLAN', 'SCHEMA', 'PEER', 'RELEASE')) r(is_main)
     WHERE j.task_id = p_id
$$;

-- The state that a task had before an event of it; NULL: there was none.
CREATE FUNCTION task_state_before(p_task_id text, p_seq bigint)
RETURNS text LANGUAGE sql STABLE AS $$
    SELECT (SELECT state FROM task_event WHERE task_id = p_task_id AND seq < p_seq
             ORDER BY seq DESC LIMIT 1)
$$;

-- Whether there is such a task, or was when a snapshot was taken.
CREATE FUNCTION task_was_there(p_id text, p_earlier pg_snapshot)
RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (SELECT FROM task WHERE id = p_id)
        OR EXISTS (SELECT FROM task_tombstone d
                    WHERE d.task_id = p_id AND NOT pg_visible_in_snapshot(d.xid, p_earlier))
$$;

-- As before; p_with_releases: also jobs of role RELEASE, whose tasks have ended.
CREATE FUNCTION job_pick(p_capabilities text[], p_with_releases boolean)
RETURNS TABLE (picked job, picked_task task)
LANGUAGE plpgsql AS $$
DECLARE
    v_ids  text[];
    v_id   text := '';
    v_time timestamptz := '-infinity';
BEGIN
    LOOP
        SELECT array_agg(found.id ORDER BY found.lease_end_time, found.id),
               max(found.lease_end_time)
          INTO v_ids, v_time
          FROM (SELECT next.lease_end_time, next.id
                  FROM unnest(p_capabilities) AS c(capability)
                 CROSS JOIN LATERAL (
                       SELECT j.lease_end_time, j.id
                         FROM job j
                        WHERE j.capability = c.capability
                          AND j.state IN ('READY', 'RUNNING')
                          AND j.lease_end_time < now()
                          AND (j.lease_end_time, j.id) > (v_time, v_id)
                        ORDER BY j.lease_end_time, j.id
                        LIMIT 16) next
                 ORDER BY next.lease_end_time, next.id
                 LIMIT 16) found;
        EXIT WHEN v_ids IS NULL;

        RETURN QUERY
            SELECT j, t
              FROM unnest(v_ids) WITH ORDINALITY AS found(id, ord)
              JOIN job j ON j.id = found.id
              JOIN task t ON t.id = j.task_id
             WHERE j.state IN ('READY', 'RUNNING') AND j.lease_end_time < now()
               AND CASE WHEN j.role = 'RELEASE' THEN p_with_releases
                        ELSE t.state IN ('PENDING', 'RUNNING') END
             ORDER BY found.ord
             LIMIT 1
               FOR NO KEY UPDATE OF j, t SKIP LOCKED;
        EXIT WHEN FOUND;

        v_id := v_ids[cardinality(v_ids)];
    END LOOP;
END $$;

CREATE OR REPLACE FUNCTION job_pick(p_capabilities text[])
RETURNS TABLE (picked job, picked_task task)
LANGUAGE sql AS $$
    SELECT * FROM job_pick(p_capabilities, false)
$$;

-- What stands in the way of a task's jobs: what the first of them says. Empty: nothing.
CREATE FUNCTION task_trouble(p_task_id text)
RETURNS text LANGUAGE sql STABLE AS $$
    SELECT coalesce((SELECT message FROM job
                      WHERE task_id = p_task_id AND state IN ('READY', 'RUNNING') AND message <> ''
                      ORDER BY step, id LIMIT 1), '')
$$;

-- Gives a locked task another message, which is an event. Returns whether it had another one.
CREATE FUNCTION task_say(p_id text, p_message text, p_actor text)
RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    UPDATE task SET message = p_message, update_time = now()
     WHERE id = p_id AND message <> p_message;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    INSERT INTO task_event (task_id, actor, state, stage, message)
    SELECT id, p_actor, state, stage, message FROM task WHERE id = p_id;
    RETURN true;
END $$;

-- Whether what a job says is said of its task, too: of one that runs, and of one that was stopped and
-- whose peer is let go of. Why a task has failed is not covered by that.
CREATE FUNCTION job_speaks(p_role text, p_task_state text)
RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN p_role = 'RELEASE' THEN p_task_state = 'KILLED'
                ELSE p_task_state = 'RUNNING' END
$$;

-- Leaves a job that lets go of the source of a locked task that has ended, if there may be a peer.
-- One that is there begins anew, and a worker that has it loses it. Returns whether it is READY.
CREATE FUNCTION task_release(p_task task)
RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    IF NOT p_task.has_peer THEN
        RETURN false;
    END IF;
    INSERT INTO job AS j (id, task_id, step, role, state, capability)
    SELECT 'release-' || replace(gen_random_uuid()::text, '-', ''), p_task.id, 7, 'RELEASE', 'READY',
           lower(concat_ws(':', p_task.kind, s.type, d.type))
      FROM data_source s, data_source d
     WHERE s.name = p_task.source AND d.name = p_task.destination
    ON CONFLICT (task_id) WHERE role = 'RELEASE' DO UPDATE
       SET state = 'READY', lease_token = j.lease_token + 1, lease_end_time = now(), tries = 0,
           message = '', end_time = NULL;
    RETURN true;
END $$;

-- As before, and lets go of the source.
CREATE OR REPLACE FUNCTION task_abort(p_id text, p_from text[], p_same text[], p_to text,
                                      p_actor text, p_reason text, OUT old_state text,
                                      OUT task task)
LANGUAGE plpgsql AS $$
BEGIN
    SELECT t.* INTO task FROM task t WHERE t.id = p_id FOR NO KEY UPDATE;
    old_state := task.state;
    IF old_state = ANY (p_from) AND NOT old_state = ANY (p_same) THEN
        PERFORM task_end_jobs(p_id, NULL, NULL);
        task := task_move(p_id, p_to, task.stage, p_reason, p_actor);
        PERFORM task_release(task);
    END IF;
END $$;

-- As before, and lets go of the source.
CREATE OR REPLACE FUNCTION job_fail(p_task_id text, p_stage text, p_id text, p_message text,
                                    p_actor text)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM task_end_jobs(p_task_id, p_id, p_message);
    PERFORM task_release(task_move(p_task_id, 'FAILED', p_stage, p_message, p_actor));
END $$;

-- As before. A task that is to be deleted stays as it is, which its delete_time tells. What would let
-- go of the source is no more, so a worker that is at it loses it. A comparison that has failed is
-- made anew.
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
           lease_token = lease_token + 1, lease_end_time = now(), tries = 0, message = '',
           end_time = NULL
     WHERE task_id = p_id AND (p_from_start OR state IN ('FAILED', 'KILLED'));
    IF p_from_start THEN
        UPDATE job SET attempt = 0, worker_id = '', start_time = NULL WHERE task_id = p_id;
        DELETE FROM bad_row WHERE task_id = p_id;
        UPDATE task SET start_time = NULL WHERE id = p_id;
    END IF;
    task := task_move(p_id, p_to, 'WAIT_FOR_START', '', p_actor);
END $$;

-- Removes a task, which the caller has locked for that, and leaves a tombstone.
CREATE FUNCTION task_remove(p_task task)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM 1 FROM job WHERE task_id = p_task.id ORDER BY step, id FOR UPDATE;
    DELETE FROM task WHERE id = p_task.id;
    INSERT INTO task_tombstone (task_id, kind, source, destination, state, create_time,
                                display_name, labels)
    VALUES (p_task.id, p_task.kind, p_task.source, p_task.destination, p_task.state,
            p_task.create_time, p_task.display_name, p_task.labels);
END $$;

-- As before, but for a task whose source may have a peer: it is stopped, and goes when the job that
-- removes the peer is done, or when it is deleted once more.
DROP FUNCTION task_delete(text, text[]);
CREATE FUNCTION task_delete(p_id text, p_from text[], p_actor text DEFAULT 'client',
                            OUT old_state text, OUT task task)
LANGUAGE plpgsql AS $$
BEGIN
    SELECT t.* INTO task FROM task t WHERE t.id = p_id FOR UPDATE;
    old_state := task.state;
    IF old_state IS NULL OR NOT old_state = ANY (p_from) THEN
        RETURN;
    END IF;
    IF NOT task.has_peer OR task.delete_time IS NOT NULL THEN
        PERFORM task_remove(task);
        RETURN;
    END IF;
    PERFORM task_end_jobs(p_id, NULL, NULL);
    UPDATE task t SET delete_time = now() WHERE t.id = p_id;
    PERFORM task_release(task_move(p_id, 'KILLED', task.stage, '', p_actor));
END $$;

-- As before. The job of role PEER works on all tables, as that of role INCR does, and has to be done
-- again for other ones; jobs of role RELEASE have nothing to do with tables. What a job has said
-- stays until its next worker says something else, for it is the task's message, too.
CREATE OR REPLACE FUNCTION task_set_jobs(p_task_id text, p_job_ids text[], p_roles text[],
                                         p_steps integer[], p_tables text[])
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_is_open boolean := (SELECT state IN ('PENDING', 'RUNNING') FROM task WHERE id = p_task_id);
    v_knows_tables boolean := p_roles <> '{PLAN}';
BEGIN
    PERFORM 1 FROM job WHERE task_id = p_task_id ORDER BY step, id FOR UPDATE;
    IF v_knows_tables THEN
        DELETE FROM job j
         WHERE j.task_id = p_task_id AND j.role NOT IN ('PLAN', 'PEER', 'INCR', 'RELEASE')
           AND NOT EXISTS (SELECT 1 FROM unnest(p_roles, p_tables) AS p(role, table_name)
                            WHERE p.role = j.role AND p.table_name = j.table_name);
        UPDATE job j SET table_name = p.table_name
          FROM unnest(p_roles, p_tables) AS p(role, table_name)
         WHERE j.task_id = p_task_id AND j.role IN ('PEER', 'INCR') AND p.role = j.role;
        UPDATE job SET state = 'KILLED', end_time = now(), message = ''
         WHERE task_id = p_task_id AND role = 'PEER' AND state IN ('SUCCEEDED', 'SKIPPED');
        IF v_is_open THEN
            UPDATE job SET state = 'WAITING', end_time = NULL
             WHERE task_id = p_task_id AND role = 'PEER' AND state = 'KILLED';
        END IF;
    END IF;
    UPDATE job
       SET state = 'WAITING', lease_token = lease_token + 1, lease_end_time = now(), tries = 0
     WHERE task_id = p_task_id AND state IN ('WAITING', 'READY', 'RUNNING') AND role <> 'RELEASE'
       AND (role IN ('PEER', 'INCR') OR NOT v_knows_tables);
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

-- As before. p_spec comes with a plan if its tables are other ones, and with p_bytes_per_second if its
-- limit is. outcome is DELETING, too: the task's deletion was asked for.
DROP FUNCTION task_update(text, text, text, jsonb, text, bigint, bytea, text[], text[], integer[],
                          text[]);
CREATE FUNCTION task_update(p_id text, p_etag text, p_display_name text, p_labels jsonb,
                            p_actor text, p_version bigint, p_spec bytea, p_job_ids text[],
                            p_roles text[], p_steps integer[], p_tables text[],
                            p_bytes_per_second bigint DEFAULT NULL,
                            OUT outcome text, OUT is_ready boolean, OUT task task)
LANGUAGE plpgsql AS $$
BEGIN
    is_ready := false;
    SELECT t.* INTO task FROM task t WHERE t.id = p_id FOR NO KEY UPDATE;
    outcome := CASE WHEN task.id IS NULL THEN 'NOT_FOUND'
                    WHEN p_etag <> '' AND p_etag <> task.version::text THEN 'CHANGED'
                    WHEN task.delete_time IS NOT NULL THEN 'DELETING'
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
           bytes_per_second = coalesce(p_bytes_per_second, t.bytes_per_second),
           version = t.version + 1, update_time = now()
     WHERE t.id = p_id
    RETURNING t.* INTO task;
    INSERT INTO task_event (task_id, actor, state, stage, message)
    VALUES (p_id, p_actor, task.state, task.stage, task.message);
    IF p_job_ids IS NOT NULL THEN
        PERFORM task_set_jobs(p_id, p_job_ids, p_roles, p_steps, p_tables);
        DELETE FROM job WHERE task_id = p_id AND role = 'PLAN' AND NOT id = ANY (p_job_ids);
        is_ready := task.state IN ('PENDING', 'RUNNING') AND task_advance(p_id, p_actor);
    END IF;
END $$;

-- Stores what a worker says of a job, and with p_lease_ms renews its lease. Leases count as tries as
-- long as nothing was done under them.
CREATE FUNCTION job_store(p_id text, p_progress jsonb, p_checkpoint bytea, p_lease_ms bigint)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    UPDATE job j
       SET lease_end_time = coalesce(now() + p_lease_ms * interval '1 ms', j.lease_end_time),
           tries = CASE WHEN p_lease_ms IS NOT NULL
                         AND (p.rows_written > j.rows_written
                              OR p.regions_done > j.regions_done
                              OR p.cells > coalesce(j.cells, 0)
                              OR p.sync_time > coalesce(j.sync_time, '-infinity'))
                        THEN 0 ELSE j.tries END,
           rows_read = coalesce(p.rows_read, j.rows_read),
           rows_written = coalesce(p.rows_written, j.rows_written),
           bad_rows = coalesce(p.bad_rows, j.bad_rows),
           bytes_read = coalesce(p.bytes_read, j.bytes_read),
           bytes_total = coalesce(p.bytes_total, j.bytes_total),
           fraction = coalesce(p.fraction, j.fraction),
           checkpoint_time = coalesce(p.checkpoint_time, j.checkpoint_time),
           sync_time = coalesce(p.sync_time, j.sync_time),
           regions_done = coalesce(p.regions_done, j.regions_done),
           regions_total = coalesce(p.regions_total, j.regions_total),
           lag = coalesce(p.lag, j.lag),
           queued_logs = coalesce(p.queued_logs, j.queued_logs),
           cells = coalesce(p.cells, j.cells),
           missing = coalesce(p.missing, j.missing),
           extra = coalesce(p.extra, j.extra),
           changed_values = coalesce(p.changed_values, j.changed_values),
           changed_timestamps = coalesce(p.changed_timestamps, j.changed_timestamps),
           repaired = coalesce(p.repaired, j.repaired),
           checkpoint = coalesce(p_checkpoint, j.checkpoint)
      FROM jsonb_populate_record(NULL::job_progress, p_progress) p
     WHERE j.id = p_id;
END $$;

-- Takes in a report. outcome: CONTINUE; STOP if there is no such job, or it was killed; LOST if the
-- token is not the current one. Only with p_may_speak is the task locked, before the job, and the
-- message taken: a report without that found the message as it was, and one that came in between counts
-- as later. is_said: the task has another message.
CREATE FUNCTION job_report(p_id text, p_token bigint, p_lease_ms bigint, p_progress jsonb,
                           p_checkpoint bytea, p_message text, p_may_speak boolean,
                           OUT outcome text, OUT bytes_per_second bigint, OUT is_said boolean)
LANGUAGE plpgsql AS $$
DECLARE
    v_job  record;
    v_task record;
BEGIN
    is_said := false;
    IF p_may_speak THEN
        PERFORM 1 FROM task t WHERE t.id = (SELECT task_id FROM job WHERE id = p_id)
            FOR NO KEY UPDATE;
    END IF;
    SELECT j.id, j.task_id, j.role, j.state, j.lease_token, j.message, j.worker_id INTO v_job
      FROM job j WHERE j.id = p_id FOR NO KEY UPDATE;
    outcome := CASE WHEN v_job.id IS NULL THEN 'STOP'
                    WHEN v_job.lease_token <> p_token THEN 'LOST'
                    WHEN v_job.state = 'RUNNING' THEN 'CONTINUE'
                    WHEN v_job.state = 'KILLED' THEN 'STOP'
                    ELSE 'LOST' END;
    IF outcome <> 'CONTINUE' THEN
        RETURN;
    END IF;
    PERFORM job_store(p_id, p_progress, p_checkpoint, p_lease_ms);
    SELECT t.state, t.bytes_per_second INTO v_task FROM task t WHERE t.id = v_job.task_id;
    bytes_per_second := v_task.bytes_per_second;
    IF NOT p_may_speak OR v_job.message = p_message THEN
        RETURN;
    END IF;
    UPDATE job SET message = p_message WHERE id = p_id;
    IF job_speaks(v_job.role, v_task.state) THEN
        is_said := task_say(v_job.task_id,
                            coalesce(nullif(p_message, ''), task_trouble(v_job.task_id)),
                            v_job.worker_id);
    END IF;
END $$;

-- As before. What a job of role RELEASE says is an event only when it is new, for it is tried again as
-- long as it takes.
CREATE OR REPLACE FUNCTION job_give_back(p_job job, p_is_released boolean, p_message text,
                                         p_backoff_ms bigint)
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
    IF p_job.role <> 'RELEASE' THEN
        UPDATE task SET message = p_message, update_time = now() WHERE id = p_job.task_id;
        INSERT INTO task_event (task_id, actor, state, stage, message)
        SELECT id, p_job.worker_id, state, stage, message FROM task WHERE id = p_job.task_id;
    END IF;
    RETURN p_backoff_ms <= 0;
END $$;

-- Ends a job of role RELEASE that is done or has failed; its task is locked. A task that is to be
-- deleted goes when it is done.
CREATE FUNCTION job_end_release(p_task task, p_job job, p_outcome text, p_message text)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF p_task.delete_time IS NOT NULL AND p_outcome IN ('SUCCEEDED', 'SKIPPED') THEN
        PERFORM task_remove(p_task);
        RETURN;
    END IF;
    UPDATE job SET state = p_outcome, message = p_message, end_time = now(), tries = 0
     WHERE id = p_job.id;
END $$;

-- As before, with progress as an object. What stands in the way of other jobs of the task stays its
-- message when one of them is done. A job of role RELEASE is tried again as long as it takes.
CREATE FUNCTION job_finish(p_id text, p_token bigint, p_outcome text, p_message text,
                           p_progress jsonb, p_backoff_ms bigint, p_max_tries bigint,
                           p_job_ids text[], p_roles text[], p_steps integer[], p_tables text[],
                           OUT outcome text, OUT is_ready boolean)
LANGUAGE plpgsql AS $$
DECLARE
    v_task task;
    v_job job;
BEGIN
    is_ready := false;
    -- A task that goes with the job is locked for that, and not first for less.
    PERFORM 1 FROM task t
      WHERE t.id = (SELECT task_id FROM job WHERE id = p_id AND role = 'RELEASE') FOR UPDATE;
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

    IF p_outcome = 'RELEASED' OR (p_outcome = 'RETRY' AND (v_job.role = 'RELEASE'
                                                           OR v_job.tries < p_max_tries)) THEN
        is_ready := job_give_back(v_job, p_outcome = 'RELEASED', p_message, p_backoff_ms);
    ELSIF v_job.role = 'RELEASE' THEN
        PERFORM job_end_release(v_task, v_job, p_outcome, p_message);
    ELSIF p_outcome IN ('SUCCEEDED', 'SKIPPED') THEN
        UPDATE job
           SET state = p_outcome, message = p_message, end_time = now(), tries = 0
         WHERE id = p_id;
        UPDATE task t SET message = task_trouble(t.id)
         WHERE t.id = v_job.task_id AND t.message <> '';
        IF v_job.role = 'PLAN' THEN
            PERFORM task_set_jobs(v_job.task_id, p_job_ids, p_roles, p_steps, p_tables);
        END IF;
        is_ready := task_advance(v_job.task_id, v_job.worker_id);
    ELSE
        PERFORM job_fail(v_job.task_id, v_task.stage, p_id, p_message, v_job.worker_id);
        is_ready := v_task.has_peer;
    END IF;
    IF v_job.role = 'RELEASE' AND p_outcome <> 'RELEASED'
       AND job_speaks(v_job.role, v_task.state) THEN
        PERFORM task_say(v_task.id, CASE WHEN p_outcome IN ('SUCCEEDED', 'SKIPPED') THEN ''
                                         ELSE p_message END, v_job.worker_id);
    END IF;
    PERFORM job_store(p_id, CASE WHEN p_outcome = 'SUCCEEDED'
                                 THEN coalesce(p_progress, '{}') || '{"fraction": 1}'
                                 ELSE p_progress END, NULL, NULL);
END $$;

-- As an older program calls it.
CREATE OR REPLACE FUNCTION job_finish(p_id text, p_token bigint, p_outcome text, p_message text,
                           p_rows_read bigint, p_rows_written bigint, p_bad_rows bigint,
                           p_bytes_read bigint, p_bytes_total bigint, p_fraction double precision,
                           p_backoff_ms bigint, p_max_tries bigint,
                           p_checkpoint_time timestamptz DEFAULT NULL,
                           p_sync_time timestamptz DEFAULT NULL, p_job_ids text[] DEFAULT NULL,
                           p_roles text[] DEFAULT NULL, p_steps integer[] DEFAULT NULL,
                           p_tables text[] DEFAULT NULL,
                           OUT outcome text, OUT is_ready boolean)
LANGUAGE sql AS $$
    SELECT *
      FROM job_finish(p_id, p_token, p_outcome, p_message,
                      jsonb_strip_nulls(jsonb_build_object(
                          'rows_read', p_rows_read, 'rows_written', p_rows_written,
                          'bad_rows', p_bad_rows, 'bytes_read', p_bytes_read,
                          'bytes_total', p_bytes_total, 'fraction', p_fraction,
                          'checkpoint_time', p_checkpoint_time, 'sync_time', p_sync_time)),
                      p_backoff_ms, p_max_tries, p_job_ids, p_roles, p_steps, p_tables)
$$;
