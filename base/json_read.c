/*
 * base/json_read.c - one pass over a copy of the text, in which strings are decoded in their place.
 *
 * All of a document is in one arena. Values are collected on a stack until the array or object around them ends, and move
 * into the arena then, side by side: so they are counted, and reached by number. Keys of objects that have more than a few
 * are sorted, so that no text takes more time than its length times its logarithm.
 */
#include "base/json_in.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/compiler.h"
#include "base/json_value.h"
#include "base/mem.h"
#include "base/number.h"
#include "base/utf8.h"

enum {
    FIRST_ITEMS = 16, /* of the stack */
    FEW_KEYS = 8,     /* so many are compared one by one */
};

struct document {
    struct arena *arena;
    struct json root;
};

struct reader {
    struct arena *arena;
    char *at; /* in the copy, behind which is a zero byte */
    const char *end;
    struct json *stack;
    size_t nstack;
    size_t stack_size;
    unsigned depth;
    const char *fault; /* what is wrong at at */
};

static bool fail(struct reader *reader, const char *fault)
{
    reader->fault = reader->at == reader->end ? "the text ends early" : fault;
    return false;
}

static void skip_spaces(struct reader *reader)
{
    while (*reader->at == ' ' || *reader->at == '\n' || *reader->at == '\r' || *reader->at == '\t')
        reader->at++;
}

/* Strings. */

static bool read_unit(struct reader *reader, unsigned *ret)
{
    unsigned unit = 0;

    for (int i = 0; i < 4; i++) {
        unsigned digit = (unsigned char)*reader->at - (unsigned)'0';
        unsigned letter = ((unsigned char)*reader->at | 0x20U) - (unsigned)'a';
        if (digit > 9 && letter > 5)
            return fail(reader, "invalid escape");
        unit = unit << 4 | (digit <= 9 ? digit : letter + 10);
        reader->at++;
    }
    *ret = unit;
    return true;
}

/* Behind "\u"; of a character beyond the first 65536 there are two (RFC 8259, section 7). */
static bool read_code(struct reader *reader, unsigned *ret)
{
    unsigned low = 0;

    if (!read_unit(reader, ret))
        return false;
    if (*ret == 0)
        return fail(reader, "\\u0000 is not allowed");
    if (*ret < 0xd800 || *ret > 0xdfff)
        return true;
    if (*ret > 0xdbff || reader->at[0] != '\\' || reader->at[1] != 'u')
        return fail(reader, "half a surrogate pair");
    reader->at += 2;
    if (!read_unit(reader, &low))
        return false;
    if (low < 0xdc00 || low > 0xdfff)
        return fail(reader, "half a surrogate pair");
    *ret = 0x10000 + ((*ret - 0xd800) << 10) + (low - 0xdc00);
    return true;
}

/* As UTF-8, which takes less room than the escape did. */
static char *write_code(unsigned code, char *to)
{
    static const struct {
        unsigned end;
        unsigned char mark;
    } forms[] = {{0x80, 0}, {0x800, 0xc0}, {0x10000, 0xe0}, {0x110000, 0xf0}};
    size_t n = 0;

    while (code >= forms[n].end)
        n++;
    for (size_t i = n; i > 0; i--, code >>= 6)
        to[i] = (char)(0x80 | (code & 0x3f));
    to[0] = (char)(forms[n].mark | code);
    return to + n + 1;
}

/* Behind a backslash. Moves *to behind what it stands for. */
static bool read_escape(struct reader *reader, char **to)
{
    static const char marks[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
    const char *mark = *reader->at ? strchr(marks, *reader->at) : NULL;
    unsigned code = 0;

    if (mark) {
        *(*to)++ = meant[mark - marks];
        reader->at++;
        return true;
    }
    if (*reader->at != 'u')
        return fail(reader, "invalid escape");
    reader->at++;
    if (!read_code(reader, &code))
        return false;
    *to = write_code(code, *to);
    return true;
}

static bool is_plain(char c)
{
    return (unsigned char)c >= 0x20 && c != '"' && c != '\\';
}

/* At its quote. What is read has a zero byte behind it, at the closing quote at the latest. */
static bool read_string(struct reader *reader, struct str *ret)
{
    char *from = ++reader->at;

    while (is_plain(*reader->at))
        reader->at++;
    char *to = reader->at;
    while (*reader->at != '"') {
        if (is_plain(*reader->at)) {
            *to++ = *reader->at++;
        } else if (*reader->at == '\\') {
            reader->at++;
            if (!read_escape(reader, &to))
                return false;
        } else {
            return fail(reader, "control character in a string");
        }
    }
    reader->at++;
    *to = '\0';
    *ret = str_from_bytes(from, (size_t)(to - from));
    return true;
}

/* Numbers and names. */

static bool skip_digits(struct reader *reader)
{
    const char *from = reader->at;

    while (*reader->at >= '0' && *reader->at <= '9')
        reader->at++;
    return reader->at > from;
}

static bool skip_fraction(struct reader *reader)
{
    if (*reader->at == '.') {
        reader->at++;
        if (!skip_digits(reader))
            return false;
    }
    if (*reader->at != 'e' && *reader->at != 'E')
        return true;
    reader->at++;
    if (*reader->at == '-' || *reader->at == '+')
        reader->at++;
    return skip_digits(reader);
}

static bool read_number(struct reader *reader, struct json *ret)
{
    char *from = reader->at;

    if (*reader->at == '-')
        reader->at++;
    bool has_zero = *reader->at == '0'; /* nothing follows it */
    const char *digits = reader->at;
    if (!skip_digits(reader) || (has_zero && reader->at - digits > 1))
        return fail(reader, "invalid number");
    struct str text = str_from_bytes(from, (size_t)(reader->at - from));
    if (!skip_fraction(reader))
        return fail(reader, "invalid number");
    if (reader->at == from + text.len) {
        ret->kind = JSON_KIND_INT;
        return number_read("", text, INT64_MIN, INT64_MAX, &ret->integer).code == STATUS_OK ||
               fail(reader, "number out of range");
    }
    ret->kind = JSON_KIND_REAL;
    ret->real = strtod(from, NULL);
    return isfinite(ret->real) || fail(reader, "number out of range");
}

static bool read_name(struct reader *reader, struct json *ret)
{
    static const struct {
        struct str text;
        enum json_kind kind;
        bool is_true;
    } names[] = {
        {{"true", 4}, JSON_KIND_BOOL, true},
        {{"false", 5}, JSON_KIND_BOOL, false},
        {{"null", 4}, JSON_KIND_NULL, false},
    };

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (strncmp(reader->at, names[i].text.data, names[i].text.len) != 0)
            continue;
        reader->at += names[i].text.len;
        ret->kind = names[i].kind;
        ret->is_true = names[i].is_true;
        return true;
    }
    return fail(reader, "invalid token");
}

/* Arrays and objects. */

static void push(struct reader *reader, const struct json *item)
{
    if (reader->nstack == reader->stack_size) {
        reader->stack_size = reader->stack_size ? 2 * reader->stack_size : FIRST_ITEMS;
        reader->stack = mem_realloc_array(reader->stack, reader->stack_size, sizeof(*item));
    }
    reader->stack[reader->nstack++] = *item;
}

/* What is on the stack from first on becomes the items of ret. */
static void take_items(struct reader *reader, size_t first, struct json *ret)
{
    ret->count = reader->nstack - first;
    if (ret->count == 0)
        return;
    ret->items = arena_alloc(reader->arena, ret->count * sizeof(*ret->items));
    memcpy(ret->items, &reader->stack[first], ret->count * sizeof(*ret->items));
    reader->nstack = first;
}

static int compare_members(const void *a, const void *b)
{
    return json_compare_keys((*(const struct json *const *)a)->key,
                             (*(const struct json *const *)b)->key);
}

static bool has_twice(const struct json *object, size_t index)
{
    for (size_t i = 0; i < index; i++) {
        if (str_is_equal(object->items[i].key, object->items[index].key))
            return true;
    }
    return false;
}

static bool check_keys(struct reader *reader, struct json *object)
{
    bool is_twice = false;

    if (object->count > FEW_KEYS) {
        object->by_key = arena_alloc(reader->arena, object->count * sizeof(struct json *));
        for (size_t i = 0; i < object->count; i++)
            object->by_key[i] = &object->items[i];
        qsort(object->by_key, object->count, sizeof(struct json *), compare_members);
    }
    for (size_t i = 1; i < object->count && !is_twice; i++)
        is_twice = object->by_key ? compare_members(&object->by_key[i - 1], &object->by_key[i]) == 0
                                  : has_twice(object, i);
    return !is_twice || fail(reader, "duplicate key");
}

static bool read_key(struct reader *reader, struct str *ret)
{
    if (*reader->at != '"')
        return fail(reader, "a key in quotes expected");
    if (!read_string(reader, ret))
        return false;
    skip_spaces(reader);
    if (*reader->at != ':')
        return fail(reader, "':' expected");
    reader->at++;
    return true;
}

static bool read_value(struct reader *reader, struct json *ret);

/* Behind the bracket, up to and with the one that closes. */
static bool read_items(struct reader *reader, struct json *ret)
{
    bool is_object = ret->kind == JSON_KIND_OBJECT;
    char close = is_object ? '}' : ']';
    size_t first = reader->nstack;

    skip_spaces(reader);
    while (*reader->at != close || reader->nstack > first) { /* not behind a comma */
        struct json item = {.kind = JSON_KIND_NULL};
        if (is_object && !read_key(reader, &item.key))
            return false;
        if (!read_value(reader, &item))
            return false;
        push(reader, &item);
        skip_spaces(reader);
        if (*reader->at == close)
            break;
        if (*reader->at != ',')
            return fail(reader, is_object ? "',' or '}' expected" : "',' or ']' expected");
        reader->at++;
        skip_spaces(reader);
    }
    take_items(reader, first, ret);
    if (is_object && !check_keys(reader, ret))
        return false;
    reader->at++;
    return true;
}

static bool read_nested(struct reader *reader, enum json_kind kind, struct json *ret)
{
    if (reader->depth == JSON_MAX_DEPTH)
        return fail(reader, "nested deeper than 64 levels");
    ret->kind = kind;
    reader->at++;
    reader->depth++;
    bool is_read = read_items(reader, ret);
    reader->depth--;
    return is_read;
}

static_assert(JSON_MAX_DEPTH == 64, "as the text says");

static bool read_value(struct reader *reader, struct json *ret)
{
    skip_spaces(reader);
    if (*reader->at == '{')
        return read_nested(reader, JSON_KIND_OBJECT, ret);
    if (*reader->at == '[')
        return read_nested(reader, JSON_KIND_ARRAY, ret);
    if (*reader->at == '-' || (*reader->at >= '0' && *reader->at <= '9'))
        return read_number(reader, ret);
    if (*reader->at != '"')
        return read_name(reader, ret);
    ret->kind = JSON_KIND_STRING;
    return read_string(reader, &ret->text);
}

/* The whole. */

static bool read_all(struct reader *reader, struct str text, struct json *ret)
{
    size_t valid = utf8_find_invalid(text);

    if (valid < text.len) {
        reader->at += valid;
        return fail(reader, "not UTF-8");
    }
    if (!read_value(reader, ret))
        return false;
    skip_spaces(reader);
    return reader->at == reader->end || fail(reader, "more than one value");
}

/* at: where something is wrong in text. Quotes nothing of it, which may be a secret. */
static struct status describe(const char *name, const char *fault, struct str text, size_t at)
{
    size_t line = 1, column = 1; /* in characters */

    for (size_t i = 0; i < at; i++) {
        if (text.data[i] == '\n') {
            line++;
            column = 1;
        } else if (((unsigned char)text.data[i] & 0xc0) != 0x80) {
            column++;
        }
    }
    return status_error(STATUS_INVALID_ARGUMENT, "%s: not JSON: %s at line %zu, column %zu", name,
                        fault, line, column);
}

struct status json_read(const char *name, struct str text, struct json **ret)
{
    struct arena *arena = arena_create(0);
    struct document *document = arena_alloc(arena, sizeof(*document));
    char *copy = arena_copy_str(arena, text);
    struct reader reader = {.arena = arena, .at = copy, .end = copy + text.len};
    struct status st = status_ok();

    document->arena = arena;
    if (!read_all(&reader, text, &document->root)) {
        st = describe(name, reader.fault, text, (size_t)(reader.at - copy));
        arena_destroy(arena);
    } else {
        *ret = &document->root;
    }
    mem_free(reader.stack);
    return st;
}

void json_destroy(struct json *root)
{
    if (root)
        arena_destroy(container_of(root, struct document, root)->arena);
}
