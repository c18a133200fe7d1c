#include "rpc/message_wire.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/utf8.h"

/* The low three bits of a tag. Groups, 3 and 4, are no longer in use. */
enum wire_type { WIRE_VARINT = 0, WIRE_64BIT = 1, WIRE_LENGTH = 2, WIRE_32BIT = 5 };

enum { MAX_FIELD_NUMBER = (1 << 29) - 1, MAX_VARINT_BYTES = 10 };

/* Where the check is: one for each message that it is in, on the stack. */
struct place {
    const struct place *outer;
    const ProtobufCMessageDescriptor *type;
    const ProtobufCFieldDescriptor *field; /* the one at hand; NULL: none that is known */
    unsigned depth;
};

static const char MALFORMED[] = "is malformed";

static bool take_varint(struct str *rest, uint64_t *ret)
{
    uint64_t value = 0;

    for (size_t i = 0; i < rest->len && i < MAX_VARINT_BYTES; i++) {
        uint8_t byte = (uint8_t)rest->data[i];

        value |= (uint64_t)(byte & 0x7f) << (7 * i);
        if ((byte & 0x80) == 0) {
            *rest = str_skip(*rest, i + 1);
            *ret = value;
            return true;
        }
    }
    return false;
}

static bool take_tag(struct str *rest, uint64_t *ret)
{
    return take_varint(rest, ret) && *ret >> 3 != 0 && *ret >> 3 <= MAX_FIELD_NUMBER;
}

/* Takes the value of a field; *ret is what a length-delimited one holds. */
static bool take_value(struct str *rest, unsigned wire_type, struct str *ret)
{
    uint64_t length;

    *ret = (struct str){NULL, 0};
    switch (wire_type) {
    case WIRE_VARINT:
        return take_varint(rest, &length);
    case WIRE_64BIT:
        length = 8;
        break;
    case WIRE_32BIT:
        length = 4;
        break;
    case WIRE_LENGTH:
        if (!take_varint(rest, &length))
            return false;
        break;
    default:
        return false;
    }
    if (length > rest->len)
        return false;
    *ret = str_from_bytes(rest->data, (size_t)length);
    *rest = str_skip(*rest, (size_t)length);
    return true;
}

static enum wire_type get_wire_type(ProtobufCType type)
{
    switch (type) {
    case PROTOBUF_C_TYPE_FIXED32:
    case PROTOBUF_C_TYPE_SFIXED32:
    case PROTOBUF_C_TYPE_FLOAT:
        return WIRE_32BIT;
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_DOUBLE:
        return WIRE_64BIT;
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_BYTES:
    case PROTOBUF_C_TYPE_MESSAGE:
        return WIRE_LENGTH;
    default:
        return WIRE_VARINT;
    }
}

/* Numbers that are repeated may come packed, whatever their declaration says. */
static bool is_of_type(const ProtobufCFieldDescriptor *field, unsigned wire_type)
{
    enum wire_type own = get_wire_type(field->type);

    return wire_type == own || (field->label == PROTOBUF_C_LABEL_REPEATED &&
                                wire_type == WIRE_LENGTH && own != WIRE_LENGTH);
}

static const char *check_text(struct str text)
{
    if (str_find_byte(text, '\0') != text.len)
        return "holds a NUL byte";
    return utf8_is_valid(text) ? NULL : "is not valid UTF-8";
}

/* Writes the names of the fields that lead to place, with dots between them. */
static size_t write_path(const struct place *place, char ret[MESSAGE_WIRE_FIELD_BYTES])
{
    size_t len = place->outer ? write_path(place->outer, ret) : 0;

    if (!place->field)
        return len;
    int n = snprintf(ret + len, MESSAGE_WIRE_FIELD_BYTES - len, "%s%s", len > 0 ? "." : "",
                     place->field->name);
    size_t end = len + (n > 0 ? (size_t)n : 0);
    return end < MESSAGE_WIRE_FIELD_BYTES ? end : MESSAGE_WIRE_FIELD_BYTES - 1;
}

static const char *fail(const struct place *place, const char *what, struct message_wire_fault *ret)
{
    ret->field[0] = '\0';
    (void)write_path(place, ret->field);
    ret->what = what;
    return what;
}

static const char *check_message(struct str bytes, struct place *place,
                                 struct message_wire_fault *ret);

/* Takes one field and checks it. Returns NULL, or what is wrong, which *ret then holds. */
static const char *check_field(struct str *rest, struct place *place,
                               struct message_wire_fault *ret)
{
    uint64_t tag;
    struct str value;

    place->field = NULL;
    if (!take_tag(rest, &tag))
        return fail(place, MALFORMED, ret);
    unsigned wire_type = (unsigned)tag & 7;
    place->field = protobuf_c_message_descriptor_get_field(place->type, (unsigned)(tag >> 3));
    if (place->field && !is_of_type(place->field, wire_type))
        return fail(place, "has the wrong wire type", ret);
    if (!take_value(rest, wire_type, &value))
        return fail(place, MALFORMED, ret);
    if (!place->field)
        return NULL;

    if (place->field->type == PROTOBUF_C_TYPE_STRING) {
        const char *what = check_text(value);
        return what ? fail(place, what, ret) : NULL;
    }
    if (place->field->type != PROTOBUF_C_TYPE_MESSAGE)
        return NULL;
    struct place inner = {place, place->field->descriptor, NULL, place->depth + 1};
    return check_message(value, &inner, ret);
}

/* Recursion is bounded by MESSAGE_WIRE_MAX_DEPTH. */
static const char *check_message(struct str bytes, struct place *place,
                                 struct message_wire_fault *ret)
{
    if (place->depth > MESSAGE_WIRE_MAX_DEPTH)
        return fail(place, "is nested too deep", ret);
    while (bytes.len > 0) {
        const char *what = check_field(&bytes, place, ret);
        if (what)
            return what;
    }
    return NULL;
}

static struct status make_error(const struct message_wire_fault *fault)
{
    if (fault->field[0] == '\0')
        return status_error(STATUS_INVALID_ARGUMENT, "the message %s", fault->what);
    return status_error(STATUS_INVALID_ARGUMENT, "field '%s' %s", fault->field, fault->what);
}

struct status message_wire_check(struct str bytes, const ProtobufCMessageDescriptor *type,
                                 struct message_wire_fault *ret)
{
    struct place top = {.type = type, .depth = 1};

    return check_message(bytes, &top, ret) ? make_error(ret) : status_ok();
}

static void *arena_allocator_alloc(void *arena, size_t size)
{
    return arena_try_alloc(arena, size);
}

static void arena_allocator_free(void *arena, void *memory)
{
    (void)arena;
    (void)memory;
}

static struct status refuse_size(void)
{
    return status_error(STATUS_RESOURCE_EXHAUSTED, "the message takes more memory than is allowed");
}

struct status message_wire_read(struct str bytes, const ProtobufCMessageDescriptor *type,
                                struct arena *arena, struct message_wire_fault *ret_fault,
                                ProtobufCMessage **ret)
{
    struct message_wire_fault own;
    struct message_wire_fault *fault = ret_fault ? ret_fault : &own;
    ProtobufCAllocator allocator = {arena_allocator_alloc, arena_allocator_free, arena};
    struct status st = message_wire_check(bytes, type, fault);

    if (st.code != STATUS_OK)
        return st;
    ProtobufCMessage *message =
        protobuf_c_message_unpack(type, &allocator, bytes.len, (const uint8_t *)bytes.data);
    if (!message && arena_is_full(arena))
        return refuse_size();
    if (!message) {
        *fault = (struct message_wire_fault){.what = MALFORMED};
        return make_error(fault);
    }
    *ret = message;
    return status_ok();
}

/* Copies the field's parts of bytes to ret, which has room for all of them. False: they are malformed. */
static bool pick_field(struct str bytes, uint32_t id, char *ret, size_t *ret_len)
{
    size_t len = 0;

    while (bytes.len > 0) {
        const char *begin = bytes.data;
        struct str value;
        uint64_t tag;
        if (!take_tag(&bytes, &tag) || !take_value(&bytes, (unsigned)tag & 7, &value))
            return false;
        if (tag >> 3 != id)
            continue;
        size_t size = (size_t)(bytes.data - begin);
        memcpy(ret + len, begin, size);
        len += size;
    }
    *ret_len = len;
    return true;
}

struct status message_wire_read_field(struct str bytes, const ProtobufCMessageDescriptor *type,
                                      const ProtobufCFieldDescriptor *field, struct arena *arena,
                                      struct message_wire_fault *ret_fault, ProtobufCMessage **ret)
{
    struct message_wire_fault own;
    struct message_wire_fault *fault = ret_fault ? ret_fault : &own;
    char *picked = arena_try_alloc(arena, bytes.len);
    size_t len;

    if (!picked)
        return refuse_size();
    if (!pick_field(bytes, field->id, picked, &len)) {
        *fault = (struct message_wire_fault){.what = MALFORMED};
        return make_error(fault);
    }
    return message_wire_read(str_from_bytes(picked, len), type, arena, fault, ret);
}
