/*
 * tests/fuzz/fuzz_import_spec.c - the JSON texts of an import: the first line is readerConfig, the rest writerConfig.
 *
 * Whatever comes, reading ends in a spec or in violations, never in both and never in a crash.
 */
#include <assert.h>
#include <stdint.h>

#include "base/mem.h"
#include "sluice/v1/task.pb-c.h"
#include "spec/import_spec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str rest = str_from_bytes(data, size);
    char *reader = mem_copy_str(str_cut(&rest, '\n'));
    char *writer = mem_copy_str(rest);
    Pb__BulkloadSpec message = PB__BULKLOAD_SPEC__INIT;
    struct violations violations = {0};
    struct import_spec *spec = NULL;

    message.reader_config_json = reader;
    message.writer_config_json = writer;
    message.spark_additional_params = writer;
    message.driver_spec = PB__DRIVER_SPEC__DRIVER_SPEC_SMALL;
    message.file_type = PB__FILE_TYPE__FILE_TYPE_CSV;
    message.instances = 1;
    struct status st = import_spec_read(&message, &violations, &spec);
    assert((st.code == STATUS_OK) == (violations.count == 0));
    assert((st.code == STATUS_OK) == (spec != NULL));
    import_spec_destroy(spec);
    mem_free(reader);
    mem_free(writer);
    return 0;
}
