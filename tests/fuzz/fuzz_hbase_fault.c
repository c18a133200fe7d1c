/*
 * tests/fuzz/fuzz_hbase_fault.c - any class and text of an exception, a line end between them, is a fault that can be shown.
 */
#include <assert.h>
#include <stdint.h>

#include "base/utf8.h"
#include "hbase/fault.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = str_from_bytes(data, size);
    struct str class_name = str_cut(&text, '\n');
    struct hbase_fault fault;

    hbase_fault_read(class_name, text, size % 2 == 0, "rs1:16020", &fault);
    assert(fault.status.code != STATUS_OK);
    assert(utf8_is_valid(str_from(fault.status.text)));
    assert((fault.moved_host[0] != '\0') == (fault.moved_port >= 1 && fault.moved_port <= 65535));
    assert((fault.action == HBASE_ACTION_THROTTLE) == (fault.wait_ms > 0));
    for (unsigned ntries = 0; ntries < 20; ntries++) {
        int64_t pause_ms = hbase_fault_get_pause_ms(&fault, ntries);
        assert(pause_ms >= 0 && pause_ms <= 10 * 60 * 1000);
    }
    return 0;
}
