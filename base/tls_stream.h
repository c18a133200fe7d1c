/*
 * base/tls_stream.h - TLS as a client, on a socket whose calls block.
 */
#ifndef BASE_TLS_STREAM_H
#define BASE_TLS_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/str.h"
#include "base/tls.h"

struct tls_stream;

/*
 * Shakes hands with host, a name or an address, at the other end of fd, which stays the caller's and open until
 * tls_stream_close. UNAVAILABLE: it speaks no TLS, or shows no certificate of the CA for that host, or does not take ours.
 * Else an error of the client's files. The thread gets no SIGPIPE from then on. Blocks, as all that follows.
 */
struct status tls_stream_open(int fd, const char *host, const struct tls_paths *paths,
                              struct tls_stream **ret) MUST_CHECK;

/* NULL is allowed. */
void tls_stream_close(struct tls_stream *stream);

/* At most 64 KiB; false: the other end does not take it. */
bool tls_stream_write(struct tls_stream *stream, struct str bytes);

/* As recv: how many bytes there are, 0 at the end, -1 with errno, which is EAGAIN when the socket's time is up. */
ssize_t tls_stream_read(struct tls_stream *stream, char *ret, size_t max_bytes);

#endif
