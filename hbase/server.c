#include "hbase/server.h"

#include <string.h>

#include "base/number.h"

enum { MAX_PORT = 65535 };

/* Letters, digits and what joins them: ':' is of IPv6 addresses. */
static bool is_host_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == ':';
}

static bool is_host(struct str host)
{
    if (host.len == 0 || host.len > HBASE_MAX_HOST_BYTES)
        return false;
    for (size_t i = 0; i < host.len; i++)
        if (!is_host_byte(host.data[i]))
            return false;
    return true;
}

struct status hbase_server_make(struct str host, int64_t port, uint64_t start_code,
                                struct hbase_server *ret)
{
    if (!is_host(host))
        return status_error(STATUS_DATA_LOSS, "HBase names a server whose host is no host");
    if (port < 1 || port > MAX_PORT)
        return status_error(STATUS_DATA_LOSS, "HBase names a server without a port");
    *ret = (struct hbase_server){.port = (int)port, .start_code = (int64_t)start_code};
    memcpy(ret->host, host.data, host.len);
    return status_ok();
}

struct status hbase_server_read(const Hb__ServerName *name, struct hbase_server *ret)
{
    return hbase_server_make(str_from(name->host_name), name->port, name->start_code, ret);
}

struct status hbase_server_read_text(struct str text, struct hbase_server *ret)
{
    struct str port = text;
    size_t colon = text.len;
    int64_t number = 0;

    while (colon > 0 && text.data[colon - 1] != ':')
        colon--;
    if (colon > 0)
        port = str_skip(text, colon);
    if (colon == 0 || number_read("port", port, 1, MAX_PORT, &number).code != STATUS_OK)
        return status_error(STATUS_DATA_LOSS, "HBase names a server without a port");
    return hbase_server_make(str_from_bytes(text.data, colon - 1), number, 0, ret);
}

bool hbase_server_is_same_place(const struct hbase_server *a, const struct hbase_server *b)
{
    return a->port == b->port && strcmp(a->host, b->host) == 0;
}
