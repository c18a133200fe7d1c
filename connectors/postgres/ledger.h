/*
 * connectors/postgres/ledger.h - what is kept beside the user's tables: fences, finished
 * units, key lists.
 *
 * All of it is in the schema sluice_import of the user's database, so that a unit's rows,
 * the fact that it is done and the check of the lease are one transaction.
 */
#ifndef CONNECTORS_POSTGRES_LEDGER_H
#define CONNECTORS_POSTGRES_LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "connectors/postgres/link.h"
#include "connectors/postgres/table.h"
#include "connectors/writer.h"

enum {
    PG_SHORT_ID_BYTES = 42,         /* 41 characters and NUL: the ids of tasks fit */
    PG_LEASE_MAX_TOKEN_DIGITS = 14, /* so that a session's name fits 63 bytes */
    PG_LEDGER_MAX_UNITS = 10 * 1000 * 1000,
};

/* Who writes: a task under one lease of its job. */
struct pg_lease {
    const char *task_id; /* borrowed */
    int64_t token;
    int64_t first_token;              /* units under older ones are of an earlier run */
    char short_id[PG_SHORT_ID_BYTES]; /* the end of the task's id: it holds what is random */
    char session_name[PG_NAME_BYTES]; /* "sluice <short id> <token>" */
};

/* INVALID_ARGUMENT: a token is out of range. */
struct status pg_lease_init(struct pg_lease *lease, const char *task_id, int64_t token,
                            int64_t first_token) MUST_CHECK;

/* Makes schema and tables as far as they are missing. */
struct status pg_ledger_make(struct pg_link *link) MUST_CHECK;

/*
 * Ends the task's sessions of this lease and older ones, but link's; refuses older tokens
 * from here on; drops the units of earlier runs if told to, and those of this run where a
 * key makes it harmless to write them again. ABORTED: there is a newer token.
 */
struct status pg_ledger_take_fence(struct pg_link *link, const struct pg_lease *lease,
                                   const struct pg_table *table, bool drops_units) MUST_CHECK;

/* ABORTED: token is not the newest. */
struct status pg_ledger_check_fence(struct pg_link *link, const struct pg_lease *lease) MUST_CHECK;

/* The units that are done, by number; owned by the caller. */
struct status pg_ledger_read_units(struct pg_link *link, const struct pg_lease *lease,
                                   struct unit **ret, size_t *ret_nunits) MUST_CHECK;

/*
 * Returns once the units of which pg_ledger_read_units tells on the same link are on the server's disk, even where its settings let
 * commits return before. ABORTED: token is not the newest, or the server has forgotten it.
 */
struct status pg_ledger_settle(struct pg_link *link, const struct pg_lease *lease) MUST_CHECK;

struct status pg_ledger_find_unit(struct pg_link *link, const struct pg_lease *lease,
                                  uint32_t number, bool *ret_found) MUST_CHECK;

/*
 * The statement that checks the fence, locks it until the commit, and adds a unit. Its
 * texts are its own.
 */
struct pg_unit_query {
    struct pg_query query;
    struct pg_number numbers[6];
};
void pg_unit_query_init(struct pg_unit_query *query, const struct pg_lease *lease,
                        const struct unit *unit, const char *file);

/* What the failure of that statement says. */
bool pg_unit_query_is_stale(const struct pg_error *error);
bool pg_unit_query_is_done(const struct pg_error *error);

/* Ends a session of ours that may still be busy, and waits until it is gone. */
struct status pg_ledger_end_session(struct pg_link *link, const char *pid, const char *start_time)
    MUST_CHECK;

/* The quoted name of the task's key list, owned by the caller. */
char *pg_ledger_get_list(const struct pg_link *link, const struct pg_lease *lease);

/* Makes the key list if it is missing; empty if drops_keys. */
struct status pg_ledger_make_list(struct pg_link *link, const struct pg_lease *lease,
                                  const struct pg_table *table, bool drops_keys) MUST_CHECK;

/* Forgets the task. */
struct status pg_ledger_forget(struct pg_link *link, const char *task_id) MUST_CHECK;

/* Forgets a few tasks that nobody has gone on with for long, as far as the role may. */
void pg_ledger_prune(struct pg_link *link);

#endif
