/*
 * base/options.h - a program's settings, from one table: command line, then environment, then default.
 */
#ifndef BASE_OPTIONS_H
#define BASE_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/status.h"

enum option_kind {
    OPTION_TEXT,   /* field: const char * */
    OPTION_NUMBER, /* field: int64_t, from min to max */
    OPTION_FLAG,   /* field: bool; given without a value */
    OPTION_LIST, /* field: struct option_list; may be given many times, not from the environment */
};

enum { OPTION_LIST_MAX = 32 };

/* Values or operands, in their order; borrowed from argv. */
struct option_list {
    const char *items[OPTION_LIST_MAX];
    size_t count;
};

/* A setting. --listen-port is SLUICE_LISTEN_PORT in the environment. */
struct option_row {
    const char *name; /* without dashes in front: "database-url" */
    char letter;      /* a short form, or '\0' */
    enum option_kind kind;
    size_t field;              /* offsetof(struct ..., field) */
    const char *default_value; /* NULL: none; the field is NULL, 0 or false then */
    int64_t min, max;          /* for OPTION_NUMBER */
    const char *unit;          /* "ms" and the like, or NULL */
    const char *value_name;    /* "HOST:PORT", for --help; NULL for a flag */
    const char *help;          /* one line */
    bool is_secret;            /* never shown */
    bool is_required;
};

struct option_table {
    const char *program;  /* "sluice-gateway" */
    const char *summary;  /* one sentence for --help */
    const char *operands; /* "COMMAND ..." for --help, or NULL */
    const struct option_row *rows;
    size_t nrows;
};

struct buf;

/*
 * Fills *settings, which the rows' offsets are of, from argv[1 .. argc) and the environment. Texts are borrowed from
 * them. What is no option goes to *operands, wherever it stands, and all that is behind "--"; NULL: operands are
 * refused. All errors are collected, one a line, in *errors, which the caller frees by buf_deinit; INVALID_ARGUMENT
 * when there are any.
 */
struct status options_read(const struct option_table *table, int argc, char *const *argv,
                           void *settings, struct option_list *operands, struct buf *errors)
    MUST_CHECK;

/* What --help prints. */
void options_print_help(const struct option_table *table, FILE *file);

/* The settings in force, one a line as name=value, secrets as ***. */
void options_print(const struct option_table *table, const void *settings, FILE *file);

/* What every program has at the head of its settings, and the rows for it. */
struct options_common {
    const char *log_level;
    bool wants_help;
    bool wants_version;
    bool wants_check;
};

#define OPTIONS_COMMON_ROWS(type, member) \
    {.name = "log-level", \
     .kind = OPTION_TEXT, \
     .field = offsetof(type, member.log_level), \
     .default_value = "info", \
     .value_name = "LEVEL", \
     .help = "what to log: debug, info, warn or error"}, \
        {.name = "check-config", \
         .kind = OPTION_FLAG, \
         .field = offsetof(type, member.wants_check), \
         .help = "check the settings, print them and exit"}, \
        {.name = "help", \
         .letter = 'h', \
         .kind = OPTION_FLAG, \
         .field = offsetof(type, member.wants_help), \
         .help = "print this and exit"}, \
        {.name = "version", \
         .letter = 'V', \
         .kind = OPTION_FLAG, \
         .field = offsetof(type, member.wants_version), \
         .help = "print the version and exit"}

enum options_exit {
    OPTIONS_GO_ON = -1,
    OPTIONS_EXIT_OK = 0,
    OPTIONS_EXIT_USAGE = 2,
};

/*
 * Reads the options of a program and does what the common ones ask for: prints errors, help,
 * version or the settings. Returns OPTIONS_GO_ON, or the status to exit with. On OPTIONS_GO_ON
 * the log is set up. validate may be NULL; it appends what is wrong, one a line, to errors.
 */
int options_start(const struct option_table *table, int argc, char *const *argv, void *settings,
                  const struct options_common *common,
                  void (*validate)(const void *settings, struct buf *errors));

#endif
