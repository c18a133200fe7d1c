-- 0006_watch: the history of all tasks as one sequence, read so that nothing is missed.
--
-- Why: who watches tasks asks again and again for what is new. Numbers alone do not tell that: a
-- change with a lower number may be committed later. So each change names its transaction, and what
-- is new is what is visible now and was not visible to the snapshot of the last time. That is exact,
-- whatever the order of commits, and an open transaction holds up nothing.
--
-- A task takes its history with it when it is deleted; what is left of it for a while is a row that
-- says so, with all that filters ask for. The numbers of both tables come from one sequence.
--
-- An older program that still runs writes all of this, too: it is done by defaults and a function.

ALTER TABLE task_event
    ADD COLUMN xid xid8 NOT NULL DEFAULT pg_current_xact_id();

CREATE INDEX task_event_xid ON task_event (xid);
CREATE INDEX task_event_seq ON task_event (seq);

-- A task that was deleted, as it was.
CREATE TABLE task_tombstone (
    seq          bigint PRIMARY KEY DEFAULT nextval('task_event_seq_seq'),
    xid          xid8 NOT NULL DEFAULT pg_current_xact_id(),
    time         timestamptz NOT NULL DEFAULT now(),
    task_id      text COLLATE "C" NOT NULL,
    kind         text NOT NULL,
    source       text COLLATE "C" NOT NULL,
    destination  text COLLATE "C" NOT NULL,
    state        text NOT NULL,
    create_time  timestamptz NOT NULL,
    display_name text NOT NULL,
    labels       jsonb NOT NULL
);

CREATE INDEX task_tombstone_xid ON task_tombstone (xid);
CREATE INDEX task_tombstone_task ON task_tombstone (task_id, seq);
CREATE INDEX task_tombstone_time ON task_tombstone (time);

-- As before, and leaves a tombstone.
CREATE OR REPLACE FUNCTION task_delete(p_id text, p_from text[], OUT old_state text, OUT task task)
LANGUAGE plpgsql AS $$
BEGIN
    SELECT t.* INTO task FROM task t WHERE t.id = p_id FOR UPDATE;
    old_state := task.state;
    IF old_state = ANY (p_from) THEN
        PERFORM 1 FROM job WHERE task_id = p_id ORDER BY step, id FOR UPDATE;
        DELETE FROM task t WHERE t.id = p_id;
        INSERT INTO task_tombstone (task_id, kind, source, destination, state, create_time,
                                    display_name, labels)
        VALUES (task.id, task.kind, task.source, task.destination, task.state, task.create_time,
                task.display_name, task.labels);
    END IF;
END $$;

-- Which transactions are done by now: the statement's snapshot, or an earlier one while more than
-- p_max_open are writing, so that it is never large. The next one and all that began later then count
-- as not done, until some of the others have ended.
CREATE FUNCTION task_change_snapshot(p_max_open integer DEFAULT 256)
RETURNS pg_snapshot LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN cardinality(xids) <= p_max_open THEN snapshot
                ELSE (pg_snapshot_xmin(snapshot)::text || ':' || xids[p_max_open + 1]::text || ':'
                      || array_to_string(xids[1:p_max_open], ','))::pg_snapshot END
      FROM (SELECT snapshot, ARRAY(SELECT pg_snapshot_xip(snapshot)) AS xids
              FROM pg_current_snapshot() snapshot) now
$$;

-- Tells databases apart whose snapshots cannot be compared: other ones, and this one restored.
CREATE FUNCTION task_change_origin()
RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT hashtextextended(concat_ws(' ', s.system_identifier, c.timeline_id, d.oid), 0)
      FROM pg_control_system() s, pg_control_checkpoint() c, pg_database d
     WHERE d.datname = current_database()
$$;

-- Whether the changes between two snapshots can no longer be told: they are of another origin than
-- p_origin, or too new for this database, or the earlier one was taken more than p_kept ago, in
-- microseconds since 1970. What is NULL is right.
CREATE FUNCTION task_changes_are_lost(p_now pg_snapshot, p_now_origin bigint,
                                      p_earlier pg_snapshot, p_later pg_snapshot,
                                      p_origin bigint, p_since_us bigint, p_kept interval)
RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT coalesce(p_origin <> p_now_origin, false)
        OR coalesce(p_since_us < extract(epoch FROM now() - p_kept) * 1000000, false)
        OR coalesce(pg_snapshot_xmax(p_earlier) > pg_snapshot_xmax(p_now), false)
        OR coalesce(pg_snapshot_xmax(p_later) > pg_snapshot_xmax(p_now), false)
$$;

-- The changes that are done in p_to and were not in p_from, in the order of their numbers: at most
-- p_n of those behind p_after, of one task or, if p_task_id is NULL, of all. p_from may only be
-- older than p_to, and p_to not newer than the caller's snapshot.
--
-- Few transactions lie between most pairs, and the index of xids finds what they did. After a long
-- time that is much, and sorting all of it for each page too slow: only the first page does it, and
-- the others go on by the index of numbers.
CREATE FUNCTION task_changes(p_task_id text, p_from pg_snapshot, p_to pg_snapshot, p_after bigint,
                             p_n bigint)
RETURNS TABLE (seq bigint, task_id text, is_tombstone boolean)
LANGUAGE plpgsql STABLE ROWS 10 AS $$
DECLARE
    v_min    xid8 := pg_snapshot_xmax(p_from);
    v_max    xid8 := pg_snapshot_xmax(p_to);
    v_open   xid8[] := ARRAY(SELECT pg_snapshot_xip(p_from));
    v_is_far boolean := v_max::text::bigint - v_min::text::bigint > 4096 AND p_after > 0;
BEGIN
    IF p_task_id IS NOT NULL THEN
        RETURN QUERY
            SELECT c.seq, c.task_id, c.is_tombstone
              FROM (SELECT e.seq, e.xid, e.task_id, false AS is_tombstone FROM task_event e
                     WHERE e.task_id = p_task_id AND e.seq > p_after
                    UNION ALL
                    SELECT d.seq, d.xid, d.task_id, true FROM task_tombstone d
                     WHERE d.task_id = p_task_id AND d.seq > p_after) c
             WHERE pg_visible_in_snapshot(c.xid, p_to) AND NOT pg_visible_in_snapshot(c.xid, p_from)
             ORDER BY c.seq LIMIT p_n;
    ELSIF v_is_far THEN
        RETURN QUERY
            (SELECT e.seq, e.task_id, false FROM task_event e
              WHERE e.seq > p_after AND pg_visible_in_snapshot(e.xid, p_to)
                AND NOT pg_visible_in_snapshot(e.xid, p_from)
              ORDER BY e.seq LIMIT p_n)
            UNION ALL
            (SELECT d.seq, d.task_id, true FROM task_tombstone d
              WHERE d.seq > p_after AND pg_visible_in_snapshot(d.xid, p_to)
                AND NOT pg_visible_in_snapshot(d.xid, p_from)
              ORDER BY d.seq LIMIT p_n)
            ORDER BY 1 LIMIT p_n;
    ELSE
        RETURN QUERY
            SELECT c.seq, c.task_id, c.is_tombstone
              FROM (SELECT e.seq, e.xid, e.task_id, false AS is_tombstone FROM task_event e
                     WHERE e.xid >= v_min AND e.xid < v_max
                    UNION ALL
                    SELECT e.seq, e.xid, e.task_id, false FROM task_event e
                     WHERE e.xid = ANY (v_open)
                    UNION ALL
                    SELECT d.seq, d.xid, d.task_id, true FROM task_tombstone d
                     WHERE d.xid >= v_min AND d.xid < v_max
                    UNION ALL
                    SELECT d.seq, d.xid, d.task_id, true FROM task_tombstone d
                     WHERE d.xid = ANY (v_open)) c
             WHERE pg_visible_in_snapshot(c.xid, p_to) AND c.seq > p_after
             ORDER BY c.seq LIMIT p_n;
    END IF;
END $$;
