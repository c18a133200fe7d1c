-- 0011_lists: pages of lists at the cost of what they show.
--
-- Why: how much of a page fits was found out by a query for each task, which cost as much as the page. And
-- a task is shown with the sums over its jobs, so a page of tasks with thousands of jobs each took seconds.
--
-- An older program that still runs has it, too.

-- As before, by one query that is read only as far as it is needed: OFFSET 0 keeps the order in which
-- tasks, and then their jobs, are read. Tasks beyond c_max_jobs jobs of a page do not fit either.
CREATE OR REPLACE FUNCTION task_count_fitting(p_times timestamptz[], p_seqs bigint[],
                                              p_with_jobs boolean, p_max_bytes bigint)
RETURNS integer LANGUAGE plpgsql STABLE
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
    c_max_jobs CONSTANT bigint := 10000; -- whose sums are made in 20 ms
    v_task  record;
    v_bytes bigint := 0;
    v_jobs  bigint := 0;
    v_count integer := 0;
BEGIN
    FOR v_task IN
        SELECT t.bytes + jobs.bytes AS bytes, jobs.n
          FROM (SELECT task.id, octet_length(task.spec) + octet_length(task.labels::text) AS bytes
                  FROM unnest(p_times, p_seqs) WITH ORDINALITY AS place(create_time, seq, n)
                  JOIN task ON task.create_time = place.create_time AND task.seq = place.seq
                 ORDER BY place.n
                OFFSET 0) t
         CROSS JOIN LATERAL (
               SELECT count(*) AS n,
                      coalesce(sum(128 + octet_length(j.id) + octet_length(j.table_name)
                                   + octet_length(j.message) + octet_length(j.worker_id))
                               FILTER (WHERE p_with_jobs), 0) AS bytes
                 FROM job j
                WHERE j.task_id = t.id) jobs
    LOOP
        EXIT WHEN v_bytes >= p_max_bytes OR (v_count > 0 AND v_jobs + v_task.n > c_max_jobs);
        v_count := v_count + 1;
        v_bytes := v_bytes + v_task.bytes;
        v_jobs := v_jobs + v_task.n;
    END LOOP;
    RETURN v_count;
END $$;
