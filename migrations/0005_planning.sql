-- 0005_planning: the jobs that follow from a plan, and tables of a sync that change.
--
-- Why: what takes several steps is a function, and so is what several statements say.
--
-- An older program that still runs does all as before.

-- What tells whether a request is the one that made a task. Labels and a name are part of it only
-- where there are some, so that digests of older tasks stay right.
CREATE FUNCTION request_digest(p_kind text, p_source text, p_destination text, p_spec bytea,
                               p_display_name text, p_labels jsonb)
RETURNS bytea LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN octet_length(marks) = 0 THEN digest ELSE sha256(digest || marks) END
      FROM (SELECT sha256(convert_to(concat_ws(E'\n', p_kind, p_source, p_destination, ''), 'UTF8')
                          || p_spec) AS digest,
                   convert_to(concat_ws(E'\n', nullif(p_display_name, ''),
                                        nullif(p_labels, '{}')::text), 'UTF8') AS marks) parts
$$;
