/*
 * connectors/postgres/writer.h - the writer of a PostgreSQL destination: one connection,
 * one split at a time.
 */
#ifndef CONNECTORS_POSTGRES_WRITER_H
#define CONNECTORS_POSTGRES_WRITER_H

#include <stdbool.h>

#include "base/status.h"
#include "connectors/postgres/ledger.h"
#include "connectors/postgres/link.h"
#include "connectors/postgres/table.h"
#include "connectors/writer.h"

/* All that it points to is borrowed until close. */
struct pg_writer_options {
    struct pg_link_options link;
    const struct pg_lease *lease;
    const struct pg_table *table;
    bool wants_different_keys;    /* equal keys within the import are refused */
    bool is_empty;                /* the table was, when the job began */
    struct metric *bytes_written; /* or NULL */
};

/* The functions of struct destination_type, which describes them. */
struct status pg_writer_open(const struct pg_writer_options *options, struct writer **ret)
    MUST_CHECK;
void pg_writer_close(struct writer *writer);
struct status pg_writer_write(struct writer *writer, const char *file, const struct batch *batch,
                              struct bad_row_sink *refused, bool *ret_again) MUST_CHECK;
struct status pg_writer_commit(struct writer *writer, const struct unit *unit, bool *ret_again)
    MUST_CHECK;
void pg_writer_rollback(struct writer *writer);

#endif
