/*
 * rpc/otlp_pack.h - spans as the messages of OTLP; for otlp.c and its tests.
 */
#ifndef RPC_OTLP_PACK_H
#define RPC_OTLP_PACK_H

#include <stddef.h>

#include <protobuf-c/protobuf-c.h>

#include "base/span.h"
#include "rpc/otlp.pb-c.h"

enum {
    OTLP_MAX_TEXT_BYTES = 1024, /* of an attribute, or of an error; more is cut */
    OTLP_PACK_NATTRIBUTES = 3,
};

/* A packed Span; data is the caller's to free by mem_free. */
ProtobufCBinaryData otlp_pack_span(const struct span *span) MUST_CHECK;

/* A request for a batch, with what its messages point to. Not to be copied. */
struct otlp_batch {
    Otlp__ExportRequest request;
    Otlp__ResourceSpans resource_spans;
    Otlp__ResourceSpans *resource_list[1];
    Otlp__Resource resource;
    Otlp__ScopeSpans scope_spans;
    Otlp__ScopeSpans *scope_list[1];
    Otlp__Scope scope;
    Otlp__KeyValue attributes[OTLP_PACK_NATTRIBUTES];
    Otlp__Value values[OTLP_PACK_NATTRIBUTES];
    Otlp__KeyValue *attribute_list[OTLP_PACK_NATTRIBUTES];
};

/* Fills *ret for spans[0 .. nspans), borrowed as the texts are: who sends them, and which of its processes. */
void otlp_batch_init(struct otlp_batch *ret, const char *service_name, const char *instance_id,
                     ProtobufCBinaryData *spans, size_t nspans);

#endif
