#include "base/options.h"

#include <assert.h>
#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/number.h"

enum { NAME_BYTES = 64 }; /* the longest option name, with NUL; ours are shorter */

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

/* What asks for one thing once, such as --help, is not taken from the environment. */
static bool has_environment(const struct option_row *row)
{
    return row->letter == '\0' && row->kind != OPTION_LIST;
}

static void set_defaults(const struct option_table *table, void *settings, struct buf *errors)
{
    for (size_t i = 0; i < table->nrows; i++) {
        const struct option_row *row = &table->rows[i];
        char name[NAME_BYTES];

        if (row->default_value)
            set(settings, row, row->default_value, errors);
        name_environment(row, name);
        const char *value = getenv(name);
        /* An empty variable counts as none, as container files often leave them. */
        if (value && *value && has_environment(row))
            set(settings, row, value, errors);
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

/* Takes one option at argv[at]; returns how many arguments it used up. */
static int take(const struct option_table *table, int argc, char *const *argv, int at,
                void *settings, struct buf *errors)
{
    struct str name = str_from(argv[at]);
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
    const struct option_row *row =
        is_long ? find_by_name(table, name) : find_by_letter(table, argv[at]);
    if (!row) {
        /* The value of an option that is spelt wrong may be a secret, so it is not shown. */
        buf_printf(errors, "'%.*s' is not an option\n", get_shown(argv[at]), argv[at]);
        return 1;
    }
    if (row->kind == OPTION_FLAG) {
        set(settings, row, value ? value : "true", errors);
        return 1;
    }
    if (value) {
        set(settings, row, value, errors);
        return 1;
    }
    if (at + 1 >= argc) {
        buf_printf(errors, "--%s needs a value\n", row->name);
        return 1;
    }
    set(settings, row, argv[at + 1], errors);
    return 2;
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

struct status options_read(const struct option_table *table, int argc, char *const *argv,
                           void *settings, struct option_list *operands, struct buf *errors)
{
    bool are_all_operands = false;

    set_defaults(table, settings, errors);
    for (int at = 1; at < argc;) {
        bool is_option = !are_all_operands && argv[at][0] == '-' && argv[at][1] != '\0';

        if (is_option && strcmp(argv[at], "--") == 0) {
            are_all_operands = true;
            at++;
        } else if (is_option) {
            at += take(table, argc, argv, at, settings, errors);
        } else if (operands) {
            add_item(operands, argv[at++], errors);
        } else {
            /* It may be the value of an option that was spelt wrong, and a secret. */
            buf_printf(errors, "argument %d is not an option, and no operands are taken\n", at++);
        }
    }
    check_required(table, settings, errors);
    if (errors->len > 0)
        return status_error(STATUS_INVALID_ARGUMENT, "the options are wrong");
    return status_ok();
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
    (void)fputs("\nThe names in brackets are the environment's; the command line goes first.\n",
                file);
}

void options_print(const struct option_table *table, const void *settings, FILE *file)
{
    for (size_t i = 0; i < table->nrows; i++) {
        const struct option_row *row = &table->rows[i];
        const void *field = (const char *)settings + row->field;
        const char *text = row->kind == OPTION_TEXT ? *(const char *const *)field : NULL;

        if (row->kind == OPTION_FLAG || row->kind == OPTION_LIST)
            continue;
        if (row->kind == OPTION_NUMBER)
            (void)fprintf(file, "%s=%" PRId64 "\n", row->name, *(const int64_t *)field);
        else
            (void)fprintf(file, "%s=%s\n", row->name,
                          text && row->is_secret ? "***"
                          : text                 ? text
                                                 : "");
    }
}

int options_start(const struct option_table *table, int argc, char *const *argv, void *settings,
                  const struct options_common *common,
                  void (*validate)(const void *settings, struct buf *errors))
{
    struct buf errors = {0};
    enum log_level level = LOG_INFO;
    struct status read = options_read(table, argc, argv, settings, NULL, &errors);

    if (common->wants_help) {
        options_print_help(table, stdout);
        buf_deinit(&errors);
        return OPTIONS_EXIT_OK;
    }
    if (common->wants_version) {
        (void)printf("%s %s\n", table->program, SLUICE_VERSION);
        buf_deinit(&errors);
        return OPTIONS_EXIT_OK;
    }
    struct status st = log_level_read(common->log_level, &level);
    if (st.code != STATUS_OK)
        buf_printf(&errors, "log-level: %s\n", st.text);
    if (read.code == STATUS_OK && validate)
        validate(settings, &errors);
    bool is_wrong = errors.len > 0;
    if (is_wrong)
        (void)fprintf(stderr, "%sTry '%s --help'.\n", buf_get_text(&errors), table->program);
    buf_deinit(&errors);
    if (is_wrong)
        return OPTIONS_EXIT_USAGE;
    if (common->wants_check) {
        options_print(table, settings, stdout);
        return OPTIONS_EXIT_OK;
    }
    log_init(table->program, level);
    return OPTIONS_GO_ON;
}
