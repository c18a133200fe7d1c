-- 0015_traces: the trace that a task belongs to.
--
-- Why: who asked for a task was part of a trace (W3C Trace Context), and what workers do for it later, maybe days later, is
-- to be part of the same one. trace_caller is the span of the call that made the task and its flags, as the header
-- "traceparent" has them behind the trace's id; trace_state is the header "tracestate". All are empty without a trace.
--
-- An older program that still runs makes tasks without a trace, and hands none on.

ALTER TABLE task
    ADD COLUMN trace_id text NOT NULL DEFAULT '',
    ADD COLUMN trace_caller text NOT NULL DEFAULT '',
    ADD COLUMN trace_state text NOT NULL DEFAULT '';
