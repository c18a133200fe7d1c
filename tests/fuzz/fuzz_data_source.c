/*
 * tests/fuzz/fuzz_data_source.c - parameters of a data source: the first byte is the type, the rest the JSON.
 *
 * What passes for right has endpoints, and what is masked comes back as it was when it is sent for an update.
 */
#include <assert.h>
#include <stdint.h>

#include "base/mem.h"
#include "spec/data_source_endpoints.h"
#include "spec/data_source_secrets.h"
#include "spec/data_source_spec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_right_ones(Pb__DataSourceType type, const char *json)
{
    struct data_source_endpoints endpoints = {0};
    struct violations violations = {0};
    struct buf stored = {0}, masked = {0}, again = {0};
    struct status st = data_source_endpoints_read(type, json, &endpoints);

    assert(st.code == STATUS_OK);
    data_source_endpoints_deinit(&endpoints);
    data_source_merge(type, "{}", json, &violations, &stored);
    if (violations.count == 0) { /* else a secret is "***" */
        data_source_write_masked(type, buf_get_text(&stored), &masked);
        data_source_merge(type, buf_get_text(&stored), buf_get_text(&masked), &violations, &again);
        assert(violations.count == 0);
        assert(str_is_equal(buf_get(&again), buf_get(&stored)));
    }
    buf_deinit(&stored);
    buf_deinit(&masked);
    buf_deinit(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;

    Pb__DataSourceType type = (Pb__DataSourceType)(data[0] - '0');
    char *json = mem_copy_str(str_from_bytes(data + 1, size - 1));
    struct violations violations = {0};
    struct buf masked = {0};

    data_source_validate_parameters(type, json, &violations);
    if (violations.count == 0)
        check_right_ones(type, json);
    data_source_write_masked(type, json, &masked);
    buf_deinit(&masked);
    mem_free(json);
    return 0;
}
