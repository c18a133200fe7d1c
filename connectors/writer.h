/*
 * connectors/writer.h - what takes rows: one vtable a kind of destination.
 *
 * A destination is opened once a job and gives each of the job's threads a writer. A split is a unit: all its rows are
 * committed together with the fact that it is done, under the job's lease token, or not at all. So a worker that
 * died, or that sleeps and wakes up without its lease, neither loses nor repeats a row. A destination without
 * transactions takes rows so that writing them twice changes nothing, and units are kept elsewhere.
 */
#ifndef CONNECTORS_WRITER_H
#define CONNECTORS_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "base/stop.h"
#include "connectors/batch.h"
#include "connectors/reader.h"
#include "spec/import_spec.h"

struct metric;
struct metrics;
struct destination; /* an implementation's own; used by the threads of one job */
struct writer;      /* an implementation's own; used by one thread */

struct destination_options {
    const char *name;            /* of the data source, for messages */
    const char *parameters_json; /* of the data source, secrets included */
    const struct import_spec *spec;
    const char *task_id;
    int64_t task_time_ms; /* when the task was created, since 1970: the same for all its attempts */
    int64_t lease_token;
    int64_t first_token; /* units under older ones are of a run before a start from the beginning */
    const struct stop *stop;
    struct metrics *metrics; /* for what the kind counts of its own; may be NULL, as the next */
    struct metric *bytes_written; /* counts what is sent of rows, also in tries that are undone */
};

/* What a split came to; it is kept with the rows. */
struct unit {
    uint32_t number; /* of the split in the plan, from 0 */
    int64_t rows_read;
    int64_t rows_written;
    int64_t bad_rows;
    uint64_t bytes_read;
};

/* Looks at rows of a sample: batches from places that have equally much of the files behind them, borrowed for the call. */
struct row_taker {
    void (*on_batch)(struct row_taker *taker, const struct batch *batch);
};

/* Where a destination may see some of the rows to come, from all parts of the files. */
struct row_sampler {
    /*
     * Reads rows as columns[0 .. the spec's ncolumns) take them, bad ones left out, and gives them to taker. *ret_size_bytes is
     * how large all files are. Errors are the reader's. Blocks.
     */
    struct status (*read)(struct row_sampler *sampler, const struct target_column *columns,
                          struct row_taker *taker, uint64_t *ret_size_bytes);
};

/*
 * Codes that all functions may return: UNAVAILABLE: the destination is down or busy, try later; CANCELLED: stop was
 * requested; ABORTED: the lease token is not the newest, drop the job; PERMISSION_DENIED; INVALID_ARGUMENT and
 * FAILED_PRECONDITION: the task cannot succeed as it is. All block.
 */
struct destination_type {
    const char *name; /* "postgres" */
    /* commit keeps the unit with its rows. Else rows can be written twice unharmed, and the caller keeps the unit once commit is done. */
    bool keeps_units;

    struct status (*open)(const struct destination_options *options, struct destination **ret);
    void (*close)(struct destination *destination); /* NULL is allowed */

    /*
     * For the SCHEMA job: checks that the table fits the spec, or makes it, for rows like those of sampler. *ret_made tells
     * which. FAILED_PRECONDITION with what does not fit.
     */
    struct status (*make_table)(struct destination *destination, struct row_sampler *sampler,
                                bool *ret_made);

    /* What the table's columns take, in the order of spec->columns; owned by destination. */
    struct status (*get_columns)(struct destination *destination,
                                 const struct target_column **ret_columns);

    /*
     * For the job that moves rows: takes the fence (from here on older tokens are refused, and what their
     * sessions left open is ended). drops_units: forget the units of an earlier run (a start from the beginning).
     * *ret_units (owned by destination, until close) are the units that are done, if keeps_units. FAILED_PRECONDITION,
     * too: drops_units, but there are units of this run, which cannot be written twice.
     */
    struct status (*begin)(struct destination *destination, bool drops_units,
                           const struct unit **ret_units, size_t *ret_nunits);

    /*
     * When all splits are committed and no writer is open: makes sure that what was committed stays, whatever happens to the server
     * from now on. *ret_units as of begin: a server that was killed, or whose standby took over, may have lost some that
     * were acknowledged, with their rows. NULL unless keeps_units.
     */
    struct status (*settle)(struct destination *destination, const struct unit **ret_units,
                            size_t *ret_nunits);

    /* After the task is over: forgets its units, if they can be written twice. Not needed for correctness. */
    void (*forget)(struct destination *destination);

    /* One for each thread, after begin. */
    struct status (*open_writer)(struct destination *destination, struct writer **ret);
    void (*close_writer)(struct writer *writer); /* rolls back what is open; NULL is allowed */

    /*
     * One split: write each batch of it, then commit or rollback. Of equal keys the later row wins. INVALID_ARGUMENT: the
     * destination refuses a row; the text names row and column where they are known. A row that could be left out instead
     * goes to refused, on the caller's thread. *ret_again set to true (with OK): nothing was committed, for a passing reason such
     * as a key that another split holds; read the split again from its start and write it once more, which then takes a
     * slower way that cannot fail so. write may ask for it, too.
     */
    struct status (*write)(struct writer *writer, const char *file, const struct batch *batch,
                           struct bad_row_sink *refused, bool *ret_again);
    struct status (*commit)(struct writer *writer, const struct unit *unit, bool *ret_again);
    void (*rollback)(struct writer *writer);
};

extern const struct destination_type hbase_destination;
extern const struct destination_type postgres_destination;

#endif
