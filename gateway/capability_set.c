#include "gateway/capability_set.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/utf8.h"
#include "gateway/enum_text.h"
#include "gateway/text_array.h"
#include "sluice/v1/data_source.pb-c.h"
#include "sluice/v1/task.pb-c.h"
#include "spec/violations.h"

enum { MAX_WORD_BYTES = 40 }; /* longer than any value's name */

static const char check_prefix[] = "check:";

static bool is_check(const char *entry)
{
    return str_has_prefix(str_from(entry), check_prefix);
}

/* Whether a word is a value of the enum in lower case, other than 0. */
static bool is_value(const ProtobufCEnumDescriptor *type, struct str word)
{
    char name[MAX_WORD_BYTES];
    int value;

    if (word.len > sizeof(name))
        return false;
    for (size_t i = 0; i < word.len; i++) {
        char c = word.data[i];

        if (c >= 'A' && c <= 'Z')
            return false;
        name[i] = c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
    }
    return enum_text_read(type, str_from_bytes(name, word.len), &value) && value != 0;
}

static bool is_data_source_type(struct str word)
{
    return is_value(&pb__data_source_type__descriptor, word);
}

static bool is_capability(const char *entry)
{
    struct str rest = str_from(entry);
    struct str first = str_cut(&rest, ':');

    if (is_check(entry))
        return is_data_source_type(rest);
    if (!rest.data)
        return false;
    struct str source = str_cut(&rest, ':');
    return is_value(&pb__task_kind__descriptor, first) && is_data_source_type(source) &&
           rest.data && is_data_source_type(rest);
}

static void validate_entry(const char *entry, size_t i, struct violations *violations)
{
    struct str text = str_from(entry);

    if (text.len > CAPABILITY_MAX_BYTES)
        violations_add(violations, "capabilities",
                       "capabilities[%zu] has %zu bytes; at most %d are taken", i, text.len,
                       CAPABILITY_MAX_BYTES);
    else if (!is_capability(entry))
        violations_add(
            violations, "capabilities",
            "capabilities[%zu]: '%.*s' is neither <kind>:<source>:<destination>, such as "
            "bulkload:file:postgres, nor check:<type>, such as check:file",
            i, (int)utf8_fit(text, 60), text.data);
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static const char *write_list(const struct buf *list, struct arena *arena)
{
    return list->len > 0 ? arena_copy_str(arena, buf_get(list)) : "{}";
}

void capability_set_read(char *const *entries, size_t nentries, struct arena *arena,
                         struct violations *violations, struct capability_set *ret)
{
    struct buf jobs = {0}, checks = {0};
    unsigned nbefore = violations->count;

    if (nentries == 0 || nentries > CAPABILITY_MAX_ENTRIES)
        violations_add(violations, "capabilities",
                       "there are %zu capabilities; a worker says 1 to %d things that it can do",
                       nentries, CAPABILITY_MAX_ENTRIES);
    for (size_t i = 0; i < nentries && i < CAPABILITY_MAX_ENTRIES; i++)
        validate_entry(entries[i], i, violations);
    if (violations->count > nbefore)
        return;

    char **sorted = arena_alloc(arena, nentries * sizeof(*sorted));
    memcpy(sorted, entries, nentries * sizeof(*sorted));
    qsort(sorted, nentries, sizeof(*sorted), compare);
    for (size_t i = 0; i < nentries; i++)
        if (i == 0 || strcmp(sorted[i], sorted[i - 1]) != 0)
            text_array_add(is_check(sorted[i]) ? &checks : &jobs, sorted[i]);
    ret->jobs = write_list(&jobs, arena);
    ret->checks = write_list(&checks, arena);
    buf_deinit(&jobs);
    buf_deinit(&checks);
}

bool capability_list_has(const char *list, struct str entry)
{
    struct buf quoted = {0};

    buf_append_char(&quoted, '"');
    buf_append_str(&quoted, entry); /* of letters and colons: nothing in it is escaped */
    buf_append_char(&quoted, '"');
    bool has = strstr(list, buf_get_text(&quoted)) != NULL;
    buf_deinit(&quoted);
    return has;
}
