/*
 * rpc/slice.h - core's bytes as ours.
 */
#ifndef RPC_SLICE_H
#define RPC_SLICE_H

#include <grpc/slice.h>

#include "base/str.h"

/* Borrowed from the slice. */
static inline struct str rpc_slice_get_bytes(const grpc_slice *slice)
{
    return str_from_bytes(GRPC_SLICE_START_PTR(*slice), GRPC_SLICE_LENGTH(*slice));
}

#endif
