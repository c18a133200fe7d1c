#include "rpc/message_text.h"

#include <assert.h>
#include <inttypes.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/number.h"
#include "base/utf8.h"
#include "google/protobuf/duration.pb-c.h"
#include "google/protobuf/field_mask.pb-c.h"
#include "google/protobuf/timestamp.pb-c.h"
#include "rpc/message_field.h"

enum { SHOWN_BYTES = 40 }; /* of a value in an error */

static int shown(struct str text)
{
    return text.len > SHOWN_BYTES ? SHOWN_BYTES : (int)text.len;
}

static const char *data_of(struct str text)
{
    return text.data ? text.data : "";
}

enum { US_PER_S = 1000000, NS_PER_US = 1000, NS_PER_S = 1000000000 };

/* The ranges of google/protobuf/timestamp.proto (years 1 to 9999) and duration.proto (10,000 years). */
static const int64_t timestamp_min_s = -62135596800, timestamp_max_s = 253402300799;
static const int64_t duration_max_s = 315576000000;

static struct status read_timestamp(struct str text, Google__Protobuf__Timestamp *ret)
{
    int64_t us = 0;
    struct status st = clock_read_text(text, &us);

    if (st.code != STATUS_OK)
        return st;
    ret->seconds = us / US_PER_S - (us % US_PER_S < 0);
    ret->nanos = (int32_t)((us - ret->seconds * US_PER_S) * NS_PER_US);
    return status_ok();
}

static bool is_digit(struct str text)
{
    return text.len > 0 && text.data[0] >= '0' && text.data[0] <= '9';
}

static struct status read_duration(struct str text, Google__Protobuf__Duration *ret)
{
    struct str rest = text;
    struct status bad = status_error(STATUS_INVALID_ARGUMENT, "'%.*s' is not a duration like 1.5s",
                                     shown(text), data_of(text));
    int64_t seconds = 0, nanos = 0;

    if (rest.len == 0 || rest.data[rest.len - 1] != 's')
        return bad;
    rest.len--;
    bool is_negative = str_has_prefix(rest, "-");
    if (is_negative)
        rest = str_skip(rest, 1);
    struct str whole = str_cut(&rest, '.');
    if (!is_digit(whole) ||
        number_read("duration", whole, 0, duration_max_s, &seconds).code != STATUS_OK)
        return bad;
    if (rest.data && (!is_digit(rest) || rest.len > 9 ||
                      number_read("duration", rest, 0, NS_PER_S - 1, &nanos).code != STATUS_OK))
        return bad;
    for (size_t digits = rest.data ? rest.len : 9; digits < 9; digits++)
        nanos *= 10;
    ret->seconds = is_negative ? -seconds : seconds;
    ret->nanos = (int32_t)(is_negative ? -nanos : nanos);
    return status_ok();
}

/* A path in lowerCamelCase as the proto has it. NULL: the arena is full. */
static char *make_snake(struct str camel, struct arena *arena)
{
    char *name = arena_try_alloc(arena, 2 * camel.len + 1);

    for (size_t i = 0, at = 0; name && i < camel.len; i++) {
        char c = camel.data[i];
        if (c >= 'A' && c <= 'Z') {
            name[at++] = '_';
            c = (char)(c - 'A' + 'a');
        }
        name[at++] = c;
    }
    return name;
}

static struct status read_field_mask(struct str text, struct arena *arena,
                                     Google__Protobuf__FieldMask *ret)
{
    struct status full =
        status_error(STATUS_RESOURCE_EXHAUSTED, "the request takes too much memory");
    size_t count = text.len > 0;

    for (size_t i = 0; i < text.len; i++)
        count += text.data[i] == ',';
    char **paths = arena_try_alloc(arena, (count + 1) * sizeof(*paths));
    if (!paths)
        return full;
    for (size_t i = 0; i < count; i++) {
        struct str path = str_cut(&text, ',');
        if (path.len == 0 || !utf8_is_valid(path) || str_find_byte(path, '\0') < path.len)
            return status_error(STATUS_INVALID_ARGUMENT, "not a list of fields like a,b.c");
        paths[i] = make_snake(path, arena);
        if (!paths[i])
            return full;
    }
    ret->n_paths = count;
    ret->paths = paths;
    return status_ok();
}

static bool append_duration(const Google__Protobuf__Duration *duration, struct buf *ret)
{
    if (duration->seconds < -duration_max_s || duration->seconds > duration_max_s ||
        duration->nanos <= -NS_PER_S || duration->nanos >= NS_PER_S)
        return false;

    int32_t nanos = duration->nanos < 0 ? -duration->nanos : duration->nanos;
    int64_t seconds = duration->seconds < 0 ? -duration->seconds : duration->seconds;

    if (duration->seconds < 0 || duration->nanos < 0)
        buf_append_char(ret, '-');
    buf_printf(ret, "%" PRId64, seconds);
    if (nanos % 1000000 == 0 && nanos != 0)
        buf_printf(ret, ".%03d", (int)(nanos / 1000000));
    else if (nanos % 1000 == 0 && nanos != 0)
        buf_printf(ret, ".%06d", (int)(nanos / 1000));
    else if (nanos != 0)
        buf_printf(ret, ".%09d", (int)nanos);
    buf_append_char(ret, 's');
    return true;
}

static bool append_timestamp(const Google__Protobuf__Timestamp *time, struct buf *ret)
{
    char text[CLOCK_TEXT_BYTES];

    if (time->seconds < timestamp_min_s || time->seconds > timestamp_max_s || time->nanos < 0 ||
        time->nanos >= NS_PER_S)
        return false;
    clock_write_text(time->seconds * US_PER_S + time->nanos / NS_PER_US, text);
    buf_append_text(ret, text);
    return true;
}

static bool append_field_mask(const Google__Protobuf__FieldMask *mask, struct buf *ret)
{
    for (size_t i = 0; i < mask->n_paths; i++) {
        if (i > 0)
            buf_append_char(ret, ',');
        message_append_camel(mask->paths[i], ret);
    }
    return true;
}

bool message_text_is_form_of(const ProtobufCMessageDescriptor *type)
{
    return type == &google__protobuf__timestamp__descriptor ||
           type == &google__protobuf__duration__descriptor ||
           type == &google__protobuf__field_mask__descriptor;
}

struct status message_text_read(ProtobufCMessage *message, struct str text, struct arena *arena)
{
    const ProtobufCMessageDescriptor *type = message->descriptor;

    if (type == &google__protobuf__timestamp__descriptor)
        return read_timestamp(text, (Google__Protobuf__Timestamp *)message);
    if (type == &google__protobuf__duration__descriptor)
        return read_duration(text, (Google__Protobuf__Duration *)message);
    if (type == &google__protobuf__field_mask__descriptor)
        return read_field_mask(text, arena, (Google__Protobuf__FieldMask *)message);
    return status_error(STATUS_INVALID_ARGUMENT, "cannot be given as a text");
}

bool message_text_append(const ProtobufCMessage *message, struct buf *ret)
{
    if (message->descriptor == &google__protobuf__timestamp__descriptor)
        return append_timestamp((const Google__Protobuf__Timestamp *)message, ret);
    if (message->descriptor == &google__protobuf__duration__descriptor)
        return append_duration((const Google__Protobuf__Duration *)message, ret);
    assert(message->descriptor == &google__protobuf__field_mask__descriptor);
    return append_field_mask((const Google__Protobuf__FieldMask *)message, ret);
}
