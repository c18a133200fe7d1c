-- 0016_statements: sums at the cost of an addition.
--
-- Why: PostgreSQL sums bigint as numeric, and a task is shown with fourteen sums over its jobs whenever it is read.
--
-- An older program that still runs has it, too.

-- sum() that stays bigint: it fails where a sum does not fit, as the cast of one did.
CREATE AGGREGATE bigint_sum(bigint) (SFUNC = int8pl, STYPE = bigint, PARALLEL = SAFE);

-- As before, with sums of that kind.
CREATE OR REPLACE FUNCTION task_progress(p_id text, p_state text)
RETURNS TABLE (rows_read bigint, rows_written bigint, bad_rows bigint, bytes_read bigint,
               bytes_total bigint, fraction double precision, checkpoint_time timestamptz,
               sync_time timestamptz, regions_done bigint, regions_total bigint, lag interval,
               queued_logs bigint, cells bigint, missing bigint, extra bigint,
               changed_values bigint, changed_timestamps bigint, repaired bigint)
LANGUAGE sql STABLE AS $$
    SELECT coalesce(bigint_sum(j.rows_read), 0), coalesce(bigint_sum(j.rows_written), 0),
           coalesce(bigint_sum(j.bad_rows), 0), coalesce(bigint_sum(j.bytes_read), 0),
           coalesce(bigint_sum(j.bytes_total), 0),
           CASE WHEN p_state = 'SUCCEEDED' THEN 1
                WHEN bool_and(j.bytes_total > 0) FILTER (WHERE is_main)
                THEN least(bigint_sum(j.bytes_read)::float8 / bigint_sum(j.bytes_total)::float8, 1)
                ELSE coalesce(avg(CASE WHEN j.state IN ('SUCCEEDED', 'SKIPPED') THEN 1
                                       ELSE j.fraction END) FILTER (WHERE is_main), 0) END,
           min(j.checkpoint_time), min(j.sync_time), coalesce(bigint_sum(j.regions_done), 0),
           coalesce(bigint_sum(j.regions_total), 0), max(j.lag),
           coalesce(bigint_sum(j.queued_logs), 0), bigint_sum(j.cells), bigint_sum(j.missing),
           bigint_sum(j.extra), bigint_sum(j.changed_values), bigint_sum(j.changed_timestamps),
           bigint_sum(j.repaired)
      FROM job j
     CROSS JOIN LATERAL (SELECT j.role NOT IN ('PLAN', 'SCHEMA', 'PEER', 'RELEASE')) r(is_main)
     WHERE j.task_id = p_id
$$;
