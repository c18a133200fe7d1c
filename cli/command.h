/*
 * cli/command.h - the commands of sluice(1): a table of nouns and verbs.
 */
#ifndef CLI_COMMAND_H
#define CLI_COMMAND_H

#include <stdbool.h>
#include <stdint.h>

#include "base/options.h"
#include "base/status.h"
#include "base/tls.h"

struct buf;
struct token_file;

/* What all commands share, and what only some use. One struct, so that an option means the same everywhere. */
struct cli_settings {
    struct options_common common;
    struct buf *notes; /* what else there is to say about an error, line by line */
    const char *gateway;
    const char *gateway_token_file;
    struct token_file *gateway_token; /* NULL: none is shown */
    struct tls_paths tls;
    int64_t timeout_ms;
    const char *output; /* "table" or "json" */

    const char *rest; /* healthcheck */
    const char *worker;
    const char *health_ca;

    const char *database_url; /* migrate, secret rotate */
    const char *database_password_file;
    const char *secret_key_file;

    const char *name; /* token create */
    const char *scopes;
    const char *expires;

    const char *type; /* source */
    const char *parameters_json;
    const char *parameters_file;
    struct option_list params;

    const char *etag; /* of what is to be changed */

    const char *source; /* task create */
    const char *destination;
    const char *reader_config;
    const char *writer_config;
    const char *driver_spec;
    int64_t instances;
    const char *file_type;
    const char *spark_params;
    const char *display_name;
    const char *request_id;
    struct option_list labels;

    const char *kind; /* task list */
    const char *state;
    const char *filter;
    bool wants_jobs;
    int64_t limit;
    bool from_start; /* task retry */
    bool is_quiet;   /* task watch */
};

struct command {
    const char *noun;
    const char *verb;     /* "" if the noun stands alone */
    const char *operands; /* "ID", for --help; "" for none */
    unsigned noperands;
    const char *help;
    /* Returns what went wrong, or OK; *ret_exit is set to another exit code than 0 if it ended well but says no. */
    struct status (*run)(const struct cli_settings *settings, const char *const *operands,
                         int *ret_exit);
};

/* Lists that end with a row without a noun. */
extern const struct command migrate_commands[];
extern const struct command source_commands[];
extern const struct command task_commands[];
extern const struct command health_commands[];
extern const struct command secret_commands[];
extern const struct command token_commands[];

#endif
