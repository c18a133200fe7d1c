/*
 * cli/migrate_commands.c - sluice migrate ...: the schema of Sluice's database.
 */
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/json_out.h"
#include "base/mem.h"
#include "cli/command.h"
#include "cli/database.h"
#include "cli/table.h"
#include "migrations/migrations.h"

enum { EXIT_NOT_CURRENT = 1 };

static void print_applied(void *arg, const struct migration_line *line)
{
    size_t *count = arg;

    ++*count;
    (void)printf("applied %s\n", line->name);
}

static struct status migrate_up(const struct cli_settings *settings, const char *const *operands,
                                int *ret_exit)
{
    char *url = NULL;
    size_t count = 0;
    struct status st = database_make_url(settings, &url);

    (void)operands;
    (void)ret_exit;
    if (st.code == STATUS_OK)
        st = migrations_apply(url, migrations_files, migrations_nfiles, print_applied, &count);
    mem_free_secret(url);
    if (st.code == STATUS_OK && count == 0)
        (void)printf("the schema is up to date\n");
    return st;
}

/* What "migrate status" gathers. */
struct listing {
    struct table *table;
    bool wants_json;
    size_t nother; /* not applied as this program has them */
};

static void print_line(const struct migration_line *line)
{
    struct buf text = {0};
    struct json_out out = json_out_make(&text);

    json_out_begin_object(&out);
    json_out_key(&out, "migration");
    json_out_string(&out, str_from(line->name));
    json_out_key(&out, "state");
    json_out_string(&out, str_from(migration_state_get_name(line->state)));
    if (line->applied_time) {
        json_out_key(&out, "appliedTime");
        json_out_string(&out, str_from(line->applied_time));
    }
    json_out_end_object(&out);
    (void)printf("%s\n", buf_get_text(&text));
    buf_deinit(&text);
}

static void add_line(void *arg, const struct migration_line *line)
{
    struct listing *listing = arg;
    const char *cells[] = {line->name, migration_state_get_name(line->state), line->applied_time};

    listing->nother += line->state != MIGRATION_APPLIED;
    if (listing->wants_json) {
        print_line(line);
        return;
    }
    table_add(listing->table, cells);
}

static struct status migrate_status(const struct cli_settings *settings,
                                    const char *const *operands, int *ret_exit)
{
    static const char *const titles[] = {"MIGRATION", "STATE", "APPLIED"};
    struct listing listing = {0};
    char *url = NULL;
    struct status st = database_make_url(settings, &url);

    (void)operands;
    if (st.code != STATUS_OK)
        return st;
    listing.wants_json = strcmp(settings->output, "json") == 0;
    listing.table = table_create(titles, ARRAY_LEN(titles));
    st = migrations_list(url, migrations_files, migrations_nfiles, add_line, &listing);
    mem_free_secret(url);
    if (st.code != STATUS_OK || listing.wants_json)
        table_destroy(listing.table);
    else
        table_print(listing.table);
    if (st.code != STATUS_OK)
        return st;
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
