/*
 * hbase/multi.h - a batch as the request of a Multi call, and what the answer says of each mutation.
 *
 * The server does the mutations of each region by themselves, in any order (RSRpcServices.multi). It answers region by
 * region in the request's order, and inside a region by the indexes of the mutations.
 */
#ifndef HBASE_MULTI_H
#define HBASE_MULTI_H

#include <stddef.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/status.h"
#include "hbase/batch.h"
#include "hbase/fault.h"
#include "hbase/hbase.pb-c.h"
#include "hbase/table.h"

/* Mutations of one region: those of batch->mutations[begin .. end) that are not done. */
struct hbase_group {
    struct hbase_region region;
    size_t begin;
    size_t end;
    size_t nmutations;
};

/* Those of a request: groups[0 .. ngroups), all at one server. Borrowed. */
struct hbase_multi {
    struct hbase_batch *batch;
    const struct hbase_group *groups;
    size_t ngroups;
};

/* The request, in arena; a mutation's index is its place in the batch. */
const Hb__MultiRequest *hbase_multi_make_request(const struct hbase_multi *multi,
                                                 struct arena *arena);

/* The cells, in the order of the request: in the batch itself if they stand there like that, else copied to scratch. */
struct str hbase_multi_get_block(const struct hbase_multi *multi, struct buf *scratch);

/* Who is told what went wrong. */
struct hbase_multi_reader {
    /* mutation NULL: nothing of the group was done. */
    void (*on_fault)(struct hbase_multi_reader *reader, const struct hbase_group *group,
                     struct hbase_mutation *mutation, const struct hbase_fault *fault);
    const char *server; /* "host:port", for the texts of faults */
};

/*
 * Sets is_done of what was acknowledged, and tells of the rest. DATA_LOSS: the answer does not fit the request; what it
 * acknowledges counts, and the rest can be sent again.
 */
struct status hbase_multi_read(const struct hbase_multi *multi, const Hb__MultiResponse *response,
                               struct hbase_multi_reader *reader) MUST_CHECK;

#endif
