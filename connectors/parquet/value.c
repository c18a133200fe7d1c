#include "connectors/parquet/value.h"

#include <string.h>

#include "base/compiler.h"

static bool read_boolean(const struct value_source *source, size_t row, union value *ret)
{
    ret->integer = ((const uint8_t *)source->values)[row] != 0;
    return true;
}

static bool read_int8(const struct value_source *source, size_t row, union value *ret)
{
    ret->integer = ((const int8_t *)source->values)[row];
    return true;
}

static bool read_int16(const struct value_source *source, size_t row, union value *ret)
{
    ret->integer = ((const int16_t *)source->values)[row];
    return true;
}

static bool read_int32(const struct value_source *source, size_t row, union value *ret)
{
    ret->integer = ((const int32_t *)source->values)[row];
    return true;
}

static bool read_int64(const struct value_source *source, size_t row, union value *ret)
{
    ret->integer = ((const int64_t *)source->values)[row];
    return true;
}

static bool read_uint8(const struct value_source *source, size_t row, union value *ret)
{
    ret->integer = ((const uint8_t *)source->values)[row];
    return true;
}

static bool read_uint16(const struct value_source *source, size_t row, union value *ret)
{
    ret->integer = ((const uint16_t *)source->values)[row];
    return true;
}

static bool read_uint32(const struct value_source *source, size_t row, union value *ret)
{
    ret->integer = ((const uint32_t *)source->values)[row];
    return true;
}

static bool read_uint64(const struct value_source *source, size_t row, union value *ret)
{
    ret->decimal = (struct decimal){.unscaled = ((const uint64_t *)source->values)[row]};
    return true;
}

static int128 get_hugeint(const struct value_source *source, size_t row)
{
    const duckdb_hugeint *value = &((const duckdb_hugeint *)source->values)[row];

    return (int128)(((uint128)(uint64_t)value->upper << 64) | value->lower);
}

static bool read_float(const struct value_source *source, size_t row, union value *ret)
{
    ret->real = (double)((const float *)source->values)[row];
    return true;
}

static bool read_double(const struct value_source *source, size_t row, union value *ret)
{
    ret->real = ((const double *)source->values)[row];
    return true;
}

static bool read_decimal(const struct value_source *source, size_t row, union value *ret)
{
    int128 unscaled;

    switch (source->decimal_type) {
    case DUCKDB_TYPE_SMALLINT:
        unscaled = ((const int16_t *)source->values)[row];
        break;
    case DUCKDB_TYPE_INTEGER:
        unscaled = ((const int32_t *)source->values)[row];
        break;
    case DUCKDB_TYPE_BIGINT:
        unscaled = ((const int64_t *)source->values)[row];
        break;
    default:
        unscaled = get_hugeint(source, row);
        break;
    }
    ret->decimal = (struct decimal){.unscaled = unscaled, .scale = source->decimal_scale};
    return true;
}

static bool read_text(const struct value_source *source, size_t row, union value *ret)
{
    const duckdb_string_t *value = &((const duckdb_string_t *)source->values)[row];
    uint32_t len = value->value.inlined.length;
    bool is_inlined = len <= sizeof(value->value.inlined.inlined);

    ret->text =
        str_from_bytes(is_inlined ? value->value.inlined.inlined : value->value.pointer.ptr, len);
    return true;
}

/* DuckDB's infinities: what the largest and the smallest number but one stand for. */
static bool is_finite(int64_t value, int64_t infinity)
{
    return value != infinity && value != -infinity;
}

static bool read_date(const struct value_source *source, size_t row, union value *ret)
{
    ret->integer = ((const int32_t *)source->values)[row];
    return is_finite(ret->integer, INT32_MAX);
}

static bool read_timestamp(const struct value_source *source, size_t row, union value *ret)
{
    ret->integer = ((const int64_t *)source->values)[row];
    return is_finite(ret->integer, INT64_MAX);
}

/* Rounds to microseconds, as SQL does. */
static bool read_timestamp_ns(const struct value_source *source, size_t row, union value *ret)
{
    int64_t ns = ((const int64_t *)source->values)[row];

    ret->integer = ns / 1000 + (ns % 1000 >= 500) - (ns % 1000 <= -500);
    return is_finite(ns, INT64_MAX);
}

/* DuckDB keeps a UUID as a number of 128 bits whose sign is flipped, so that it sorts. */
static bool read_uuid(const struct value_source *source, size_t row, union value *ret)
{
    uint128 bits = (uint128)get_hugeint(source, row) ^ ((uint128)1 << 127);

    for (size_t i = 0; i < sizeof(ret->uuid); i++)
        ret->uuid[i] = (uint8_t)(bits >> (8 * (sizeof(ret->uuid) - 1 - i)));
    return true;
}

const char *value_type_get_foreign_name(duckdb_type type)
{
    static const struct {
        duckdb_type type;
        const char *name;
    } names[] = {
        {DUCKDB_TYPE_TIME, "TIME"},       {DUCKDB_TYPE_TIME_TZ, "TIME"},
        {DUCKDB_TYPE_TIME_NS, "TIME"},    {DUCKDB_TYPE_INTERVAL, "INTERVAL"},
        {DUCKDB_TYPE_LIST, "LIST"},       {DUCKDB_TYPE_ARRAY, "LIST"},
        {DUCKDB_TYPE_STRUCT, "a struct"}, {DUCKDB_TYPE_MAP, "MAP"},
        {DUCKDB_TYPE_ENUM, "ENUM"},       {DUCKDB_TYPE_SQLNULL, "NULL"},
        {DUCKDB_TYPE_UNION, "a variant"},
    };

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (names[i].type == type)
            return names[i].name;
    }
    return "of a type that is not known here";
}

static const struct value_type types[] = {
    {DUCKDB_TYPE_BOOLEAN, "BOOLEAN", VALUE_BOOLEAN, read_boolean},
    {DUCKDB_TYPE_TINYINT, "TINYINT", VALUE_INTEGER, read_int8},
    {DUCKDB_TYPE_SMALLINT, "SMALLINT", VALUE_INTEGER, read_int16},
    {DUCKDB_TYPE_INTEGER, "INTEGER", VALUE_INTEGER, read_int32},
    {DUCKDB_TYPE_BIGINT, "BIGINT", VALUE_INTEGER, read_int64},
    {DUCKDB_TYPE_UTINYINT, "UTINYINT", VALUE_INTEGER, read_uint8},
    {DUCKDB_TYPE_USMALLINT, "USMALLINT", VALUE_INTEGER, read_uint16},
    {DUCKDB_TYPE_UINTEGER, "UINTEGER", VALUE_INTEGER, read_uint32},
    {DUCKDB_TYPE_UBIGINT, "UBIGINT", VALUE_DECIMAL, read_uint64},
    {DUCKDB_TYPE_FLOAT, "FLOAT", VALUE_FLOAT, read_float},
    {DUCKDB_TYPE_DOUBLE, "DOUBLE", VALUE_DOUBLE, read_double},
    {DUCKDB_TYPE_DECIMAL, "DECIMAL", VALUE_DECIMAL, read_decimal},
    {DUCKDB_TYPE_VARCHAR, "VARCHAR", VALUE_TEXT, read_text},
    {DUCKDB_TYPE_BLOB, "BLOB", VALUE_BYTES, read_text},
    {DUCKDB_TYPE_DATE, "DATE", VALUE_DATE, read_date},
    {DUCKDB_TYPE_TIMESTAMP, "TIMESTAMP", VALUE_TIMESTAMP, read_timestamp},
    {DUCKDB_TYPE_TIMESTAMP_NS, "TIMESTAMP", VALUE_TIMESTAMP, read_timestamp_ns},
    {DUCKDB_TYPE_TIMESTAMP_TZ, "TIMESTAMP WITH TIME ZONE", VALUE_TIMESTAMPTZ, read_timestamp},
    {DUCKDB_TYPE_UUID, "UUID", VALUE_UUID, read_uuid},
};

const struct value_type *value_type_find(duckdb_type type)
{
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        if (types[i].type == type)
            return &types[i];
    }
    return NULL;
}
