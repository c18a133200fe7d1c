/*
 * cli/migrate_commands.c - sluice migrate ...: the schema of Sluice's database.
 */
#include <stdio.h>

#include "cli/command.h"
#include "cli/table.h"
#include "migrations/migrations.h"

enum { EXIT_NOT_CURRENT = 1 };

static struct status require_url(const struct cli_settings *settings)
{
    if (settings->database_url)
        return status_ok();
    return status_error(STATUS_INVALID_ARGUMENT,
                        "--database-url or SLUICE_DATABASE_URL must be given");
}

static void print_applied(void *arg, const struct migration_line *line)
{
    size_t *count = arg;

    ++*count;
    (void)printf("applied %s\n", line->name);
}

static struct status migrate_up(const struct cli_settings *settings, const char *const *operands,
                                int *ret_exit)
{
    size_t count = 0;
    struct status st = require_url(settings);

    (void)operands;
    (void)ret_exit;
    if (st.code == STATUS_OK)
        st = migrations_apply(settings->database_url, migrations_files, migrations_nfiles,
                              print_applied, &count);
    if (st.code == STATUS_OK && count == 0)
        (void)printf("the schema is up to date\n");
    return st;
}

/* What "migrate status" gathers. */
struct listing {
    struct table *table;
    size_t nother; /* not applied as this program has them */
};

static void add_line(void *arg, const struct migration_line *line)
{
    struct listing *listing = arg;
    const char *cells[] = {line->name, migration_state_get_name(line->state), line->applied_time};

    listing->nother += line->state != MIGRATION_APPLIED;
    table_add(listing->table, cells);
}

static struct status migrate_status(const struct cli_settings *settings,
                                    const char *const *operands, int *ret_exit)
{
    static const char *const titles[] = {"MIGRATION", "STATE", "APPLIED"};
    struct listing listing = {0};
    struct status st = require_url(settings);

    (void)operands;
    if (st.code != STATUS_OK)
        return st;
    listing.table = table_create(titles, ARRAY_LEN(titles));
    st = migrations_list(settings->database_url, migrations_files, migrations_nfiles, add_line,
                         &listing);
    if (st.code != STATUS_OK) {
        table_destroy(listing.table);
        return st;
    }
    table_print(listing.table);
    if (listing.nother > 0)
        *ret_exit = EXIT_NOT_CURRENT;
    return st;
}

const struct command migrate_commands[] = {
    {"migrate", "up", "", 0, "bring the database's schema up to date", migrate_up},
    {"migrate", "status", "", 0, "list migrations; exit code 1 if one is not applied as it is here",
     migrate_status},
    {0},
};
