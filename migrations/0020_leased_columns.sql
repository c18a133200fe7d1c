-- 0020_leased_columns: a lease and an end of a job look up what they need once.
--
-- Why: a lease looked each task up three times and the job once more to see whether somebody had had it, and handed both on as
-- whole rows, of which few columns are told. An end made a record of progress that had none, and looked up each task again to see
-- whether it has a message. And the time that a token is made of was computed for each job, in decimals.
--
-- And where jobs that are known were asked for their state, statistics of a time at which none was leasable made PostgreSQL read all
-- of job_leasable for them. Of a COALESCE it does not know that this index has all rows for which it holds.
--
-- An older program that still runs leases and ends jobs by the same functions. job_hold and task_advance_all are called by none
-- any more.

-- As before, computed in floating point: milliseconds are exact there.
CREATE OR REPLACE FUNCTION lease_token_after(p_token bigint)
RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT greatest(p_token + 1, floor(date_part('epoch', now()) * 1000)::bigint)
$$;

-- Leases the oldest jobs that are leasable and that one of the capabilities fits, one for each of the workers as far as there
-- are some: n says whose it is. It begins behind the place (p_time, p_id) of the index, and when that is not enough looks once
-- more at what came to stand shortly before it; NULL: it looks at all. place and id are what the next call passes on. was_running:
-- another worker had the job. A job that was lost too often is given up, and with it its task's other jobs; one of role RELEASE
-- never is, and its task has ended and stays so.
--
-- For each capability a few entries of the index job_leasable are read, in its order: so jobs that nobody here can do are not
-- even looked at. What others have locked is left to them, and one that has changed its place meanwhile is somebody else's.
--
-- A job is locked before its task here, which nobody else does; so who has a task locked is not waited for. A lease that
-- changes no task locks the job alone, and that is enough: who changes a task so that its jobs must not run waits for their
-- locks. What is locked stays in its place (ctid), and is read by a statement that began later: as it was when it was locked, or
-- newer.
CREATE FUNCTION job_lease(p_workers text[], p_lease_ms bigint, p_capabilities text[], p_time timestamptz,
                          p_id text)
RETURNS TABLE (n bigint, place timestamptz, was_running boolean, id text, task_id text, role text,
               table_name text, attempt integer, lease_token bigint, first_token bigint,
               checkpoint bytea, kind text, source text, destination text, spec bytea, state text,
               create_time timestamptz, delete_time timestamptz, trace_id text, trace_caller text,
               trace_state text)
LANGUAGE plpgsql
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
#variable_conflict use_column
DECLARE
    c_overlap CONSTANT interval := '5 s'; -- longer than a transaction that makes jobs ready
    v_before_time timestamptz := 'infinity';
    v_before_id   text := '';
    v_time  timestamptz := coalesce(p_time, '-infinity');
    v_id    text := coalesce(p_id, '');
    v_n     integer := cardinality(p_workers); -- how many are still wanted
    v_token bigint := lease_token_after(0);
    v_found integer;
    v_ids    text[]; -- the next of the index, where they are, and the time of the last one
    v_tids   tid[];
    v_last_time timestamptz;
    v_jobs   tid[]; -- those of them that are locked: where, since when they were leasable, of which task
    v_places timestamptz[];
    v_tasks  text[];
    v_last   text;  -- the last one that is wanted
    v_lost   text[];
    v_places_of_tasks tid[]; -- where those are that are locked, too; NULL: the task of this job is not
BEGIN
    WHILE v_n > 0 LOOP
        SELECT array_agg(found.id), array_agg(found.tid), max(found.lease_end_time)
          INTO v_ids, v_tids, v_last_time
          FROM (SELECT next.lease_end_time, next.id, next.tid
                  FROM unnest(p_capabilities) AS c(capability)
                 CROSS JOIN LATERAL (
                       SELECT j.lease_end_time, j.id, j.ctid AS tid
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

        SELECT array_agg(l.tid), array_agg(l.place), array_agg(l.task_id),
               array_agg(l.id) FILTER (WHERE l.is_lost), (array_agg(l.id))[v_n]
          INTO v_jobs, v_places, v_tasks, v_lost, v_last
          FROM (SELECT j.ctid AS tid, j.id, j.lease_end_time AS place, j.task_id, job_is_lost(j) AS is_lost
                  FROM unnest(v_ids, v_tids) WITH ORDINALITY AS found(id, tid, ord)
                  JOIN job j ON j.ctid = found.tid AND j.id = found.id
                 WHERE coalesce(j.state IN ('READY', 'RUNNING'), false) AND j.lease_end_time < now()
                 ORDER BY found.ord
                 LIMIT v_n
                   FOR NO KEY UPDATE OF j SKIP LOCKED) l;
        v_time := CASE WHEN v_last IS NULL THEN v_last_time ELSE v_places[v_n] END;
        v_id := coalesce(v_last, v_ids[cardinality(v_ids)]);
        CONTINUE WHEN v_jobs IS NULL;
        IF v_lost IS NOT NULL THEN
            PERFORM job_give_up_all(v_lost);
        END IF;

        v_places_of_tasks := ARRAY(
            SELECT t.tid
              FROM unnest(v_jobs, v_tasks) WITH ORDINALITY AS l(tid, task_id, ord)
              LEFT JOIN job j ON j.ctid = l.tid AND NOT job_is_lost(j)
              LEFT JOIN LATERAL (SELECT t.ctid AS tid FROM task t
                                  WHERE t.id = l.task_id AND job_changes_task(j, t)
                                    FOR NO KEY UPDATE SKIP LOCKED) t ON true
             ORDER BY l.ord);

        RETURN QUERY
            WITH given AS MATERIALIZED (
                SELECT cardinality(p_workers) - v_n + row_number() OVER (ORDER BY l.ord) AS n, l.place,
                       l.tid, l.task_tid, j.state = 'RUNNING' AS was_running, j.task_id, j.role,
                       job_stage(j.role) AS stage, t.kind, t.source, t.destination, t.spec,
                       CASE j.role WHEN 'RELEASE' THEN t.state ELSE 'RUNNING' END AS state,
                       t.create_time, t.delete_time, t.trace_id, t.trace_caller, t.trace_state,
                       j.role IN ('PEER', 'INCR') AND NOT t.has_peer AS makes_peer,
                       j.role <> 'RELEASE' AND (t.state <> 'RUNNING' OR t.stage <> job_stage(j.role))
                           AS is_new
                  FROM unnest(v_jobs, v_places, v_tasks, v_places_of_tasks) WITH ORDINALITY
                       AS l(tid, place, task_id, task_tid, ord)
                  JOIN job j ON j.ctid = l.tid
                 CROSS JOIN LATERAL (
                       SELECT t.* FROM task t WHERE t.ctid = l.task_tid
                       UNION ALL
                       SELECT t.* FROM task t
                        WHERE l.task_tid IS NULL AND t.id = l.task_id AND NOT job_changes_task(j, t)) t
                 WHERE coalesce(j.state IN ('READY', 'RUNNING'), false)
                   AND (j.role = 'RELEASE' OR t.state IN ('PENDING', 'RUNNING'))),
            taken AS (
                UPDATE job j
                   SET state = 'RUNNING', attempt = j.attempt + 1, tries = j.tries + 1,
                       lease_token = greatest(j.lease_token + 1, v_token),
                       worker_id = p_workers[given.n],
                       lease_end_time = now() + p_lease_ms * interval '1 ms',
                       start_time = coalesce(j.start_time, now()), end_time = NULL
                  FROM given
                 WHERE j.ctid = given.tid
                RETURNING given.n, given.place, given.was_running, j.id, j.task_id, j.role, j.table_name,
                          j.attempt, j.lease_token, j.first_token, j.checkpoint, given.kind,
                          given.source, given.destination, given.spec, given.state, given.create_time,
                          given.delete_time, given.trace_id, given.trace_caller, given.trace_state),
            moved AS MATERIALIZED ( -- one of a task's jobs, the first one as a rule
                SELECT DISTINCT ON (task_id) task_tid, n, stage, is_new, makes_peer
                  FROM given
                 WHERE is_new OR makes_peer
                 ORDER BY task_id, makes_peer DESC, n),
            begun AS (
                UPDATE task t
                   SET state = 'RUNNING', stage = moved.stage, version = t.version + moved.is_new::int,
                       update_time = now(), start_time = coalesce(t.start_time, now()), end_time = NULL,
                       has_peer = t.has_peer OR moved.makes_peer
                  FROM moved
                 WHERE t.ctid = moved.task_tid
                RETURNING t.id, moved.n, t.state, t.stage, t.message, moved.is_new),
            new_event AS (
                INSERT INTO task_event (task_id, actor, state, stage, message)
                SELECT b.id, p_workers[b.n], b.state, b.stage, b.message FROM begun b WHERE b.is_new
                 ORDER BY b.n)
            TABLE taken;
        GET DIAGNOSTICS v_found = ROW_COUNT;
        v_n := v_n - v_found;
    END LOOP;
END $$;

-- As an older program calls it.
CREATE OR REPLACE FUNCTION job_take(p_workers text[], p_lease_ms bigint, p_capabilities text[],
                                    p_time timestamptz, p_id text)
RETURNS TABLE (n bigint, leased job, leased_task task, place timestamptz)
LANGUAGE plpgsql
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
#variable_conflict use_column
DECLARE
    v_ns     bigint[];
    v_ids    text[];
    v_places timestamptz[];
BEGIN
    SELECT array_agg(f.n), array_agg(f.id), array_agg(f.place) INTO v_ns, v_ids, v_places
      FROM job_lease(p_workers, p_lease_ms, p_capabilities, p_time, p_id) f;
    RETURN QUERY
        SELECT l.n, j, t, l.place
          FROM unnest(v_ns, v_ids, v_places) AS l(n, id, place)
          JOIN job j ON j.id = l.id
          JOIN task t ON t.id = j.task_id;
END $$;

-- As before. What follows from an end is told by the one statement that does it; messages of tasks are looked at when these are
-- locked. Of several jobs of a task that end together the last one is told that others became READY.
CREATE OR REPLACE FUNCTION job_end(p_ids text[], p_tokens bigint[], p_outcomes text[], p_messages text[],
                        p_progress text[], p_backoff_ms bigint[], p_max_tries bigint[],
                        p_job_ids text[], p_roles text[], p_steps text[], p_tables text[])
RETURNS TABLE (ord bigint, outcome text, is_ready boolean)
LANGUAGE plpgsql
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
#variable_conflict use_column
DECLARE
    v_tasks text[];
    v_may_go boolean; -- a task
    v_speaking text[]; -- those tasks that have a message
    v_plain bigint[]; -- those that are taken in together
    v_done  bigint[]; -- ... and changed something
    v_done_tasks text[];   -- of these
    v_actors text[];
BEGIN
    SELECT array_agg(DISTINCT j.task_id), coalesce(bool_or(j.role = 'RELEASE'), false),
           coalesce(array_agg(q.n) FILTER (WHERE q.outcome IN ('SUCCEEDED', 'SKIPPED')
                                             AND j.role NOT IN ('PLAN', 'RELEASE')), '{}')
      INTO v_tasks, v_may_go, v_plain
      FROM unnest(p_ids, p_outcomes) WITH ORDINALITY AS q(id, outcome, n)
      JOIN job j ON j.id = q.id;
    IF v_may_go THEN
        PERFORM 1 FROM task t WHERE t.id = ANY (v_tasks) ORDER BY t.id FOR UPDATE;
    END IF;
    SELECT array_agg(l.id) FILTER (WHERE l.message <> '') INTO v_speaking
      FROM (SELECT t.id, t.message FROM task t WHERE t.id = ANY (v_tasks) ORDER BY t.id
               FOR NO KEY UPDATE) l;

    WITH ended AS (
        UPDATE job j
           SET state = q.outcome, message = q.message, end_time = now(), tries = 0,
               rows_read = coalesce((p).rows_read, j.rows_read),
               rows_written = coalesce((p).rows_written, j.rows_written),
               bad_rows = coalesce((p).bad_rows, j.bad_rows),
               bytes_read = coalesce((p).bytes_read, j.bytes_read),
               bytes_total = coalesce((p).bytes_total, j.bytes_total),
               fraction = CASE WHEN q.outcome = 'SUCCEEDED' THEN 1
                               ELSE coalesce((p).fraction, j.fraction) END,
               checkpoint_time = coalesce((p).checkpoint_time, j.checkpoint_time),
               sync_time = coalesce((p).sync_time, j.sync_time),
               regions_done = coalesce((p).regions_done, j.regions_done),
               regions_total = coalesce((p).regions_total, j.regions_total),
               lag = coalesce((p).lag, j.lag),
               queued_logs = coalesce((p).queued_logs, j.queued_logs),
               cells = coalesce((p).cells, j.cells),
               missing = coalesce((p).missing, j.missing),
               extra = coalesce((p).extra, j.extra),
               changed_values = coalesce((p).changed_values, j.changed_values),
               changed_timestamps = coalesce((p).changed_timestamps, j.changed_timestamps),
               repaired = coalesce((p).repaired, j.repaired)
          FROM (SELECT id, token, outcome, message, n,
                       CASE WHEN progress <> '{}'
                            THEN jsonb_populate_record(NULL::job_progress, progress::jsonb) END AS p
                  FROM unnest(p_ids, p_tokens, p_outcomes, p_messages, p_progress) WITH ORDINALITY
                       AS given(id, token, outcome, message, progress, n)
                 OFFSET 0) q
         WHERE j.id = q.id AND j.lease_token = q.token AND coalesce(j.state = 'RUNNING', false)
           AND q.outcome IN ('SUCCEEDED', 'SKIPPED') AND j.role NOT IN ('PLAN', 'RELEASE')
        RETURNING q.n, j.task_id, j.worker_id)
    SELECT coalesce(array_agg(e.n), '{}'), array_agg(e.task_id), array_agg(e.worker_id)
      INTO v_done, v_done_tasks, v_actors
      FROM (SELECT * FROM ended ORDER BY ended.n) e;

    IF v_done <> '{}' AND v_speaking IS NOT NULL THEN
        UPDATE task t SET message = task_trouble(t.id)
         WHERE t.id = ANY (v_speaking) AND t.id = ANY (v_done_tasks);
    END IF;
    IF v_done <> '{}' THEN
        -- Jobs become READY in the order of locks, since plans are nested loops.
        RETURN QUERY
            WITH touched AS MATERIALIZED (
                SELECT DISTINCT ON (p.id COLLATE "C") p.id, p.actor, p.n, next.step
                  FROM unnest(v_done, v_done_tasks, v_actors) AS p(n, id, actor)
                  LEFT JOIN LATERAL (SELECT j.step FROM job j
                                      WHERE j.task_id = p.id AND j.state NOT IN ('SUCCEEDED', 'SKIPPED')
                                      ORDER BY j.step LIMIT 1) next ON true
                 ORDER BY p.id COLLATE "C", p.n DESC),
            done AS (
                UPDATE task t
                   SET state = 'SUCCEEDED', stage = 'FINISHED', message = '', version = t.version + 1,
                       update_time = now(), end_time = now()
                  FROM touched
                 WHERE t.id = touched.id AND touched.step IS NULL
                RETURNING t.id, touched.actor),
            new_event AS (
                INSERT INTO task_event (task_id, actor, state, stage, message)
                SELECT done.id, done.actor, 'SUCCEEDED', 'FINISHED', '' FROM done),
            ready AS (
                UPDATE job j SET state = 'READY', lease_end_time = now()
                  FROM touched
                 WHERE j.task_id = touched.id AND j.step = touched.step AND j.state = 'WAITING'
                RETURNING touched.n)
            SELECT d.n, 'DONE', d.n = ANY (ARRAY(SELECT ready.n FROM ready)) FROM unnest(v_done) d(n);
    END IF;
    IF cardinality(v_done) < cardinality(v_plain) THEN
        RETURN QUERY
            SELECT plain.n,
                   CASE WHEN j.id IS NULL OR (j.lease_token = p_tokens[plain.n] AND j.state = 'KILLED')
                        THEN 'STOP'
                        WHEN j.lease_token <> p_tokens[plain.n] THEN 'LOST'
                        ELSE 'DONE' END,
                   false
              FROM unnest(v_plain) plain(n)
              LEFT JOIN job j ON j.id = p_ids[plain.n]
             WHERE NOT plain.n = ANY (v_done);
    END IF;
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
