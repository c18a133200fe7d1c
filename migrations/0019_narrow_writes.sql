-- 0019_narrow_writes: what is written for a task, at less cost.
--
-- Why: for each task that is made PostgreSQL looked up and locked both of its data sources, one row after another, to prove that
-- they are there; and for each change of a task it asked four foreign keys whether they were concerned, which they never are.
-- A task is made of many at once, of few data sources: these are looked up once for all, and locked as a foreign key does.
--
-- That the task of a bad row or of a difference is there needs no proof: who adds one has locked the task, and they go with it
-- by the trigger that jobs and events go by.
--
-- An older program that still runs does all as before, and what was refused to it still is, with the same code.

ALTER TABLE task
    DROP CONSTRAINT task_source_fkey,
    DROP CONSTRAINT task_destination_fkey;
ALTER TABLE bad_row DROP CONSTRAINT bad_row_task_id_fkey;
ALTER TABLE difference DROP CONSTRAINT difference_task_id_fkey;

CREATE OR REPLACE FUNCTION task_take_along()
RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM job WHERE task_id = OLD.id;
    DELETE FROM task_event WHERE task_id = OLD.id;
    DELETE FROM bad_row WHERE task_id = OLD.id;
    DELETE FROM difference WHERE task_id = OLD.id;
    RETURN NULL;
END $$;

-- The data sources of tasks that were made are there and stay until these are to be seen: who deletes one waits, and then sees
-- them (task_keep_source).
CREATE FUNCTION task_hold_sources()
RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM (SELECT source AS name FROM made UNION SELECT destination FROM made
                             ORDER BY name) wanted
                 LEFT JOIN LATERAL (SELECT d.name FROM data_source d WHERE d.name = wanted.name
                                       FOR KEY SHARE) found ON true
                WHERE found.name IS NULL) THEN
        RAISE foreign_key_violation USING MESSAGE = 'a data source of a new task is not there',
            TABLE = 'task';
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER task_hold_sources AFTER INSERT ON task REFERENCING NEW TABLE AS made
    FOR EACH STATEMENT EXECUTE FUNCTION task_hold_sources();

-- A data source that a task names stays, under its name.
CREATE FUNCTION task_keep_source()
RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM task WHERE source = OLD.name)
       OR EXISTS (SELECT FROM task WHERE destination = OLD.name) THEN
        RAISE foreign_key_violation USING MESSAGE = format('tasks name the data source "%s"', OLD.name),
            TABLE = 'data_source';
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER task_keep_source AFTER DELETE OR UPDATE OF name ON data_source
    FOR EACH ROW EXECUTE FUNCTION task_keep_source();
