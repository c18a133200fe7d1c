/*
 * base/id.h - random ids: UUID version 4 (RFC 9562, section 5.4).
 */
#ifndef BASE_ID_H
#define BASE_ID_H

enum {
    ID_HEX_BYTES = 33,  /* 32 hex digits and NUL */
    ID_UUID_BYTES = 37, /* with dashes: 8-4-4-4-12, and NUL */
};

/* 32 lower-case hex digits. */
void id_make_hex(char ret_text[ID_HEX_BYTES]);

/* The form with dashes. */
void id_make_uuid(char ret_text[ID_UUID_BYTES]);

#endif
