#include "store/array.h"

#include <assert.h>
#include <endian.h>
#include <string.h>

#include "base/compiler.h"

static const struct {
    uint32_t element;
    uint32_t array;
} types[] = {
    [PARAM_TEXT] = {PG_TYPE_TEXT, 1009},     [PARAM_INT8] = {PG_TYPE_INT8, 1016},
    [PARAM_FLOAT8] = {PG_TYPE_FLOAT8, 1022}, [PARAM_BOOL] = {PG_TYPE_BOOL, 1000},
    [PARAM_BYTES] = {PG_TYPE_BYTEA, 1001},
};

uint32_t array_get_type(enum param_type type)
{
    return types[type].array;
}

static void write_int4(struct buf *buf, uint32_t value)
{
    uint32_t bytes = htobe32(value);

    buf_append(buf, &bytes, sizeof(bytes));
}

static void write_int8(struct buf *buf, uint64_t value)
{
    uint64_t bytes = htobe64(value);

    write_int4(buf, sizeof(bytes));
    buf_append(buf, &bytes, sizeof(bytes));
}

static void write_element(struct buf *buf, enum param_type type, const struct param *param)
{
    if (param->is_null) {
        write_int4(buf, UINT32_MAX);
        return;
    }
    switch (type) {
    case PARAM_TEXT:
    case PARAM_BYTES:
        assert(param->text.len <= INT32_MAX);
        write_int4(buf, (uint32_t)param->text.len);
        buf_append_str(buf, param->text);
        return;
    case PARAM_INT8:
        write_int8(buf, (uint64_t)param->number);
        return;
    case PARAM_FLOAT8: {
        uint64_t bits;

        memcpy(&bits, &param->real, sizeof(bits));
        write_int8(buf, bits);
        return;
    }
    case PARAM_BOOL:
        write_int4(buf, 1);
        buf_append_char(buf, param->number != 0);
        return;
    }
}

void array_write(struct buf *buf, const struct list *queries, uint32_t nqueries, unsigned i)
{
    const struct statement *statement = container_of(queries->next, struct query, link)->statement;
    const struct list *link;
    uint32_t has_null = 0;

    list_for_each (link, queries) {
        if (container_of(link, struct query, link)->params[i].is_null)
            has_null = 1;
    }
    write_int4(buf, 1);
    write_int4(buf, has_null);
    write_int4(buf, types[statement->types[i]].element);
    write_int4(buf, nqueries);
    write_int4(buf, 1);
    list_for_each (link, queries) {
        write_element(buf, statement->types[i], &container_of(link, struct query, link)->params[i]);
    }
}
