#include "base/options_file.h"

#include "base/file.h"
#include "base/mem.h"

enum { MAX_FILE_BYTES = 64 * 1024 };

static struct status load(const char *path, struct buf *content)
{
    char *text = NULL;
    struct status st = file_read_text("config", path, MAX_FILE_BYTES, &text);

    if (st.code == STATUS_OK)
        buf_append_text(content, text);
    mem_free_secret(text);
    return st;
}

/* Ends a text where it ends: it is followed by a byte that is not wanted any more, or by the end of all. */
static const char *terminate(struct str text)
{
    char *data = (char *)(uintptr_t)text.data;

    data[text.len] = '\0';
    return data;
}

static void take_line(struct str line, struct options_file_reader *reader, struct buf *errors)
{
    size_t sign = str_find_byte(line, '=');

    if (sign == line.len) {
        buf_append_text(errors, "is not NAME = VALUE\n");
        return;
    }
    struct str value = str_trim(str_skip(line, sign + 1));
    struct str name = str_trim((struct str){.data = line.data, .len = sign});
    if (value.len == 0) {
        buf_append_text(errors, "has no value; without its line it is the default\n");
        return;
    }
    const char *value_text = terminate(value);
    reader->take(reader, terminate(name), value_text, errors);
}

void options_file_read(const char *path, struct buf *content, struct options_file_reader *reader,
                       struct buf *errors)
{
    struct buf wrong = {0};
    struct status st = load(path, content);

    if (st.code != STATUS_OK) {
        buf_printf(errors, "%s\n", st.text);
        return;
    }
    struct str rest = buf_get(content);
    for (int number = 1; rest.len > 0; number++) {
        struct str line = str_trim(str_cut(&rest, '\n'));

        if (line.len == 0 || line.data[0] == '#')
            continue;
        take_line(line, reader, &wrong);
        if (wrong.len > 0)
            buf_printf(errors, "%s:%d: %s", path, number, buf_get_text(&wrong));
        buf_clear(&wrong);
    }
    buf_deinit(&wrong);
}
