/*
 * worker/verify_suspects.h - rows that differ, and what becomes of them when they are looked at again.
 *
 * While tables are compared they change: one side may be read before a change has come to the other. So a difference counts
 * only if each later look finds the very same one; a row in which always another cell has not arrived yet is no suspect.
 */
#ifndef WORKER_VERIFY_SUSPECTS_H
#define WORKER_VERIFY_SUSPECTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sluice/v1/task.pb-c.h"
#include "worker/verify_column.h"

struct verify_suspects;

enum {
    /* Differences of a row that are told apart. Those beyond are only counted, as the last look finds them. */
    VERIFY_MAX_TRACKED = 65536,
    VERIFY_MAX_DETAILS = 1000,
    VERIFY_MAX_QUALIFIER_BYTES = 1024, /* that a detail has */
    VERIFY_NTYPES = PB__DIFFERENCE_TYPE__DIFFERENCE_TYPE_CHANGED_TIMESTAMP + 1,
};

/* How many differences there are, by type, and how many of them were made right. */
struct verify_tally {
    int64_t counts[VERIFY_NTYPES];
    int64_t nrepaired;
};

/* No suspects. */
struct verify_suspects *verify_suspects_create(void) MUST_CHECK;
void verify_suspects_destroy(struct verify_suspects *suspects); /* NULL is allowed */

/* Forgets all of them. */
void verify_suspects_clear(struct verify_suspects *suspects);

/* Notes a difference that is seen for the first time. Rows come in order; ordinal is the row's number among all. */
void verify_suspects_note(struct verify_suspects *suspects, struct str row, int64_t ordinal,
                          const struct verify_difference *difference);

/* About what they take in memory. */
size_t verify_suspects_get_size_bytes(const struct verify_suspects *suspects);

/* Those that are to be looked at: row i of them, in order, borrowed until verify_suspects_clear, and its ordinal. */
size_t verify_suspects_count(const struct verify_suspects *suspects);
struct str verify_suspects_get_row(const struct verify_suspects *suspects, size_t i);
int64_t verify_suspects_get_ordinal(const struct verify_suspects *suspects, size_t i);

/*
 * A look: tells what is seen, row by row in order; rows that are not to be looked at may be among them. From its end on only those
 * are to be looked at in which something was seen that had been there before. is_last: what is seen is kept for
 * verify_suspects_get_details.
 */
void verify_suspects_begin_look(struct verify_suspects *suspects, bool is_last);
void verify_suspects_see(struct verify_suspects *suspects, struct str row,
                         const struct verify_difference *difference);
void verify_suspects_end_look(struct verify_suspects *suspects);

/*
 * What the last look has left is to be repaired, and looked at anew: the next look takes all that it sees in these rows. Between
 * the two, rows in order may be asked for whether they are to be repaired, and differences whether they were there.
 */
void verify_suspects_begin_repair(struct verify_suspects *suspects);
bool verify_suspects_has_row(struct verify_suspects *suspects, struct str row);
bool verify_suspects_has(struct verify_suspects *suspects, struct str row,
                         const struct verify_difference *difference);

/* What the looks came to: what differed before any repair, and what has come to light since. */
void verify_suspects_add_up(struct verify_suspects *suspects, struct verify_tally *ret);

/*
 * After verify_suspects_add_up, the first of these: (*ret)[0 .. count), at most VERIFY_MAX_DETAILS, without tables and
 * numbers. Borrowed until verify_suspects_clear.
 */
size_t verify_suspects_get_details(struct verify_suspects *suspects, Pb__Difference ***ret);

#endif
