/*
 * tests/unit/base/test_secret_key_file.c - keys that are taken up while others are in use.
 */
#include "base/secret_key_file.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/compiler.h"
#include "tests/harness/test.h"

#define KEY_A "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define KEY_B "ffeeddccbbaa99887766554433221100ffeeddccbbaa99887766554433221100"
#define ID_A "65930dda"

static const struct metric_family *const families[] = {SECRET_KEY_METRIC_FAMILIES};

struct fixture {
    char path[64];
    struct metrics *metrics;
    struct secret_key_file *file;
};

/* As who changes keys is to do it: whole, or not at all. */
static void write_keys(const struct fixture *fixture, const char *text)
{
    char fresh[80];

    (void)snprintf(fresh, sizeof(fresh), "%s.new", fixture->path);
    FILE *file = fopen(fresh, "w");
    if (!file)
        abort();
    (void)fputs(text, file);
    (void)fclose(file);
    check_int(rename(fresh, fixture->path), 0);
}

static void open_fixture(struct fixture *fixture, const char *text)
{
    *fixture = (struct fixture){.path = "/tmp/sluice-key-file-XXXXXX"};
    int fd = mkstemp(fixture->path);

    check(fd >= 0);
    (void)close(fd);
    write_keys(fixture, text);
    fixture->metrics = metrics_create(families, ARRAY_LEN(families));
    check_status(secret_key_file_open(fixture->path, fixture->metrics, &fixture->file), STATUS_OK);
}

static void close_fixture(struct fixture *fixture)
{
    secret_key_file_close(fixture->file);
    metrics_destroy(fixture->metrics);
    (void)unlink(fixture->path);
}

static bool shows(const struct fixture *fixture, const char *line)
{
    struct buf text = {0};

    metrics_write(fixture->metrics, &text);
    bool is_there = strstr(buf_get_text(&text), line) != NULL;
    buf_deinit(&text);
    return is_there;
}

static bool becomes(const struct fixture *fixture, const char *line)
{
    for (int i = 0; i < 3000; i++) {
        secret_key_file_refresh(fixture->file);
        if (shows(fixture, line))
            return true;
        (void)poll(NULL, 0, 10);
    }
    return false;
}

test(keys_are_taken_up_and_those_before_serve_who_has_them)
{
    struct fixture fixture;
    struct buf sealed = {0}, opened = {0};

    open_fixture(&fixture, KEY_A "\n");
    struct secret_keys *before = secret_key_file_ref_keys(fixture.file);
    check(shows(&fixture, "sluice_secret_keys{key=\"" ID_A "\",use=\"seal\"} 1\n"));
    write_keys(&fixture, KEY_B "\n" KEY_A "\n");
    check(becomes(&fixture, "sluice_secret_keys{key=\"" ID_A "\",use=\"open\"} 1\n"));
    check(!shows(&fixture, "{key=\"" ID_A "\",use=\"seal\"}"));
    check(shows(&fixture, "sluice_secret_keys_current 1\n"));

    struct secret_keys *after = secret_key_file_ref_keys(fixture.file);
    check_int((int64_t)secret_keys_get_count(after), 2);
    check_str(secret_keys_get_id(after, 1), secret_keys_get_id(before, 0));
    check_status(secret_seal(before, str_from("here"), str_from("s3cret"), &sealed), STATUS_OK);
    check_status(secret_open(after, str_from("here"), buf_get(&sealed), &opened), STATUS_OK);
    check_str(buf_get_text(&opened), "s3cret");
    buf_deinit(&sealed);
    buf_deinit(&opened);
    secret_keys_unref(before);
    secret_keys_unref(after);
    close_fixture(&fixture);
}

test(a_file_that_cannot_be_used_changes_nothing_until_it_is_mended)
{
    struct fixture fixture;

    open_fixture(&fixture, KEY_A "\n");
    write_keys(&fixture, "no key\n");
    check(becomes(&fixture, "sluice_secret_keys_current 0\n"));
    struct secret_keys *keys = secret_key_file_ref_keys(fixture.file);
    check_str(secret_keys_get_id(keys, 0), ID_A);
    secret_keys_unref(keys);
    check(shows(&fixture, "sluice_secret_keys{key=\"" ID_A "\",use=\"seal\"} 1\n"));

    check_int(unlink(fixture.path), 0);
    secret_key_file_refresh(fixture.file);
    write_keys(&fixture, KEY_B "\n");
    check(becomes(&fixture, "sluice_secret_keys_current 1\n"));
    check(!shows(&fixture, ID_A));
    close_fixture(&fixture);
}

test(without_a_path_there_are_no_keys)
{
    struct secret_key_file *file;

    check_status(secret_key_file_open(NULL, NULL, &file), STATUS_OK);
    check(!file);
    secret_key_file_refresh(file);
    check(!secret_key_file_ref_keys(file));
    secret_key_file_close(file);
    check_status(secret_key_file_open("/nowhere/keys", NULL, &file), STATUS_NOT_FOUND);
    check(!file);
}
