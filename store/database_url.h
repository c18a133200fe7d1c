/*
 * store/database_url.h - is it a connection string that libpq can use, and that no error of libpq would quote a
 * password of?
 */
#ifndef STORE_DATABASE_URL_H
#define STORE_DATABASE_URL_H

#include "base/status.h"

/*
 * Checks url, in libpq's form: postgresql://... or key=value (PostgreSQL 15 manual, section 34.1.1). INVALID_ARGUMENT:
 * it cannot be read, or libpq would take a piece of a password for a host or a port. The text quotes nothing of it.
 */
struct status database_url_validate(const char *url) MUST_CHECK;

#endif
