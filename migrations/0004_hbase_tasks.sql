-- 0004_hbase_tasks: tasks between HBase clusters, more types of data sources, and work for workers
-- that can do it.
--
-- Why: full migrations and incremental syncs are kinds of task; their tables may have to be found
-- out first, by a job of role PLAN. A worker can do some work and not other, so a job says what it
-- takes, in the words in which a worker says what it can do. A sync has two points in the source's
-- time.
--
-- An older program that still runs makes bulk imports from files into PostgreSQL: the default of
-- job.capability is theirs. It does not lease other jobs as long as there are none.

ALTER TABLE data_source
    DROP CONSTRAINT data_source_type_check,
    ADD CONSTRAINT data_source_type_check
        CHECK (type IN ('FILE', 'POSTGRES', 'HBASE', 'LINDORM', 'HDFS', 'S3', 'SPARK')),
    ADD COLUMN address text NOT NULL DEFAULT ''; -- the first host of it, for users to recognise

ALTER TABLE task
    DROP CONSTRAINT task_kind_check,
    ADD CONSTRAINT task_kind_check
        CHECK (kind IN ('BULKLOAD', 'FULL_MIGRATION', 'INCREMENTAL_SYNC'));

ALTER TABLE job
    DROP CONSTRAINT job_role_check,
    ADD CONSTRAINT job_role_check
        CHECK (role IN ('PLAN', 'SCHEMA', 'FULL', 'BULKLOAD', 'MERGE', 'INCR', 'CHECK')),
    ADD COLUMN capability text COLLATE "C" NOT NULL DEFAULT 'bulkload:file:postgres',
    ADD COLUMN checkpoint_time timestamptz,
    ADD COLUMN sync_time timestamptz;

DROP INDEX job_leasable;
CREATE INDEX job_leasable ON job (capability, lease_end_time, id)
    WHERE state IN ('READY', 'RUNNING');
