#include "base/options.h"

#include <assert.h>
#include <ctype.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/core_dumps.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/notify.h"
#include "base/number.h"
#include "base/options_file.h"
#include "base/thread.h"

enum { NAME_BYTES = 64 }; /* the longest option name, with NUL; ours are shorter */

static const char CONFIG[] = "config";

static void *field_of(void *settings, const struct option_row *row)
{
    return (char *)settings + row->field;
}

static void set_number(void *settings, const struct option_row *row, const char *value,
                       struct buf *errors)
{
    int64_t number = 0;
    struct status st = number_read(row->name, str_from(value), row->min, row->max, &number);

    if (st.code != STATUS_OK)
        buf_printf(errors, "%s%s%s\n", st.text, row->unit ? " " : "", row->unit ? row->unit : "");
    else
        *(int64_t *)field_of(settings, row) = number;
}

static void set_flag(void *settings, const struct option_row *row, const char *value,
                     struct buf *errors)
{
    bool is_true = strcmp(value, "true") == 0 || strcmp(value, "1") == 0;

    if (!is_true && strcmp(value, "false") != 0 && strcmp(value, "0") != 0)
        buf_printf(errors, "%s: '%.40s' is not true or false\n", row->name, value);
    else
        *(bool *)field_of(settings, row) = is_true;
}

static void add_item(struct option_list *list, const char *value, struct buf *errors)
{
    if (list->count == OPTION_LIST_MAX)
        buf_printf(errors, "'%.60s': at most %d of its kind are taken\n", value, OPTION_LIST_MAX);
    else
        list->items[list->count++] = value;
}

static void set(void *settings, const struct option_row *row, const char *value, struct buf *errors)
{
    switch (row->kind) {
    case OPTION_TEXT:
        *(const char **)field_of(settings, row) = value;
        return;
    case OPTION_NUMBER:
        set_number(settings, row, value, errors);
        return;
    case OPTION_FLAG:
        set_flag(settings, row, value, errors);
        return;
    case OPTION_LIST:
        add_item(field_of(settings, row), value, errors);
        return;
    }
}

static void name_environment(const struct option_row *row, char ret[NAME_BYTES])
{
    (void)snprintf(ret, NAME_BYTES, "SLUICE_%s", row->name);
    for (char *c = ret; *c; c++)
        *c = (char)(*c == '-' ? '_' : toupper((unsigned char)*c));
}

/* Whether the environment may have it, and a file. */
static bool has_environment(const struct option_row *row)
{
    return !row->is_command && row->kind != OPTION_LIST;
}

static bool has_file(const struct option_row *row)
{
    return has_environment(row) && strcmp(row->name, CONFIG) != 0;
}

/* The settings that are being read, and what they are read from. */
struct reading {
    const struct option_table *table;
    void *settings;
    struct options_common *common;
    struct option_list *operands;
    struct buf *errors;
    char *const *
        shown; /* what others see of the command line, to hide secrets in; NULL: nothing is hidden */
    struct options_file_reader file;
};

static struct options_common *common_of(const struct option_table *table, void *settings)
{
    return (struct options_common *)(void *)((char *)settings + table->common);
}

static const struct options_common *look_at_common(const struct option_table *table,
                                                   const void *settings)
{
    return (const struct options_common *)(const void *)((const char *)settings + table->common);
}

static void set_from(struct reading *reading, const struct option_row *row, const char *value,
                     enum option_origin origin)
{
    set(reading->settings, row, value, reading->errors);
    reading->common->origins[row - reading->table->rows] = (unsigned char)origin;
}

static void take_defaults(struct reading *reading)
{
    const struct option_table *table = reading->table;

    assert(table->nrows <= OPTIONS_MAX);
    for (size_t i = 0; i < table->nrows; i++)
        if (table->rows[i].default_value)
            set_from(reading, &table->rows[i], table->rows[i].default_value, OPTION_DEFAULT);
}

static void take_environment(struct reading *reading)
{
    for (size_t i = 0; i < reading->table->nrows; i++) {
        const struct option_row *row = &reading->table->rows[i];
        char name[NAME_BYTES];

        name_environment(row, name);
        const char *value = has_environment(row) ? getenv(name) : NULL;
        /* An empty variable counts as none, as container files often leave them. */
        if (value && *value)
            set_from(reading, row, value, OPTION_ENVIRONMENT);
    }
}

static const struct option_row *find_by_name(const struct option_table *table, struct str name)
{
    for (size_t i = 0; i < table->nrows; i++) {
        if (str_is(name, table->rows[i].name))
            return &table->rows[i];
    }
    return NULL;
}

static const struct option_row *find_by_letter(const struct option_table *table, const char *arg)
{
    for (size_t i = 0; i < table->nrows; i++) {
        if (table->rows[i].letter != '\0' && arg[1] == table->rows[i].letter && arg[2] == '\0')
            return &table->rows[i];
    }
    return NULL;
}

/* How much of an argument is shown in an error: at most 60 bytes, and nothing from a '=' on. */
static int get_shown(const char *arg)
{
    size_t len = str_find_byte(str_from(arg), '=');

    return len > 60 ? 60 : (int)len;
}

/* Takes a value that stands in argv[at], and hides it there if it is secret. */
static void take_value(struct reading *reading, const struct option_row *row, int at,
                       const char *value)
{
    set_from(reading, row, value, OPTION_LINE);
    if (row->is_secret && reading->shown)
        memset(reading->shown[at] + (value - reading->common->argv[at]), '*', strlen(value));
}

/* Takes one option at argv[at]; returns how many arguments it used up. */
static int take(struct reading *reading, int at)
{
    const struct option_table *table = reading->table;
    const char *arg = reading->common->argv[at];
    struct str name = str_from(arg);
    bool is_long = str_has_prefix(name, "--");
    const char *value = NULL;

    if (is_long) {
        name = str_skip(name, 2);
        size_t sign = str_find_byte(name, '=');
        if (sign < name.len) {
            value = name.data + sign + 1;
            name.len = sign;
        }
    }
    const struct option_row *row = is_long ? find_by_name(table, name) : find_by_letter(table, arg);
    if (!row) {
        /* The value of an option that is spelt wrong may be a secret, so it is not shown. */
        buf_printf(reading->errors, "'%.*s' is not an option\n", get_shown(arg), arg);
        return 1;
    }
    if (value) {
        take_value(reading, row, at, value);
        return 1;
    }
    if (row->kind == OPTION_FLAG) {
        set_from(reading, row, "true", OPTION_LINE);
        return 1;
    }
    if (at + 1 >= reading->common->argc) {
        buf_printf(reading->errors, "--%s needs a value\n", row->name);
        return 1;
    }
    take_value(reading, row, at + 1, reading->common->argv[at + 1]);
    return 2;
}

static void take_line(struct reading *reading)
{
    char *const *argv = reading->common->argv;
    bool are_all_operands = false;

    for (int at = 1; at < reading->common->argc;) {
        bool is_option = !are_all_operands && argv[at][0] == '-' && argv[at][1] != '\0';

        if (is_option && strcmp(argv[at], "--") == 0) {
            are_all_operands = true;
            at++;
        } else if (is_option) {
            at += take(reading, at);
        } else if (reading->operands) {
            add_item(reading->operands, argv[at++], reading->errors);
        } else {
            /* It may be the value of an option that was spelt wrong, and a secret. */
            buf_printf(reading->errors, "argument %d is not an option, and no operands are taken\n",
                       at++);
        }
    }
}

static void take_setting(struct options_file_reader *file, const char *name, const char *value,
                         struct buf *errors)
{
    struct reading *reading = container_of(file, struct reading, file);
    const struct option_row *row = find_by_name(reading->table, str_from(name));

    if (!row || !has_file(row)) {
        buf_printf(errors, "'%.60s' is not a setting of %s\n", name, reading->table->program);
        return;
    }
    unsigned char *origin = &reading->common->origins[row - reading->table->rows];
    if (*origin == OPTION_FILE)
        buf_printf(errors, "'%s' is there twice\n", name);
    set(reading->settings, row, value, errors);
    *origin = OPTION_FILE;
}

/* Which file it is stands on the command line or in the environment, which are looked through for it. */
static const char *find_file(const struct reading *reading)
{
    const struct option_table *table = reading->table;
    void *settings = mem_alloc(table->size);
    struct options_common *common = common_of(table, settings);
    struct option_list operands = {0};
    struct buf errors = {0}; /* the same ones come again */
    struct reading search = {.table = table,
                             .settings = settings,
                             .common = common,
                             .operands = &operands,
                             .errors = &errors};

    common->argc = reading->common->argc;
    common->argv = reading->common->argv;
    take_environment(&search);
    take_line(&search);
    const char *path = common->config;
    buf_deinit(&errors);
    mem_free(settings);
    return path;
}

static void check_required(const struct option_table *table, void *settings, struct buf *errors)
{
    for (size_t i = 0; i < table->nrows; i++) {
        const struct option_row *row = &table->rows[i];
        char name[NAME_BYTES];

        if (!row->is_required || *(const char **)field_of(settings, row))
            continue;
        assert(row->kind == OPTION_TEXT);
        name_environment(row, name);
        buf_printf(errors, "--%s or %s must be given\n", row->name, name);
    }
}

/* Settings borrow from this copy, so that secrets can be hidden in what others see. */
static void keep_line(struct options_common *common, int argc, char *const *argv)
{
    common->argc = argc;
    common->argv = mem_alloc_array((size_t)argc + 1, sizeof(*common->argv));
    for (int i = 0; i < argc; i++)
        common->argv[i] = mem_copy_str(str_from(argv[i]));
}

static struct reading begin(const struct option_table *table, void *settings, struct buf *errors)
{
    return (struct reading){.table = table,
                            .settings = settings,
                            .common = common_of(table, settings),
                            .errors = errors,
                            .file = {take_setting}};
}

static struct status read_all(struct reading *reading, int argc, char *const *argv)
{
    keep_line(reading->common, argc, argv);
    take_defaults(reading);
    const char *path = find_file(reading);
    if (path)
        options_file_read(path, &reading->common->file, &reading->file, reading->errors);
    take_environment(reading);
    take_line(reading);
    check_required(reading->table, reading->settings, reading->errors);
    if (reading->errors->len > 0)
        return status_error(STATUS_INVALID_ARGUMENT, "the options are wrong");
    return status_ok();
}

struct status options_read(const struct option_table *table, int argc, char **argv, void *settings,
                           struct option_list *operands, struct buf *errors)
{
    struct reading reading = begin(table, settings, errors);

    reading.operands = operands;
    reading.shown = argv;
    return read_all(&reading, argc, argv);
}

void options_end(const struct option_table *table, void *settings)
{
    struct options_common *common = common_of(table, settings);

    for (int i = 0; i < common->argc; i++)
        mem_free_secret(common->argv[i]);
    mem_free(common->argv);
    if (common->file.len > 0)
        mem_wipe(common->file.data, common->file.len);
    buf_deinit(&common->file);
}

static void print_row(const struct option_row *row, FILE *file)
{
    char name[NAME_BYTES], head[2 * NAME_BYTES];
    char letter[] = {' ', ' ', ' ', ' ', '\0'};

    if (row->letter != '\0')
        letter[0] = '-', letter[1] = row->letter, letter[2] = ',';
    name_environment(row, name);
    (void)snprintf(head, sizeof(head), "%s--%s%s%s", letter, row->name, row->value_name ? " " : "",
                   row->value_name ? row->value_name : "");
    (void)fprintf(file, "  %-32s %s", head, row->help);
    if (row->kind == OPTION_NUMBER)
        (void)fprintf(file, "; %" PRId64 " to %" PRId64 "%s%s", row->min, row->max,
                      row->unit ? " " : "", row->unit ? row->unit : "");
    if (row->default_value)
        (void)fprintf(file, " (default %s)", row->default_value);
    if (has_environment(row))
        (void)fprintf(file, " [%s]", name);
    (void)fputc('\n', file);
}

void options_print_help(const struct option_table *table, FILE *file)
{
    (void)fprintf(file, "Usage: %s [OPTION ...]%s%s\n%s\n\n", table->program,
                  table->operands ? " " : "", table->operands ? table->operands : "",
                  table->summary);
    for (size_t i = 0; i < table->nrows; i++)
        print_row(&table->rows[i], file);
    (void)fputs(
        "\nThe names in brackets are the environment's. The command line goes first, then the "
        "environment, then the file that --config names.\n",
        file);
}

static bool is_given(const struct option_row *row, const void *field)
{
    return row->kind != OPTION_TEXT || *(const char *const *)field;
}

static void print_value(const struct option_row *row, const void *field, FILE *file)
{
    if (row->kind == OPTION_NUMBER)
        (void)fprintf(file, "%" PRId64, *(const int64_t *)field);
    else if (row->kind == OPTION_FLAG)
        (void)fputs(*(const bool *)field ? "true" : "false", file);
    else if (is_given(row, field))
        (void)fputs(row->is_secret ? "***" : *(const char *const *)field, file);
}

void options_print(const struct option_table *table, const void *settings, FILE *file)
{
    static const char *const origins[] = {
        [OPTION_DEFAULT] = "",
        [OPTION_FILE] = "# from the file\n",
        [OPTION_ENVIRONMENT] = "# from the environment\n",
        [OPTION_LINE] = "# from the command line\n",
    };
    const struct options_common *common = look_at_common(table, settings);

    for (size_t i = 0; i < table->nrows; i++) {
        const struct option_row *row = &table->rows[i];
        const void *field = (const char *)settings + row->field;

        if (!has_file(row))
            continue;
        (void)fprintf(file, "%s%s%s = ", origins[common->origins[i]],
                      is_given(row, field) ? "" : "# ", row->name);
        print_value(row, field, file);
        (void)fputc('\n', file);
    }
}

/* Reads the settings of a service. False: the errors of reading say what is wrong. */
static bool read_service(struct reading *reading, int argc, char *const *argv,
                         enum log_level *ret_level)
{
    struct status st = read_all(reading, argc, argv);
    struct status level = log_level_read(reading->common->log_level, ret_level);

    if (level.code != STATUS_OK)
        buf_printf(reading->errors, "log-level: %s\n", level.text);
    if (st.code == STATUS_OK && reading->table->validate)
        reading->table->validate(reading->settings, reading->errors);
    return reading->errors->len == 0;
}

/* Does what the common options ask for; returns the status to exit with, or OPTIONS_GO_ON. */
static int serve_common(const struct option_table *table, const void *settings,
                        const struct buf *errors)
{
    const struct options_common *common = look_at_common(table, settings);

    if (common->wants_help) {
        options_print_help(table, stdout);
        return OPTIONS_EXIT_OK;
    }
    if (common->wants_version) {
        (void)printf("%s %s\n", table->program, SLUICE_VERSION);
        return OPTIONS_EXIT_OK;
    }
    if (errors->len > 0) {
        (void)fprintf(stderr, "%sTry '%s --help'.\n", buf_get_text(errors), table->program);
        return OPTIONS_EXIT_USAGE;
    }
    if (common->wants_print)
        options_print(table, settings, stdout);
    return common->wants_print || common->wants_check ? OPTIONS_EXIT_OK : OPTIONS_GO_ON;
}

int options_start(const struct option_table *table, int argc, char **argv, void *settings)
{
    struct buf errors = {0};
    struct reading reading = begin(table, settings, &errors);
    enum log_level level = LOG_INFO;

    reading.shown = argv;
    (void)read_service(&reading, argc, argv, &level); /* help goes before errors */
    int exit_code = serve_common(table, settings, &errors);
    buf_deinit(&errors);
    if (exit_code != OPTIONS_GO_ON) {
        options_end(table, settings);
        return exit_code;
    }
    if (!common_of(table, settings)->allows_core_dumps)
        core_dumps_forbid();
    log_init(table->program, level);
    return exit_code;
}

static bool is_same(const struct option_row *row, const void *a, const void *b)
{
    const char *left = (const char *)a + row->field;
    const char *right = (const char *)b + row->field;

    if (row->kind == OPTION_NUMBER)
        return *(const int64_t *)(const void *)left == *(const int64_t *)(const void *)right;
    if (row->kind == OPTION_FLAG)
        return *(const bool *)left == *(const bool *)right;
    const char *left_text = *(const char *const *)(const void *)left;
    const char *right_text = *(const char *const *)(const void *)right;
    return left_text && right_text ? strcmp(left_text, right_text) == 0 : left_text == right_text;
}

static void reload(const struct option_table *table, const void *settings)
{
    const struct options_common *common = look_at_common(table, settings);
    void *fresh = mem_alloc(table->size);
    enum log_level level = LOG_INFO;
    struct buf errors = {0};
    struct reading reading = begin(table, fresh, &errors);

    if (read_service(&reading, common->argc, common->argv, &level)) {
        log_set_level(level);
        log_info("settings read again", log_str("log_level", common_of(table, fresh)->log_level));
        for (size_t i = 0; i < table->nrows; i++)
            if (has_file(&table->rows[i]) && !table->rows[i].is_live &&
                !is_same(&table->rows[i], settings, fresh))
                log_warn("a changed setting wants a restart", log_str("name", table->rows[i].name));
    } else {
        log_error("settings not read again", log_str("error", buf_get_text(&errors)));
    }
    buf_deinit(&errors);
    options_end(table, fresh);
    mem_free(fresh);
}

int options_wait_for_stop(const struct option_table *table, const void *settings)
{
    for (;;) {
        int number = thread_wait_for_signal();
        if (number != SIGHUP)
            return number;
        notify_reloading();
        reload(table, settings);
        notify_ready();
    }
}
