/*
 * http/framing.h - where requests end and what they are for: refuses those whose ends two servers might see in different places.
 *
 * The HTTP library is lenient: of several lengths it takes one, it lets a length stand beside chunks, and takes a line
 * feed alone for the end of a line. Behind a proxy that decides otherwise, part of a body would be the next request
 * (RFC 9112, sections 2.2, 3.2, 5 and 6). So what the library has parsed is looked at once more, as it was sent.
 */
#ifndef HTTP_FRAMING_H
#define HTTP_FRAMING_H

#include <stdbool.h>

#include "base/str.h"

/*
 * Whether the head at the start of bytes means the same to everyone: each line ends with CR LF and none continues the
 * one before; one Content-Length, which is a number, or one Transfer-Encoding, which is chunked, or none; one Host,
 * which HTTP/1.0 may leave out.
 */
bool http_framing_is_sound(struct str bytes);

/* Path and query of a target: of the absolute form (RFC 9112, section 3.2.2) what is behind the host, else all of it. */
struct str http_framing_get_origin(struct str target);

#endif
