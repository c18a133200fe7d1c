/*
 * spec/data_source_values.h - the values of a data source's parameters, and the secrets in them.
 */
#ifndef SPEC_DATA_SOURCE_VALUES_H
#define SPEC_DATA_SOURCE_VALUES_H

#include "base/json_in.h"
#include "base/json_out.h"
#include "spec/data_source_types.h"

/* What stands for a secret that is not shown. */
extern const char parameter_mask[];

/* The parameters as an object, to be freed by json_destroy; NULL: they are none. */
struct json *data_source_read_object(const char *parameters_json);

/* A member that is a text, borrowed; {NULL, 0}: there is none. object may be NULL. */
struct str data_source_find_text(const struct json *object, const char *key);

/* The piece of the value that is a secret; {NULL, 0}: there is none. */
struct str parameter_find_secret(const struct parameter *parameter, struct str value);

/* Writes a value in which `instead` takes the place of a secret, and the mask that of what is not right for the parameter. */
void parameter_write_value(const struct parameter *parameter, const struct json *value,
                           struct str instead, struct json_out *out);

#endif
