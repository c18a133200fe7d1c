#include "worker/sync_mark.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/number.h"

/* Changes when the format does. */
static const char version[] = "sync1";

struct status sync_mark_read(struct str checkpoint, struct sync_mark *ret)
{
    struct sync_mark mark = {.is_set = checkpoint.len > 0};
    struct status st = status_ok();

    if (mark.is_set) {
        struct str rest = checkpoint;
        struct str first = str_cut(&rest, ' ');
        struct str digest = str_cut(&rest, ' ');

        if (!str_is(first, version) || digest.len != SYNC_DIGEST_BYTES - 1)
            return status_error(STATUS_INVALID_ARGUMENT,
                                "the checkpoint is of another version of the worker");
        memcpy(mark.tables_digest, digest.data, digest.len);
        st = number_read("checkpoint", str_cut(&rest, ' '), 0, INT64_MAX, &mark.sync_ms);
        if (st.code == STATUS_OK)
            st = number_read("checkpoint", rest, 0, INT64_MAX, &mark.checkpoint_ms);
    }
    if (st.code == STATUS_OK)
        *ret = mark;
    return st;
}

void sync_mark_write(const struct sync_mark *mark, char ret[SYNC_MARK_BYTES])
{
    (void)snprintf(ret, SYNC_MARK_BYTES, "%s %s %" PRId64 " %" PRId64, version, mark->tables_digest,
                   mark->sync_ms, mark->checkpoint_ms);
}
