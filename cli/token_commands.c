/*
 * cli/token_commands.c - sluice token ...: who may call a gateway. The commands go to the database, as those that migrate do,
 * so that the first token needs none.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/compiler.h"
#include "base/json_out.h"
#include "base/mem.h"
#include "base/number.h"
#include "cli/command.h"
#include "cli/database.h"
#include "cli/table.h"
#include "store/access_token_admin.h"
#include "store/pg_session.h"

enum { MAX_EXPIRE_DAYS = 36500 };

/* Reads "90d", "12h" or "30m"; NULL is 0: never. */
static struct status read_expiry(const char *text, int64_t *ret_s)
{
    static const struct {
        char unit;
        int64_t unit_s;
    } units[] = {{'d', 86400}, {'h', 3600}, {'m', 60}, {'s', 1}};
    struct str number = str_from(text);
    int64_t count = 0;

    *ret_s = 0;
    if (!text)
        return status_ok();
    for (size_t i = 0; number.len > 0 && i < ARRAY_LEN(units); i++) {
        if (text[number.len - 1] != units[i].unit)
            continue;
        number.len--;
        struct status st = number_read("--expires", number, 1,
                                       (int64_t)MAX_EXPIRE_DAYS * 86400 / units[i].unit_s, &count);
        *ret_s = count * units[i].unit_s;
        return st;
    }
    return status_error(STATUS_INVALID_ARGUMENT,
                        "--expires: '%.40s' is not a time like 90d, 12h, 30m or 45s", text);
}

static struct status make(const struct cli_settings *settings,
                          const struct access_token_request *request,
                          char token[ACCESS_TOKEN_TEXT_BYTES], char id[ACCESS_TOKEN_ID_BYTES])
{
    struct pg_session *session = NULL;
    struct status st = database_open(settings, &session);

    if (st.code == STATUS_OK)
        st = access_token_create(session, request, token, id);
    pg_session_close(session);
    return st;
}

/* The token alone goes to standard output, so that it can go into a file. */
static struct status create(const struct cli_settings *settings, const char *const *operands,
                            int *ret_exit)
{
    struct access_token_request request = {.name = settings->name, .scopes = settings->scopes};
    char token[ACCESS_TOKEN_TEXT_BYTES], id[ACCESS_TOKEN_ID_BYTES];

    (void)operands;
    (void)ret_exit;
    if (!request.name || !request.scopes)
        return status_error(STATUS_INVALID_ARGUMENT, "--name and --scopes must be given");
    struct status st = read_expiry(settings->expires, &request.expire_s);
    if (st.code == STATUS_OK)
        st = make(settings, &request, token, id);
    if (st.code != STATUS_OK)
        return st;
    (void)printf("%s\n", token);
    (void)fprintf(stderr, "token %s is made; it is not shown again\n", id);
    mem_wipe(token, sizeof(token));
    return st;
}

/* What "token list" gathers. */
struct listing {
    struct access_token_listing lines;
    struct table *table; /* NULL: JSON is wanted */
};

static void print_text(struct json_out *out, const char *key, const char *text)
{
    if (*text == '\0')
        return;
    json_out_key(out, key);
    json_out_string(out, str_from(text));
}

static void print_line(const struct access_token_line *line)
{
    struct buf text = {0};
    struct json_out out = json_out_make(&text);

    json_out_begin_object(&out);
    print_text(&out, "id", line->id);
    print_text(&out, "name", line->name);
    print_text(&out, "scopes", line->scopes);
    print_text(&out, "state", line->state);
    print_text(&out, "createTime", line->create_time);
    print_text(&out, "expireTime", line->expire_time);
    print_text(&out, "lastUseTime", line->last_use_time);
    json_out_end_object(&out);
    (void)printf("%s\n", buf_get_text(&text));
    buf_deinit(&text);
}

static void add_line(struct access_token_listing *lines, const struct access_token_line *line)
{
    struct listing *listing = container_of(lines, struct listing, lines);
    const char *cells[] = {line->id,          line->name,        line->scopes,       line->state,
                           line->create_time, line->expire_time, line->last_use_time};

    if (listing->table)
        table_add(listing->table, cells);
    else
        print_line(line);
}

static struct status list(const struct cli_settings *settings, const char *const *operands,
                          int *ret_exit)
{
    static const char *const titles[] = {"ID",      "NAME",    "SCOPES",  "STATE",
                                         "CREATED", "EXPIRES", "LAST USE"};
    struct listing listing = {.lines = {add_line}};
    struct pg_session *session = NULL;
    struct status st = database_open(settings, &session);

    (void)operands;
    (void)ret_exit;
    if (st.code != STATUS_OK)
        return st;
    if (strcmp(settings->output, "json") != 0)
        listing.table = table_create(titles, ARRAY_LEN(titles));
    st = access_token_show_all(session, &listing.lines);
    pg_session_close(session);
    if (!listing.table)
        return st;
    if (st.code == STATUS_OK)
        table_print(listing.table);
    else
        table_destroy(listing.table);
    return st;
}

static struct status revoke(const struct cli_settings *settings, const char *const *operands,
                            int *ret_exit)
{
    struct pg_session *session = NULL;
    struct status st = database_open(settings, &session);

    (void)ret_exit;
    if (st.code == STATUS_OK)
        st = access_token_revoke(session, operands[0]);
    pg_session_close(session);
    if (st.code == STATUS_OK)
        (void)printf("token %s is revoked\n", operands[0]);
    return st;
}

const struct command token_commands[] = {
    {"token", "create", "", 0, "make a token with --name and --scopes, and print it, this once",
     create},
    {"token", "list", "", 0, "list tokens, without what they are", list},
    {"token", "revoke", "ID", 1, "have gateways refuse a token from now on", revoke},
    {0},
};
