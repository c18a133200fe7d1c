/*
 * base/tls_files.h - certificates of a server or a client, which are looked at again while it runs.
 *
 * Nothing watches the files: who is about to shake hands asks whether they are others by now. So new files are used from
 * the next connection on, and connections that are open are left alone.
 */
#ifndef BASE_TLS_FILES_H
#define BASE_TLS_FILES_H

#include <stdbool.h>

#include "base/tls.h"

struct ssl_ctx_st;
struct tls_files;

/*
 * Reads and checks the files of one side; the paths are borrowed until tls_files_close. *ret is NULL if they ask for no TLS.
 * Errors are those of tls.h and tls_context.h.
 */
struct status tls_files_open(enum tls_side side, const struct tls_paths *paths,
                             struct tls_files **ret) MUST_CHECK;

/* NULL is allowed. */
void tls_files_close(struct tls_files *files);

/*
 * Looks, once a second at most, whether a file has changed, and takes up what they have by now. Files that cannot be
 * used are logged, once, and what was good stays in use. Returns whether something else is in use. Blocks for as long as
 * reading takes. One thread at a time, as for what follows.
 */
bool tls_files_refresh(struct tls_files *files);

/* What is in use. Borrowed until the next tls_files_refresh; a context lives as long as somebody has counted himself in. */
const struct tls_texts *tls_files_get_texts(const struct tls_files *files);
struct ssl_ctx_st *tls_files_get_context(const struct tls_files *files);

#endif
