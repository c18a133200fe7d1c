-- $1: 32 hex digits; $2, $3: data sources; $4: the spec.
INSERT INTO task (id, kind, source, destination, spec, state, stage)
VALUES ('proc-' || nextval('bulkload_number') || '-' || $1, 'BULKLOAD', $2, $3, $4, 'PENDING', 'WAIT_FOR_START')
RETURNING id, kind, source, destination, state, stage, version, create_time, update_time
