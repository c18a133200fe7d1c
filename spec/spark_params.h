/*
 * spec/spark_params.h - sparkAdditionalParams: settings for Spark that a user may add.
 *
 * The format is ours, since none is documented: a JSON object of strings, or key=value pairs separated by ';' or newline.
 */
#ifndef SPEC_SPARK_PARAMS_H
#define SPEC_SPARK_PARAMS_H

#include "base/buf.h"
#include "base/str.h"
#include "spec/violations.h"

/*
 * Adds to violations, under field, what is wrong with text: keys begin with "spark."; what chooses the cluster or runs
 * code is refused (spark.master, spark.jars and the like).
 */
void spark_params_validate(struct str text, const char *field, struct violations *violations);

/*
 * Appends text, which was validated, with "***" for the values of settings that are secrets by their names: those with
 * "secret", "password", "token" and the like in them. What holds none of these words is appended as it is.
 */
void spark_params_write_masked(struct str text, struct buf *ret);

#endif
