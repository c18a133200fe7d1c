/*
 * store/database_url.h - is it a connection string that libpq can use, and that no error of libpq would quote a
 * password of? And the password, from a file of its own.
 */
#ifndef STORE_DATABASE_URL_H
#define STORE_DATABASE_URL_H

#include "base/status.h"

/*
 * Checks url, in libpq's form: postgresql://... or key=value (PostgreSQL 15 manual, section 34.1.1). INVALID_ARGUMENT:
 * it cannot be read, or libpq would take a piece of a password for a host or a port. The text quotes nothing of it.
 */
struct status database_url_validate(const char *url) MUST_CHECK;

enum { DATABASE_URL_PASSWORD_MAX_BYTES = 1024 };

/*
 * The connection string to use: url with the password that the file at path holds, which goes before one that url has. A line
 * end at the end of the file is no part of it. path may be NULL: it is url as it is, which is not checked here. The caller
 * frees *ret by mem_free_secret. INVALID_ARGUMENT: url as above; or the
 * file has no password, more than DATABASE_URL_PASSWORD_MAX_BYTES, or several lines. Else as the system refused to read
 * it. No text quotes anything of it. Blocks.
 */
struct status database_url_make(const char *url, const char *path, char **ret) MUST_CHECK;

#endif
