/*
 * spec/table_names.h - which tables a task between clusters copies: its table_names, read.
 *
 * An entry is a table by itself ("t1", "ns:t1"), one that is called otherwise at the destination ("t1/ns:t2"), all of a
 * namespace ("ns:*") or all that users made ("*"). "t1" is the same table as "default:t1". What a name may hold is
 * HBase's rule (org.apache.hadoop.hbase.TableName), but that of characters beyond ASCII only HBase knows which are
 * letters: all of them are taken here. Tables of the namespace hbase are the cluster's own and are refused.
 */
#ifndef SPEC_TABLE_NAMES_H
#define SPEC_TABLE_NAMES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

struct arena;
struct violations;

enum {
    TABLE_NAMES_MAX_COUNT = 1000,
    TABLE_NAMES_MAX_BYTES = 256 * 1024, /* of all entries together */
    TABLE_NAME_MAX_PART_BYTES = 255, /* of a namespace or a qualifier: files are named after it */
};

enum table_entry_kind {
    TABLE_ENTRY_ONE,
    TABLE_ENTRY_NAMESPACE, /* all tables of source.namespace */
    TABLE_ENTRY_ALL,       /* all tables of all namespaces but hbase */
};

struct table_name {
    struct str namespace; /* "default" where the text has none */
    struct str qualifier; /* empty in patterns */
};

struct table_entry {
    const char *text; /* as it was sent */
    enum table_entry_kind kind;
    struct table_name source;
    struct table_name destination; /* equal to source where there is no '/' */
};

/* What may be in table_names. */
struct table_names_rules {
    const char *field;  /* of violations, a literal */
    bool has_patterns;  /* "ns:*" and "*" are taken */
    bool is_one_source; /* source and destination are one: no table goes onto itself, or onward */
};

struct table_names {
    const struct table_entry *entries; /* entries[0 .. count), in the order of the texts */
    size_t count;
    bool has_pattern;
};

/*
 * Reads texts[0 .. count), from which *ret borrows; the rest of it is in arena. What is wrong is added to violations,
 * and *ret is then not to be used: no entry, too many or too long ones, an empty one, a name that HBase does not take, a
 * table twice, two tables that become one.
 */
void table_names_read(char *const *texts, size_t count, const struct table_names_rules *rules,
                      struct arena *arena, struct violations *violations, struct table_names *ret);

#endif
