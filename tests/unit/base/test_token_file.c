/*
 * tests/unit/base/test_token_file.c - base/token_file.
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/token_file.h"
#include "tests/harness/test.h"

struct place {
    char folder[64];
    char path[96];
};

static void write_text(const struct place *place, const char *text)
{
    FILE *file = fopen(place->path, "w");

    if (!file)
        abort();
    (void)fputs(text, file);
    (void)fclose(file);
}

static struct place make_place(const char *text)
{
    struct place place = {.folder = "/tmp/sluice-token-XXXXXX"};

    if (!mkdtemp(place.folder))
        abort();
    (void)snprintf(place.path, sizeof(place.path), "%s/token", place.folder);
    write_text(&place, text);
    return place;
}

static void remove_place(const struct place *place)
{
    (void)unlink(place->path);
    (void)rmdir(place->folder);
}

/* Whether the file has that token in time. */
static bool becomes(struct token_file *file, const char *expected)
{
    char token[TOKEN_FILE_MAX_BYTES];

    for (int i = 0; i < 6000; i++) {
        token_file_get(file, token);
        if (strcmp(token, expected) == 0)
            return true;
        (void)poll(NULL, 0, 10);
    }
    return false;
}

test(a_token_is_read_without_what_is_around_it)
{
    struct place place = make_place("  sluice_1\n");
    struct token_file *file;

    check_status(token_file_open(place.path, &file), STATUS_OK);
    check(becomes(file, "sluice_1"));
    token_file_close(file);
    remove_place(&place);
}

test(a_token_is_read_again_when_its_file_changes_and_kept_when_it_is_spoilt)
{
    struct place place = make_place("first");
    struct token_file *file;

    check_status(token_file_open(place.path, &file), STATUS_OK);
    write_text(&place, "second");
    check(becomes(file, "second"));
    write_text(&place, "two words");
    write_text(&place, "third-and-longer");
    check(becomes(file, "third-and-longer"));
    (void)unlink(place.path);
    check(becomes(file, "third-and-longer"));
    token_file_close(file);
    remove_place(&place);
}

test(a_file_without_a_token_is_refused_and_its_content_not_shown)
{
    static const char *const texts[] = {"", " \n", "two words", "a\nb", "caf\xc3\xa9", "a\x01"};

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct place place = make_place(texts[i]);
        struct token_file *file;
        struct status st = token_file_open(place.path, &file);
        check_status(st, STATUS_INVALID_ARGUMENT);
        check(strstr(st.text, "gateway-token-file: /tmp/sluice-token-") == st.text);
        check(!strstr(st.text, "words"));
        remove_place(&place);
    }
}

test(a_token_has_its_largest_size)
{
    char text[TOKEN_FILE_MAX_BYTES + 1];
    struct token_file *file;

    memset(text, 'x', sizeof(text));
    text[TOKEN_FILE_MAX_BYTES - 1] = '\0';
    struct place place = make_place(text);
    check_status(token_file_open(place.path, &file), STATUS_OK);
    check(becomes(file, text));
    token_file_close(file);
    text[TOKEN_FILE_MAX_BYTES - 1] = 'x';
    text[TOKEN_FILE_MAX_BYTES] = '\0';
    write_text(&place, text);
    check_status(token_file_open(place.path, &file), STATUS_INVALID_ARGUMENT);
    remove_place(&place);
}

test(without_a_path_there_is_no_token)
{
    struct token_file *file;

    check_status(token_file_open(NULL, &file), STATUS_OK);
    check(file == NULL);
    check_status(token_file_open("/nowhere/token", &file), STATUS_NOT_FOUND);
}
