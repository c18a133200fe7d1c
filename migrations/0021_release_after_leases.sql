-- 0021_release_after_leases: what lets go of a source waits for who still works on its peer.
--
-- Why: a worker learns of an abort by the answer to its next report. Until then it may add the peer that the job of role RELEASE
-- removes, or enable it again. So that job is leasable once the leases of the jobs that see to the peer have ended, and a worker that
-- was told to stop, and has stopped, ends its lease: by the outcome RELEASED of a job that is KILLED, which changes nothing else.
--
-- An older program that still runs does so, too, but for its workers: they leave such a lease to end by itself.

-- As before, and jobs that nobody has are nobody's from now on, not from when they would have been tried again.
CREATE OR REPLACE FUNCTION task_end_jobs(p_task_id text, p_failed_id text, p_message text)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM 1 FROM job
      WHERE task_id = p_task_id AND state IN ('WAITING', 'READY', 'RUNNING')
      ORDER BY step, id
        FOR NO KEY UPDATE;
    UPDATE job
       SET state = CASE WHEN id = p_failed_id THEN 'FAILED' ELSE 'KILLED' END,
           message = CASE WHEN id = p_failed_id THEN p_message ELSE '' END,
           lease_end_time = CASE WHEN state = 'RUNNING' AND id IS DISTINCT FROM p_failed_id
                                 THEN lease_end_time ELSE now() END,
           end_time = now()
     WHERE task_id = p_task_id AND state IN ('WAITING', 'READY', 'RUNNING');
END $$;

-- When the last of the leases ends under which a worker that was told to stop may still see to the task's peer.
CREATE FUNCTION task_peer_time(p_task_id text)
RETURNS timestamptz LANGUAGE sql STABLE AS $$
    SELECT greatest(now(), max(lease_end_time))
      FROM job
     WHERE task_id = p_task_id AND role IN ('PEER', 'INCR') AND state = 'KILLED'
$$;

-- As before, but for when it is leasable.
CREATE OR REPLACE FUNCTION task_release(p_task task)
RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    IF NOT p_task.has_peer THEN
        RETURN false;
    END IF;
    INSERT INTO job AS j (id, task_id, step, role, state, capability, lease_end_time)
    SELECT 'release-' || replace(gen_random_uuid()::text, '-', ''), p_task.id, 7, 'RELEASE', 'READY',
           lower(concat_ws(':', p_task.kind, s.type, d.type)), task_peer_time(p_task.id)
      FROM data_source s, data_source d
     WHERE s.name = p_task.source AND d.name = p_task.destination
    ON CONFLICT (task_id) WHERE role = 'RELEASE' DO UPDATE
       SET state = 'READY', lease_token = j.lease_token + 1, lease_end_time = excluded.lease_end_time,
           tries = 0, message = '', end_time = NULL;
    RETURN true;
END $$;

-- Ends the lease of a job that is KILLED, whose task is locked, for its worker has stopped. Returns whether a job became leasable by
-- that.
CREATE FUNCTION job_leave(p_job job)
RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    UPDATE job SET lease_end_time = now() WHERE id = p_job.id AND lease_end_time > now();
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    UPDATE job SET lease_end_time = task_peer_time(p_job.task_id)
     WHERE task_id = p_job.task_id AND role = 'RELEASE' AND state = 'READY' AND tries = 0;
    RETURN FOUND;
END $$;

-- As before, with the end of a job that is KILLED.
CREATE OR REPLACE FUNCTION job_finish(p_id text, p_token bigint, p_outcome text, p_message text,
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
    SELECT j.* INTO v_job FROM job j WHERE j.id = p_id FOR NO KEY UPDATE;
    IF v_job.state = 'KILLED' AND v_job.lease_token = p_token THEN
        outcome := CASE WHEN p_outcome = 'RELEASED' THEN 'DONE' ELSE 'STOP' END;
        is_ready := job_leave(v_job);
        RETURN;
    END IF;
    outcome := CASE WHEN v_job.id IS NULL THEN 'STOP'
                    WHEN v_job.lease_token <> p_token THEN 'LOST'
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
