/*
 * cli/main.c - sluice(1): finds the command and runs it.
 *
 * Exit codes: 0 done; 1 it failed, or the answer is no; 2 the command line is wrong; 3 a watched task did not succeed, or
 * a check did not.
 */
#include <stdio.h>

#include "base/buf.h"
#include "base/core_dumps.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/thread.h"
#include "base/tls.h"
#include "base/token_file.h"
#include "cli/command.h"
#include "cli/table.h"

enum { EXIT_FAILED = 1, EXIT_USAGE = 2 };

#define ROW(option, member, value, text, secret) \
    {.name = (option), \
     .kind = OPTION_TEXT, \
     .field = offsetof(struct cli_settings, member), \
     .value_name = (value), \
     .help = (text), \
     .is_secret = (secret)}
#define TEXT_ROW(option, member, value, text) ROW(option, member, value, text, false)
#define SECRET_ROW(option, member, value, text) ROW(option, member, value, text, true)

static const struct option_row rows[] = {
    {.name = "gateway",
     .kind = OPTION_TEXT,
     .field = offsetof(struct cli_settings, gateway),
     .default_value = "127.0.0.1:50051",
     .value_name = "HOST:PORT",
     .help = "the gateway to call"},
    TEXT_ROW("gateway-token-file", gateway_token_file, "PATH",
             "the file that has the token to show to the gateway"),
    TLS_CLIENT_ROWS(struct cli_settings, tls),
    {.name = "timeout-ms",
     .kind = OPTION_NUMBER,
     .field = offsetof(struct cli_settings, timeout_ms),
     .default_value = "10000",
     .min = 1,
     .max = 600000,
     .unit = "ms",
     .value_name = "MS",
     .help = "how long a call may take"},
    {.name = "output",
     .letter = 'o',
     .kind = OPTION_TEXT,
     .field = offsetof(struct cli_settings, output),
     .default_value = "table",
     .value_name = "FORM",
     .help = "table or json"},
    SECRET_ROW("database-url", database_url, "URL",
               "migrate, token, secret rotate: the database; keep a password in a file"),
    TEXT_ROW("database-password-file", database_password_file, "PATH",
             "migrate, token, secret rotate: the file that has the database's password"),
    TEXT_ROW("secret-key-file", secret_key_file, "PATH",
             "secret rotate: the file of keys; the first one is the new one"),
    {.name = "rest",
     .kind = OPTION_TEXT,
     .field = offsetof(struct cli_settings, rest),
     .default_value = "127.0.0.1:12311",
     .value_name = "HOST:PORT",
     .help = "healthcheck rest: where sluice-rest listens"},
    {.name = "worker",
     .kind = OPTION_TEXT,
     .field = offsetof(struct cli_settings, worker),
     .default_value = "127.0.0.1:50052",
     .value_name = "HOST:PORT",
     .help = "healthcheck worker: the --health-listen of sluice-worker"},
    TEXT_ROW("name", name, "NAME", "token create: who is to have it, for the history of tasks"),
    TEXT_ROW("scopes", scopes, "SCOPES",
             "token create: what it allows: read, write, worker, admin, with commas between"),
    TEXT_ROW("expires", expires, "TIME",
             "token create: for how long: 90d, 12h, 30m; else for good"),
    TEXT_ROW(
        "health-ca", health_ca, "FILE",
        "healthcheck rest, worker: they speak TLS, with a certificate of this CA; --gateway-cert is "
        "shown to them"),
    TEXT_ROW("type", type, "TYPE", "source add: file, postgres, hbase, lindorm, hdfs, s3 or spark"),
    {.name = "param",
     .kind = OPTION_LIST,
     .field = offsetof(struct cli_settings, params),
     .value_name = "KEY=VALUE",
     .help = "source add, update: a parameter; may be given many times",
     .is_secret = true},
    SECRET_ROW("parameters-json", parameters_json, "JSON", "source add, update: all parameters"),
    TEXT_ROW("parameters-file", parameters_file, "PATH",
             "source add, update: the same from a file; no shell remembers a secret then"),
    TEXT_ROW("source", source, "NAME", "task create: where rows come from"),
    TEXT_ROW("destination", destination, "NAME", "task create: where rows go to"),
    TEXT_ROW("reader-config", reader_config, "JSON", "task create: what to read"),
    TEXT_ROW("writer-config", writer_config, "JSON", "task create: where to write"),
    TEXT_ROW("driver-spec", driver_spec, "SIZE", "task create: small, medium, large or xlarge"),
    {.name = "instances",
     .kind = OPTION_NUMBER,
     .field = offsetof(struct cli_settings, instances),
     .default_value = "1",
     .min = 1,
     .max = 1000,
     .value_name = "N",
     .help = "task create: how many executors"},
    TEXT_ROW("file-type", file_type, "TYPE", "task create: CSV or Parquet"),
    SECRET_ROW("spark-params", spark_params, "TEXT", "task create: settings for Spark"),
    TEXT_ROW("display-name", display_name, "TEXT", "task create: what to call it"),
    {.name = "label",
     .kind = OPTION_LIST,
     .field = offsetof(struct cli_settings, labels),
     .value_name = "KEY=VALUE",
     .help = "task create: what to mark it with; may be repeated"},
    TEXT_ROW("request-id", request_id, "UUID",
             "task create: sent again under the same id, no second task is made"),
    TEXT_ROW(
        "etag", etag, "ETAG",
        "task abort, retry, delete, source update, remove: only if it is still the current one"),
    TEXT_ROW("kind", kind, "KIND", "task list: only this kind"),
    TEXT_ROW("state", state, "STATE", "task list: only this state"),
    TEXT_ROW("filter", filter, "FILTER",
             "task list: only what fits, as in 'state = FAILED AND labels.team = ads'"),
    {.name = "jobs",
     .kind = OPTION_FLAG,
     .field = offsetof(struct cli_settings, wants_jobs),
     .help = "task list -o json: with the jobs of each task"},
    {.name = "limit",
     .kind = OPTION_NUMBER,
     .field = offsetof(struct cli_settings, limit),
     .default_value = "100",
     .min = 1,
     .max = INT64_MAX,
     .value_name = "N",
     .help = "task list: how many at most"},
    {.name = "from-start",
     .kind = OPTION_FLAG,
     .field = offsetof(struct cli_settings, from_start),
     .help = "task retry: forget what was done"},
    {.name = "quiet",
     .letter = 'q',
     .kind = OPTION_FLAG,
     .field = offsetof(struct cli_settings, is_quiet),
     .help = "task watch: only the end"},
    OPTIONS_COMMON_ROWS(struct cli_settings, common),
};

static void validate(const void *settings, struct buf *errors)
{
    const struct cli_settings *s = settings;
    struct tls_paths tls = s->tls;

    if (s->health_ca)
        tls.ca = s->health_ca; /* the pair is for either */
    tls_validate(TLS_CLIENT, &tls, errors);
}

static const struct option_table table = {
    .program = "sluice",
    .summary = "Works with a Sluice gateway and its database.",
    .operands = "COMMAND ...",
    .rows = rows,
    .nrows = ARRAY_LEN(rows),
    .size = sizeof(struct cli_settings),
    .common = offsetof(struct cli_settings, common),
    .validate = validate,
};

static const struct command *const groups[] = {
    migrate_commands, source_commands, task_commands,
    health_commands,  secret_commands, token_commands,
};

static void print_help(void)
{
    options_print_help(&table, stdout);
    (void)printf("\nCommands:\n");
    for (size_t i = 0; i < ARRAY_LEN(groups); i++) {
        for (const struct command *command = groups[i]; command->noun; command++) {
            char head[48];
            (void)snprintf(head, sizeof(head), "%s%s%s%s%s", command->noun,
                           command->verb[0] ? " " : "", command->verb,
                           command->operands[0] ? " " : "", command->operands);
            (void)printf("  %-22s %s\n", head, command->help);
        }
    }
    (void)printf(
        "\nExit codes: 0 done, 1 failed, 2 wrong usage, 3 a watched task, or a check, did not "
        "succeed.\n");
}

static bool is_command(const struct command *command, const struct option_list *operands)
{
    if (operands->count == 0 || strcmp(operands->items[0], command->noun) != 0)
        return false;
    return command->verb[0] == '\0' ||
           (operands->count > 1 && strcmp(operands->items[1], command->verb) == 0);
}

static const struct command *find_command(const struct option_list *operands)
{
    for (size_t i = 0; i < ARRAY_LEN(groups); i++) {
        for (const struct command *command = groups[i]; command->noun; command++) {
            if (is_command(command, operands))
                return command;
        }
    }
    return NULL;
}

/* Appends what is wrong with the command line beyond single options. */
static const struct command *check_command(const struct cli_settings *settings,
                                           const struct option_list *operands, struct buf *errors)
{
    const struct command *command = find_command(operands);

    if (operands->count == 0)
        buf_append_text(errors, "a command is missing\n");
    else if (!command)
        buf_printf(errors, "'%.40s%s%.40s' is not a command\n", operands->items[0],
                   operands->count > 1 ? " " : "", operands->count > 1 ? operands->items[1] : "");
    else if (operands->count != command->noperands + 1 + (command->verb[0] != '\0'))
        buf_printf(errors, "usage: sluice %s %s %s\n", command->noun, command->verb,
                   command->operands);
    if (strcmp(settings->output, "table") != 0 && strcmp(settings->output, "json") != 0)
        buf_printf(errors, "--output: '%.40s' is not table or json\n", settings->output);
    return command;
}

static int run(const struct command *command, struct cli_settings *settings,
               const struct option_list *operands)
{
    struct buf notes = {0};
    int exit_code = 0;
    size_t skipped = command->verb[0] != '\0' ? 2 : 1;

    settings->notes = &notes;
    struct status st = token_file_open(settings->gateway_token_file, &settings->gateway_token);
    if (st.code == STATUS_OK)
        st = command->run(settings, operands->items + skipped, &exit_code);
    token_file_close(settings->gateway_token);
    if (st.code != STATUS_OK) {
        char *text = table_copy_plain(str_from(st.text));
        (void)fprintf(stderr, "sluice: %s (%s)\n%s", text, status_code_get_name(st.code),
                      buf_get_text(&notes));
        mem_free(text);
        exit_code = EXIT_FAILED;
    }
    buf_deinit(&notes);
    return exit_code;
}

/* Does what the common options ask for; -1: a command is to be run. */
static int serve_common(const struct cli_settings *settings, const struct buf *errors)
{
    const struct options_common *common = &settings->common;

    if (common->wants_help || common->wants_version) {
        if (common->wants_help)
            print_help();
        else
            (void)printf("sluice %s\n", SLUICE_VERSION);
        return 0;
    }
    if (errors->len > 0) {
        (void)fprintf(stderr, "%sTry 'sluice --help'.\n", buf_get_text(errors));
        return EXIT_USAGE;
    }
    if (common->wants_print)
        options_print(&table, settings, stdout);
    return common->wants_print || common->wants_check ? 0 : -1;
}

int main(int argc, char **argv)
{
    struct cli_settings settings = {0};
    struct option_list operands = {0};
    struct buf errors = {0};
    enum log_level level = LOG_WARN;
    const struct command *command = NULL;
    struct status st = options_read(&table, argc, argv, &settings, &operands, &errors);

    if (st.code == STATUS_OK)
        command = check_command(&settings, &operands, &errors);
    st = log_level_read(settings.common.log_level, &level);
    if (st.code != STATUS_OK)
        buf_printf(&errors, "log-level: %s\n", st.text);
    int exit_code = serve_common(&settings, &errors);
    if (exit_code < 0) {
        if (!settings.common.allows_core_dumps)
            core_dumps_forbid();
        log_init("sluice", level == LOG_INFO ? LOG_WARN : level);
        exit_code = run(command, &settings, &operands);
    }
    buf_deinit(&errors);
    options_end(&table, &settings);
    return exit_code;
}
