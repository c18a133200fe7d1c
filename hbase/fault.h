/*
 * hbase/fault.h - an exception of an HBase server: what it means for the call, and for users.
 *
 * One table says it by class name (hbase-client's ClientExceptionsUtil and RpcRetryingCaller, and what servers send).
 */
#ifndef HBASE_FAULT_H
#define HBASE_FAULT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"
#include "base/str.h"

enum { HBASE_MAX_HOST_BYTES = 255 };

/* What to do after a call has failed. */
enum hbase_action {
    HBASE_ACTION_FAIL, /* nothing: it would fail again */
    HBASE_ACTION_RELOCATE, /* look where the region is now, pause, try again; moved_host says where, if it is set */
    HBASE_ACTION_PAUSE, /* pause, try again at the same server */
    HBASE_ACTION_OVERLOAD, /* as PAUSE, for longer, and with fewer calls in flight: it was not executed */
    HBASE_ACTION_THROTTLE, /* wait for wait_ms, try again; it does not count as a try */
    HBASE_ACTION_AT_ONCE,  /* try again, the first time without a pause */
    HBASE_ACTION_RECONNECT, /* the server is gone or stopping: close the connection, relocate, pause, try again */
    HBASE_ACTION_FIND_MASTER, /* another master may be active, or it is starting: look, pause, try again */
    HBASE_ACTION_REOPEN, /* the scanner is gone: open another behind the last row */
};

struct hbase_fault {
    enum hbase_action action;
    struct status
        status; /* for users; the text names the server, the class without its package, and the first line */
    int64_t wait_ms; /* THROTTLE */
    char moved_host[HBASE_MAX_HOST_BYTES +
                    1]; /* RELOCATE: where the region went; "" if it is not known */
    int moved_port;
};

/*
 * Reads an exception: its Java class and its text (message, then the stack). server is "host:port", for the text. Classes
 * that the table lacks are FAIL if do_not_retry, else PAUSE.
 */
void hbase_fault_read(struct str class_name, struct str text, bool do_not_retry, const char *server,
                      struct hbase_fault *ret);

/* What a call without an answer is: RECONNECT with UNAVAILABLE or DEADLINE_EXCEEDED and st's text. */
void hbase_fault_from_status(struct status st, struct hbase_fault *ret);

/* Milliseconds to pause before try number ntries (from 1), as HBase's clients do: 100 ms times a growing factor, at most 10 s, and jitter. */
int64_t hbase_fault_get_pause_ms(const struct hbase_fault *fault, unsigned ntries);

#endif
