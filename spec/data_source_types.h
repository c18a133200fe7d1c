/*
 * spec/data_source_types.h - the table of data source types: which parameters each has.
 */
#ifndef SPEC_DATA_SOURCE_TYPES_H
#define SPEC_DATA_SOURCE_TYPES_H

#include "sluice/v1/data_source.pb-c.h"
#include "spec/config_reader.h"
#include "spec/parameter_kind.h"

enum { DATA_SOURCE_MAX_TYPE_PARAMETERS = 8 };

enum {
    PARAMETER_OPTIONAL = 0,
    PARAMETER_REQUIRED = 1 << 0,
    PARAMETER_TARGET = 1 << 1, /* says where the data source's secrets are sent to */
};

struct parameter {
    const char *key;
    const struct parameter_kind *kind;
    unsigned flags; /* of PARAMETER_... */
};

struct data_source_type {
    const struct parameter *parameters;
    size_t nparameters; /* 1 to DATA_SOURCE_MAX_TYPE_PARAMETERS */
    /* Adds what is wrong with parameters that are right one by one. NULL: nothing can be. */
    void (*check)(const struct config_reader *reader);
};

/* NULL: there is no such type. */
const struct data_source_type *data_source_type_find(Pb__DataSourceType type);

/* NULL: the type (which may be NULL) has no such parameter. */
const struct parameter *data_source_type_find_parameter(const struct data_source_type *type,
                                                        struct str key);

/* Those that there are, for errors: "FILE, POSTGRES, ... or SPARK". */
extern const char data_source_type_names[];

#endif
