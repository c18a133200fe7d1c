/*
 * spec/parameter_kind.h - what a parameter of a data source may be: its form, and where the secret in it is.
 */
#ifndef SPEC_PARAMETER_KIND_H
#define SPEC_PARAMETER_KIND_H

#include "base/json_in.h"
#include "base/status.h"
#include "base/str.h"

/* Errors read "has ...", "is ...", to follow the parameter's name; they quote nothing that may be a secret. */
struct parameter_kind {
    enum json_kind json_kind; /* JSON_KIND_STRING, JSON_KIND_BOOL, or JSON_KIND_OBJECT of strings */
    /* Of a string that is not empty. NULL: any is right. */
    struct status (*validate)(struct str value);
    /* Of a member of an object. */
    struct status (*validate_member)(struct str key, struct str value);
    /* The piece of a string that is a secret; {NULL, 0}: there is none. NULL: there never is. */
    struct str (*find_secret)(struct str value);
};

extern const struct parameter_kind parameter_text;
extern const struct parameter_kind parameter_bool;
extern const struct parameter_kind parameter_path;         /* absolute */
extern const struct parameter_kind parameter_secret;       /* never shown */
extern const struct parameter_kind parameter_postgres_url; /* may hold a password */
extern const struct parameter_kind parameter_cluster_key;  /* of HBase */
extern const struct parameter_kind parameter_lindorm_key;  /* may hold a password */
extern const struct parameter_kind parameter_hosts;        /* addresses by name */
extern const struct parameter_kind
    parameter_hdfs_uri; /* NameNodes, as Hadoop's clients have them */
extern const struct parameter_kind parameter_hdfs_conf; /* settings for HDFS */
extern const struct parameter_kind parameter_http_url;  /* one server */
extern const struct parameter_kind parameter_http_urls; /* one or more, separated by ',' */
extern const struct parameter_kind parameter_bucket;    /* of S3 */
extern const struct parameter_kind parameter_prefix;    /* of keys in S3 */

#endif
