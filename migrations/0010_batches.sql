-- 0010_batches: many leases by one statement, and many jobs ended by another.
--
-- Why: a job that takes no time costs what its lease and its end cost the database. Both are made for as
-- many workers at once as are waiting; what each did then costs is a few rows, and not a dozen statements.
--
-- A lease reads the index of what is leasable from its beginning, where the entries of jobs that others
-- have leased before are. The oldest transaction that is open decides when they can go; while one stays
-- open for minutes they pile up, and who begins behind the last lease does not meet them.
--
-- An older program that still runs leases and ends jobs as before.

-- Where a job of a role begins, a task is at this stage.
CREATE FUNCTION job_stage(p_role text)
RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN p_role IN ('PLAN', 'SCHEMA', 'PEER') THEN 'WAIT_FOR_SCHEMA'
                WHEN p_role = 'CHECK' THEN 'WAIT_FOR_CHECK' ELSE 'WAIT_FOR_SUCCESS' END
$$;

-- Whether workers lost a job too often.
CREATE FUNCTION job_is_lost(p_job job)
RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT p_job.tries >= 20 AND p_job.role <> 'RELEASE'
$$;

-- Whether the task of a job that is leased changes with that: it begins, comes to another stage, may have a
-- peer at its source from now on, or fails because the job is given up.
CREATE FUNCTION job_changes_task(p_job job, p_task task)
RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT p_job.role <> 'RELEASE'
       AND (p_task.state <> 'RUNNING' OR p_task.stage <> job_stage(p_job.role)
            OR (p_job.role IN ('PEER', 'INCR') AND NOT p_task.has_peer) OR job_is_lost(p_job))
$$;

-- Locks the oldest jobs that are leasable and that one of the capabilities fits, at most p_n, and those of
-- their tasks that change with a lease, which has_task tells; what others have locked is left to them. It
-- begins behind the place (p_time, p_id) of the index, and when that is not enough looks once more at what
-- came to stand shortly before it; NULL: it looks at all.
--
-- For each capability a few entries of the index job_leasable are read, in its order, and more only while
-- they are not enough: so jobs that nobody here can do are not even looked at.
--
-- A job is locked before its task here, which nobody else does; so who has a task locked is not waited
-- for. A lease that changes no task locks the job alone, and that is enough: who changes a task so that its
-- jobs must not run waits for their locks.
CREATE FUNCTION job_lock(p_capabilities text[], p_n integer, p_time timestamptz, p_id text)
RETURNS TABLE (id text, place timestamptz, has_task boolean)
LANGUAGE plpgsql
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
#variable_conflict use_column
DECLARE
    c_overlap CONSTANT interval := '5 s'; -- longer than a transaction that makes jobs ready
    v_before_time timestamptz := 'infinity';
    v_before_id   text := '';
    v_time timestamptz := coalesce(p_time, '-infinity');
    v_id   text := coalesce(p_id, '');
    v_ids  text[]; -- the next of the index, and those of them that are locked now
    v_jobs text[];
    v_tasks text[];
    v_n    integer := p_n; -- how many are still wanted
    v_found integer;
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
                          AND (j.lease_end_time, j.id) <= (v_before_time, v_before_id)
                        ORDER BY j.lease_end_time, j.id
                        LIMIT v_n + 16) next
                 ORDER BY next.lease_end_time, next.id
                 LIMIT v_n + 16) found;
        IF v_ids IS NULL THEN
            EXIT WHEN p_time IS NULL OR v_before_time < 'infinity';
            v_before_time := p_time;
            v_before_id := p_id;
            v_time := p_time - c_overlap;
            v_id := '';
            CONTINUE;
        END IF;

        v_jobs := ARRAY(
            SELECT j.id
              FROM unnest(v_ids) WITH ORDINALITY AS found(id, ord)
              JOIN job j ON j.id = found.id
             WHERE j.state IN ('READY', 'RUNNING') AND j.lease_end_time < now()
             ORDER BY found.ord
             LIMIT v_n
               FOR NO KEY UPDATE OF j SKIP LOCKED);
        v_tasks := ARRAY(
            SELECT t.id
              FROM task t
             WHERE t.id IN (SELECT j.task_id
                              FROM unnest(v_jobs) l(id)
                              JOIN job j ON j.id = l.id
                              JOIN task o ON o.id = j.task_id
                             WHERE job_changes_task(j, o))
               FOR NO KEY UPDATE SKIP LOCKED);
        RETURN QUERY
            SELECT j.id, j.lease_end_time, t.id = ANY (v_tasks)
              FROM unnest(v_jobs) WITH ORDINALITY AS l(id, ord)
              JOIN job j ON j.id = l.id
              JOIN task t ON t.id = j.task_id
             WHERE t.id = ANY (v_tasks) OR NOT job_changes_task(j, t)
             ORDER BY l.ord;
        GET DIAGNOSTICS v_found = ROW_COUNT;
        v_n := v_n - v_found;
        EXIT WHEN v_n = 0;

        -- Behind the last one that was locked, or that was not to be had.
        IF cardinality(v_jobs) = v_n + v_found THEN
            v_id := v_jobs[cardinality(v_jobs)];
            v_time := (SELECT j.lease_end_time FROM job j WHERE j.id = v_id);
        ELSE
            v_id := v_ids[cardinality(v_ids)];
        END IF;
    END LOOP;
END $$;

-- Leases the oldest jobs that are leasable and that one of the capabilities fits, one for each of the
-- workers as far as there are some: n says whose it is. p_time and p_id: as job_lock; place and id are
-- what the next call passes on. A job that was lost too often is given up, and with it its task's other
-- jobs; one of role RELEASE never is, and its task has ended and stays so.
--
-- All is read after it was locked, so it is as it was then, or newer.
CREATE FUNCTION job_take(p_workers text[], p_lease_ms bigint, p_capabilities text[],
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
                   lease_token = j.lease_token + 1, worker_id = p_workers[given.n],
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

-- As task_advance, for tasks that are locked, each of which has a job that is done: p_actors are their
-- workers. What stands in the way of other jobs of a task stays its message. Returns the tasks that have a
-- job that became READY.
CREATE FUNCTION task_advance_all(p_ids text[], p_actors text[])
RETURNS text[] LANGUAGE plpgsql
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
    v_open  text[];
    v_steps integer[];
    v_ready text[];
BEGIN
    WITH touched AS MATERIALIZED (
        SELECT DISTINCT ON (p.id) p.id, p.actor, next.step
          FROM unnest(p_ids, p_actors) WITH ORDINALITY AS p(id, actor, n)
          LEFT JOIN LATERAL (SELECT j.step FROM job j
                              WHERE j.task_id = p.id AND j.state NOT IN ('SUCCEEDED', 'SKIPPED')
                              ORDER BY j.step LIMIT 1) next ON true
         ORDER BY p.id, p.n DESC),
    done AS (
        UPDATE task t
           SET state = 'SUCCEEDED', stage = 'FINISHED', message = '', version = t.version + 1,
               update_time = now(), end_time = now()
          FROM touched
         WHERE t.id = touched.id AND touched.step IS NULL
        RETURNING t.id, touched.actor),
    new_event AS (
        INSERT INTO task_event (task_id, actor, state, stage, message)
        SELECT done.id, done.actor, 'SUCCEEDED', 'FINISHED', '' FROM done)
    SELECT array_agg(touched.id), array_agg(touched.step) INTO v_open, v_steps
      FROM touched
     WHERE touched.step IS NOT NULL;
    IF v_open IS NULL THEN
        RETURN '{}';
    END IF;

    UPDATE task t SET message = task_trouble(t.id) WHERE t.id = ANY (v_open) AND t.message <> '';
    PERFORM 1
       FROM unnest(v_open, v_steps) AS next(task_id, step)
       JOIN job j ON j.task_id = next.task_id AND j.step = next.step
      WHERE j.state = 'WAITING'
      ORDER BY j.task_id, j.step, j.id
        FOR NO KEY UPDATE OF j;
    WITH ready AS (
        UPDATE job j SET state = 'READY', lease_end_time = now()
          FROM unnest(v_open, v_steps) AS next(task_id, step)
         WHERE j.task_id = next.task_id AND j.step = next.step AND j.state = 'WAITING'
        RETURNING j.task_id)
    SELECT coalesce(array_agg(DISTINCT ready.task_id), '{}') INTO v_ready FROM ready;
    RETURN v_ready;
END $$;

-- Takes in how jobs ended, as job_finish does for one; ord says which one a row answers. Most ends are
-- alike: a job that is neither a plan nor a release has succeeded, or had nothing to do. Those are taken in
-- together, each kind of row by one statement, and the others one by one behind them.
--
-- All tasks are locked first, in the order of their ids. A task that may go with its job is locked for
-- that, and not first for less.
CREATE FUNCTION job_end(p_ids text[], p_tokens bigint[], p_outcomes text[], p_messages text[],
                        p_progress text[], p_backoff_ms bigint[], p_max_tries bigint[],
                        p_job_ids text[], p_roles text[], p_steps text[], p_tables text[])
RETURNS TABLE (ord bigint, outcome text, is_ready boolean)
LANGUAGE plpgsql
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
#variable_conflict use_column
DECLARE
    v_plain bigint[]; -- those that are taken in together
    v_done  bigint[]; -- ... and changed something
    v_tasks text[];   -- of these
    v_actors text[];
    v_ready text[];   -- those tasks of them that have a job that became READY
BEGIN
    IF EXISTS (SELECT FROM unnest(p_ids) q(id) JOIN job j ON j.id = q.id WHERE j.role = 'RELEASE') THEN
        PERFORM 1 FROM task t
          WHERE t.id IN (SELECT j.task_id FROM unnest(p_ids) q(id) JOIN job j ON j.id = q.id)
          ORDER BY t.id FOR UPDATE;
    ELSE
        PERFORM 1 FROM task t
          WHERE t.id IN (SELECT j.task_id FROM unnest(p_ids) q(id) JOIN job j ON j.id = q.id)
          ORDER BY t.id FOR NO KEY UPDATE;
    END IF;
    v_plain := ARRAY(SELECT q.n
                       FROM unnest(p_ids, p_outcomes) WITH ORDINALITY AS q(id, outcome, n)
                       JOIN job j ON j.id = q.id
                      WHERE q.outcome IN ('SUCCEEDED', 'SKIPPED') AND j.role NOT IN ('PLAN', 'RELEASE'));

    WITH ended AS (
        UPDATE job j
           SET state = q.outcome, message = q.message, end_time = now(), tries = 0,
               rows_read = coalesce(p.rows_read, j.rows_read),
               rows_written = coalesce(p.rows_written, j.rows_written),
               bad_rows = coalesce(p.bad_rows, j.bad_rows),
               bytes_read = coalesce(p.bytes_read, j.bytes_read),
               bytes_total = coalesce(p.bytes_total, j.bytes_total),
               fraction = CASE WHEN q.outcome = 'SUCCEEDED' THEN 1
                               ELSE coalesce(p.fraction, j.fraction) END,
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
               repaired = coalesce(p.repaired, j.repaired)
          FROM unnest(v_plain) plain(n)
         CROSS JOIN LATERAL (SELECT p_ids[plain.n] AS id, p_tokens[plain.n] AS token,
                                    p_outcomes[plain.n] AS outcome, p_messages[plain.n] AS message,
                                    p_progress[plain.n]::jsonb AS progress) q
          LEFT JOIN LATERAL jsonb_populate_record(NULL::job_progress, q.progress) p
            ON q.progress IS NOT NULL
         WHERE j.id = q.id AND j.lease_token = q.token AND j.state = 'RUNNING'
        RETURNING plain.n, j.task_id, j.worker_id)
    SELECT array_agg(e.n), array_agg(e.task_id), array_agg(e.worker_id)
      INTO v_done, v_tasks, v_actors
      FROM (SELECT * FROM ended ORDER BY ended.n) e;

    IF v_done IS NOT NULL THEN
        v_ready := task_advance_all(v_tasks, v_actors);
    END IF;
    RETURN QUERY
        SELECT plain.n,
               CASE WHEN plain.n = ANY (v_done) THEN 'DONE'
                    WHEN j.id IS NULL OR (j.lease_token = p_tokens[plain.n] AND j.state = 'KILLED')
                    THEN 'STOP'
                    WHEN j.lease_token <> p_tokens[plain.n] THEN 'LOST'
                    ELSE 'DONE' END,
               coalesce(plain.n = ANY (v_done) AND j.task_id = ANY (v_ready), false)
          FROM unnest(v_plain) plain(n)
          LEFT JOIN job j ON j.id = p_ids[plain.n];
    IF cardinality(v_plain) < cardinality(p_ids) THEN
        RETURN QUERY
            SELECT q.n::bigint, f.outcome, f.is_ready
              FROM (SELECT o.n
                      FROM generate_subscripts(p_ids, 1) o(n) LEFT JOIN job j ON j.id = p_ids[o.n]
                     WHERE NOT o.n = ANY (v_plain)
                     ORDER BY j.task_id, j.step, j.id, o.n) q
             CROSS JOIN LATERAL job_finish(p_ids[q.n], p_tokens[q.n], p_outcomes[q.n], p_messages[q.n],
                                           p_progress[q.n]::jsonb, p_backoff_ms[q.n], p_max_tries[q.n],
                                           nullif(p_job_ids[q.n], '')::text[],
                                           nullif(p_roles[q.n], '')::text[],
                                           nullif(p_steps[q.n], '')::integer[],
                                           nullif(p_tables[q.n], '')::text[]) f;
    END IF;
END $$;
