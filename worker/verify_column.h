/*
 * worker/verify_column.h - how the versions of one column differ between a row of the source and that of the destination.
 *
 * It is given the cells that only one side has, newest first, and tells what they are. Two of them that have the same value are
 * one cell whose timestamp changed. A cell that the other side would not show, because it keeps fewer versions or for a shorter
 * time, is no difference. Values are remembered by their digest and first bytes, so memory does not grow with them.
 */
#ifndef WORKER_VERIFY_COLUMN_H
#define WORKER_VERIFY_COLUMN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/sha256.h"
#include "hbase/cell.h"
#include "sluice/v1/task.pb-c.h"

enum verify_side { VERIFY_SOURCE, VERIFY_DESTINATION, VERIFY_NSIDES };

enum {
    VERIFY_VALUE_BYTES = 256, /* that are told of a value */
    VERIFY_MAX_UNPAIRED =
        1024, /* cells of a column that wait for one of the same value; then these are told */
    VERIFY_MARK_BYTES = 8,
};

/* Which cells a side keeps of a family. */
struct verify_family {
    struct str name;
    int64_t max_versions;
    int64_t min_versions; /* that are kept although they have expired */
    int64_t ttl_ms;       /* INT64_MAX: for ever */
};

/* families[0 .. nfamilies) */
struct verify_families {
    const struct verify_family *families;
    size_t nfamilies;
};

/* Tells a difference from all others of its row: a digest of what it is. */
struct verify_mark {
    uint8_t bytes[VERIFY_MARK_BYTES];
};

/* Borrowed for the call. */
struct verify_difference {
    Pb__DifferenceType type;
    struct str family;
    struct str qualifier;
    int64_t timestamps_ms[VERIFY_NSIDES]; /* 0: this side has no such cell */
    struct str values[VERIFY_NSIDES];     /* the first VERIFY_VALUE_BYTES of them */
    struct verify_mark mark;
};

struct verify_sink {
    void (*on_difference)(struct verify_sink *sink, const struct verify_difference *difference);
};

/* A value, as much as is needed of it. */
struct verify_value {
    uint8_t digest[SHA256_BYTES];
    uint8_t head[VERIFY_VALUE_BYTES];
    size_t head_len;
};

struct verify_unpaired {
    int64_t timestamp_ms;
    bool is_hidden; /* the other side would not show it */
    bool is_paired;
    struct verify_value value;
};

struct verify_column {
    struct verify_sink *sink; /* borrowed for as long as the column */
    bool has_values;          /* false: values are not known, and nothing is paired */
    struct buf family;
    struct buf qualifier;
    int64_t ncells[VERIFY_NSIDES];                   /* that were seen of the column */
    struct verify_unpaired *unpaired[VERIFY_NSIDES]; /* [side][0 .. nunpaired[side]) */
    size_t nunpaired[VERIFY_NSIDES];
    size_t ndifferences; /* told since it was last set to 0 */
    struct buf scratch;
};

/* *column is {0} but for sink and has_values; free it by verify_column_deinit. */

/* Whether the cell is of the column that is open. */
bool verify_column_has(const struct verify_column *column, const struct hbase_cell *cell);

/* Tells what is left of the column that was open, and goes to that of the cell. */
void verify_column_open(struct verify_column *column, const struct hbase_cell *cell);
void verify_column_close(struct verify_column *column);

/*
 * Whether a side that keeps cells as family says (NULL: it has no such family) would show a cell of the column at now_ms, if it had
 * the cell.
 */
bool verify_column_shows(const struct verify_column *column, enum verify_side side,
                         const struct verify_family *family, int64_t timestamp_ms, int64_t now_ms);

/* A cell of the column that both sides have, with the same value or another one. */
void verify_column_add_both(struct verify_column *column, const struct hbase_cell *source,
                            const struct hbase_cell *destination);

/* A cell of the column that only side has; is_hidden: the other one would not show it. */
void verify_column_add_one(struct verify_column *column, enum verify_side side,
                           const struct hbase_cell *cell, bool is_hidden);

void verify_column_deinit(struct verify_column *column);

#endif
