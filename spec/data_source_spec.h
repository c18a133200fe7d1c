/*
 * spec/data_source_spec.h - the parameters of data sources: what is right.
 */
#ifndef SPEC_DATA_SOURCE_SPEC_H
#define SPEC_DATA_SOURCE_SPEC_H

#include "base/status.h"
#include "sluice/v1/data_source.pb-c.h"
#include "spec/violations.h"

enum {
    DATA_SOURCE_MAX_NAME_BYTES = 128,
    DATA_SOURCE_MAX_PARAMETERS_BYTES = 64 * 1024,
};

/* Adds to violations what is wrong with a name; field is "name" or "data_source.name". */
void data_source_validate_name(const char *name, const char *field, struct violations *violations);

/* Adds what is wrong with the parameters of that type; the field is "data_source.parameters_json". */
void data_source_validate_parameters(Pb__DataSourceType type, const char *parameters_json,
                                     struct violations *violations);

/* The value of a text parameter in *ret, NUL-terminated and owned by the caller; NULL if it is not there. */
struct status data_source_read_parameter(const char *parameters_json, const char *key, char **ret)
    MUST_CHECK;

#endif
