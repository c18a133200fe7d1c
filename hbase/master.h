/*
 * hbase/master.h - calls of the active master: questions, and changes that are procedures.
 *
 * A change is asked for once and then waited for by its number. The master forgets how a procedure ended as soon as it has
 * said so, and after a while anyway: an answer that got lost is never given again. Whoever asked looks at the effect then.
 */
#ifndef HBASE_MASTER_H
#define HBASE_MASTER_H

#include <stdbool.h>

#include <protobuf-c/protobuf-c.h>

#include "base/arena.h"
#include "base/status.h"
#include "hbase/cluster.h"

/*
 * Asks the master; the answer, of the type reply, is in arena, whatever its cap: a connection bounds what an answer takes. method is a
 * literal. Errors are the faults'. Blocks, for the cluster's patience at most.
 */
struct status hbase_master_ask(struct hbase_cluster *cluster, const char *method,
                               const ProtobufCMessage *message,
                               const ProtobufCMessageDescriptor *reply, struct arena *arena,
                               const ProtobufCMessage **ret) MUST_CHECK;

/*
 * Has the master change something and waits until that is done. what is for messages: "make table t1". OK with *ret_is_forgotten set:
 * the procedure has ended, and how is forgotten. DEADLINE_EXCEEDED: it has not ended for HBASE_PROCEDURE_MAX_MS. Otherwise the errors are
 * those of the call and of the procedure. Blocks.
 */
enum { HBASE_PROCEDURE_MAX_MS = 30 * 60 * 1000 };
struct status hbase_master_change(struct hbase_cluster *cluster, const char *method,
                                  const ProtobufCMessage *message, const char *what,
                                  bool *ret_is_forgotten) MUST_CHECK;

/* What hbase_master_change's callers say when the effect is not there either. */
struct status hbase_master_make_forgotten(const struct hbase_cluster *cluster, const char *what);

/* Two numbers by which the master knows a request again that it has seen, so that a repeat changes nothing. */
struct hbase_nonce {
    uint64_t group;
    uint64_t number;
};
struct hbase_nonce hbase_nonce_make(void);

#endif
