/*
 * base/secret_key_file.h - keys of a file that is looked at again while the program runs.
 */
#ifndef BASE_SECRET_KEY_FILE_H
#define BASE_SECRET_KEY_FILE_H

#include "base/metrics.h"
#include "base/secret_keys.h"

struct secret_key_file;

extern const struct metric_family secret_keys_in_use;
extern const struct metric_family secret_keys_are_current;

#define SECRET_KEY_METRIC_FAMILIES &secret_keys_in_use, &secret_keys_are_current

/*
 * Reads the file. *ret is owned by the caller; path, and metrics, which may be NULL, are borrowed until secret_key_file_close.
 * Without a path *ret is NULL, which all that follows takes: there are no keys. Errors are those of secret_keys_read_file.
 */
struct status secret_key_file_open(const char *path, struct metrics *metrics,
                                   struct secret_key_file **ret) MUST_CHECK;

void secret_key_file_close(struct secret_key_file *file);

/*
 * Takes up the keys that the file has by now, if it has changed. One that cannot be used is logged, once, and tried again at each call;
 * the keys from before stay in use. Blocks for as long as reading a small file takes. One thread at a time.
 */
void secret_key_file_refresh(struct secret_key_file *file);

/* The keys in use, the caller's for secret_keys_unref; NULL: there are none. Any thread. */
struct secret_keys *secret_key_file_ref_keys(struct secret_key_file *file) MUST_CHECK;

#endif
