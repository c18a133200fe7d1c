-- 0017_small_jobs: a lease and an end of a job at less cost.
--
-- Why: a job that takes no time costs what its lease and its end cost the database, and most of that were rows that were
-- looked up again and again, indexes, and foreign keys. So a job that is locked is found by its place (ctid), which stands
-- still until it changes; one statement makes all that a lease changes; and what proves nothing is not asked for.
--
-- That the task of a job or of an event is there needs no proof: both are made only by who has made the task in the same
-- statement or has locked it, and who removes it locks it for that. They go with their task by a trigger. And a task's
-- number, which is always the database's own, is looked for together with its time only.
--
-- An older program that still runs leases and ends jobs by the same functions. job_lock is called by none any more.

ALTER TABLE task DROP CONSTRAINT task_seq_key;
ALTER TABLE job DROP CONSTRAINT job_task_id_fkey;
ALTER TABLE task_event DROP CONSTRAINT task_event_task_id_fkey;

CREATE FUNCTION task_take_along()
RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM job WHERE task_id = OLD.id;
    DELETE FROM task_event WHERE task_id = OLD.id;
    RETURN NULL;
END $$;

CREATE TRIGGER task_take_along AFTER DELETE ON task FOR EACH ROW EXECUTE FUNCTION task_take_along();

-- Locks the oldest jobs that are leasable and that one of the capabilities fits, at most p_n, from the next stretch of the
-- index job_leasable that lies behind the place (p_time, p_id) and not behind (p_before_time, p_before_id). What others have
-- locked is left to them. next_id is NULL if there is nothing on the way; else (next_time, next_id) is where to go on.
--
-- For each capability a few entries of the index are read, in its order: so jobs that nobody here can do are not even
-- looked at. changes: whether the job's task changes with the lease. lost: those that workers lost too often.
CREATE FUNCTION job_hold(p_capabilities text[], p_n integer, p_time timestamptz, p_id text,
                         p_before_time timestamptz, p_before_id text, OUT next_time timestamptz,
                         OUT next_id text, OUT jobs tid[], OUT places timestamptz[], OUT tasks text[],
                         OUT roles text[], OUT changes boolean[], OUT lost text[])
LANGUAGE plpgsql
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
#variable_conflict use_column
DECLARE
    v_ids   text[]; -- the next of the index, and where they are
    v_tids  tid[];
    v_last  text;   -- the last one that is wanted
BEGIN
    SELECT array_agg(found.id ORDER BY found.lease_end_time, found.id),
           array_agg(found.tid ORDER BY found.lease_end_time, found.id), max(found.lease_end_time)
      INTO v_ids, v_tids, next_time
      FROM (SELECT next.lease_end_time, next.id, next.tid
              FROM unnest(p_capabilities) AS c(capability)
             CROSS JOIN LATERAL (
                   SELECT j.lease_end_time, j.id, j.ctid AS tid
                     FROM job j
                    WHERE j.capability = c.capability
                      AND j.state IN ('READY', 'RUNNING')
                      AND j.lease_end_time < now()
                      AND (j.lease_end_time, j.id) > (p_time, p_id)
                      AND (j.lease_end_time, j.id) <= (p_before_time, p_before_id)
                    ORDER BY j.lease_end_time, j.id
                    LIMIT p_n + 16) next
             ORDER BY next.lease_end_time, next.id
             LIMIT p_n + 16) found;
    next_id := v_ids[cardinality(v_ids)];

    -- One that has changed its place meanwhile is somebody else's.
    SELECT array_agg(l.tid), array_agg(l.place), array_agg(l.task_id), array_agg(l.role),
           array_agg(l.changes), array_agg(l.id) FILTER (WHERE l.is_lost), (array_agg(l.id))[p_n]
      INTO jobs, places, tasks, roles, changes, lost, v_last
      FROM (SELECT j.ctid AS tid, j.id, j.lease_end_time AS place, j.task_id, j.role,
                   job_changes_task(j, t) AS changes, job_is_lost(j) AS is_lost
              FROM unnest(v_ids, v_tids) WITH ORDINALITY AS found(id, tid, ord)
              JOIN job j ON j.ctid = found.tid AND j.id = found.id
              JOIN task t ON t.id = j.task_id
             WHERE j.state IN ('READY', 'RUNNING') AND j.lease_end_time < now()
             ORDER BY found.ord
             LIMIT p_n
               FOR NO KEY UPDATE OF j SKIP LOCKED) l;
    IF v_last IS NOT NULL THEN
        next_id := v_last;
        next_time := places[p_n];
    END IF;
END $$;

-- As job_give_up, for jobs that are locked: those whose tasks can be locked.
CREATE FUNCTION job_give_up_all(p_ids text[])
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_tasks text[] := ARRAY(SELECT t.id FROM task t
                             WHERE t.id IN (SELECT j.task_id FROM job j WHERE j.id = ANY (p_ids))
                               FOR NO KEY UPDATE SKIP LOCKED);
BEGIN
    PERFORM job_give_up(j.id) FROM job j
      WHERE j.id = ANY (p_ids) AND j.task_id = ANY (v_tasks) AND j.state IN ('READY', 'RUNNING');
END $$;

-- Leases the oldest jobs that are leasable and that one of the capabilities fits, one for each of the workers as far as there
-- are some: n says whose it is. It begins behind the place (p_time, p_id) of the index, and when that is not enough looks once
-- more at what came to stand shortly before it; NULL: it looks at all. place and the job's id are what the next call passes
-- on. A job that was lost too often is given up, and with it its task's other jobs; one of role RELEASE never is, and its task
-- has ended and stays so.
--
-- A job is locked before its task here, which nobody else does; so who has a task locked is not waited for. A lease that
-- changes no task locks the job alone, and that is enough: who changes a task so that its jobs must not run waits for their
-- locks. All is as it was when it was locked, or newer.
CREATE OR REPLACE FUNCTION job_take(p_workers text[], p_lease_ms bigint, p_capabilities text[],
                                    p_time timestamptz, p_id text)
RETURNS TABLE (n bigint, leased job, leased_task task, place timestamptz)
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
    v_found integer;
    v_held  record;
BEGIN
    WHILE v_n > 0 LOOP
        SELECT * INTO v_held
          FROM job_hold(p_capabilities, v_n, v_time, v_id, v_before_time, v_before_id);
        IF v_held.next_id IS NULL THEN
            EXIT WHEN p_time IS NULL OR v_before_time < 'infinity';
            v_before_time := p_time;
            v_before_id := p_id;
            v_time := p_time - c_overlap;
            v_id := '';
            CONTINUE;
        END IF;
        v_time := v_held.next_time;
        v_id := v_held.next_id;
        IF v_held.lost IS NOT NULL THEN
            PERFORM job_give_up_all(v_held.lost);
        END IF;

        RETURN QUERY
            WITH given AS MATERIALIZED (
                SELECT cardinality(p_workers) - v_n + row_number() OVER (ORDER BY l.ord) AS n, l.place,
                       l.tid, l.task_id, l.role, t.was AS task_was,
                       l.role IN ('PEER', 'INCR') AS makes_peer,
                       l.role <> 'RELEASE' AND ((t.was).state <> 'RUNNING'
                                                OR (t.was).stage <> job_stage(l.role)) AS is_new
                  FROM unnest(v_held.jobs, v_held.places, v_held.tasks, v_held.roles, v_held.changes)
                       WITH ORDINALITY AS l(tid, place, task_id, role, changes, ord)
                 CROSS JOIN LATERAL (
                       SELECT locked.was
                         FROM (SELECT t AS was FROM task t WHERE t.id = l.task_id AND l.changes
                                  FOR NO KEY UPDATE SKIP LOCKED) locked
                       UNION ALL
                       SELECT t FROM task t WHERE t.id = l.task_id AND NOT l.changes) t
                  JOIN job j ON j.ctid = l.tid
                 WHERE j.state IN ('READY', 'RUNNING') AND NOT job_is_lost(j)
                   AND (l.role = 'RELEASE' OR (t.was).state IN ('PENDING', 'RUNNING'))
                   AND (l.changes OR NOT job_changes_task(j, t.was))),
            taken AS (
                UPDATE job j
                   SET state = 'RUNNING', attempt = j.attempt + 1, tries = j.tries + 1,
                       lease_token = lease_token_after(j.lease_token), worker_id = p_workers[given.n],
                       lease_end_time = now() + p_lease_ms * interval '1 ms',
                       start_time = coalesce(j.start_time, now()), end_time = NULL
                  FROM given
                 WHERE j.ctid = given.tid
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
        GET DIAGNOSTICS v_found = ROW_COUNT;
        v_n := v_n - v_found;
    END LOOP;
END $$;

-- As before, by one statement. Jobs become READY in the order of locks, since plans are nested loops.
CREATE OR REPLACE FUNCTION task_advance_all(p_ids text[], p_actors text[])
RETURNS text[] LANGUAGE plpgsql
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
    v_ready text[];
BEGIN
    WITH touched AS MATERIALIZED (
        SELECT DISTINCT ON (p.id COLLATE "C") p.id, p.actor, next.step
          FROM unnest(p_ids, p_actors) WITH ORDINALITY AS p(id, actor, n)
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
    said AS (
        UPDATE task t SET message = task_trouble(t.id)
          FROM touched
         WHERE t.id = touched.id AND touched.step IS NOT NULL AND t.message <> ''),
    ready AS (
        UPDATE job j SET state = 'READY', lease_end_time = now()
          FROM touched
         WHERE j.task_id = touched.id AND j.step = touched.step AND j.state = 'WAITING'
        RETURNING j.task_id)
    SELECT coalesce(array_agg(DISTINCT ready.task_id), '{}') INTO v_ready FROM ready;
    RETURN v_ready;
END $$;

-- As before, with what is known of each job from one look at it.
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
    v_plain bigint[]; -- those that are taken in together
    v_done  bigint[]; -- ... and changed something
    v_done_tasks text[];   -- of these
    v_actors text[];
    v_ready text[];   -- those tasks of them that have a job that became READY
BEGIN
    SELECT array_agg(DISTINCT j.task_id), coalesce(bool_or(j.role = 'RELEASE'), false),
           coalesce(array_agg(q.n) FILTER (WHERE q.outcome IN ('SUCCEEDED', 'SKIPPED')
                                             AND j.role NOT IN ('PLAN', 'RELEASE')), '{}')
      INTO v_tasks, v_may_go, v_plain
      FROM unnest(p_ids, p_outcomes) WITH ORDINALITY AS q(id, outcome, n)
      JOIN job j ON j.id = q.id;
    IF v_may_go THEN
        PERFORM 1 FROM task t WHERE t.id = ANY (v_tasks) ORDER BY t.id FOR UPDATE;
    ELSE
        PERFORM 1 FROM task t WHERE t.id = ANY (v_tasks) ORDER BY t.id FOR NO KEY UPDATE;
    END IF;

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
                       CASE WHEN progress IS NOT NULL
                            THEN jsonb_populate_record(NULL::job_progress, progress::jsonb) END AS p
                  FROM unnest(p_ids, p_tokens, p_outcomes, p_messages, p_progress) WITH ORDINALITY
                       AS given(id, token, outcome, message, progress, n)
                 OFFSET 0) q
         WHERE j.id = q.id AND j.lease_token = q.token AND j.state = 'RUNNING'
           AND q.outcome IN ('SUCCEEDED', 'SKIPPED') AND j.role NOT IN ('PLAN', 'RELEASE')
        RETURNING q.n, j.task_id, j.worker_id)
    SELECT coalesce(array_agg(e.n), '{}'), array_agg(e.task_id), array_agg(e.worker_id)
      INTO v_done, v_done_tasks, v_actors
      FROM (SELECT * FROM ended ORDER BY ended.n) e;

    IF v_done <> '{}' THEN
        v_ready := task_advance_all(v_done_tasks, v_actors);
        RETURN QUERY
            SELECT d.n, 'DONE', d.task_id = ANY (v_ready)
              FROM unnest(v_done, v_done_tasks) AS d(n, task_id);
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
