#include "spec/table_names.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/utf8.h"
#include "spec/violations.h"

enum { MAX_SHOWN_BYTES = 60 };

/* What the parts of a name may hold besides letters and digits. */
enum name_part { NAMESPACE, QUALIFIER };
static const struct {
    const char *title;
    const char *others;
    const char *choices;
} parts[] = {
    [NAMESPACE] = {"namespace", "_", "letters, digits and '_'"},
    [QUALIFIER] = {"table", "_-.", "letters, digits, '_', '-' and '.'"},
};

struct reader {
    const struct table_names_rules *rules;
    struct violations *violations;
};

static int shown(struct str text)
{
    return (int)utf8_fit(text, MAX_SHOWN_BYTES);
}

static bool is_letter(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c >= 0x80;
}

/* The index of the first byte that a part may not hold, or text.len. */
static size_t find_illegal(struct str text, enum name_part part)
{
    size_t i = 0;

    if (part == QUALIFIER && text.len > 0 && (text.data[0] == '.' || text.data[0] == '-'))
        return 0;
    while (i < text.len && (is_letter((unsigned char)text.data[i]) ||
                            (text.data[i] && strchr(parts[part].others, text.data[i]))))
        i++;
    return i;
}

/* Whether a part of an entry is a name that HBase takes; if not, violations say so. */
static bool check_part(const struct reader *reader, const char *entry, struct str text,
                       enum name_part part)
{
    const char *field = reader->rules->field;
    const char *title = parts[part].title;
    int len = shown(str_from(entry));
    size_t illegal = find_illegal(text, part);

    if (text.len == 0)
        violations_add(reader->violations, field,
                       "'%.*s' has an empty %s; a name such as t1 or ns:t1 is expected", len, entry,
                       title);
    else if (text.len > TABLE_NAME_MAX_PART_BYTES)
        violations_add(reader->violations, field,
                       "'%.*s' has a %s of %zu bytes; at most %d are taken", len, entry, title,
                       text.len, TABLE_NAME_MAX_PART_BYTES);
    else if (str_find_byte(text, '*') < text.len)
        violations_add(reader->violations, field,
                       "'%.*s' has '*' in a name; patterns are * and ns:* only, without a '/'", len,
                       entry);
    else if (illegal < text.len)
        violations_add(reader->violations, field,
                       "'%.*s' has '%c' in its %s at byte %zu, where %s are taken%s", len, entry,
                       text.data[illegal], title, illegal + 1, parts[part].choices,
                       part == QUALIFIER ? ", the first not '-' or '.'" : "");
    else if (str_is(text, "zookeeper"))
        violations_add(reader->violations, field, "'%.*s': HBase takes no %s of that name", len,
                       entry, title);
    else
        return true;
    return false;
}

/* A name as it stands in an entry: "t1" or "ns:t1". */
static bool read_name(const struct reader *reader, const char *entry, struct str text,
                      struct table_name *ret)
{
    struct str rest = text;
    struct str first = str_cut(&rest, ':');
    bool has_namespace = rest.data != NULL;
    struct table_name name = {
        .namespace = has_namespace ? first : str_from("default"),
        .qualifier = has_namespace ? rest : first,
    };

    if (!check_part(reader, entry, name.namespace, NAMESPACE) ||
        !check_part(reader, entry, name.qualifier, QUALIFIER))
        return false;
    if (str_is(name.namespace, "hbase")) {
        violations_add(reader->violations, reader->rules->field,
                       "'%.*s' is a table of the cluster's own, which are not copied",
                       shown(str_from(entry)), entry);
        return false;
    }
    *ret = name;
    return true;
}

/* "*" or "ns:*". */
static bool read_pattern(const struct reader *reader, const char *text, struct table_entry *ret)
{
    struct str rest = str_from(text);
    struct str namespace = str_cut(&rest, ':');

    if (!reader->rules->has_patterns) {
        violations_add(reader->violations, reader->rules->field,
                       "'%.*s' is a pattern; names of tables are expected", shown(str_from(text)),
                       text);
        return false;
    }
    if (!rest.data) {
        *ret = (struct table_entry){.text = text, .kind = TABLE_ENTRY_ALL};
        return true;
    }
    if (!check_part(reader, text, namespace, NAMESPACE))
        return false;
    *ret = (struct table_entry){
        .text = text,
        .kind = TABLE_ENTRY_NAMESPACE,
        .source.namespace = namespace,
        .destination.namespace = namespace,
    };
    return true;
}

static bool is_pattern(struct str text)
{
    return str_is(text, "*") || (text.len > 2 && str_find(text, ":*") == text.len - 2 &&
                                 str_find_byte(text, '/') == text.len);
}

static bool read_entry(const struct reader *reader, const char *text, struct table_entry *ret)
{
    struct str rest = str_from(text);

    if (rest.len == 0) {
        violations_add(reader->violations, reader->rules->field,
                       "a table has an empty name; names such as t1 or ns:t1 are expected");
        return false;
    }
    if (is_pattern(rest))
        return read_pattern(reader, text, ret);

    struct str source = str_cut(&rest, '/');
    struct table_entry entry = {.text = text};
    if (!read_name(reader, text, source, &entry.source))
        return false;
    entry.destination = entry.source;
    if (rest.data && !read_name(reader, text, rest, &entry.destination))
        return false;
    *ret = entry;
    return true;
}

/* What two entries must not have in common. Patterns are compared with patterns only: a table that is named besides one
 * is taken as it is named. */

static int compare_texts(struct str a, struct str b)
{
    int order = memcmp(a.data ? a.data : "", b.data ? b.data : "", a.len < b.len ? a.len : b.len);

    return order ? order : (a.len > b.len) - (a.len < b.len);
}

static int compare_names(const struct table_name *a, const struct table_name *b)
{
    int order = compare_texts(a->namespace, b->namespace);

    return order ? order : compare_texts(a->qualifier, b->qualifier);
}

/* Entries of equal names in the order in which they were sent: they are elements of one array. */
static int compare_sources(const void *a, const void *b)
{
    const struct table_entry *left = *(const struct table_entry *const *)a;
    const struct table_entry *right = *(const struct table_entry *const *)b;
    int order = compare_names(&left->source, &right->source);

    return order ? order : (left > right) - (left < right);
}

static int compare_destinations(const void *a, const void *b)
{
    const struct table_entry *left = *(const struct table_entry *const *)a;
    const struct table_entry *right = *(const struct table_entry *const *)b;
    int order = compare_names(&left->destination, &right->destination);

    return order ? order : (left > right) - (left < right);
}

static void check_duplicates(const struct reader *reader, const struct table_entry **sorted,
                             size_t count)
{
    const char *field = reader->rules->field;

    qsort(sorted, count, sizeof(*sorted), compare_sources);
    for (size_t i = 1; i < count; i++) {
        const struct table_entry *a = sorted[i - 1], *b = sorted[i];

        if (compare_names(&a->source, &b->source) == 0)
            violations_add(reader->violations, field,
                           "'%.*s' names the same as '%.*s'; each table is expected once",
                           shown(str_from(b->text)), b->text, shown(str_from(a->text)), a->text);
        else if (sorted[0]->kind == TABLE_ENTRY_ALL && b->kind == TABLE_ENTRY_NAMESPACE)
            violations_add(reader->violations, field,
                           "'%.*s' is in '*' already; each table is expected once",
                           shown(str_from(b->text)), b->text);
    }
}

static void check_collisions(const struct reader *reader, const struct table_entry **sorted,
                             size_t count)
{
    qsort(sorted, count, sizeof(*sorted), compare_destinations);
    for (size_t i = 1; i < count; i++) {
        const struct table_entry *a = sorted[i - 1], *b = sorted[i];

        if (compare_names(&a->destination, &b->destination) == 0 &&
            compare_names(&a->source, &b->source) != 0)
            violations_add(reader->violations, reader->rules->field,
                           "'%.*s' and '%.*s' go to the same table; each needs one of its own",
                           shown(str_from(a->text)), a->text, shown(str_from(b->text)), b->text);
    }
}

/* In one cluster a destination must not be the source of an entry, of its own or another. */
static void check_onward(const struct reader *reader, const struct table_entry **sorted,
                         size_t count, const struct table_entry *entry)
{
    struct table_entry wanted = {.source = entry->destination};
    size_t low = 0, high = count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (compare_names(&sorted[middle]->source, &wanted.source) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == count || compare_names(&sorted[low]->source, &wanted.source) != 0)
        return;
    if (compare_names(&entry->source, &entry->destination) == 0)
        violations_add(reader->violations, reader->rules->field,
                       "'%.*s' would be copied onto itself, for source and destination are the same"
                       " data source; a table needs another name there, as in t1/t2",
                       shown(str_from(entry->text)), entry->text);
    else
        violations_add(reader->violations, reader->rules->field,
                       "'%.*s' goes to a table that '%.*s' copies, for source and destination are"
                       " the same data source",
                       shown(str_from(entry->text)), entry->text,
                       shown(str_from(sorted[low]->text)), sorted[low]->text);
}

static void check_entries(const struct reader *reader, const struct table_entry *entries,
                          size_t count, struct arena *arena)
{
    const struct table_entry **sorted = arena_alloc(arena, (count + 1) * sizeof(const void *));

    for (size_t i = 0; i < count; i++)
        sorted[i] = &entries[i];
    check_collisions(reader, sorted, count);
    check_duplicates(reader, sorted, count);
    for (size_t i = 0; i < count && reader->rules->is_one_source; i++)
        check_onward(reader, sorted, count, &entries[i]);
}

/* Whether there are as many entries, and of as many bytes, as are taken. */
static bool check_sizes(const struct reader *reader, char *const *texts, size_t count)
{
    size_t size = 0;

    if (count == 0) {
        violations_add(reader->violations, reader->rules->field,
                       "no table is named; 1 to %d are expected", TABLE_NAMES_MAX_COUNT);
        return false;
    }
    if (count > TABLE_NAMES_MAX_COUNT) {
        violations_add(reader->violations, reader->rules->field,
                       "more than %d tables are named; a pattern such as ns:* takes many",
                       TABLE_NAMES_MAX_COUNT);
        return false;
    }
    for (size_t i = 0; i < count; i++)
        size += strlen(texts[i]);
    if (size > TABLE_NAMES_MAX_BYTES)
        violations_add(reader->violations, reader->rules->field,
                       "the names of the tables have %zu bytes in all; at most %d are taken", size,
                       TABLE_NAMES_MAX_BYTES);
    return size <= TABLE_NAMES_MAX_BYTES;
}

void table_names_read(char *const *texts, size_t count, const struct table_names_rules *rules,
                      struct arena *arena, struct violations *violations, struct table_names *ret)
{
    const struct reader reader = {.rules = rules, .violations = violations};
    bool is_right = true;

    if (!check_sizes(&reader, texts, count))
        return;
    struct table_entry *entries = arena_alloc(arena, count * sizeof(*entries));
    struct table_names names = {.entries = entries, .count = count};
    for (size_t i = 0; i < count; i++) {
        is_right = read_entry(&reader, texts[i], &entries[i]) && is_right;
        names.has_pattern = names.has_pattern || entries[i].kind != TABLE_ENTRY_ONE;
    }
    if (is_right)
        check_entries(&reader, entries, count, arena);
    *ret = names;
}
