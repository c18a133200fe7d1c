#include "gateway/worker_id.h"

#include <stdbool.h>

#include "base/str.h"
#include "spec/violations.h"

void worker_id_validate(const char *id, struct violations *violations)
{
    struct str text = str_from(id);
    bool is_printable = true;

    for (size_t i = 0; i < text.len; i++)
        is_printable = is_printable && text.data[i] >= ' ' && text.data[i] <= '~';
    if (text.len == 0 || text.len > WORKER_ID_MAX_BYTES || !is_printable)
        violations_add(violations, "worker_id",
                       "a worker's id is 1 to %d printable ASCII characters", WORKER_ID_MAX_BYTES);
}
