#include "connectors/postgres/types.h"

#include <assert.h>
#include <stddef.h>

#include "base/compiler.h"

enum {
    OID_BOOL = 16,
    OID_BYTEA = 17,
    OID_INT8 = 20,
    OID_INT2 = 21,
    OID_INT4 = 23,
    OID_TEXT = 25,
    OID_JSON = 114,
    OID_FLOAT4 = 700,
    OID_FLOAT8 = 701,
    OID_BPCHAR = 1042,
    OID_VARCHAR = 1043,
    OID_DATE = 1082,
    OID_TIMESTAMP = 1114,
    OID_TIMESTAMPTZ = 1184,
    OID_NUMERIC = 1700,
    OID_UUID = 2950,
    OID_JSONB = 3802,
};

enum {
    MODIFIER_BASE = 4,  /* a modifier with lengths has the size of a header added */
    DECIMAL_MAX = 38,   /* digits of COLUMN_DECIMAL */
    SCALE_MASK = 0x7ff, /* of numeric's modifier: eleven bits, signed */
    SCALE_SIGN = 0x400,
};

static const struct pg_type types[] = {
    {OID_BOOL, COLUMN_BOOLEAN, PG_WIRE_BOOL},
    {OID_INT2, COLUMN_SHORT, PG_WIRE_INT2},
    {OID_INT4, COLUMN_INT, PG_WIRE_INT4},
    {OID_INT8, COLUMN_LONG, PG_WIRE_INT8},
    {OID_FLOAT4, COLUMN_FLOAT, PG_WIRE_FLOAT4},
    {OID_FLOAT8, COLUMN_DOUBLE, PG_WIRE_FLOAT8},
    {OID_NUMERIC, COLUMN_DECIMAL, PG_WIRE_NUMERIC},
    {OID_TEXT, COLUMN_STRING, PG_WIRE_BYTES},
    {OID_VARCHAR, COLUMN_STRING, PG_WIRE_BYTES},
    {OID_BPCHAR, COLUMN_STRING, PG_WIRE_BYTES},
    {OID_BYTEA, COLUMN_VARBINARY, PG_WIRE_BYTES},
    {OID_DATE, COLUMN_DATE, PG_WIRE_DATE},
    {OID_TIMESTAMP, COLUMN_TIMESTAMP, PG_WIRE_TIMESTAMP},
    {OID_TIMESTAMPTZ, COLUMN_TIMESTAMPTZ, PG_WIRE_TIMESTAMP},
    {OID_JSON, COLUMN_JSON, PG_WIRE_BYTES},
    {OID_JSONB, COLUMN_JSON, PG_WIRE_JSONB},
    {OID_UUID, COLUMN_UUID, PG_WIRE_BYTES},
};

/* The types of HBase form: what a column is made as, and which existing ones do. */
static const struct {
    const char *made;
    const char *takers;
    uint32_t oids[4]; /* besides numeric for whole numbers */
    unsigned ndigits; /* of a whole number, 0: no whole number */
} forms[] = {
    [COLUMN_BOOLEAN] = {"boolean", "boolean", {OID_BOOL}, 0},
    [COLUMN_BYTE] = {"smallint",
                     "smallint, integer, bigint or numeric",
                     {OID_INT2, OID_INT4, OID_INT8},
                     3},
    [COLUMN_SHORT] = {"smallint",
                      "smallint, integer, bigint or numeric",
                      {OID_INT2, OID_INT4, OID_INT8},
                      5},
    [COLUMN_INT] = {"integer", "integer, bigint or numeric", {OID_INT4, OID_INT8}, 10},
    [COLUMN_LONG] = {"bigint", "bigint or numeric", {OID_INT8}, 19},
    [COLUMN_FLOAT] = {"real", "real or double precision", {OID_FLOAT4, OID_FLOAT8}, 0},
    [COLUMN_DOUBLE] = {"double precision", "double precision", {OID_FLOAT8}, 0},
    [COLUMN_DECIMAL] = {"numeric", "numeric", {OID_NUMERIC}, 0},
    [COLUMN_STRING] = {"text",
                       "text, character varying or character",
                       {OID_TEXT, OID_VARCHAR, OID_BPCHAR},
                       0},
    [COLUMN_VARBINARY] = {"bytea", "bytea", {OID_BYTEA}, 0},
};

const struct pg_type *pg_type_find(uint32_t oid)
{
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        if (types[i].oid == oid)
            return &types[i];
    }
    return NULL;
}

const char *pg_type_get_choices(void)
{
    return "boolean, smallint, integer, bigint, real, double precision, numeric, text, "
           "varchar, char, bytea, date, timestamp, timestamptz, json, jsonb and uuid";
}

const char *pg_type_get_made(enum column_type type)
{
    assert(type < ARRAY_LEN(forms));
    return forms[type].made;
}

const char *pg_type_get_takers(enum column_type type)
{
    assert(type < ARRAY_LEN(forms));
    return forms[type].takers;
}

/* numeric(precision, scale) as the modifier has it; false: without limits. */
static bool read_numeric(int32_t typmod, int *ret_precision, int *ret_scale)
{
    if (typmod < MODIFIER_BASE)
        return false;
    *ret_precision = ((typmod - MODIFIER_BASE) >> 16) & 0xffff;
    *ret_scale = (((typmod - MODIFIER_BASE) & SCALE_MASK) ^ SCALE_SIGN) - SCALE_SIGN;
    return true;
}

static bool takes_whole_number(int32_t typmod, unsigned ndigits)
{
    int precision = 0;
    int scale = 0;

    if (!read_numeric(typmod, &precision, &scale))
        return true;
    return scale >= 0 && precision - scale >= (int)ndigits;
}

bool pg_type_takes(const struct pg_type *to, int32_t typmod, enum column_type type,
                   enum pg_wire *ret_wire)
{
    assert(type < ARRAY_LEN(forms));
    if (forms[type].ndigits > 0 && to->oid == OID_NUMERIC) {
        *ret_wire = PG_WIRE_INT_NUMERIC;
        return takes_whole_number(typmod, forms[type].ndigits);
    }
    *ret_wire = to->wire;
    for (size_t i = 0; i < ARRAY_LEN(forms[type].oids); i++) {
        if (forms[type].oids[i] == to->oid)
            return true;
    }
    return false;
}

void pg_type_set_limits(const struct pg_type *type, int32_t typmod, struct target_column *column)
{
    int precision = 0;
    int scale = 0;

    if ((type->oid == OID_VARCHAR || type->oid == OID_BPCHAR) && typmod > MODIFIER_BASE)
        column->max_chars = (unsigned)(typmod - MODIFIER_BASE);
    if (type->oid != OID_NUMERIC || !read_numeric(typmod, &precision, &scale))
        return;
    /*
     * What a reader cannot check (a scale below zero, more digits than it has) the server
     * does.
     */
    if (scale >= 0 && scale <= precision && precision <= DECIMAL_MAX) {
        column->precision = (unsigned)precision;
        column->scale = (unsigned)scale;
    }
}
