/*
 * gateway/enum_text.h - values of enums as the database has them: their names without the
 * enum's prefix.
 *
 * TASK_STATE_RUNNING is "RUNNING". The prefix is what stands before UNSPECIFIED in the name
 * of the value 0, which each enum of ours has.
 */
#ifndef GATEWAY_ENUM_TEXT_H
#define GATEWAY_ENUM_TEXT_H

#include <stdbool.h>

#include <protobuf-c/protobuf-c.h>

#include "base/compiler.h"
#include "base/str.h"
#include "spec/violations.h"

/* The value's name, or NULL if there is no such value. Never freed. */
const char *enum_text_find(const ProtobufCEnumDescriptor *type, int value);

/*
 * The name of a request's value, or NULL if it is 0, which is not set, or no value at all; that is added to violations,
 * under the name of the field, a literal.
 */
const char *enum_text_get(const ProtobufCEnumDescriptor *type, int value, const char *field,
                          struct violations *violations);

/* The value of that name. False: there is none. */
bool enum_text_read(const ProtobufCEnumDescriptor *type, struct str text, int *ret) MUST_CHECK;

#endif
