/*
 * tests/unit/hbase/fake_meta.h - what a fake server (fake_server.h) says of where a cluster is and which regions its tables have.
 *
 *     static void answer(void *self, struct fake_call *call)
 *     {
 *         if (!fake_meta_answer(self, call))
 *             ... the method is not about hbase:meta, nor the registry's ...
 *     }
 */
#ifndef TESTS_UNIT_HBASE_FAKE_META_H
#define TESTS_UNIT_HBASE_FAKE_META_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/unit/hbase/fake_server.h"

enum { FAKE_META_MAX_REGIONS = 64 };

/* A row of hbase:meta. All zero but for table: the one region of a table, open, at the server that is asked. */
struct fake_region {
    const char *table;
    const char *start;  /* NULL: "" */
    const char *end;    /* NULL: "" */
    const char *state;  /* NULL: "OPEN"; "": the column is missing, as before HBase 2 */
    const char *server; /* "host:port"; NULL: where hbase:meta is; "": the column is empty */
    unsigned
        number; /* tells a region from others that begin where it does; the newer is the larger */
    bool is_split; /* daughters have taken its place */
    int replica;
};

struct fake_meta {
    pthread_mutex_t mutex;
    struct fake_region regions[FAKE_META_MAX_REGIONS]; /* in the order of hbase:meta */
    size_t nregions;
    const char *tables; /* by name, separated by spaces; those that end with '!' are disabled */
    unsigned page_rows; /* 0: no limit of its own */
    int port;           /* of master, hbase:meta and regions */
    const char *host;   /* of them; NULL: "127.0.0.1" */
    bool has_no_master; /* none is active */
    bool has_no_meta;   /* it is at no server */
    bool is_old;        /* knows GetMasters, but not GetActiveMaster */
    char scanned_table[512]; /* of the scanner that is open */
};

void fake_meta_init(struct fake_meta *ret);
void fake_meta_deinit(struct fake_meta *meta);

/* Changes what is answered from now on. */
void fake_meta_set(struct fake_meta *meta, const char *tables, const struct fake_region *regions,
                   size_t nregions);

/* Answers, and returns true, if the call is one of the registry or one about hbase:meta. */
bool fake_meta_answer(struct fake_meta *meta, struct fake_call *call);

/* The region's name: "table,start,number.": what its row is called. */
const char *fake_region_write_name(const struct fake_region *region, char ret[600]);

#endif
