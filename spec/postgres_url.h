/*
 * spec/postgres_url.h - postgresql://user:password@host:port,host2/database?key=value, as libpq reads it (PostgreSQL 15
 * manual, section 34.1.1.2).
 */
#ifndef SPEC_POSTGRES_URL_H
#define SPEC_POSTGRES_URL_H

#include "base/status.h"
#include "base/str.h"

/*
 * OK if url is one whose password can be found, and stands where postgres_url_find_password looks. INVALID_ARGUMENT:
 * else; the text quotes nothing.
 */
struct status postgres_url_validate(struct str url) MUST_CHECK;

/* The password, a piece of url; {NULL, 0} if there is none. */
struct str postgres_url_find_password(struct str url);

enum { POSTGRES_MAX_HOSTS = 64 };

/* A host that libpq would connect to; a folder's path, which begins with '/', means a Unix socket. */
struct postgres_host {
    char *name;
    int port;
};

struct postgres_hosts {
    struct postgres_host items[POSTGRES_MAX_HOSTS];
    size_t count; /* 0: the URL names none, so that libpq takes a default */
};

/*
 * The hosts that a validated url names. Free them by postgres_hosts_deinit, also after an error. INVALID_ARGUMENT:
 * there are too many, or a port is wrong.
 */
struct status postgres_hosts_read(struct str url, struct postgres_hosts *ret) MUST_CHECK;

void postgres_hosts_deinit(struct postgres_hosts *hosts);

#endif
