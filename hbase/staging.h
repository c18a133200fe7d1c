/*
 * hbase/staging.h - the folder of a job in which it writes files for the destination's servers to load.
 *
 * It is in a folder of a file system that worker and region servers share, under the same path, and is called by the job and its lease. So
 * an attempt removes what earlier ones have left that were killed, and one that has lost its lease and still runs does not touch what
 * is its successor's. A staging folder is shared by the threads of a job.
 */
#ifndef HBASE_STAGING_H
#define HBASE_STAGING_H

#include <stdint.h>

#include "base/buf.h"
#include "base/id.h"
#include "base/status.h"

struct hbase_staging;

/* A file of a staging folder. */
struct hbase_staged_file {
    char name[ID_HEX_BYTES]; /* as HBase calls its files */
    int fd;                  /* -1: closed */
};

/*
 * Makes a folder for the job and its lease in folder, an absolute path; those of the job's earlier leases are removed as far as that goes. NOT_FOUND, PERMISSION_DENIED, FAILED_PRECONDITION and
 * others: the system's reason; the text names the folder and what would be right. Blocks.
 */
struct status hbase_staging_open(const char *folder, const char *job, int64_t lease_token,
                                 struct hbase_staging **ret) MUST_CHECK;

/* Removes the folder and those of earlier leases, with all that is in it. NULL is allowed. Blocks. */
void hbase_staging_close(struct hbase_staging *staging);

/* What users call the folder that holds it: "file:///dir". */
const char *hbase_staging_get_url(const struct hbase_staging *staging);

/* Makes an empty file. Errors are the system's. Any thread. */
struct status hbase_staging_create_file(struct hbase_staging *staging,
                                        struct hbase_staged_file *ret) MUST_CHECK;

/* Appends what servers call the file. */
void hbase_staging_write_url(const struct hbase_staging *staging,
                             const struct hbase_staged_file *file, struct buf *out);

/* Others see all of it then. Errors are the system's. */
struct status hbase_staging_close_file(struct hbase_staging *staging,
                                       struct hbase_staged_file *file) MUST_CHECK;

/* Closes the file and removes it, if it is still there. */
void hbase_staging_remove_file(struct hbase_staging *staging, struct hbase_staged_file *file);

/* Counts files as loaded. Any thread. */
void hbase_staging_note_loaded(struct hbase_staging *staging, uint64_t nfiles);
uint64_t hbase_staging_get_loaded(const struct hbase_staging *staging);

#endif
