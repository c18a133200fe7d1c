/*
 * rest-shim/openapi.h - the OpenAPI 3.1 document (spec.openapis.org/oas/v3.1.1) of all that HTTP offers.
 *
 * It is made of what the program itself goes by: the table of routes, the rows of forms, the descriptors of messages
 * and their comments. Only the shapes that the Lindorm Tunnel Service fixes, and those of errors, are written by hand
 * (openapi_shapes.json); tests hold them against real replies.
 */
#ifndef REST_SHIM_OPENAPI_H
#define REST_SHIM_OPENAPI_H

struct buf;

/* Appends the document. */
void openapi_write(struct buf *ret);

#endif
