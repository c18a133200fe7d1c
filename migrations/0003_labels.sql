-- 0003_labels: what users call their tasks and mark them with.
--
-- Why: ids are ours; a name and labels are the users' own. Labels are an object of texts.
--
-- An older program that still runs makes tasks without either, and does not show them.

ALTER TABLE task
    ADD COLUMN display_name text NOT NULL DEFAULT '',
    ADD COLUMN labels jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(labels) = 'object');
