#include "spec/sync_spec.h"

#include "base/compiler.h"
#include "base/utf8.h"
#include "sluice/v1/task.pb-c.h"
#include "spec/extra_attrs.h"

enum { MAX_SHOWN_BYTES = 60 };

#define FIELD(name) "task.incremental_sync." name

static const char *const keys[] = {"bandWidth", "full", "bulkload"};

static bool is_renamed(const struct table_entry *entry)
{
    return !str_is_equal(entry->source.namespace, entry->destination.namespace) ||
           !str_is_equal(entry->source.qualifier, entry->destination.qualifier);
}

/* The source's servers ship the changes, and they know no other name. */
static void refuse_renames(const struct table_names *tables, struct violations *violations)
{
    for (size_t i = 0; i < tables->count; i++) {
        if (is_renamed(&tables->entries[i]))
            violations_add(violations, FIELD("table_names"),
                           "'%.*s' has another name at the destination; a sync keeps names, only a "
                           "full migration changes them",
                           (int)utf8_fit(str_from(tables->entries[i].text), MAX_SHOWN_BYTES),
                           tables->entries[i].text);
    }
}

void sync_spec_read(const Pb__IncrementalSyncSpec *message, bool is_one_source, struct arena *arena,
                    struct violations *violations, struct sync_spec *ret)
{
    const struct table_names_rules rules = {
        .field = FIELD("table_names"), .has_patterns = true, .is_one_source = is_one_source};
    struct config_reader attrs =
        extra_attrs_make(FIELD("extra_attrs_json"), message->extra_attrs_json, violations);
    struct sync_spec spec = {.has_to_create = message->create_table};

    table_names_read(message->table_names, message->n_table_names, &rules, arena, violations,
                     &spec.tables);
    refuse_renames(&spec.tables, violations);
    config_refuse_others(&attrs, keys, ARRAY_LEN(keys));
    spec.max_bytes_s_per_thread = extra_attrs_read_bandwidth(&attrs);
    spec.is_full = config_get_bool(&attrs, "full", false);
    spec.folder = extra_attrs_read_folder(&attrs, arena);
    if (spec.folder && !spec.is_full)
        config_add(&attrs, "bulkload",
                   "says where files are put, though no rows are copied; it takes full");
    config_reader_deinit(&attrs);
    *ret = spec;
}
