-- 0007_filter: lists of the tasks that a filter takes, fast among millions of them.
--
-- Why: a filter may ask for anything, and what it asks for may be one task in a million, or half of
-- them, or none of those that come first. So a list walks along an index that is in the order of the
-- list, (create_time, seq), and that leads only to tasks that may fit: those of a kind and state, of
-- a data source, of a name, with a label. Of several indexes that would do it takes the one that
-- leads furthest in as many steps, anew for each stretch of the way; it looks at what it finds there,
-- and when it has searched for a while it stops and says how far it came.
--
-- An older program that still runs lists tasks in another order and more slowly, for the indexes of
-- its lists are gone; labels that it writes are found, for a trigger keeps them.

ALTER TABLE task
    ALTER COLUMN display_name TYPE text COLLATE "C"; -- so that an index finds what begins with a text

DROP INDEX task_kind, task_state, task_source, task_destination;
CREATE UNIQUE INDEX task_create_time ON task (create_time, seq);
CREATE INDEX task_kind_state ON task (kind, state, create_time, seq);
CREATE INDEX task_source ON task (source, create_time, seq);
CREATE INDEX task_destination ON task (destination, create_time, seq);
CREATE INDEX task_display_name ON task (display_name, create_time, seq) WHERE display_name <> '';
CREATE INDEX task_running ON task (seq) WHERE state = 'RUNNING'; -- for who watches progress

-- The labels of tasks, to find tasks by them. create_time and seq are the task's.
CREATE TABLE task_label (
    key         text COLLATE "C" NOT NULL,
    value       text COLLATE "C" NOT NULL,
    create_time timestamptz NOT NULL,
    seq         bigint NOT NULL,
    PRIMARY KEY (key, value, create_time, seq)
);

INSERT INTO task_label
SELECT l.key, l.value, t.create_time, t.seq FROM task t, jsonb_each_text(t.labels) l;

CREATE FUNCTION task_label_keep()
RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'INSERT' THEN
        DELETE FROM task_label d USING jsonb_each_text(OLD.labels) l
         WHERE d.key = l.key AND d.value = l.value AND d.create_time = OLD.create_time
           AND d.seq = OLD.seq;
    END IF;
    IF TG_OP <> 'DELETE' THEN
        INSERT INTO task_label
        SELECT l.key, l.value, NEW.create_time, NEW.seq FROM jsonb_each_text(NEW.labels) l;
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER task_label_insert AFTER INSERT ON task FOR EACH ROW
    WHEN (NEW.labels <> '{}') EXECUTE FUNCTION task_label_keep();
CREATE TRIGGER task_label_update AFTER UPDATE OF labels ON task FOR EACH ROW
    WHEN (OLD.labels <> NEW.labels) EXECUTE FUNCTION task_label_keep();
CREATE TRIGGER task_label_delete AFTER DELETE ON task FOR EACH ROW
    WHEN (OLD.labels <> '{}') EXECUTE FUNCTION task_label_keep();

-- A filter as a condition on a row of task. A filter is an array: ["AND", a, b], ["OR", a, b],
-- ["NOT", a], or a comparison, [operator, field, value], with the key of a label behind them. What
-- comes from a user is quoted. A condition is never NULL.
CREATE FUNCTION task_condition(p_filter jsonb)
RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    v_value text := p_filter ->> 2;
    v_key   text := p_filter ->> 3;
BEGIN
    CASE p_filter ->> 0
    WHEN 'AND', 'OR' THEN
        RETURN format('(%s %s %s)', task_condition(p_filter -> 1), p_filter ->> 0,
                      task_condition(p_filter -> 2));
    WHEN 'NOT' THEN
        RETURN format('(NOT %s)', task_condition(p_filter -> 1));
    WHEN 'ALL' THEN
        RETURN 'true';
    WHEN 'PRESENT' THEN
        RETURN format('labels ? %L', v_key);
    WHEN 'PREFIX' THEN
        RETURN CASE WHEN v_key IS NOT NULL
               THEN format('coalesce(starts_with(labels ->> %L, %L), false)', v_key, v_value)
               ELSE format('starts_with(%I, %L)', p_filter ->> 1, v_value) END;
    WHEN '=', '<', '<=', '>', '>=' THEN
        RETURN CASE WHEN v_key IS NOT NULL
               THEN format('labels @> %L', jsonb_build_object(v_key, v_value))
               ELSE format('%I %s %L', p_filter ->> 1, p_filter ->> 0, v_value) END;
    END CASE;
END $$;

-- Whether an index has the places of a term in order. It does not for texts that begin alike, or
-- that come before or behind a text, and for a label with any value.
CREATE FUNCTION task_is_ordered(p_term jsonb)
RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT p_term ->> 0 NOT IN ('PREFIX', 'PRESENT', '<', '>')
$$;

-- The places (create_time, seq) of the tasks that a term takes: what stands behind FROM. A term is a
-- comparison that an index helps with, or a conjunction of kind and state. OFFSET 0 keeps PostgreSQL
-- from looking for places in order where no index has them so.
CREATE FUNCTION task_places(p_term jsonb)
RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    v_value text := p_term ->> 2;
    v_key   text := p_term ->> 3;
    v_where text;
BEGIN
    IF v_key IS NULL THEN
        v_where := 'task WHERE ' || task_condition(p_term);
        IF p_term ->> 1 = 'display_name' THEN
            v_where := v_where || ' AND display_name <> ''''';
        END IF;
    ELSE
        v_where := format('task_label WHERE key = %L', v_key)
                   || CASE p_term ->> 0 WHEN '=' THEN format(' AND value = %L', v_value)
                                        WHEN 'PREFIX' THEN format(' AND starts_with(value, %L)', v_value)
                                        ELSE '' END;
    END IF;
    IF task_is_ordered(p_term) THEN
        RETURN v_where;
    END IF;
    RETURN format('(SELECT create_time, seq FROM %s OFFSET 0) place WHERE true', v_where);
END $$;

-- What a condition asks of a task.
CREATE FUNCTION task_fields()
RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT 'kind, state, source, destination, display_name, labels'
$$;

-- The first p_step places, in order, to which a term leads within p_range; with the tasks' fields if
-- p_with_fields. Tasks are read one after another, as they are needed.
CREATE FUNCTION task_branch(p_term jsonb, p_range text, p_order text, p_step bigint,
                            p_with_fields boolean)
RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE
           WHEN NOT p_with_fields THEN
               format('(SELECT create_time, seq FROM %s AND %s ORDER BY %s LIMIT %s)',
                      task_places(p_term), p_range, p_order, p_step)
           WHEN task_is_ordered(p_term) AND p_term -> 3 IS NULL THEN
               format('(SELECT create_time, seq, %s FROM %s AND %s ORDER BY %s LIMIT %s)',
                      task_fields(), task_places(p_term), p_range, p_order, p_step)
           ELSE
               format('(SELECT p.create_time, p.seq, t.*'
                      '   FROM (SELECT create_time, seq FROM %s AND %s ORDER BY %s LIMIT %s) p'
                      '  CROSS JOIN LATERAL (SELECT %s FROM task t'
                      '         WHERE t.create_time = p.create_time AND t.seq = p.seq OFFSET 0) t'
                      '  ORDER BY %3$s)',
                      task_places(p_term), p_range, p_order, p_step, task_fields())
           END
$$;

-- The same for all terms of a cover.
CREATE FUNCTION task_way(p_cover jsonb, p_range text, p_order text, p_step bigint,
                         p_with_fields boolean)
RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT format('SELECT DISTINCT ON (create_time, seq) * FROM (%s) way ORDER BY %s LIMIT %s',
                  string_agg(task_branch(term, p_range, p_order, p_step, p_with_fields),
                             ' UNION ALL '),
                  p_order, p_step)
      FROM jsonb_array_elements(p_cover) term
$$;

-- Whether one can walk along a cover: what is not in order must be sorted each time, so of that there
-- must be little.
CREATE FUNCTION task_is_walkable(p_cover jsonb)
RETURNS boolean LANGUAGE plpgsql STABLE AS $$
DECLARE
    c_max_places CONSTANT bigint := 1000;
    v_term  jsonb;
    v_count bigint;
BEGIN
    FOR v_term IN SELECT term FROM jsonb_array_elements(p_cover) term WHERE NOT task_is_ordered(term)
    LOOP
        EXECUTE format('SELECT count(*) FROM (SELECT FROM %s LIMIT %s) place', task_places(v_term),
                       c_max_places + 1) INTO v_count;
        IF v_count > c_max_places THEN
            RETURN false;
        END IF;
    END LOOP;
    RETURN true;
END $$;

-- The cover along which one comes furthest in p_step steps, or the first along which one comes to an
-- end.
CREATE FUNCTION task_best_cover(p_covers jsonb[], p_range text, p_order text,
                                p_is_oldest_first boolean, p_step bigint)
RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_cover jsonb;
    v_time  timestamptz;
    v_seq   bigint;
    v_best  jsonb;
    v_best_time timestamptz;
    v_best_seq  bigint;
BEGIN
    IF cardinality(p_covers) = 1 THEN
        RETURN p_covers[1];
    END IF;
    FOREACH v_cover IN ARRAY p_covers LOOP
        EXECUTE format('SELECT create_time, seq FROM (%s) way ORDER BY %s OFFSET %s',
                       task_way(v_cover, p_range, p_order, p_step, false), p_order, p_step - 1)
           INTO v_time, v_seq;
        IF v_seq IS NULL THEN
            RETURN v_cover;
        END IF;
        IF v_best IS NULL
           OR p_is_oldest_first = ((v_time, v_seq) > (v_best_time, v_best_seq)) THEN
            v_best := v_cover;
            v_best_time := v_time;
            v_best_seq := v_seq;
        END IF;
    END LOOP;
    RETURN v_best;
END $$;

-- How many of the first tasks at these places are p_max_bytes large, or a bit more: with their jobs if
-- p_with_jobs. The first counts in any case.
CREATE FUNCTION task_count_fitting(p_times timestamptz[], p_seqs bigint[], p_with_jobs boolean,
                                   p_max_bytes bigint)
RETURNS integer LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_task  record;
    v_bytes bigint := 0;
    v_count integer := 0;
BEGIN
    FOR v_task IN
        SELECT t.id, octet_length(t.spec) + octet_length(t.labels::text) AS bytes
          FROM unnest(p_times, p_seqs) WITH ORDINALITY AS place(create_time, seq, n)
          JOIN task t ON t.create_time = place.create_time AND t.seq = place.seq
         ORDER BY place.n
    LOOP
        EXIT WHEN v_bytes >= p_max_bytes;
        v_count := v_count + 1;
        v_bytes := v_bytes + v_task.bytes;
        IF p_with_jobs THEN
            v_bytes := v_bytes + coalesce((SELECT sum(128 + octet_length(j.id)
                                                      + octet_length(j.table_name)
                                                      + octet_length(j.message)
                                                      + octet_length(j.worker_id))
                                             FROM job j WHERE j.task_id = v_task.id), 0);
        END IF;
    END LOOP;
    RETURN v_count;
END $$;

-- The first p_n tasks, in order, that a filter takes, behind the place (p_time, p_seq), or from the
-- beginning if that is NULL; fewer if those are p_max_bytes large. p_filter has the members
--
--     condition   the filter
--     covers      lists of terms: a task that the filter takes is taken by a term of each list
--     from, to    when the tasks that it takes were created, both included
--
-- It stops when it has searched for p_patience_ms. is_last: there are no others; else it has searched
-- up to (last_time, last_seq).
CREATE FUNCTION task_find(p_n bigint, p_time timestamptz, p_seq bigint, p_is_oldest_first boolean,
                          p_filter jsonb, p_with_jobs boolean, p_max_bytes bigint,
                          p_patience_ms bigint, OUT times timestamptz[], OUT seqs bigint[],
                          OUT is_last boolean, OUT last_time timestamptz, OUT last_seq bigint)
LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_end_time  timestamptz := clock_timestamp() + p_patience_ms * interval '1 ms';
    v_covers    jsonb[] := ARRAY(SELECT cover FROM jsonb_array_elements(p_filter -> 'covers') cover
                                  WHERE task_is_walkable(cover));
    v_condition text := task_condition(p_filter -> 'condition');
    v_order     text := CASE WHEN p_is_oldest_first THEN 'create_time, seq'
                             ELSE 'create_time DESC, seq DESC' END;
    v_range     text;
    v_step      bigint := p_n;
    v_step_time timestamptz;
    v_found     record;
    v_count     integer;
BEGIN
    times := '{}';
    seqs := '{}';
    last_time := p_time;
    last_seq := p_seq;
    IF v_covers = '{}' THEN
        v_covers := ARRAY['[["ALL"]]'::jsonb];
    END IF;
    LOOP
        v_step_time := clock_timestamp();
        v_range := format('create_time >= %L AND create_time <= %L', p_filter ->> 'from',
                          p_filter ->> 'to');
        IF last_seq IS NOT NULL THEN
            v_range := v_range || format(' AND (create_time, seq) %s (%L, %s)',
                                         CASE WHEN p_is_oldest_first THEN '>' ELSE '<' END, last_time,
                                         last_seq);
        END IF;
        EXECUTE format('WITH way AS MATERIALIZED ('
                       '    SELECT create_time, seq, %s AS is_hit, row_number() OVER (ORDER BY %s) AS n'
                       '      FROM (%s) way),'
                       ' hit AS MATERIALIZED ('
                       '    SELECT create_time, seq, n FROM way WHERE is_hit ORDER BY n LIMIT %s)'
                       ' SELECT ARRAY(SELECT create_time FROM hit ORDER BY n) AS times,'
                       '        ARRAY(SELECT seq FROM hit ORDER BY n) AS seqs, last.create_time, last.seq'
                       '   FROM (VALUES (0)) one LEFT JOIN way last ON last.n = %s',
                       v_condition, v_order,
                       task_way(task_best_cover(v_covers, v_range, v_order, p_is_oldest_first, v_step),
                                v_range, v_order, v_step, true),
                       p_n - cardinality(seqs), v_step)
           INTO v_found;
        times := times || v_found.times;
        seqs := seqs || v_found.seqs;
        last_time := v_found.create_time;
        last_seq := v_found.seq;
        is_last := last_seq IS NULL;
        EXIT WHEN is_last OR cardinality(seqs) >= p_n OR clock_timestamp() >= v_end_time;
        -- Long steps are cheaper, and short ones end in time.
        IF v_step < 500 OR clock_timestamp() < v_step_time + p_patience_ms * interval '0.2 ms' THEN
            v_step := v_step * 3;
        END IF;
    END LOOP;
    v_count := task_count_fitting(times, seqs, p_with_jobs, p_max_bytes);
    IF v_count = p_n OR v_count < cardinality(seqs) THEN
        times := times[:v_count];
        seqs := seqs[:v_count];
        is_last := false;
        last_time := times[v_count];
        last_seq := seqs[v_count];
    END IF;
END $$;
