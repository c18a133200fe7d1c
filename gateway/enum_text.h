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

/* The value's name, or NULL if there is no such value. Never freed. */
const char *enum_text_find(const ProtobufCEnumDescriptor *type, int value);

/* The value of that name. False: there is none. */
bool enum_text_read(const ProtobufCEnumDescriptor *type, struct str text, int *ret) MUST_CHECK;

#endif
