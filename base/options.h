/*
 * base/options.h - a program's settings, from one table: command line, then environment, then file, then default.
 */
#ifndef BASE_OPTIONS_H
#define BASE_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/status.h"

enum option_kind {
    OPTION_TEXT,   /* field: const char * */
    OPTION_NUMBER, /* field: int64_t, from min to max */
    OPTION_FLAG,   /* field: bool; given without a value */
    OPTION_LIST, /* field: struct option_list; may be given many times, not from the environment */
};

enum { OPTION_LIST_MAX = 32 };

/* Values or operands, in their order; borrowed from the settings until options_end. */
struct option_list {
    const char *items[OPTION_LIST_MAX];
    size_t count;
};

/* A setting. --listen-port is SLUICE_LISTEN_PORT in the environment, and listen-port in a file. */
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
    bool is_secret;            /* never shown, and hidden in the command line as others see it */
    bool is_required;
    bool is_command; /* asks for something once; it is on the command line only */
    bool is_live;    /* SIGHUP changes it in a program that runs */
};

enum { OPTIONS_MAX = 64 }; /* rows of a table */

struct option_table {
    const char *program;  /* "sluice-gateway" */
    const char *summary;  /* one sentence for --help */
    const char *operands; /* "COMMAND ..." for --help, or NULL */
    const struct option_row *rows;
    size_t nrows;
    size_t size;   /* of the struct that the rows' offsets are of */
    size_t common; /* the offset of struct options_common in it */
    void (*validate)(const void *settings,
                     struct buf *errors); /* may be NULL; appends what is wrong, one a line */
};

/* Where a setting is from. */
enum option_origin { OPTION_DEFAULT, OPTION_FILE, OPTION_ENVIRONMENT, OPTION_LINE };

/* What every program has in its settings. */
struct options_common {
    const char *config; /* the file with settings, or NULL */
    const char *log_level;
    bool allows_core_dumps;
    bool wants_help;
    bool wants_version;
    bool wants_check;
    bool wants_print;

    int argc;
    char **argv;                        /* a copy of the command line, which settings borrow from */
    struct buf file;                    /* what settings borrow from of it */
    unsigned char origins[OPTIONS_MAX]; /* enum option_origin of each row */
};

/*
 * Fills *settings, which is zeroed, from the command line, the environment and the file that one of them names by
 * --config (base/options_file.h). Texts are borrowed from copies, and from the environment, until options_end, which is
 * called in any case. What is no option goes to *operands, wherever it stands, and all that is behind "--"; NULL:
 * operands are refused. All errors are collected, one a line, in *errors, which the caller frees by buf_deinit;
 * INVALID_ARGUMENT when there are any. Secrets are overwritten in argv, which is what ps shows of a process.
 */
struct status options_read(const struct option_table *table, int argc, char **argv, void *settings,
                           struct option_list *operands, struct buf *errors) MUST_CHECK;

/* Wipes what options_read has kept. */
void options_end(const struct option_table *table, void *settings);

/* What --help prints. */
void options_print_help(const struct option_table *table, FILE *file);

/*
 * The settings in force, as a file for --config would have them, each with where it is from. Secrets are ***, and what
 * was not given is commented out.
 */
void options_print(const struct option_table *table, const void *settings, FILE *file);

#define OPTIONS_COMMON_ROWS(type, member) \
    {.name = "config", \
     .kind = OPTION_TEXT, \
     .field = offsetof(type, member.config), \
     .value_name = "FILE", \
     .help = \
         "a file of settings, one a line: NAME = VALUE, the names as here without the dashes"}, \
        {.name = "log-level", \
         .kind = OPTION_TEXT, \
         .field = offsetof(type, member.log_level), \
         .default_value = "info", \
         .value_name = "LEVEL", \
         .help = "what to log: debug, info, warn or error", \
         .is_live = true}, \
        {.name = "core-dumps", \
         .kind = OPTION_FLAG, \
         .field = offsetof(type, member.allows_core_dumps), \
         .help = \
             "let core files have this program's memory, secrets and all, and debuggers of its " \
             "user attach"}, \
        {.name = "check-config", \
         .kind = OPTION_FLAG, \
         .field = offsetof(type, member.wants_check), \
         .help = "check the settings and exit", \
         .is_command = true}, \
        {.name = "print-config", \
         .kind = OPTION_FLAG, \
         .field = offsetof(type, member.wants_print), \
         .help = "check the settings, print them, secrets masked, and exit", \
         .is_command = true}, \
        {.name = "help", \
         .letter = 'h', \
         .kind = OPTION_FLAG, \
         .field = offsetof(type, member.wants_help), \
         .help = "print this and exit", \
         .is_command = true}, \
    { \
        .name = "version", .letter = 'V', .kind = OPTION_FLAG, \
        .field = offsetof(type, member.wants_version), .help = "print the version and exit", \
        .is_command = true \
    }

enum options_exit {
    OPTIONS_GO_ON = -1,
    OPTIONS_EXIT_OK = 0,
    OPTIONS_EXIT_USAGE = 2,
};

/*
 * Reads the options of a service and does what the common ones ask for: prints errors, help,
 * version or the settings. Returns OPTIONS_GO_ON, or the status to exit with. On OPTIONS_GO_ON
 * the log is set up, and core dumps are forbidden unless they are asked for.
 */
int options_start(const struct option_table *table, int argc, char **argv, void *settings);

/*
 * Waits until SIGTERM or SIGINT arrives; returns its number. At each SIGHUP the settings are read again: those that are
 * live take effect, of the others that have changed the log says that they want a restart, and settings with an error
 * change nothing. Blocks.
 */
int options_wait_for_stop(const struct option_table *table, const void *settings);

#endif
