#include "worker/row_text.h"

#include "base/compiler.h"
#include "base/mem.h"
#include "tests/harness/test.h"

static char *write_key(const char *key, size_t len)
{
    struct buf text = {0};

    row_text_write(str_from_bytes(key, len), &text);
    return buf_take(&text);
}

test(row_text_shows_keys_as_the_shell_does)
{
    static const struct {
        const char *key;
        size_t len;
        const char *expected;
    } cases[] = {
        {"", 0, ""},
        {"row-1 ~", 7, "row-1 ~"},
        {"a\0b", 3, "a\\x00b"},
        {"\\x41", 4, "\\x5Cx41"},
        {"\177\200\377\n", 4, "\\x7F\\x80\\xFF\\x0A"},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char *text = write_key(cases[i].key, cases[i].len);

        check_str(text, cases[i].expected);
        mem_free(text);
    }
}

test(row_text_cuts_long_keys_behind_a_whole_byte)
{
    char key[ROW_TEXT_MAX_BYTES + 1];

    memset(key, 'k', sizeof(key));
    char *text = write_key(key, ROW_TEXT_MAX_BYTES);
    check_int(strlen(text), ROW_TEXT_MAX_BYTES);
    check(!strstr(text, "..."));
    mem_free(text);

    text = write_key(key, sizeof(key));
    check_int(strlen(text), ROW_TEXT_MAX_BYTES);
    check_str(text + ROW_TEXT_MAX_BYTES - 4, "k...");
    mem_free(text);

    memset(key, 0, sizeof(key));
    text = write_key(key, sizeof(key));
    check_int(strlen(text), 4 * 19 + 3);
    check_str(text + 4 * 18, "\\x00...");
    mem_free(text);
}

test(row_text_appends)
{
    struct buf text = {0};

    buf_append_text(&text, "row '");
    row_text_write(str_from("a"), &text);
    check_str(buf_get_text(&text), "row 'a");
    buf_deinit(&text);
}
