-- 0018_finish_lock: an end holds the job that it looks at.
--
-- Why: a lease that ran out may be given to another worker between the look at the job and its end, for who leases locks the job
-- alone when its task does not change. Then the end of the worker before was taken under the token of the next one.
--
-- An older program that still runs has it, too.

-- As before, with the job locked.
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
