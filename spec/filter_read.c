#include "spec/filter_read.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/compiler.h"
#include "base/utf8.h"
#include "spec/task_marks.h"

static const char field[] = "filter";

enum { SHOWN_BYTES = 32 }; /* of what stands at a wrong place */

struct parser {
    struct str text;
    size_t at;
    struct arena *arena;
    struct violations *violations;
    unsigned ncomparisons;
    unsigned depth;
    bool has_failed;
};

/* A word or a quoted text: what a field is compared with. */
struct value {
    struct str text;
    size_t at;
    bool is_prefix; /* it ended with '*' */
};

static char peek(const struct parser *parser)
{
    return parser->at < parser->text.len ? parser->text.data[parser->at] : '\0';
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool is_alnum(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* Of names of fields, keys of labels and AND, OR, NOT. */
static bool is_name_byte(char c)
{
    return is_alnum(c) || c == '_';
}

/* Of a value without quotes. */
static bool is_word_byte(char c)
{
    return is_alnum(c) || (c != '\0' && strchr("_-.:/+@*", c)) || (c & 0x80) != 0;
}

static void skip_spaces(struct parser *parser)
{
    while (is_space(peek(parser)))
        parser->at++;
}

/* What stands at a place: a whole word, or one character. */
static struct str find_token(const struct parser *parser, size_t at)
{
    struct str rest = str_skip(parser->text, at);
    size_t len = 0;

    while (len < rest.len && is_word_byte(rest.data[len]))
        len++;
    if (len == 0 && rest.len > 0)
        len = 1;
    return str_from_bytes(rest.data, utf8_fit(str_from_bytes(rest.data, len), SHOWN_BYTES));
}

/* The first failure is told: what stands at a place, and what would be right. */
PRINTF_LIKE(3, 4)
static void fail(struct parser *parser, size_t at, const char *format, ...)
{
    struct str found = find_token(parser, at);
    char wanted[VIOLATION_TEXT_BYTES];
    va_list args;

    if (parser->has_failed)
        return;
    parser->has_failed = true;
    va_start(args, format);
    (void)vsnprintf(wanted, sizeof(wanted), format, args);
    va_end(args);
    if (found.len > 0)
        violations_add(parser->violations, field, "filter, byte %zu: '%.*s': %s", at + 1,
                       (int)found.len, found.data, wanted);
    else
        violations_add(parser->violations, field, "filter, byte %zu: it ends here: %s", at + 1,
                       wanted);
}

static struct str take_name(struct parser *parser)
{
    size_t start = parser->at;

    while (is_name_byte(peek(parser)))
        parser->at++;
    return str_from_bytes(parser->text.data + start, parser->at - start);
}

/* Takes a keyword if it is the next word. */
static bool take_keyword(struct parser *parser, const char *keyword)
{
    size_t start = parser->at;

    if (str_is(take_name(parser), keyword))
        return true;
    parser->at = start;
    return false;
}

/* The rest of a quoted text. */
static void read_quoted(struct parser *parser, char quote, struct buf *buf, bool *ret_is_prefix)
{
    for (;;) {
        char c = peek(parser);
        size_t at = parser->at;

        if (at == parser->text.len) {
            fail(parser, at, "a %c that ends the text is missing", quote);
            return;
        }
        parser->at++;
        if (c == quote)
            return;
        if (*ret_is_prefix) {
            fail(parser, at, "'*' stands for any text at the end of a value only; \\* is a star");
            return;
        }
        if (c == '\\') {
            c = peek(parser);
            if (c == '\0' || !strchr("\"'\\*", c)) {
                fail(parser, at, "behind a backslash stands one of \" ' \\ *");
                return;
            }
            parser->at++;
            buf_append_char(buf, c);
        } else if (c == '*') {
            *ret_is_prefix = true;
        } else {
            buf_append_char(buf, c);
        }
    }
}

static void read_word(struct parser *parser, struct buf *buf, bool *ret_is_prefix)
{
    for (; is_word_byte(peek(parser)); parser->at++) {
        if (*ret_is_prefix)
            fail(parser, parser->at,
                 "'*' stands for any text at the end of a value only; \"\\*\" is a star");
        if (peek(parser) == '*')
            *ret_is_prefix = true;
        else
            buf_append_char(buf, peek(parser));
    }
}

static struct value read_value(struct parser *parser)
{
    struct buf buf = {0};

    skip_spaces(parser);
    struct value value = {.at = parser->at};
    char first = peek(parser);
    if (first == '"' || first == '\'') {
        parser->at++;
        read_quoted(parser, first, &buf, &value.is_prefix);
    } else if (is_word_byte(first)) {
        read_word(parser, &buf, &value.is_prefix);
        if (str_is(buf_get(&buf), "AND") || str_is(buf_get(&buf), "OR") ||
            str_is(buf_get(&buf), "NOT"))
            fail(parser, value.at, "a value is wanted here; in quotes it can be this word, too");
    } else {
        fail(parser, value.at, "a value is wanted here: a word, or a text in quotes");
    }
    value.text = str_from_bytes(arena_copy_str(parser->arena, buf_get(&buf)), buf.len);
    buf_deinit(&buf);
    return value;
}

/* True if the operator is "!=", which is the negation of "=". */
static bool read_operator(struct parser *parser, struct filter_comparison *comparison)
{
    static const struct {
        const char *text;
        enum filter_operator operator;
        bool is_negated;
    } operators[] = {
        {"<=", FILTER_LESS_OR_EQUAL, false}, {">=", FILTER_GREATER_OR_EQUAL, false},
        {"!=", FILTER_EQUAL, true},          {"=", FILTER_EQUAL, false},
        {"<", FILTER_LESS, false},           {">", FILTER_GREATER, false},
    };

    skip_spaces(parser);
    struct str rest = str_skip(parser->text, parser->at);
    for (size_t i = 0; i < ARRAY_LEN(operators); i++)
        if (str_has_prefix(rest, operators[i].text)) {
            if (comparison->field != FILTER_CREATE_TIME && operators[i].operator!= FILTER_EQUAL)
                fail(parser, parser->at, "%s is compared by = and != only",
                     filter_fields[comparison->field]);
            parser->at += strlen(operators[i].text);
            comparison->operator= operators[i].operator;
            return operators[i].is_negated;
        }
    fail(parser, parser->at, "behind %s an operator is wanted: %s",
         filter_fields[comparison->field],
         comparison->field == FILTER_CREATE_TIME ? "= != < <= > >=" : "= or !=");
    return false;
}

static void read_enum(struct parser *parser, const ProtobufCEnumDescriptor *type,
                      const char *prefix, struct filter_comparison *comparison)
{
    size_t prefix_len = strlen(prefix);
    struct value value = read_value(parser);
    struct buf names = {0};

    for (unsigned i = 0; i < type->n_values; i++) {
        const char *name = type->values[i].name + prefix_len;

        if (type->values[i].value == 0)
            continue;
        if (str_is(value.text, name) && !value.is_prefix) {
            comparison->text = value.text;
            comparison->value = type->values[i].value;
        }
        buf_printf(&names, "%s%s", names.len == 0 ? "" : ", ", name);
    }
    if (comparison->value == 0)
        fail(parser, value.at, "a %s is one of %s", filter_fields[comparison->field],
             buf_get_text(&names));
    buf_deinit(&names);
}

static void read_time(struct parser *parser, struct filter_comparison *comparison)
{
    /* An offset can lead out of the years 1 to 9999. */
    static const int64_t us_per_day = INT64_C(86400000000);
    struct value value = read_value(parser);
    int64_t time_us = 0;
    struct status st = clock_read_text(value.text, &time_us);

    if (st.code != STATUS_OK || value.is_prefix || time_us < clock_get_days(1, 1, 1) * us_per_day ||
        time_us >= clock_get_days(10000, 1, 1) * us_per_day)
        fail(parser, value.at, "a time is as of RFC 3339: \"2026-01-02T03:04:05Z\"");
    comparison->time_us = time_us;
}

/* Behind "labels.": the key, copied. */
static const char *read_key(struct parser *parser)
{
    size_t start = parser->at;

    while (is_name_byte(peek(parser)) || peek(parser) == '-')
        parser->at++;
    struct str key = str_from_bytes(parser->text.data + start, parser->at - start);
    if (!task_marks_is_label_key(key))
        fail(parser, start,
             "a label's key is wanted: 1 to %d of a-z, 0-9, '_' and '-', first a letter",
             TASK_MAX_LABEL_KEY_BYTES);
    return arena_copy_str(parser->arena, key);
}

/* "labels:key" and "labels.key:*". False: neither; then the key has been read. */
static bool read_presence(struct parser *parser, struct filter_comparison *comparison)
{
    comparison->operator= FILTER_PRESENT;
    char c = peek(parser);
    if (c != '.' && c != ':') {
        fail(parser, parser->at,
             "labels are asked for by key: labels.<key> = value, or labels:<key>");
        return true;
    }
    parser->at++;
    comparison->key = read_key(parser);
    if (c == ':')
        return true;
    if (!str_has_prefix(str_skip(parser->text, parser->at), ":*"))
        return false;
    parser->at += 2;
    return true;
}

static void read_text(struct parser *parser, struct filter_comparison *comparison)
{
    struct value value = read_value(parser);

    comparison->text = value.text;
    if (value.is_prefix)
        comparison->operator= FILTER_PREFIX;
}

static void read_field(struct parser *parser, struct filter_comparison *comparison)
{
    size_t start = parser->at;
    struct str name = take_name(parser);

    for (int i = 0; i < FILTER_NFIELDS; i++)
        if (str_is(name, filter_fields[i])) {
            comparison->field = (enum filter_field)i;
            return;
        }
    fail(parser, start,
         "a comparison is wanted, of kind, state, source, destination, display_name, create_time "
         "or labels.<key>");
}

static struct filter_node *make_node(struct parser *parser, enum filter_node_type type,
                                     const struct filter_node *left,
                                     const struct filter_node *right)
{
    struct filter_node *node = arena_alloc(parser->arena, sizeof(*node));

    *node = (struct filter_node){.type = type, .left = left, .right = right};
    return node;
}

static const struct filter_node *read_comparison(struct parser *parser)
{
    struct filter_node *node = make_node(parser, FILTER_NODE_COMPARISON, NULL, NULL);
    struct filter_comparison *comparison = &node->comparison;

    if (++parser->ncomparisons > FILTER_MAX_COMPARISONS)
        fail(parser, parser->at, "more than %d comparisons", FILTER_MAX_COMPARISONS);
    read_field(parser, comparison);
    if (parser->has_failed ||
        (comparison->field == FILTER_LABEL && read_presence(parser, comparison)))
        return node;
    bool is_negated = read_operator(parser, comparison);
    if (parser->has_failed)
        return node;
    if (comparison->field == FILTER_KIND)
        read_enum(parser, &pb__task_kind__descriptor, "TASK_KIND_", comparison);
    else if (comparison->field == FILTER_STATE)
        read_enum(parser, &pb__task_state__descriptor, "TASK_STATE_", comparison);
    else if (comparison->field == FILTER_CREATE_TIME)
        read_time(parser, comparison);
    else
        read_text(parser, comparison);
    return is_negated ? make_node(parser, FILTER_NODE_NOT, node, NULL) : node;
}

static const struct filter_node *read_expression(struct parser *parser);

static const struct filter_node *read_term(struct parser *parser)
{
    const struct filter_node *node;

    skip_spaces(parser);
    bool is_negated = peek(parser) == '-';
    if (is_negated)
        parser->at++;
    else
        is_negated = take_keyword(parser, "NOT");
    skip_spaces(parser);
    if (peek(parser) == '(') {
        if (++parser->depth > FILTER_MAX_DEPTH) {
            fail(parser, parser->at, "more than %d parentheses in each other", FILTER_MAX_DEPTH);
            return NULL;
        }
        parser->at++;
        node = read_expression(parser);
        skip_spaces(parser);
        if (peek(parser) == ')')
            parser->at++;
        else
            fail(parser, parser->at, "AND, OR or ) is wanted here");
        parser->depth--;
    } else {
        node = read_comparison(parser);
    }
    return is_negated ? make_node(parser, FILTER_NODE_NOT, node, NULL) : node;
}

static const struct filter_node *read_factor(struct parser *parser)
{
    const struct filter_node *node = read_term(parser);

    skip_spaces(parser);
    while (!parser->has_failed && take_keyword(parser, "OR")) {
        node = make_node(parser, FILTER_NODE_OR, node, read_term(parser));
        skip_spaces(parser);
    }
    return node;
}

static const struct filter_node *read_expression(struct parser *parser)
{
    const struct filter_node *node = read_factor(parser);

    while (!parser->has_failed && take_keyword(parser, "AND"))
        node = make_node(parser, FILTER_NODE_AND, node, read_factor(parser));
    return node;
}

void filter_read(struct str text, struct arena *arena, struct violations *violations,
                 struct filter *ret)
{
    struct parser parser = {.text = text, .arena = arena, .violations = violations};
    struct filter filter = {.root = NULL};

    if (text.len > FILTER_MAX_BYTES) {
        violations_add(violations, field, "filter has %zu bytes; at most %d are taken", text.len,
                       FILTER_MAX_BYTES);
        return;
    }
    skip_spaces(&parser);
    if (parser.at < text.len) {
        filter.root = read_expression(&parser);
        if (!parser.has_failed && parser.at < text.len)
            fail(&parser, parser.at, "AND, OR or the end is wanted here");
    }
    if (!parser.has_failed)
        *ret = filter;
}
