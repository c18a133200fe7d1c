#include "hbase/frame.h"

#include <assert.h>

#include "hbase/bytes.h"
#include "hbase/message.h"

enum { MAX_VARINT_BYTES = 5 };

/* Version 0 of the protocol; 80: SIMPLE authentication. */
static const char PREAMBLE[] = {'H', 'B', 'a', 's', 0, 80};

/* Tells the server that cells are to come in cell blocks, and how. */
static const char CODEC[] = "org.apache.hadoop.hbase.codec.KeyValueCodec";

/* The length that stands at place in the buffer, of all that is behind it and of more bytes that are not in it. */
static void set_length(struct buf *out, size_t place, size_t more)
{
    size_t len = out->len - place - HBASE_FRAME_LENGTH_BYTES + more;

    assert(len <= INT32_MAX);
    (void)hbase_put_u32(out->data + place, (uint32_t)len);
}

static void add_length(struct buf *out)
{
    buf_append(out, "\0\0\0\0", HBASE_FRAME_LENGTH_BYTES);
}

void hbase_frame_write_hello(struct buf *out, const char *service, const char *user)
{
    Hb__UserInformation user_info = HB__USER_INFORMATION__INIT;
    Hb__VersionInfo version = HB__VERSION_INFO__INIT;
    Hb__ConnectionHeader header = HB__CONNECTION_HEADER__INIT;
    char none[] = "";

    user_info.effective_user = (char *)(uintptr_t)user;
    /* Without a version the server takes us for a client of long ago, and answers as those need it. */
    version.version = (char *)(uintptr_t)"2.5-sluice";
    version.url = version.revision = version.user = version.date = version.src_checksum = none;
    version.has_version_major = version.has_version_minor = 1;
    version.version_major = 2;
    version.version_minor = 5;
    header.user_info = &user_info;
    header.service_name = (char *)(uintptr_t)service;
    header.cell_block_codec_class = (char *)(uintptr_t)CODEC;
    header.version_info = &version;

    buf_append(out, PREAMBLE, sizeof(PREAMBLE));
    size_t place = out->len;
    add_length(out);
    hbase_message_write(out, &header.base);
    set_length(out, place, 0);
}

static void append_varint(struct buf *out, size_t number)
{
    for (; number >= 0x80; number >>= 7)
        buf_append_char(out, (char)(0x80 | (number & 0x7f)));
    buf_append_char(out, (char)number);
}

static void append_message(struct buf *out, const ProtobufCMessage *message)
{
    append_varint(out, protobuf_c_message_get_packed_size(message));
    hbase_message_write(out, message);
}

void hbase_frame_write_request(struct buf *out, uint32_t call_id,
                               const struct hbase_request *request)
{
    Hb__RequestHeader header = HB__REQUEST_HEADER__INIT;
    Hb__CellBlockMeta meta = HB__CELL_BLOCK_META__INIT;
    size_t place = out->len;

    assert(request->timeout_ms > 0 && request->block.len <= HBASE_MAX_FRAME_BYTES);
    header.has_call_id = 1;
    header.call_id = call_id;
    header.method_name = (char *)(uintptr_t)request->method;
    header.has_request_param = 1; /* always: a server refuses a header that has none */
    header.request_param = 1;
    if (request->block.len > 0) {
        meta.has_length = 1;
        meta.length = (uint32_t)request->block.len;
        header.cell_block_meta = &meta;
    }
    header.has_priority = request->priority > 0;
    header.priority = request->priority;
    header.has_timeout = 1;
    header.timeout = request->timeout_ms < INT32_MAX ? (uint32_t)request->timeout_ms : INT32_MAX;

    add_length(out);
    append_message(out, &header.base);
    append_message(out, request->message);
    set_length(out, place, request->block.len);
}

struct status hbase_frame_read_length(const char *head, size_t *ret)
{
    uint32_t len = hbase_get_u32(head);

    if (len == 0 || len > HBASE_MAX_FRAME_BYTES)
        return status_error(STATUS_DATA_LOSS,
                            "an answer of %u bytes, where 1 to %d are allowed; is this a server of "
                            "HBase?",
                            len, HBASE_MAX_FRAME_BYTES);
    *ret = len;
    return status_ok();
}

static bool take_varint(struct str *rest, size_t *ret)
{
    size_t number = 0;

    for (size_t i = 0; i < rest->len && i < MAX_VARINT_BYTES; i++) {
        uint8_t byte = (uint8_t)rest->data[i];

        number |= (size_t)(byte & 0x7f) << (7 * i);
        if ((byte & 0x80) == 0) {
            *rest = str_skip(*rest, i + 1);
            *ret = number;
            return true;
        }
    }
    return false;
}

/* A message with its length in front. */
static bool take_message(struct str *rest, struct str *ret)
{
    size_t len;

    if (!take_varint(rest, &len) || len > rest->len)
        return false;
    *ret = str_from_bytes(rest->data, len);
    *rest = str_skip(*rest, len);
    return true;
}

static struct status fail(const char *what)
{
    return status_error(STATUS_DATA_LOSS, "an answer that is not well formed: %s", what);
}

struct status hbase_frame_read_answer(struct str frame, struct arena *arena,
                                      struct hbase_answer *ret)
{
    struct hbase_answer answer = {0};
    struct str bytes;
    ProtobufCMessage *message;

    if (!take_message(&frame, &bytes))
        return fail("its header is cut off");
    struct status st = hbase_message_read(bytes, &hb__response_header__descriptor, arena, &message);
    if (st.code != STATUS_OK)
        return st;
    const Hb__ResponseHeader *header = (const Hb__ResponseHeader *)message;

    if (!header->has_call_id)
        return fail("it does not say which call it is for");
    answer.call_id = header->call_id;
    answer.exception = header->exception;
    if (!answer.exception) {
        if (!take_message(&frame, &answer.message))
            return fail("its message is cut off");
        answer.block = frame;
        if (frame.len != (header->cell_block_meta ? header->cell_block_meta->length : 0))
            return fail("its cell block is not as long as it says");
    }
    *ret = answer;
    return status_ok();
}
