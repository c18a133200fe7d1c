#include "spec/sync_spec.h"

#include "base/compiler.h"
#include "sluice/v1/task.pb-c.h"
#include "spec/extra_attrs.h"

#define FIELD(name) "task.incremental_sync." name

static const char *const keys[] = {"bandWidth", "full"};

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
    config_refuse_others(&attrs, keys, ARRAY_LEN(keys));
    spec.max_bytes_s_per_thread = extra_attrs_read_bandwidth(&attrs);
    spec.is_full = config_get_bool(&attrs, "full", false);
    config_reader_deinit(&attrs);
    *ret = spec;
}
