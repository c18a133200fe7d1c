/*
 * tests/unit/spec/test_table_names.c - which tables a task names, and which it must not.
 */
#include "spec/table_names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/compiler.h"
#include "spec/violations.h"
#include "tests/harness/test.h"

static const struct table_names_rules any = {.field = "table_names", .has_patterns = true};
static const struct table_names_rules plain = {.field = "table_names"};
static const struct table_names_rules one_source = {
    .field = "table_names", .has_patterns = true, .is_one_source = true};

/* Reads a list as a form has it; the first violation, or "". */
static const char *read_list(const char *list, const struct table_names_rules *rules,
                             struct arena *arena, struct table_names *ret)
{
    struct violations violations = {0};
    char *texts[TABLE_NAMES_MAX_COUNT + 1];
    struct str rest = str_from(list);
    size_t count = 0;

    while (rest.data && list[0] != '\0' && count < ARRAY_LEN(texts))
        texts[count++] = arena_copy_str(arena, str_trim(str_cut(&rest, ',')));
    table_names_read(texts, count, rules, arena, &violations, ret);
    if (violations.count == 0)
        return "";
    check_str(violations.items[0].field, "table_names");
    return arena_copy_str(arena, str_from(violations.items[0].text));
}

static void check_name(const struct table_name *name, const char *namespace, const char *qualifier)
{
    check(str_is(name->namespace, namespace));
    check(str_is(name->qualifier, qualifier));
}

test(table_names_are_read_with_their_namespaces_and_destinations)
{
    struct arena *arena = arena_create(0);
    struct table_names names = {0};

    check_str(read_list("t1, ns:t2 ,a/b,ns:c/d,e/ns2:f", &any, arena, &names), "");
    check_int(names.count, 5);
    check(!names.has_pattern);
    check_str(names.entries[1].text, "ns:t2");
    check_name(&names.entries[0].source, "default", "t1");
    check_name(&names.entries[0].destination, "default", "t1");
    check_name(&names.entries[1].destination, "ns", "t2");
    check_name(&names.entries[2].source, "default", "a");
    check_name(&names.entries[2].destination, "default", "b");
    check_name(&names.entries[3].source, "ns", "c");
    check_name(&names.entries[3].destination, "default", "d");
    check_name(&names.entries[4].destination, "ns2", "f");
    arena_destroy(arena);
}

test(table_names_take_patterns_beside_tables)
{
    struct arena *arena = arena_create(0);
    struct table_names names = {0};

    check_str(read_list("ns:*,ns:t1/ns:t2,other:*", &any, arena, &names), "");
    check(names.has_pattern);
    check_int(names.entries[0].kind, TABLE_ENTRY_NAMESPACE);
    check(str_is(names.entries[0].source.namespace, "ns"));
    check_int(names.entries[1].kind, TABLE_ENTRY_ONE);
    check_str(read_list("*", &any, arena, &names), "");
    check_int(names.entries[0].kind, TABLE_ENTRY_ALL);
    arena_destroy(arena);
}

test(table_names_that_are_wrong_are_named_with_what_would_be_right)
{
    static const struct {
        const char *list;
        const char *expected;
    } cases[] = {
        {"", "no table is named; 1 to 1000 are expected"},
        {"t1,,t2", "a table has an empty name; names such as t1 or ns:t1 are expected"},
        {"t1,", "a table has an empty name; names such as t1 or ns:t1 are expected"},
        {"ns:", "'ns:' has an empty table; a name such as t1 or ns:t1 is expected"},
        {":t", "':t' has an empty namespace; a name such as t1 or ns:t1 is expected"},
        {"t/", "'t/' has an empty table; a name such as t1 or ns:t1 is expected"},
        {"/t", "'/t' has an empty table; a name such as t1 or ns:t1 is expected"},
        {"a b", "'a b' has ' ' in its table at byte 2, where letters, digits, '_', '-' and '.' are"
                " taken, the first not '-' or '.'"},
        {"-a", "'-a' has '-' in its table at byte 1, where letters, digits, '_', '-' and '.' are"
               " taken, the first not '-' or '.'"},
        {"a/b/c", "'a/b/c' has '/' in its table at byte 2, where letters, digits, '_', '-' and '.'"
                  " are taken, the first not '-' or '.'"},
        {"a:b:c", "'a:b:c' has ':' in its table at byte 2, where letters, digits, '_', '-' and '.'"
                  " are taken, the first not '-' or '.'"},
        {"n.s:t", "'n.s:t' has '.' in its namespace at byte 2, where letters, digits and '_' are"
                  " taken"},
        {"zookeeper", "'zookeeper': HBase takes no table of that name"},
        {"zookeeper:t", "'zookeeper:t': HBase takes no namespace of that name"},
        {"hbase:meta", "'hbase:meta' is a table of the cluster's own, which are not copied"},
        {"a/hbase:b", "'a/hbase:b' is a table of the cluster's own, which are not copied"},
        {"ns:t*", "'ns:t*' has '*' in a name; patterns are * and ns:* only, without a '/'"},
        {"ns:*/a", "'ns:*/a' has '*' in a name; patterns are * and ns:* only, without a '/'"},
        {"a/*", "'a/*' has '*' in a name; patterns are * and ns:* only, without a '/'"},
        {"*:*", "'*:*' has '*' in a name; patterns are * and ns:* only, without a '/'"},
        {":*", "':*' has an empty namespace; a name such as t1 or ns:t1 is expected"},
        {"t1,t2,default:t1", "'default:t1' names the same as 't1'; each table is expected once"},
        {"t1/a,t1/b", "'t1/b' names the same as 't1/a'; each table is expected once"},
        {"*,*", "'*' names the same as '*'; each table is expected once"},
        {"ns:*,t1,ns:*", "'ns:*' names the same as 'ns:*'; each table is expected once"},
        {"a,ns:*,*", "'ns:*' is in '*' already; each table is expected once"},
        {"a/c,b/default:c", "'a/c' and 'b/default:c' go to the same table; each needs one of its"
                            " own"},
        {"a/b,b", "'a/b' and 'b' go to the same table; each needs one of its own"},
    };
    struct arena *arena = arena_create(0);
    struct table_names names;

    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        check_str(read_list(cases[i].list, &any, arena, &names), cases[i].expected);
    arena_destroy(arena);
}

test(table_names_without_patterns_refuse_them)
{
    struct arena *arena = arena_create(0);
    struct table_names names = {0};

    check_str(read_list("t1,ns:t2/t3", &plain, arena, &names), "");
    check_str(read_list("t1,*", &plain, arena, &names),
              "'*' is a pattern; names of tables are expected");
    check_str(read_list("ns:*", &plain, arena, &names),
              "'ns:*' is a pattern; names of tables are expected");
    arena_destroy(arena);
}

test(table_names_of_one_source_go_to_other_tables)
{
    static const struct {
        const char *list;
        const char *expected;
    } cases[] = {
        {"a/b,c/d", ""},
        {"a/x:a", ""},
        {"a",
         "'a' would be copied onto itself, for source and destination are the same data source;"
         " a table needs another name there, as in t1/t2"},
        {"b/c,a/default:a", "'a/default:a' would be copied onto itself, for source and destination"
                            " are the same data source; a table needs another name there, as in"
                            " t1/t2"},
        {"*",
         "'*' would be copied onto itself, for source and destination are the same data source;"
         " a table needs another name there, as in t1/t2"},
        {"c/d,a/b,b/a",
         "'a/b' goes to a table that 'b/a' copies, for source and destination are the"
         " same data source"},
    };
    struct arena *arena = arena_create(0);
    struct table_names names;

    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        check_str(read_list(cases[i].list, &one_source, arena, &names), cases[i].expected);
    arena_destroy(arena);
}

/* "t0,t1,..." of count tables. */
static const char *make_list(size_t count, struct arena *arena)
{
    char *list = arena_alloc(arena, count * 8 + 1);
    size_t len = 0;

    for (size_t i = 0; i < count; i++)
        len += (size_t)snprintf(list + len, 8, "%st%zu", i ? "," : "", i);
    return list;
}

test(table_names_have_limits)
{
    struct arena *arena = arena_create(0);
    struct table_names names = {0};
    char part[TABLE_NAME_MAX_PART_BYTES + 2] = "";
    char expected[200];

    check_str(read_list(make_list(TABLE_NAMES_MAX_COUNT, arena), &any, arena, &names), "");
    check_int(names.count, TABLE_NAMES_MAX_COUNT);
    check_str(read_list(make_list(TABLE_NAMES_MAX_COUNT + 1, arena), &any, arena, &names),
              "more than 1000 tables are named; a pattern such as ns:* takes many");

    memset(part, 'x', TABLE_NAME_MAX_PART_BYTES);
    check_str(read_list(part, &any, arena, &names), "");
    part[TABLE_NAME_MAX_PART_BYTES] = 'x';
    (void)snprintf(expected, sizeof(expected),
                   "'%.60s' has a table of 256 bytes; at most 255 are taken", part);
    check_str(read_list(part, &any, arena, &names), expected);
    arena_destroy(arena);
}

/* Names of 255 + 1 + 255 + 1 + 1 bytes: 511 fit into 256 KiB. */
static const char *read_long(size_t count, struct arena *arena)
{
    struct violations violations = {0};
    struct table_names names;
    char **texts = arena_alloc(arena, count * sizeof(*texts));
    char part[256];

    memset(part, 'x', 255);
    part[255] = '\0';
    for (size_t i = 0; i < count; i++)
        texts[i] = arena_printf(arena, "%s:%s%03zu", part, part + 3, i);
    table_names_read(texts, count, &any, arena, &violations, &names);
    return violations.count ? arena_copy_str(arena, str_from(violations.items[0].text)) : "";
}

test(table_names_have_a_limit_of_bytes_in_all)
{
    struct arena *arena = arena_create(0);

    check_str(read_long(TABLE_NAMES_MAX_BYTES / 511, arena), "");
    check_str(read_long(TABLE_NAMES_MAX_BYTES / 511 + 1, arena),
              "the names of the tables have 262654 bytes in all; at most 262144 are taken");
    arena_destroy(arena);
}

test(table_names_take_letters_of_all_languages_and_cut_what_they_show_between_characters)
{
    struct arena *arena = arena_create(0);
    struct table_names names = {0};

    check_str(read_list("\xe8\xa1\xa8:\xe8\xa1\xa8", &any, arena, &names), "");
    check_str(
        read_list("x12345678901234567890123456789012345678901234567890123456789\xe8\xa1\xa8 ?",
                  &any, arena, &names),
        "'x12345678901234567890123456789012345678901234567890123456789' has ' ' in its table at"
        " byte 64, where letters, digits, '_', '-' and '.' are taken, the first not '-' or '.'");
    arena_destroy(arena);
}
