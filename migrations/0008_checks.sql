-- 0008_checks: leases by what a worker can do, and checks of data sources.
--
-- Why: a worker is given only work that it says it can do, however much other work is ready. A check
-- of a data source is asked for at one gateway and may be done by a worker of another one, so it goes
-- through the database; it is worth nothing after a crash, which is why its table is not logged.
--
-- An older program that still runs leases jobs as before, without job_pick, and knows no checks.

-- Locks the oldest leasable job that one of the capabilities fits, and its task, and returns both as
-- they are then; no row if there is none. What others have locked is left to them.
--
-- For each capability a few entries of the index job_leasable are read, in its order, and more only
-- while all of them are locked: so jobs that nobody here can do are not even looked at.
CREATE FUNCTION job_pick(p_capabilities text[]) RETURNS TABLE (picked job, picked_task task)
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
               AND t.state IN ('PENDING', 'RUNNING')
             ORDER BY found.ord
             LIMIT 1
               FOR NO KEY UPDATE OF j, t SKIP LOCKED;
        EXIT WHEN FOUND;

        v_id := v_ids[cardinality(v_ids)];
    END LOOP;
END $$;

-- A check of a data source, from the question until the answer was fetched. Rows that nobody removed,
-- because their gateway crashed, go when their time has long passed and another check is asked for.
CREATE UNLOGGED TABLE data_source_check (
    id            text COLLATE "C" PRIMARY KEY,
    data_source   text COLLATE "C" NOT NULL REFERENCES data_source ON DELETE CASCADE,
    capability    text COLLATE "C" NOT NULL, -- what a worker must be able to do: "check:<type>"
    create_time   timestamptz NOT NULL DEFAULT now(),
    take_deadline timestamptz NOT NULL, -- a worker may take it until then
    deadline      timestamptz NOT NULL, -- the result is waited for until then
    worker_id     text,                 -- who took it; NULL: nobody yet
    result        bytea                 -- a packed CheckDataSourceResponse; NULL: not there yet
);
