/*
 * base/id.h - ids: UUIDs (RFC 9562), random ones, ordered ones and those that a name stands for.
 */
#ifndef BASE_ID_H
#define BASE_ID_H

#include <stdbool.h>

#include "base/compiler.h"
#include "base/str.h"

enum {
    ID_HEX_BYTES = 33,  /* 32 hex digits and NUL */
    ID_UUID_BYTES = 37, /* with dashes: 8-4-4-4-12, and NUL */
};

/* Random, version 4 (section 5.4): 32 lower-case hex digits. */
void id_make_hex(char ret_text[ID_HEX_BYTES]);

/* The form with dashes. */
void id_make_uuid(char ret_text[ID_UUID_BYTES]);

/*
 * Version 7 (section 5.7): the time in milliseconds and 74 random bits. Those that are made one after another lie next to
 * each other in an index, so it is for the keys of tables that grow. It tells when it was made: for secrets take a random one.
 */
void id_make_ordered_hex(char ret_text[ID_HEX_BYTES]);

/* The form with dashes. */
void id_make_ordered_uuid(char ret_text[ID_UUID_BYTES]);

/*
 * The same UUID for the same name, always: version 8 (section 5.8), its bits the first of the
 * name's SHA-256.
 */
void id_make_named_uuid(struct str name, char ret_text[ID_UUID_BYTES]);

/* Whether text is a UUID of any version with dashes; ret_text has it in lower case then. */
bool id_read_uuid(struct str text, char ret_text[ID_UUID_BYTES]) MUST_CHECK;

#endif
