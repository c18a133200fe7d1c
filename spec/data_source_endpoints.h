/*
 * spec/data_source_endpoints.h - the servers that a data source's parameters name.
 */
#ifndef SPEC_DATA_SOURCE_ENDPOINTS_H
#define SPEC_DATA_SOURCE_ENDPOINTS_H

#include "base/buf.h"
#include "base/status.h"
#include "sluice/v1/data_source.pb-c.h"

enum { DATA_SOURCE_MAX_ENDPOINTS = 64 };

struct data_source_endpoint {
    char *host;    /* a name or an address; "/..." is the folder of a Unix socket (POSTGRES only) */
    char *address; /* what the parameter hosts says of it; NULL: the name is to be resolved */
    int port;
};

struct data_source_endpoints {
    struct data_source_endpoint items[DATA_SOURCE_MAX_ENDPOINTS];
    size_t count; /* 0 for FILE, and for a POSTGRES whose URL leaves the host to libpq */
};

/*
 * The endpoints of parameters as they are stored, in their order. *ret is {0} before, and is to be freed by
 * data_source_endpoints_deinit, also after an error. INVALID_ARGUMENT: the parameters are not right for the type.
 */
struct status data_source_endpoints_read(Pb__DataSourceType type, const char *parameters_json,
                                         struct data_source_endpoints *ret) MUST_CHECK;

void data_source_endpoints_deinit(struct data_source_endpoints *endpoints);

/*
 * Appends where the data source is, in short: the first host that is one of a network. Nothing for FILE, and where no
 * such host is named.
 */
void data_source_write_address(Pb__DataSourceType type, const char *parameters_json,
                               struct buf *ret);

#endif
