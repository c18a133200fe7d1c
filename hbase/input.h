/*
 * hbase/input.h - reads a blocking socket in large pieces, however small those are that are asked for.
 */
#ifndef HBASE_INPUT_H
#define HBASE_INPUT_H

#include <stddef.h>

#include "base/status.h"

/* What was received and not taken yet: data[begin .. end). One thread uses it. */
struct hbase_input {
    int fd;
    char *data;
    size_t begin;
    size_t end;
};

/* fd is borrowed until hbase_input_deinit. */
void hbase_input_init(struct hbase_input *input, int fd);
void hbase_input_deinit(struct hbase_input *input);

/* Takes n bytes. UNAVAILABLE: the peer closed the connection, or it is lost. Blocks; shutdown() of the socket ends it. */
struct status hbase_input_take(struct hbase_input *input, void *ret, size_t n) MUST_CHECK;

#endif
