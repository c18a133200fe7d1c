/*
 * Where a column goes is worked out once for a statement: a plan tells for each column through which
 * fields of the message its value is reached.
 */
#include "store/row.h"

#include <assert.h>
#include <endian.h>
#include <string.h>

#include <libpq-fe.h>

#include "base/arena.h"
#include "base/compiler.h"
#include "base/json_in.h"
#include "base/mem.h"
#include "google/protobuf/duration.pb-c.h"
#include "google/protobuf/timestamp.pb-c.h"
#include "store/array.h"
#include "store/result.h"

enum {
    PATH_MAX_FIELDS = 4,
    ENUM_NAME_BYTES = 128, /* longer names are no values of ours */
};

/* How a column reaches its field: the last one is the field, those before are sub-messages. */
struct path {
    int column;
    unsigned nfields;
    const ProtobufCFieldDescriptor *fields[PATH_MAX_FIELDS];
};

struct row_plan {
    struct row_plan *next;
    const ProtobufCMessageDescriptor *descriptor;
    char *prefix;
    size_t npaths;
    struct path *paths;
};

/* A value that is not NULL, in the binary form of its type. */
struct value {
    const char *column; /* for errors */
    Oid type;
    char *data; /* NUL-terminated, by libpq */
    size_t len;
};

static const struct rows *get_rows(const struct pg_result *rows)
{
    return (const struct rows *)(const void *)rows;
}

void row_plans_destroy(struct row_plan *plans)
{
    while (plans) {
        struct row_plan *plan = plans;

        plans = plan->next;
        mem_free(plan->paths);
        mem_free(plan->prefix);
        mem_free(plan);
    }
}

/* The field's name in a column's name, or NULL if the column is not meant. */
static const char *find_field_name(const char *column, const char *prefix)
{
    size_t len = strlen(prefix);

    if (len == 0)
        return strchr(column, '/') || strcmp(column, "ord") == 0 ? NULL : column;
    return strncmp(column, prefix, len) == 0 ? column + len : NULL;
}

/* Whether the field is a map of strings to strings: repeated entries of a key and a value. */
static bool is_text_map(const ProtobufCFieldDescriptor *field)
{
    static const char suffix[] = "Entry";
    const ProtobufCMessageDescriptor *entry = field->descriptor;

    if (field->label != PROTOBUF_C_LABEL_REPEATED || field->type != PROTOBUF_C_TYPE_MESSAGE)
        return false;
    size_t len = strlen(entry->short_name);
    return len >= sizeof(suffix) &&
           strcmp(entry->short_name + len - (sizeof(suffix) - 1), suffix) == 0 &&
           entry->n_fields == 2 && entry->fields[0].type == PROTOBUF_C_TYPE_STRING &&
           entry->fields[1].type == PROTOBUF_C_TYPE_STRING;
}

/* Two texts, one after the other, as one; false: it is too long for a name. */
static bool put_text(char ret[ENUM_NAME_BYTES], struct str first, struct str second)
{
    if (first.len >= ENUM_NAME_BYTES || second.len >= ENUM_NAME_BYTES - first.len)
        return false;
    memcpy(ret, first.data, first.len);
    memcpy(ret + first.len, second.data, second.len);
    ret[first.len + second.len] = '\0';
    return true;
}

static struct status find_path(const ProtobufCMessageDescriptor *descriptor, const char *name,
                               struct path *path)
{
    struct str rest = str_from(name);

    path->nfields = 0;
    while (rest.data) {
        struct str part = str_cut(&rest, '.');
        char text[ENUM_NAME_BYTES];

        if (!put_text(text, part, str_from("")))
            descriptor = NULL;
        const ProtobufCFieldDescriptor *field =
            descriptor ? protobuf_c_message_descriptor_get_field_by_name(descriptor, text) : NULL;
        bool is_read = field && (field->label != PROTOBUF_C_LABEL_REPEATED || is_text_map(field));
        if (!is_read || path->nfields == PATH_MAX_FIELDS)
            return status_error(STATUS_INTERNAL, "column '%s' is no field of the message", name);
        path->fields[path->nfields++] = field;
        bool is_message = field->type == PROTOBUF_C_TYPE_MESSAGE && !is_text_map(field);
        descriptor = is_message ? field->descriptor : NULL;
    }
    return status_ok();
}

static struct status find_plan(const struct rows *rows, const char *prefix,
                               const ProtobufCMessageDescriptor *descriptor, struct row_plan **ret)
{
    for (struct row_plan *plan = *rows->plans; plan; plan = plan->next) {
        if (plan->descriptor == descriptor && strcmp(plan->prefix, prefix) == 0) {
            *ret = plan;
            return status_ok();
        }
    }

    int ncolumns = PQnfields(rows->whole);
    struct row_plan *plan = mem_alloc(sizeof(*plan));
    struct status st = status_ok();

    plan->descriptor = descriptor;
    plan->prefix = mem_copy_str(str_from(prefix));
    plan->paths = mem_alloc_array((size_t)ncolumns + 1, sizeof(*plan->paths));
    for (int column = 0; column < ncolumns && st.code == STATUS_OK; column++) {
        const char *name = find_field_name(PQfname(rows->whole, column), prefix);
        if (!name)
            continue;
        plan->paths[plan->npaths].column = column;
        st = find_path(descriptor, name, &plan->paths[plan->npaths++]);
    }
    if (st.code != STATUS_OK) {
        row_plans_destroy(plan);
        return st;
    }
    plan->next = *rows->plans;
    *rows->plans = plan;
    *ret = plan;
    return status_ok();
}

static void *get_member(ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
    return (char *)message + field->offset;
}

/* Says in a oneof which arm is set. */
static void set_case(ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
    if (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) {
        uint32_t number = field->id;
        memcpy((char *)message + field->quantifier_offset, &number, sizeof(number));
    }
}

/* The sub-message of message in field, which is made if it is not there. */
static ProtobufCMessage *open_message(ProtobufCMessage *message,
                                      const ProtobufCFieldDescriptor *field, struct arena *arena)
{
    const ProtobufCMessageDescriptor *descriptor = field->descriptor;
    ProtobufCMessage **member = get_member(message, field);

    if (!*member) {
        *member = arena_alloc(arena, descriptor->sizeof_message);
        protobuf_c_message_init(descriptor, *member);
    }
    set_case(message, field);
    return *member;
}

static struct status refuse(const struct value *value)
{
    return status_error(STATUS_INTERNAL, "column '%s' does not fit its field", value->column);
}

static int64_t get_int8(const char *data)
{
    uint64_t bytes;

    memcpy(&bytes, data, sizeof(bytes));
    return (int64_t)be64toh(bytes);
}

static bool get_int(const struct value *value, int64_t *ret)
{
    uint32_t bytes4;
    uint16_t bytes2;

    switch (value->type) {
    case PG_TYPE_BOOL:
        *ret = value->data[0];
        return true;
    case PG_TYPE_INT2:
        memcpy(&bytes2, value->data, sizeof(bytes2));
        *ret = (int16_t)be16toh(bytes2);
        return true;
    case PG_TYPE_INT4:
        memcpy(&bytes4, value->data, sizeof(bytes4));
        *ret = (int32_t)be32toh(bytes4);
        return true;
    case PG_TYPE_INT8:
        *ret = get_int8(value->data);
        return true;
    default:
        return false;
    }
}

static bool get_real(const struct value *value, double *ret)
{
    int64_t number;

    if (value->type == PG_TYPE_FLOAT8) {
        number = get_int8(value->data);
        memcpy(ret, &number, sizeof(*ret));
        return true;
    }
    if (!get_int(value, &number))
        return false;
    *ret = (double)number;
    return true;
}

static struct status read_int(const struct value *value, ProtobufCType type, void *member)
{
    int64_t number;
    int32_t number4;
    uint32_t unsigned4;

    if (!get_int(value, &number))
        return refuse(value);
    switch (type) {
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_SFIXED32:
        if (number < INT32_MIN || number > INT32_MAX)
            return refuse(value);
        number4 = (int32_t)number;
        memcpy(member, &number4, sizeof(number4));
        return status_ok();
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32:
        if (number < 0 || number > UINT32_MAX)
            return refuse(value);
        unsigned4 = (uint32_t)number;
        memcpy(member, &unsigned4, sizeof(unsigned4));
        return status_ok();
    case PROTOBUF_C_TYPE_BOOL:
        number4 = number != 0;
        memcpy(member, &number4, sizeof(protobuf_c_boolean));
        return status_ok();
    default:
        memcpy(member, &number, sizeof(number));
        return status_ok();
    }
}

static struct status read_real(const struct value *value, ProtobufCType type, void *member)
{
    double real;

    if (!get_real(value, &real))
        return refuse(value);
    if (type == PROTOBUF_C_TYPE_FLOAT) {
        float real4 = (float)real;
        memcpy(member, &real4, sizeof(real4));
        return status_ok();
    }
    memcpy(member, &real, sizeof(real));
    return status_ok();
}

/* The value that is named as the text behind the enum's prefix, which its value 0 tells: ..._UNSPECIFIED. */
static struct status read_enum(const struct value *value, const ProtobufCEnumDescriptor *descriptor,
                               void *member)
{
    static const char zero_name[] = "UNSPECIFIED";
    const ProtobufCEnumValue *zero = protobuf_c_enum_descriptor_get_value(descriptor, 0);
    size_t len = zero ? strlen(zero->name) : 0;
    char name[ENUM_NAME_BYTES];

    if (value->type != PG_TYPE_TEXT || len < sizeof(zero_name) ||
        strcmp(zero->name + len - (sizeof(zero_name) - 1), zero_name) != 0)
        return refuse(value);
    if (!put_text(name, str_from_bytes(zero->name, len - (sizeof(zero_name) - 1)),
                  str_from_bytes(value->data, value->len)))
        return refuse(value);

    const ProtobufCEnumValue *found =
        protobuf_c_enum_descriptor_get_value_by_name(descriptor, name);
    if (!found)
        return refuse(value);
    memcpy(member, &found->value, sizeof(found->value));
    return status_ok();
}

static void *unpack_alloc(void *arena, size_t size)
{
    return arena_try_alloc(arena, size);
}

static void unpack_free(void *arena, void *memory)
{
    (void)arena;
    (void)memory;
}

/* PostgreSQL counts microseconds from 2000-01-01; the end of the scale stands for infinity. */
static struct status read_timestamp(const struct value *value, Google__Protobuf__Timestamp *ret)
{
    static const int64_t us = 1000000;
    static const int64_t epoch_s = 946684800;
    int64_t time_us = get_int8(value->data);

    if (time_us == INT64_MIN || time_us == INT64_MAX)
        return refuse(value);

    int64_t rest_us = ((time_us % us) + us) % us;
    ret->seconds = (time_us - rest_us) / us + epoch_s;
    ret->nanos = (int32_t)(rest_us * 1000);
    return status_ok();
}

/* Microseconds, then days and months as int4. What we store is never negative. */
static struct status read_duration(const struct value *value, Google__Protobuf__Duration *ret)
{
    static const int64_t us = 1000000;
    static const int64_t day_s = 86400;
    int64_t time_us = get_int8(value->data);
    uint32_t parts[2];

    memcpy(parts, value->data + sizeof(time_us), sizeof(parts));
    int32_t days = (int32_t)be32toh(parts[0]), months = (int32_t)be32toh(parts[1]);
    if (time_us < 0 || days < 0 || months != 0)
        return refuse(value);

    ret->seconds = time_us / us + days * day_s;
    ret->nanos = (int32_t)(time_us % us) * 1000;
    return status_ok();
}

static struct status read_message(const struct value *value, const ProtobufCFieldDescriptor *field,
                                  ProtobufCMessage *message, struct arena *arena)
{
    const ProtobufCMessageDescriptor *descriptor = field->descriptor;

    if (value->type == PG_TYPE_TIMESTAMPTZ &&
        descriptor == &google__protobuf__timestamp__descriptor)
        return read_timestamp(value,
                              (Google__Protobuf__Timestamp *)open_message(message, field, arena));
    if (value->type == PG_TYPE_INTERVAL && descriptor == &google__protobuf__duration__descriptor)
        return read_duration(value,
                             (Google__Protobuf__Duration *)open_message(message, field, arena));
    if (value->type != PG_TYPE_BYTEA)
        return refuse(value);

    ProtobufCAllocator allocator = {unpack_alloc, unpack_free, arena};
    ProtobufCMessage *unpacked =
        protobuf_c_message_unpack(descriptor, &allocator, value->len, (const uint8_t *)value->data);
    if (!unpacked && arena_is_full(arena))
        return status_error(STATUS_RESOURCE_EXHAUSTED, "the answer is too large");
    if (!unpacked)
        return refuse(value);
    *(ProtobufCMessage **)get_member(message, field) = unpacked;
    set_case(message, field);
    return status_ok();
}

static bool is_of_texts(const struct json *object)
{
    if (json_get_kind(object) != JSON_KIND_OBJECT)
        return false;
    for (struct json_member m = json_first(object); m.value; m = json_next(object, m))
        if (json_get_kind(m.value) != JSON_KIND_STRING)
            return false;
    return true;
}

static void set_text(ProtobufCMessage *entry, unsigned field, struct str text, struct arena *arena)
{
    *(char **)get_member(entry, &entry->descriptor->fields[field]) = arena_copy_str(arena, text);
}

/* A JSON object of texts, into the entries of a map. */
static struct status read_map(const struct value *value, const ProtobufCFieldDescriptor *field,
                              ProtobufCMessage *message, struct arena *arena)
{
    const ProtobufCMessageDescriptor *type = field->descriptor;
    struct json *object = NULL;
    size_t count = 0;
    struct status st =
        value->type == PG_TYPE_TEXT
            ? json_read(value->column, str_from_bytes(value->data, value->len), &object)
            : refuse(value);

    if (st.code != STATUS_OK || !is_of_texts(object)) {
        json_destroy(object);
        return refuse(value);
    }
    ProtobufCMessage **entries =
        arena_alloc(arena, (json_get_count(object) + 1) * sizeof(*entries));
    for (struct json_member m = json_first(object); m.value; m = json_next(object, m)) {
        ProtobufCMessage *entry = arena_alloc(arena, type->sizeof_message);
        protobuf_c_message_init(type, entry);
        set_text(entry, 0, m.key, arena);
        set_text(entry, 1, json_get_string(m.value), arena);
        entries[count++] = entry;
    }
    json_destroy(object);
    *(ProtobufCMessage ***)get_member(message, field) = entries;
    memcpy((char *)message + field->quantifier_offset, &count, sizeof(count));
    return status_ok();
}

static struct status read_value(const struct value *value, const ProtobufCFieldDescriptor *field,
                                ProtobufCMessage *message, struct arena *arena)
{
    void *member = get_member(message, field);

    if (field->label == PROTOBUF_C_LABEL_REPEATED)
        return read_map(value, field, message, arena);
    if (field->type == PROTOBUF_C_TYPE_MESSAGE)
        return read_message(value, field, message, arena);
    set_case(message, field);
    switch (field->type) {
    case PROTOBUF_C_TYPE_STRING:
        if (value->type != PG_TYPE_TEXT)
            return refuse(value);
        *(char **)member = value->data;
        return status_ok();
    case PROTOBUF_C_TYPE_BYTES:
        if (value->type != PG_TYPE_BYTEA)
            return refuse(value);
        *(ProtobufCBinaryData *)member = (ProtobufCBinaryData){value->len, (uint8_t *)value->data};
        return status_ok();
    case PROTOBUF_C_TYPE_ENUM:
        return read_enum(value, field->descriptor, member);
    case PROTOBUF_C_TYPE_FLOAT:
    case PROTOBUF_C_TYPE_DOUBLE:
        return read_real(value, field->type, member);
    default:
        return read_int(value, field->type, member);
    }
}

size_t rows_get_count(const struct pg_result *rows)
{
    return get_rows(rows)->count;
}

struct status row_read(const struct pg_result *result, size_t row, const char *prefix,
                       struct arena *arena, ProtobufCMessage *message)
{
    const struct rows *rows = get_rows(result);
    struct row_plan *plan = NULL;
    struct status st = find_plan(rows, prefix, message->descriptor, &plan);

    if (st.code != STATUS_OK)
        return st;
    assert(row < rows->count);

    int number = rows->numbers[row];
    for (size_t i = 0; i < plan->npaths; i++) {
        const struct path *path = &plan->paths[i];
        ProtobufCMessage *owner = message;

        if (PQgetisnull(rows->whole, number, path->column)) /* most are */
            continue;
        struct value value = {
            .column = PQfname(rows->whole, path->column),
            .type = PQftype(rows->whole, path->column),
            .data = PQgetvalue(rows->whole, number, path->column),
            .len = (size_t)PQgetlength(rows->whole, number, path->column),
        };
        for (unsigned j = 0; j + 1 < path->nfields; j++)
            owner = open_message(owner, path->fields[j], arena);
        st = read_value(&value, path->fields[path->nfields - 1], owner, arena);
        if (st.code != STATUS_OK)
            return st;
    }
    return status_ok();
}

/* The value of a column that exists; data is NULL if it is SQL NULL. */
static struct value get_value(const struct pg_result *result, size_t row, const char *column)
{
    const struct rows *rows = get_rows(result);
    int ncolumns = PQnfields(rows->whole);
    int i = 0;

    /* Not PQfnumber: that reads names as SQL does, and would fold '/' and capitals. */
    while (i < ncolumns && strcmp(PQfname(rows->whole, i), column) != 0)
        i++;
    assert(i < ncolumns && row < rows->count);

    int number = rows->numbers[row];
    bool is_null = PQgetisnull(rows->whole, number, i) != 0;
    return (struct value){
        .column = column,
        .type = PQftype(rows->whole, i),
        .data = is_null ? NULL : PQgetvalue(rows->whole, number, i),
        .len = (size_t)PQgetlength(rows->whole, number, i),
    };
}

int64_t row_get_int(const struct pg_result *rows, size_t row, const char *column)
{
    struct value value = get_value(rows, row, column);
    int64_t number = 0;

    if (value.data) {
        bool is_int = get_int(&value, &number);
        assert(is_int);
    }
    return number;
}

struct str row_get_text(const struct pg_result *rows, size_t row, const char *column)
{
    struct value value = get_value(rows, row, column);

    return str_from_bytes(value.data, value.len);
}

bool row_is_null(const struct pg_result *rows, size_t row, const char *column)
{
    return get_value(rows, row, column).data == NULL;
}
