#include "tests/unit/rpc/raw_client.h"

#include <stdlib.h>
#include <string.h>

#include <grpc/byte_buffer.h>
#include <grpc/byte_buffer_reader.h>
#include <grpc/compression.h>
#include <grpc/grpc_security.h>

#include "base/compiler.h"
#include "rpc/inflate.h"

enum { MAX_MESSAGE_BYTES = 64 << 20 };

static grpc_arg make_arg(const char *key, int value)
{
    return (grpc_arg){
        .type = GRPC_ARG_INTEGER,
        .key = (char *)(uintptr_t)key,
        .value.integer = value,
    };
}

void raw_open_compressing(struct raw *raw, const char *target, grpc_compression_algorithm algorithm)
{
    grpc_arg list[] = {
        make_arg(GRPC_COMPRESSION_CHANNEL_DEFAULT_ALGORITHM, (int)algorithm),
        make_arg(GRPC_COMPRESSION_CHANNEL_ENABLED_ALGORITHMS_BITSET,
                 1 << GRPC_COMPRESS_NONE | 1 << algorithm),
        make_arg(GRPC_ARG_ENABLE_PER_MESSAGE_DECOMPRESSION, 0), /* to see what came */
    };
    grpc_channel_args args = {ARRAY_LEN(list), list};
    grpc_channel_credentials *plain = grpc_insecure_credentials_create();

    *raw = (struct raw){.call = NULL};
    raw->queue = grpc_completion_queue_create_for_next(NULL);
    raw->channel = grpc_channel_create(target, plain, &args);
    grpc_channel_credentials_release(plain);
}

void raw_open(struct raw *raw, const char *target)
{
    raw_open_compressing(raw, target, GRPC_COMPRESS_NONE);
}

void raw_close(struct raw *raw)
{
    grpc_channel_destroy(raw->channel);
    grpc_completion_queue_shutdown(raw->queue);
    (void)grpc_completion_queue_next(raw->queue, gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL);
    grpc_completion_queue_destroy(raw->queue);
}

static gpr_timespec in_seconds(int64_t seconds)
{
    return gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC), gpr_time_from_seconds(seconds, GPR_TIMESPAN));
}

/* Starts operations and waits until they are done. */
static bool run(struct raw *raw, const grpc_op *ops, size_t nops)
{
    if (grpc_call_start_batch(raw->call, ops, nops, raw, NULL) != GRPC_CALL_OK)
        abort();
    grpc_event event = grpc_completion_queue_next(raw->queue, in_seconds(20), NULL);
    if (event.type != GRPC_OP_COMPLETE)
        abort();
    return event.success != 0;
}

void raw_begin_with(struct raw *raw, const char *method, const char *key, const char *value)
{
    grpc_op op = {.op = GRPC_OP_SEND_INITIAL_METADATA};
    grpc_slice path = grpc_slice_from_copied_string(method);
    grpc_metadata header = {
        .key = grpc_slice_from_static_string(key),
        .value = grpc_slice_from_static_string(value),
    };

    raw->call = grpc_channel_create_call(raw->channel, NULL, GRPC_PROPAGATE_DEFAULTS, raw->queue,
                                         path, NULL, in_seconds(10), NULL);
    grpc_slice_unref(path);
    grpc_metadata_array_init(&raw->header);
    grpc_metadata_array_init(&raw->trailer);
    raw->has_header = false;
    raw->text = grpc_empty_slice();
    op.data.send_initial_metadata.count = *key != '\0';
    op.data.send_initial_metadata.metadata = &header;
    (void)run(raw, &op, 1);
}

void raw_begin(struct raw *raw, const char *method)
{
    raw_begin_with(raw, method, "", "");
}

static void send_slice(struct raw *raw, grpc_slice slice)
{
    grpc_op op = {.op = GRPC_OP_SEND_MESSAGE};

    op.data.send_message.send_message = grpc_raw_byte_buffer_create(&slice, 1);
    grpc_slice_unref(slice);
    (void)run(raw, &op, 1);
    grpc_byte_buffer_destroy(op.data.send_message.send_message);
}

void raw_send(struct raw *raw, struct str bytes)
{
    send_slice(raw, grpc_slice_from_copied_buffer(bytes.data, bytes.len));
}

void raw_send_message(struct raw *raw, const ProtobufCMessage *message)
{
    grpc_slice slice = grpc_slice_malloc(protobuf_c_message_get_packed_size(message));

    (void)protobuf_c_message_pack(message, GRPC_SLICE_START_PTR(slice));
    send_slice(raw, slice);
}

void raw_send_close(struct raw *raw)
{
    grpc_op op = {.op = GRPC_OP_SEND_CLOSE_FROM_CLIENT};

    (void)run(raw, &op, 1);
}

/* The header must be received with, or before, the first message. Returns the number of operations. */
static size_t add_header(struct raw *raw, grpc_op *op)
{
    if (raw->has_header)
        return 0;
    raw->has_header = true;
    *op = (grpc_op){.op = GRPC_OP_RECV_INITIAL_METADATA};
    op->data.recv_initial_metadata.recv_initial_metadata = &raw->header;
    return 1;
}

bool raw_receive(struct raw *raw, struct buf *ret)
{
    grpc_byte_buffer *bytes = NULL;
    grpc_byte_buffer_reader reader;
    grpc_op ops[2] = {{.op = GRPC_OP_RECV_MESSAGE}};

    ops[0].data.recv_message.recv_message = &bytes;
    (void)run(raw, ops, 1 + add_header(raw, &ops[1]));
    if (!bytes)
        return false;
    raw->was_compressed = rpc_inflate_is_due(bytes);
    if (raw->was_compressed && rpc_inflate(&bytes, MAX_MESSAGE_BYTES).code != STATUS_OK)
        abort();
    if (!grpc_byte_buffer_reader_init(&reader, bytes))
        abort();
    grpc_slice slice = grpc_byte_buffer_reader_readall(&reader);
    buf_clear(ret);
    buf_append(ret, GRPC_SLICE_START_PTR(slice), GRPC_SLICE_LENGTH(slice));
    grpc_slice_unref(slice);
    grpc_byte_buffer_reader_destroy(&reader);
    grpc_byte_buffer_destroy(bytes);
    return true;
}

void raw_cancel(struct raw *raw)
{
    (void)grpc_call_cancel(raw->call, NULL);
}

static void copy_details(struct raw *raw)
{
    memset(raw->details, 0, sizeof(raw->details));
    for (size_t i = 0; i < raw->trailer.count; i++) {
        const grpc_metadata *row = &raw->trailer.metadata[i];
        size_t len = GRPC_SLICE_LENGTH(row->value);
        if (grpc_slice_str_cmp(row->key, "grpc-status-details-bin") == 0)
            memcpy(raw->details, GRPC_SLICE_START_PTR(row->value),
                   len < sizeof(raw->details) ? len : sizeof(raw->details));
    }
}

struct status raw_end(struct raw *raw)
{
    grpc_op ops[2] = {{.op = GRPC_OP_RECV_STATUS_ON_CLIENT}};
    struct status st = {.code = STATUS_OK};

    ops[0].data.recv_status_on_client.trailing_metadata = &raw->trailer;
    ops[0].data.recv_status_on_client.status = &raw->code;
    ops[0].data.recv_status_on_client.status_details = &raw->text;
    (void)run(raw, ops, 1 + add_header(raw, &ops[1]));
    if (raw->code != GRPC_STATUS_OK)
        st = status_error((enum status_code)raw->code, "%.*s", (int)GRPC_SLICE_LENGTH(raw->text),
                          (const char *)GRPC_SLICE_START_PTR(raw->text));
    copy_details(raw);
    grpc_slice_unref(raw->text);
    grpc_metadata_array_destroy(&raw->header);
    grpc_metadata_array_destroy(&raw->trailer);
    grpc_call_unref(raw->call);
    return st;
}

struct status raw_call(struct raw *raw, const char *method, struct str bytes)
{
    struct buf reply = {0};

    raw_begin(raw, method);
    raw_send(raw, bytes);
    raw_send_close(raw);
    (void)raw_receive(raw, &reply);
    buf_deinit(&reply);
    return raw_end(raw);
}
