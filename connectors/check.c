#include "connectors/check.h"

#include <stddef.h>

#include "base/compiler.h"
#include "connectors/file/file_check.h"
#include "connectors/hbase/hbase_check.h"
#include "connectors/network/network_check.h"
#include "connectors/postgres/postgres_check.h"

static const struct {
    Pb__DataSourceType type;
    void (*run)(const struct check_options *options);
} checks[] = {
    {PB__DATA_SOURCE_TYPE__DATA_SOURCE_TYPE_FILE, file_check_run},
    {PB__DATA_SOURCE_TYPE__DATA_SOURCE_TYPE_POSTGRES, postgres_check_run},
    {PB__DATA_SOURCE_TYPE__DATA_SOURCE_TYPE_HBASE, hbase_check_run},
    {PB__DATA_SOURCE_TYPE__DATA_SOURCE_TYPE_LINDORM, network_check_run},
    {PB__DATA_SOURCE_TYPE__DATA_SOURCE_TYPE_HDFS, network_check_run},
    {PB__DATA_SOURCE_TYPE__DATA_SOURCE_TYPE_S3, network_check_run},
    {PB__DATA_SOURCE_TYPE__DATA_SOURCE_TYPE_SPARK, network_check_run},
};

void check_try_all(const struct check_options *options)
{
    for (size_t i = 0; i < ARRAY_LEN(checks); i++) {
        if (checks[i].type == options->type) {
            checks[i].run(options);
            return;
        }
    }
    options->log->begin(options->log, "find", "");
    options->log->end(options->log, false, "this worker knows no such type of data source");
}

bool check_end_step(struct check_log *log, struct status st, const char *found)
{
    bool is_ok = st.code == STATUS_OK;

    log->end(log, is_ok, is_ok ? found : st.text);
    return is_ok;
}
