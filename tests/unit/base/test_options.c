/*
 * tests/unit/base/test_options.c - settings from the command line, the environment and a file.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/options.h"
#include "tests/harness/test.h"

struct settings {
    struct options_common common;
    const char *name;
    int64_t size;
    bool is_loud;
    struct option_list params;
    const char *password;
};

static const struct option_row rows[] = {
    {.name = "test-name",
     .kind = OPTION_TEXT,
     .field = offsetof(struct settings, name),
     .default_value = "nobody",
     .help = "a name"},
    {.name = "test-size",
     .kind = OPTION_NUMBER,
     .field = offsetof(struct settings, size),
     .default_value = "3",
     .min = 1,
     .max = 9,
     .unit = "cm",
     .help = "a size"},
    {.name = "loud",
     .letter = 'l',
     .kind = OPTION_FLAG,
     .field = offsetof(struct settings, is_loud),
     .help = "say it loud"},
    {.name = "param",
     .kind = OPTION_LIST,
     .field = offsetof(struct settings, params),
     .help = "more"},
    {.name = "password",
     .kind = OPTION_TEXT,
     .field = offsetof(struct settings, password),
     .help = "what nobody sees",
     .is_secret = true},
    OPTIONS_COMMON_ROWS(struct settings, common),
};
static const struct option_table table = {
    .program = "test",
    .summary = "A test.",
    .rows = rows,
    .nrows = ARRAY_LEN(rows),
    .size = sizeof(struct settings),
    .common = offsetof(struct settings, common),
};

/* Reads a command line of up to six words. */
static struct status read_words(struct settings *settings, struct option_list *operands,
                                struct buf *errors, const char *const *words)
{
    char *argv[8] = {(char *)(uintptr_t)"test"};
    int argc = 1;

    for (; words[argc - 1]; argc++)
        argv[argc] = (char *)(uintptr_t)words[argc - 1];
    return options_read(&table, argc, argv, settings, operands, errors);
}

test(options_take_the_line_before_the_environment_before_the_default)
{
    struct settings settings = {0};
    struct buf errors = {0};

    check_int(setenv("SLUICE_TEST_SIZE", "5", 1), 0);
    check_int(setenv("SLUICE_TEST_NAME", "env", 1), 0);
    const char *const words[] = {"--test-name=line", "-l", NULL};
    check_status(read_words(&settings, NULL, &errors, words), STATUS_OK);
    check_str(settings.name, "line");
    check_int(settings.size, 5);
    check(settings.is_loud);
    check_int(unsetenv("SLUICE_TEST_SIZE") + unsetenv("SLUICE_TEST_NAME"), 0);
    struct settings plain = {0};
    const char *const none[] = {NULL};
    check_status(read_words(&plain, NULL, &errors, none), STATUS_OK);
    check_str(plain.name, "nobody");
    check_int(plain.size, 3);
    options_end(&table, &plain);
    options_end(&table, &settings);
    buf_deinit(&errors);
}

test(options_report_all_errors_at_once)
{
    struct settings settings = {0};
    struct buf errors = {0};
    const char *const words[] = {"--test-size", "12", "--nope=s3cret", "s3cret", "--param", NULL};

    check_status(read_words(&settings, NULL, &errors, words), STATUS_INVALID_ARGUMENT);
    check_str(buf_get_text(&errors), "test-size: '12' is not a whole number from 1 to 9 cm\n"
                                     "'--nope' is not an option\n"
                                     "argument 4 is not an option, and no operands are taken\n"
                                     "--param needs a value\n");
    options_end(&table, &settings);
    buf_deinit(&errors);
}

test(options_collect_operands_and_lists_wherever_they_stand)
{
    struct settings settings = {0};
    struct option_list operands = {0};
    struct buf errors = {0};
    const char *const words[] = {"get", "--param", "a=1", "--param=b=2", "--", "-l", NULL};

    check_status(read_words(&settings, &operands, &errors, words), STATUS_OK);
    check_int(operands.count, 2);
    check_str(operands.items[0], "get");
    check_str(operands.items[1], "-l");
    check(!settings.is_loud);
    check_int(settings.params.count, 2);
    check_str(settings.params.items[1], "b=2");
    options_end(&table, &settings);
    buf_deinit(&errors);
}

test(options_hide_secrets_in_the_command_line_that_others_see)
{
    char words[][32] = {"test", "--password", "s3cret", "--test-name=n", "--password=b3tter", "x"};
    char *argv[ARRAY_LEN(words) + 1] = {0};
    struct settings settings = {0};
    struct option_list operands = {0};
    struct buf errors = {0};

    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        argv[i] = words[i];
    check_status(options_read(&table, (int)ARRAY_LEN(words), argv, &settings, &operands, &errors),
                 STATUS_OK);
    check_str(settings.password, "b3tter");
    check_str(settings.name, "n");
    check_str(words[1], "--password");
    check_str(words[2], "******");
    check_str(words[3], "--test-name=n");
    check_str(words[4], "--password=******");
    check_str(words[5], "x");
    options_end(&table, &settings);
    buf_deinit(&errors);
}

/* Reads the settings of a file with that text; the path is in *ret_path. */
static struct status read_file(struct settings *settings, struct buf *errors, const char *text,
                               size_t len, char ret_path[64])
{
    (void)snprintf(ret_path, 64, "/tmp/sluice-test-options-%d", (int)getpid());
    FILE *file = fopen(ret_path, "w");
    check(file != NULL);
    check_int(fwrite(text, 1, len, file), len);
    check_int(fclose(file), 0);

    const char *const words[] = {"--config", ret_path, "--param", "a=1", NULL};
    struct status st = read_words(settings, NULL, errors, words);
    check_int(unlink(ret_path), 0);
    return st;
}

test(options_take_a_file_before_the_default_and_after_the_environment)
{
    static const char text[] =
        "# what a comment says\n\n  test-name =  a = b # c  \r\ntest-size=7\nloud=true";
    struct settings settings = {0};
    struct buf errors = {0};
    char path[64];

    check_int(setenv("SLUICE_TEST_SIZE", "5", 1), 0);
    check_status(read_file(&settings, &errors, text, sizeof(text) - 1, path), STATUS_OK);
    check_int(unsetenv("SLUICE_TEST_SIZE"), 0);
    check_str(settings.name, "a = b # c");
    check_int(settings.size, 5);
    check(settings.is_loud);
    check_int(settings.params.count, 1);
    check_int(settings.common.origins[0], OPTION_FILE);
    check_int(settings.common.origins[1], OPTION_ENVIRONMENT);
    options_end(&table, &settings);
    buf_deinit(&errors);
}

test(options_name_the_line_of_what_is_wrong_in_a_file)
{
    static const char text[] = "test-size = 12\nnope = s3cret\nloud\ntest-name = x\ntest-name = y\n"
                               "config = other\nparam = a=1\nhelp = true\nloud =\n= 3\n";
    struct settings settings = {0};
    struct buf errors = {0}, expected = {0};
    char path[64];

    check_status(read_file(&settings, &errors, text, sizeof(text) - 1, path),
                 STATUS_INVALID_ARGUMENT);
    buf_printf(&expected,
               "%s:1: test-size: '12' is not a whole number from 1 to 9 cm\n"
               "%s:2: 'nope' is not a setting of test\n"
               "%s:3: is not NAME = VALUE\n"
               "%s:5: 'test-name' is there twice\n"
               "%s:6: 'config' is not a setting of test\n"
               "%s:7: 'param' is not a setting of test\n"
               "%s:8: 'help' is not a setting of test\n"
               "%s:9: has no value; without its line it is the default\n"
               "%s:10: '' is not a setting of test\n",
               path, path, path, path, path, path, path, path, path);
    check_str(buf_get_text(&errors), buf_get_text(&expected));
    options_end(&table, &settings);
    buf_deinit(&expected);
    buf_deinit(&errors);
}

test(options_refuse_a_file_that_is_none)
{
    static char large[64 * 1024 + 1];
    struct settings settings = {0}, other = {0}, third = {0};
    struct buf errors = {0};
    char path[64];
    const char *const words[] = {"--config", "/nonexistent/sluice.conf", NULL};

    check_status(read_words(&settings, NULL, &errors, words), STATUS_INVALID_ARGUMENT);
    check_str(buf_get_text(&errors),
              "config: /nonexistent/sluice.conf cannot be read: No such file or directory\n");
    buf_clear(&errors);
    check_status(read_file(&other, &errors, "test-size = 3\0\n", 15, path),
                 STATUS_INVALID_ARGUMENT);
    check(str_find(buf_get(&errors), "so it is no text") < errors.len);
    buf_clear(&errors);
    memset(large, '\n', sizeof(large));
    check_status(read_file(&third, &errors, large, sizeof(large), path), STATUS_INVALID_ARGUMENT);
    check(str_find(buf_get(&errors), "has more than 65536 bytes") < errors.len);
    buf_deinit(&errors);
    options_end(&table, &settings);
    options_end(&table, &other);
    options_end(&table, &third);
}
